"""AdamW (Loshchilov and Hutter 2019), and the exponential moving average (EMA) of the weights.

AdamW is torch's fused kernel, with a learning rate for each kind of weight. Adam moves every weight by the same
amount, and the effect on a sum grows with the number of its weights and the size of their inputs: so input weights,
which receive large vectors, move less, and embedding vectors, used one at a time, more (Yang and Hu 2021 explain
why, tests/benchmarks/recipes.md shows how much).

The class in `torch.optim` imports torch's compiler when the first one is made: 2.4 seconds of CPU time at every
start.
"""

import copy
import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from charrnn.config import TrainingConfig
from charrnn.network.char_rnn import CharRNN
from charrnn.training.lr_schedule import Plan, lr_fraction

BETAS = (0.8, 0.99)
"""what the running means of the gradient and of its square keep from step to step"""
EPSILON = 1e-8
LR_MULTIPLIERS = {"rnn.weight_ih_l0": 0.5, "output.weight": 3.3}
"""times the learning rate, which is that of all others"""
EMBEDDING_LR_MULTIPLIER = 5.0
"""likewise, of the characters' vectors: the embedding, or where there is none, the input weights"""


class ParamGroup(NamedTuple):
    """What parameters have in common that the kernel takes together."""

    rate: float
    """times the learning rate"""
    weight_decay: float


class AdamW:
    """Moves a network's parameters against their gradients, and decays them at the same rate.

    Not biases and characters' vectors: those of rare characters would shrink while nothing is heard of them.
    """

    def __init__(self, network: CharRNN, weight_decay: float = 0.0) -> None:
        self.first_moments = {name: torch.zeros_like(parameter) for name, parameter in network.named_parameters()}
        """running means of the gradients"""
        self.second_moments = {name: torch.zeros_like(moment) for name, moment in self.first_moments.items()}
        """likewise, of their squares"""
        self.counts = {name: torch.zeros((), device=moment.device) for name, moment in self.first_moments.items()}
        """of steps; the kernel wants one for each parameter"""
        self.skip_update: Tensor | None = None
        """a number on the device, 0 or 1; where it is 1, a step changes nothing"""
        self._parameters: dict[str, Tensor] = dict(network.named_parameters())
        vectors = "rnn.weight_ih_l0" if network.embedding is None else "embedding.weight"
        rates = LR_MULTIPLIERS | {vectors: EMBEDDING_LR_MULTIPLIER}
        self._groups: dict[ParamGroup, list[str]] = {}
        for name, parameter in self._parameters.items():
            is_decayed = parameter.dim() > 1 and name != vectors
            treatment = ParamGroup(rates.get(name, 1.0), weight_decay if is_decayed else 0.0)
            self._groups.setdefault(treatment, []).append(name)

    @torch.no_grad()
    def step(self, rate: float | Tensor) -> None:
        """Make a step at a learning rate, which may lie on the device, and forget the gradients."""
        for treatment, names in self._groups.items():
            parameters = [self._parameters[name] for name in names]
            adamw(
                parameters,
                [parameter.grad for parameter in parameters if parameter.grad is not None],
                [self.first_moments[name] for name in names],
                [self.second_moments[name] for name in names],
                [],
                [self.counts[name] for name in names],
                fused=True,
                found_inf=self.skip_update,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=rate * treatment.rate,
                weight_decay=treatment.weight_decay,
                eps=EPSILON,
                maximize=False,
            )
        self.zero_grad()

    def zero_grad(self) -> None:
        """Leave no gradient behind."""
        for parameter in self._parameters.values():
            parameter.grad = None


# Exponential moving average (EMA) of the weights (Polyak and Juditsky 1992): evaluated, sampled from and saved. While
# the learning rate is high, the trained weights jump around a place that is better than any of them, and follow the
# text of the current windows; their moving average is near that place from the first seconds on. Its horizon is an
# eighth of the steps so far, and shorter as the rate falls and the weights settle: a fiftieth at the end of a usual
# run. The gain is in tests/benchmarks/recipes.md.

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
