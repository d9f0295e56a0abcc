"""What a network learns from one window of every stream: the loss and its gradient, which is left in the parameters.

What is done with them is left to whoever steps: `run`, or on a GPU `device_step`.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from charrnn.config import TrainingConfig
from charrnn.network.module import CharacterNetwork, State, detached


class Learned(NamedTuple):
    """What came of a window."""

    nats: Tensor
    """the mean loss a character, with dropout; no dimension"""
    gradient_norm: Tensor
    """before clipping"""
    state: State
    """after the window's last character"""


def learn(network: CharacterNetwork, ids: Tensor, state: State, training: TrainingConfig) -> Learned:
    """Go forward and back through a window, ids (T + 1, B), and clip the gradient; nothing is asked of the device."""
    device = ids.device.type
    # A cache of what was cast would be the graph's that is being captured.
    rounded, cached = training.precision == "bfloat16", device != "cuda"
    with torch.autocast(device, dtype=torch.bfloat16, enabled=rounded, cache_enabled=cached):
        logits, after = network(ids[:-1], state)
    loss = functional.cross_entropy(logits.flatten(0, 1).float(), ids[1:].flatten())
    loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), training.clip or math.inf)
    return Learned(loss.detach(), norm, detached(after))


def forgetting(network: CharacterNetwork, state: State, forgotten: Tensor) -> State:
    """Make the state of some streams, (B,), fresh: so the network knows how a text begins."""
    places = forgotten[None, :, None]
    return tuple(torch.where(places, new, old) for new, old in zip(network.start(1), state, strict=True))
