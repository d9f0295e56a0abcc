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

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import DivergedError
from charrnn.network.model_file import Model
from charrnn.network.module import CharacterNetwork
from charrnn.text.corpus import Corpus
from charrnn.text.windows import Windows
from charrnn.training import memory
from charrnn.training.averaging import averaged, follow, newest_share
from charrnn.training.capture import cuda_graphs
from charrnn.training.chance import begin_chance
from charrnn.training.checkpoint_file import FileIdentity
from charrnn.training.device_step import DeviceStep
from charrnn.training.device_windows import DeviceWindows
from charrnn.training.events import Step
from charrnn.training.gradient import forgetting, learn
from charrnn.training.optimiser import AdamW
from charrnn.training.schedule import Plan, learning_rate

PARTS = {"evaluation": 20, "preview": 8, "report": 200}
"""into how many equal parts a training is divided, each with an evaluation, a preview, a report at its end"""
STEPS_UNSEEN = 32
"""that a GPU makes, at most, before it is asked what came of them: waiting for it costs what it does in some 50 µs"""
SHARE_FOR_TEXT = 0.25
"""of a GPU's free memory"""


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
    this step with these arrays goes on exactly. On a GPU steps are queued, and what came of them is known when it
    was looked at: always before anything is due, and before the run is saved.
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
            self.optimiser = AdamW(self.network, training.weight_decay)
            self.network.expect(corpus.frequencies(self.train_characters))
            self.averaged = averaged(self.network)
            """what is evaluated and kept, while the other learns"""
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
        self.verified: set[FileIdentity | None] = set()
        """identities of checkpoint files that this process wrote, or read and found good"""
        self.runs_ahead = self.device.type == "cuda"
        """whether steps are queued, and looked at now and then"""
        self.troubles: list[str] = []
        """what went wrong that training outlives, and nobody has told of yet"""
        self._ahead: DeviceStep | None = None

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
        told = self._queue(rate) if self.runs_ahead else self._learn(rate)
        nats, gradient_norm = told or (None, None)
        return Step(
            step=self.step,
            nats=nats,
            gradient_norm=gradient_norm,
            learning_rate=rate,
            progress=self.plan.progress(self.step),
            steps=self.plan.steps,
        )

    def _learn(self, rate: float) -> tuple[float, float]:
        """Make a step, and wait for it: nats and gradient norm."""
        begin_chance(self.device, self.training.seed, self.step)
        ids = torch.from_numpy(self.windows.read(self.step)).to(self.device, non_blocking=True)
        self._forget_some_streams()
        learned = learn(self.network, ids, self.state, self.training)
        nats, gradient_norm = learned.nats.item(), learned.gradient_norm.item()
        if not (math.isfinite(nats) and math.isfinite(gradient_norm)):
            raise self.diverged("its gradient" if math.isfinite(nats) else "the loss", self.step + 1)
        self.optimiser.step(rate)
        follow(self.averaged, self.network, newest_share(self.training, self.plan, self.step))
        self.state = learned.state
        self.step += 1
        self.since_report += (1, nats, gradient_norm)
        self.since_evaluation += (1, nats)
        return nats, gradient_norm

    def _queue(self, rate: float) -> tuple[float, float] | None:
        """Have a GPU make a step; if it was waited for: means of nats and gradient norm since it last was."""
        if self._ahead is None or self._ahead.state is not self.state:
            self._ahead = self._device_step()
            self.state = self._ahead.state
        self._ahead.queue(self.step, rate, newest_share(self.training, self.plan, self.step))
        self.step += 1
        if refusal := self._ahead.take_refusal():
            self.troubles.append(f"steps are not replayed from a CUDA graph, so they are slower: {refusal}")
        # What comes at the end of a part is not to wait for steps, whose time would be taken for its own.
        before, now = (self.plan.progress(step) for step in (self.step - 1, self.step))
        ends_a_part = any(int(now * parts) > int(before * parts) for parts in PARTS.values())
        return self.look() if ends_a_part or self._ahead.unseen >= STEPS_UNSEEN else None

    def look(self) -> tuple[float, float] | None:
        """Wait for a GPU's steps and take note of them; raise DivergedError if one came to no number.

        Give the means of nats and gradient norm since it was last waited for; None if no step was made since.
        """
        if self._ahead is None or not self._ahead.unseen:
            return None
        seen = self._ahead.look()
        if seen.diverged_at:
            raise self.diverged("the loss" if seen.loss_diverged else "its gradient", int(seen.diverged_at))
        self.since_report += (seen.steps, seen.nats, seen.gradient_norm)
        self.since_evaluation += (seen.steps, seen.nats)
        return seen.nats / seen.steps, seen.gradient_norm / seen.steps

    def _device_step(self) -> DeviceStep:
        """Make what steps on a GPU from here on."""
        room, recorder = math.inf, None
        if self.device.type == "cuda":
            room, recorder = SHARE_FOR_TEXT * torch.cuda.mem_get_info()[0], cuda_graphs()
        windows = DeviceWindows(self.windows, self.device, room=room)
        return DeviceStep(self.network, self.averaged, self.optimiser, self.state, windows, self.training, recorder)

    def start_from(self, weights: Mapping[str, NDArray[np.float32]], origin: str) -> None:
        """Begin with the weights of a model instead of chance."""
        for network in (self.network, self.averaged):
            network.take(weights)
        self.origin = origin

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Copy the weights that learn out, under the names of a model file."""
        return _copied(self.network)

    def averages(self) -> dict[str, NDArray[np.float32]]:
        """Copy the averaged weights out, likewise."""
        return _copied(self.averaged)

    def model(self, weights: Mapping[str, NDArray[np.float32]]) -> Model:
        """Put weights together with what is needed to use them."""
        return Model(config=self.network.config, vocabulary=self.corpus.vocabulary, weights=weights)

    def _forget_some_streams(self) -> None:
        """Make a stream's state fresh now and then."""
        forgotten = torch.rand(self.training.batch) < self.training.reset
        if forgotten.any():
            self.state = forgetting(self.network, self.state, forgotten.to(self.device))

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


def _copied(network: CharacterNetwork) -> dict[str, NDArray[np.float32]]:
    return {name: tensor.detach().float().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
