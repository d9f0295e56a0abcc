"""Averaged weights (Polyak and Juditsky 1992): those that are evaluated, written with and kept.

While the learning rate is high, the weights that learn jump about a place that is better than any they jump to, and
follow the streams being read; their running mean is near that place, from the first seconds on. It reaches back over
an eighth of the steps so far, and over less as the rate falls and they settle by themselves: at the end of a usual
training over a fiftieth. What it brings on the way is in tests/benchmarks/recipes.md.
"""

import copy
import math

import torch
from torch import Tensor

from charrnn.config import TrainingConfig
from charrnn.network.module import CharRNN
from charrnn.training.schedule import Plan, lr_fraction

HORIZON_FRACTION = 1 / 8


def make_ema(network: CharRNN) -> CharRNN:
    """Make the network whose weights are to be the means of another's: it only reads, and nothing is dropped."""
    return copy.deepcopy(network).eval().requires_grad_(False)


def ema_weight(training: TrainingConfig, plan: Plan, step: int) -> float:
    """Say how much of the means the weights after a step are to be: one over the steps that these reach back."""
    restless = math.sqrt(lr_fraction(training, plan, step))
    return 1 / max(1.0, HORIZON_FRACTION * step * restless)


@torch.no_grad()
def update_ema(ema: CharRNN, network: CharRNN, newest: float | Tensor) -> None:
    """Move means towards a network's weights by a share of the way, which may lie on the device."""
    for mean, weight in zip(ema.parameters(), network.parameters(), strict=True):
        mean.lerp_(weight, newest)
