"""Truncated backpropagation through time, one window: the loss, and its gradient in the parameters."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from charrnn.config import TrainingConfig
from charrnn.network.char_rnn import CharRNN, NetworkState, detach_state


class StepResult(NamedTuple):
    """What came of a window."""

    nats: Tensor
    """the mean loss a character, with dropout; no dimension"""
    gradient_norm: Tensor
    """before clipping"""
    state: NetworkState
    """after the window's last character"""


def forward_backward(network: CharRNN, ids: Tensor, state: NetworkState, training: TrainingConfig) -> StepResult:
    """Go forward and back through a window, ids (T + 1, B), and clip the gradient; nothing is asked of the device."""
    device = ids.device.type
    # A cache of what was cast would be the graph's that is being captured.
    rounded, cached = training.precision == "bfloat16", device != "cuda"
    with torch.autocast(device, dtype=torch.bfloat16, enabled=rounded, cache_enabled=cached):
        logits, after = network(ids[:-1], state)
    loss = functional.cross_entropy(logits.flatten(0, 1).float(), ids[1:].flatten())
    loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), training.clip or math.inf)
    return StepResult(loss.detach(), norm, detach_state(after))


def reset_streams(network: CharRNN, state: NetworkState, is_reset: Tensor) -> NetworkState:
    """Make the state of some streams, (B,), fresh: so the network knows how a text begins."""
    places = is_reset[None, :, None]
    return tuple(torch.where(places, new, old) for new, old in zip(network.initial_state(1), state, strict=True))
