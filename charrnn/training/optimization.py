"""Optimization: gradients by truncated backpropagation through time (TBPTT), AdamW, and the EMA of the weights.

AdamW (Loshchilov and Hutter 2019) is torch's fused kernel, with a learning rate for each kind of weight. Adam
changes every weight by about the same amount, and the effect on a sum grows with the number of its weights and the
size of their inputs. Therefore input weights, which receive large vectors, get a lower rate, and embedding vectors,
used one at a time, a higher one (Yang and Hu 2021; measurements in tests/benchmarks/recipes.md).

`torch.optim.AdamW` is not used, because its first instance imports torch's compiler: 2.4 seconds of CPU time at
every start.
"""

import copy
import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.adamw import adamw

from charrnn.config import TrainingConfig
from charrnn.network.char_rnn import CharRNN, NetworkState, detach_state
from charrnn.training.data_parallel import GradientReducer
from charrnn.training.lr_schedule import Plan, lr_fraction


class StepResult(NamedTuple):
    """The result of one window."""

    nats: Tensor
    """mean loss per character, with dropout; a scalar"""
    gradient_norm: Tensor
    """norm of the gradient before clipping; a scalar"""
    state: NetworkState
    """detached recurrent state after the last character of the window"""


def forward_backward(
    network: CharRNN,
    ids: Tensor,
    state: NetworkState,
    training: TrainingConfig,
    reducer: GradientReducer | None = None,
) -> StepResult:
    """Compute the clipped gradient of a window, ids (T + 1, B); return its loss without waiting for the device.

    With a `reducer`, loss and gradient are those of the streams of all processes.
    """
    device = ids.device.type
    # autocast caches the cast weights; during the capture of a CUDA graph the cache would belong to the graph.
    is_bfloat16, cached = training.precision == "bfloat16", device != "cuda"
    with torch.autocast(device, dtype=torch.bfloat16, enabled=is_bfloat16, cache_enabled=cached):
        outputs, new_state = network.recurrent_outputs(ids[:-1], state)
        logits = network.output(outputs)
    logits = logits.float() if is_bfloat16 else logits
    loss = functional.cross_entropy(logits.flatten(0, 1), ids[1:].flatten())
    objective = loss + training.tar * mean_squared_change(outputs) if training.tar else loss
    if reducer is None:
        objective.backward()  # type: ignore[no-untyped-call]
    else:
        loss = reducer.backward(loss, objective)
    # By default, torch multiplies the gradients one by one on a CPU.
    use_foreach = True if device == "cpu" else None
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), training.clip or math.inf, foreach=use_foreach)
    return StepResult(loss.detach(), norm, detach_state(new_state))


def mean_squared_change(outputs: Tensor) -> Tensor:
    """Return the mean squared change of each output from one character to the next: (T, B, H) -> scalar.

    Temporal activation regularization (TAR, Merity et al. 2017) adds a multiple of it to the loss.
    """
    changes = outputs.float().diff(dim=0)
    return changes.square().sum() / max(1, changes.numel())


def reset_streams(network: CharRNN, state: NetworkState, is_reset: Tensor) -> NetworkState:
    """Return the state with the streams of a mask (B,) reset, so that the network also learns how a text begins."""
    mask = is_reset[None, :, None]
    return tuple(torch.where(mask, new, old) for new, old in zip(network.initial_state(1), state, strict=True))


BETAS = (0.8, 0.99)
"""decay rates of the first and the second moment"""
EPSILON = 1e-8
LR_MULTIPLIERS = {"rnn.weight_ih_l0": 0.5, "output.weight": 3.3}
"""factors of the learning rate by parameter name; all other parameters have a factor of 1"""
EMBEDDING_LR_MULTIPLIER = 5.0
"""factor of the learning rate of the character vectors: the embedding or, without one, the input weights"""


class ParamGroup(NamedTuple):
    """The settings that the parameters of one call of the kernel share."""

    lr_multiplier: float
    """factor of the learning rate"""
    weight_decay: float


class AdamW:
    """AdamW with decoupled weight decay of all weight matrices but the character vectors.

    Decay would shrink the vectors of rare characters between their occurrences.
    """

    def __init__(self, network: CharRNN, weight_decay: float = 0.0) -> None:
        self.first_moments = {name: torch.zeros_like(parameter) for name, parameter in network.named_parameters()}
        """running means of the gradients, by parameter name"""
        self.second_moments = {name: torch.zeros_like(moment) for name, moment in self.first_moments.items()}
        """running means of the squared gradients, by parameter name"""
        self.counts = {name: torch.zeros((), device=moment.device) for name, moment in self.first_moments.items()}
        """numbers of steps; the kernel needs one for each parameter"""
        self.skip_update: Tensor | None = None
        """scalar on the device; while it is 1, a step changes nothing"""
        self._parameters: dict[str, Tensor] = dict(network.named_parameters())
        vectors = "rnn.weight_ih_l0" if network.embedding is None else "embedding.weight"
        multipliers = LR_MULTIPLIERS | {vectors: EMBEDDING_LR_MULTIPLIER}
        self._groups: dict[ParamGroup, list[str]] = {}
        for name, parameter in self._parameters.items():
            is_decayed = parameter.dim() > 1 and name != vectors
            group = ParamGroup(multipliers.get(name, 1.0), weight_decay if is_decayed else 0.0)
            self._groups.setdefault(group, []).append(name)

    @torch.no_grad()
    def step(self, rate: float | Tensor) -> None:
        """Update the parameters at a learning rate, a number or a scalar on the device, and clear the gradients."""
        for group, names in self._groups.items():
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
                lr=rate * group.lr_multiplier,
                weight_decay=group.weight_decay,
                eps=EPSILON,
                maximize=False,
            )
        self.zero_grad()

    def zero_grad(self) -> None:
        """Clear the gradients."""
        for parameter in self._parameters.values():
            parameter.grad = None


# Exponential moving average (EMA) of the weights (Polyak and Juditsky 1992), which is evaluated, sampled from and
# saved. While the learning rate is high, the raw weights oscillate around a better point and follow the text of the
# current windows; their average is close to that point from the first seconds on. The horizon of the average is an
# eighth of the steps so far, and shorter as the learning rate falls: a fiftieth at the end of a run with default
# settings. The gain is in tests/benchmarks/recipes.md.

HORIZON_FRACTION = 1 / 8
"""horizon of the average as a fraction of the steps so far, at the peak learning rate"""


def make_ema(network: CharRNN) -> CharRNN:
    """Return a copy of a network for its averaged weights, in evaluation mode and without gradients."""
    return copy.deepcopy(network).eval().requires_grad_(False)


def ema_weight(training: TrainingConfig, plan: Plan, step: int) -> float:
    """Return the weight of the newest weights in the average after a step: 1 / horizon in steps."""
    return 1 / max(1.0, HORIZON_FRACTION * step * math.sqrt(lr_fraction(training, plan, step)))


@torch.no_grad()
def update_ema(ema: CharRNN, network: CharRNN, weight: float | Tensor) -> None:
    """Move the averaged parameters towards a network's by `weight`, a number or a scalar on the device."""
    for mean, parameter in zip(ema.parameters(), network.parameters(), strict=True):
        mean.lerp_(parameter, weight)
