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
from charrnn.network.module import CharacterNetwork
from charrnn.training.schedule import Plan, share_of_highest

SHARE_OF_STEPS = 1 / 8


def averaged(network: CharacterNetwork) -> CharacterNetwork:
    """Make the network whose weights are to be the means of another's: it only reads, and nothing is dropped."""
    return copy.deepcopy(network).eval().requires_grad_(False)


def newest_share(training: TrainingConfig, plan: Plan, step: int) -> float:
    """Say how much of the means the weights after a step are to be: one over the steps that these reach back."""
    restless = math.sqrt(share_of_highest(training, plan, step))
    return 1 / max(1.0, SHARE_OF_STEPS * step * restless)


@torch.no_grad()
def follow(means: CharacterNetwork, network: CharacterNetwork, share: float | Tensor) -> None:
    """Move means towards a network's weights by a share of the way, which may lie on the device."""
    for mean, weight in zip(means.parameters(), network.parameters(), strict=True):
        mean.lerp_(weight, share)
