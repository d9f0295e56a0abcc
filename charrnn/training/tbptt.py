"""Truncated backpropagation through time (TBPTT): the loss of one window, and its gradient."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from charrnn.config import TrainingConfig
from charrnn.network.char_rnn import CharRNN, NetworkState, detach_state


class StepResult(NamedTuple):
    """The result of one window."""

    nats: Tensor
    """mean loss per character, with dropout; a scalar"""
    gradient_norm: Tensor
    """norm of the gradient before clipping; a scalar"""
    state: NetworkState
    """detached recurrent state after the last character of the window"""


def forward_backward(network: CharRNN, ids: Tensor, state: NetworkState, training: TrainingConfig) -> StepResult:
    """Compute the clipped gradient of a window, ids (T + 1, B); return its loss without waiting for the device."""
    device = ids.device.type
    # autocast caches the cast weights; during the capture of a CUDA graph the cache would belong to the graph.
    is_bfloat16, cached = training.precision == "bfloat16", device != "cuda"
    with torch.autocast(device, dtype=torch.bfloat16, enabled=is_bfloat16, cache_enabled=cached):
        logits, new_state = network(ids[:-1], state)
    loss = functional.cross_entropy(logits.flatten(0, 1).float(), ids[1:].flatten())
    loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), training.clip or math.inf)
    return StepResult(loss.detach(), norm, detach_state(new_state))


def reset_streams(network: CharRNN, state: NetworkState, is_reset: Tensor) -> NetworkState:
    """Return the state with the streams of a mask (B,) reset, so that the network also learns how a text begins."""
    mask = is_reset[None, :, None]
    return tuple(torch.where(mask, new, old) for new, old in zip(network.initial_state(1), state, strict=True))
