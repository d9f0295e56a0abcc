"""A network while it learns: its weights, optimiser, carried state and place in the text, and one step of it.

When what happens, and what becomes of it, is left to `loop` and `checkpoint`.
"""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import DivergedError
from charrnn.network.model_file import Model
from charrnn.network.module import CharacterNetwork, detached
from charrnn.text.corpus import Corpus
from charrnn.text.windows import Windows
from charrnn.training import memory
from charrnn.training.events import Step
from charrnn.training.schedule import Plan, learning_rate

PARTS = {"evaluation": 20, "preview": 8, "report": 200}
"""into how many equal parts a training is divided, each with an evaluation, a preview, a report at its end"""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The weights that did best on held-out text."""

    step: int
    nats: float
    train_nats: float
    """training loss at that time"""
    characters: int
    """held out, that it is the mean over"""
    weights: Mapping[str, NDArray[np.float32]]


class Run:
    """Everything that changes from step to step.

    Chance at a step comes from the seed and the step alone, so there is no generator to carry: whoever stands at
    this step with these arrays goes on exactly. The network draws its masks from torch's global generator, which is
    seeded for that: it is the one that stays on the device.
    """

    def __init__(self, corpus: Corpus, network: NetworkConfig, training: TrainingConfig, device: str) -> None:
        torch.manual_seed(training.seed)
        self.corpus = corpus
        self.training = training
        self.device = torch.device(device)
        self.train_characters = corpus.split(training.val_fraction)
        self.windows = Windows(
            corpus=corpus, characters=self.train_characters, batch=training.batch, length=training.length
        )
        with memory.told(network, training, len(corpus.vocabulary), device):
            self.network = CharacterNetwork(network, len(corpus.vocabulary), end=corpus.end).to(self.device)
        self.network.expect(corpus.frequencies(self.train_characters))
        self.optimiser = _optimiser(self.network, training)
        self.state = self.network.start(training.batch)
        self.origin: str | None = None
        """the model file that its weights came from at the start"""
        self.step = 0
        self.plan = Plan(steps=training.steps)
        self.seconds = 0.0
        """time spent so far, for a budget"""
        self.best: Best | None = None
        self.parts = dict.fromkeys(PARTS, 0)
        """how many parts of the training were evaluated, shown in a preview, reported"""
        self.sound_parts = 0
        """how many were done when an evaluation last showed no overfitting"""
        self.evaluation_characters: int | None = None
        """how much held-out text an evaluation on the way reads; fixed by the first"""
        self.step_seconds = 0.0
        """of that, the time spent in steps"""
        self.concluded = False
        """whether the best weights were measured on the held-out text after the last step"""
        self.previewed_at = -1
        """the step of the last preview"""
        self.since_report = np.zeros(3)
        """sums since the last report: steps, nats, gradient norm"""
        self.since_evaluation = np.zeros(2)
        """sums since the last evaluation: steps, nats"""

    @property
    def epoch(self) -> float:
        """How often every character was read."""
        return self.step / self.windows.per_epoch

    @property
    def held_out_characters(self) -> int:
        """How long the held-out end of the text is."""
        return self.corpus.characters - self.train_characters

    def part_is_due(self, what: str) -> bool:
        """Tell whether one more of the parts of the training that PARTS names is done."""
        return self.plan.parts_done(self.step, PARTS[what]) > self.parts[what]

    def take_part(self, what: str) -> None:
        """Note that what was due has been done."""
        self.parts[what] = self.plan.parts_done(self.step, PARTS[what])

    def update(self) -> Step:
        """Learn from one window of every stream; raise DivergedError before anything is changed by NaN."""
        rate = learning_rate(self.training, self.plan, self.step)
        _begin_chance(self.device, _seed(self.training.seed, self.step))
        ids = torch.from_numpy(self.windows.read(self.step)).to(self.device, non_blocking=True)
        self._forget_some_streams()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.training.precision == "bfloat16"):
            logits, state = self.network(ids[:-1], self.state)
        loss = functional.cross_entropy(logits.flatten(0, 1).float(), ids[1:].flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.training.clip or math.inf)
        nats, gradient_norm = loss.item(), norm.item()
        if not (math.isfinite(nats) and math.isfinite(gradient_norm)):
            raise self.diverged("its gradient" if math.isfinite(nats) else "the loss", self.step + 1)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.state = detached(state)
        self.step += 1
        self.since_report += (1, nats, gradient_norm)
        self.since_evaluation += (1, nats)
        return Step(
            step=self.step,
            nats=nats,
            gradient_norm=gradient_norm,
            learning_rate=rate,
            progress=self.plan.progress(self.step),
            steps=self.plan.steps,
        )

    def start_from(self, weights: Mapping[str, NDArray[np.float32]], origin: str) -> None:
        """Begin with the weights of a model instead of chance."""
        self.network.load_state_dict({name: torch.from_numpy(np.array(weight)) for name, weight in weights.items()})
        self.origin = origin

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Copy the weights out, under the names of a model file."""
        return {name: _plain(tensor).copy() for name, tensor in self.network.state_dict().items()}

    def model(self, weights: Mapping[str, NDArray[np.float32]]) -> Model:
        """Put weights together with what is needed to use them."""
        return Model(config=self.network.config, vocabulary=self.corpus.vocabulary, weights=weights)

    def _forget_some_streams(self) -> None:
        """Make a stream's state fresh now and then, so that the network knows how a text begins."""
        forgotten = torch.rand(self.training.batch) < self.training.reset
        if forgotten.any():
            places, fresh = forgotten.to(self.device)[None, :, None], self.network.start(1)
            self.state = tuple(torch.where(places, new, old) for new, old in zip(fresh, self.state, strict=True))

    def memory_told(self) -> AbstractContextManager[None]:
        """Have running out of memory told as a CharrnnError, with what would fit."""
        return memory.told(self.network.config, self.training, self.network.vocabulary_size, self.device.type)

    def diverged(self, what: str, step: int) -> DivergedError:
        """Say that something is no number any more, and what may help."""
        rate = learning_rate(self.training, self.plan, self.step)
        return DivergedError(
            f"training diverged: {what} left the numbers at step {step:,} (learning rate {rate:.2g})",
            hint=f"the same command with a lower rate: `--lr {self.training.lr / 10:.2g}`",
        )


def _optimiser(network: CharacterNetwork, training: TrainingConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019); biases and embeddings are not decayed."""
    matrices = [p for name, p in network.named_parameters() if p.dim() > 1 and not name.startswith("embedding")]
    others = [p for name, p in network.named_parameters() if p.dim() == 1 or name.startswith("embedding")]
    groups = [
        {"params": matrices, "weight_decay": training.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.lr, betas=(0.9, 0.99), fused=True)


def _begin_chance(device: torch.device, seed: int) -> None:
    """Seed the generators that a step draws from; torch.manual_seed seeds all there are, slowly."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def _seed(seed: int, step: int) -> int:
    """Give each step of each seed its own start of chance (a splitmix64 finaliser over both)."""
    mixed = (seed * 0x9E3779B97F4A7C15 + step) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (mixed ^ (mixed >> 31)) & 0x7FFFFFFFFFFFFFFF


def _plain(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().float().cpu().numpy()
