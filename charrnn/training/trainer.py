"""The trainer: a network with its optimizer, carried state and position in the text, and one training step."""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import DivergedError
from charrnn.network.char_rnn import CharRNN
from charrnn.network.model_file import Model
from charrnn.text.batching import TrainingBatches
from charrnn.text.corpus import Corpus
from charrnn.training.checkpoint_file import FileIdentity
from charrnn.training.cuda_step import CudaStep, DeviceBatches, cuda_graph_backend
from charrnn.training.device import oom_as_error, seed_step
from charrnn.training.events import Step
from charrnn.training.lr_schedule import Plan, learning_rate
from charrnn.training.optimizer import AdamW, ema_weight, make_ema, update_ema
from charrnn.training.tbptt import forward_backward, reset_streams

PERIODS = {"evaluation": 20, "preview": 8, "report": 200}
"""into how many equal parts a training is divided, each with an evaluation, a preview, a report at its end"""
MAX_QUEUED_STEPS = 32
"""that a GPU makes, at most, before it is asked what came of them: waiting for it costs what it does in some 50 µs"""
TEXT_MEMORY_FRACTION = 0.25
"""of a GPU's free memory"""


@dataclass(frozen=True, kw_only=True)
class BestWeights:
    """The weights that did best on held-out text."""

    step: int
    nats: float
    train_nats: float
    """training loss at that time"""
    characters: int
    """held out, that it is the mean over"""
    weights: Mapping[str, NDArray[np.float32]]


class Trainer:
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
        self.train_characters = corpus.split_position(training.val_fraction)
        self.batches = TrainingBatches(
            corpus=corpus, characters=self.train_characters, batch=training.batch, length=training.length
        )
        with oom_as_error(network, training, len(corpus.vocabulary), device):
            self.network = CharRNN(network, len(corpus.vocabulary), end=corpus.end).to(self.device)
            self.optimizer = AdamW(self.network, training.weight_decay)
            self.network.init_output_bias(corpus.frequencies(self.train_characters))
            self.ema_network = make_ema(self.network)
            """what is evaluated and kept, while the other learns"""
        self.state = self.network.initial_state(training.batch)
        self.init_from: str | None = None
        """the model file that its weights came from at the start"""
        self.step = 0
        self.plan = Plan(steps=training.steps)
        self.seconds = 0.0
        """time spent so far, for a budget"""
        self.best: BestWeights | None = None
        self.periods_done = dict.fromkeys(PERIODS, 0)
        """how many parts of the training were evaluated, shown in a preview, reported"""
        self.last_good_period = 0
        """how many were done when an evaluation last showed no overfitting"""
        self.eval_chars: int | None = None
        """how much held-out text an evaluation on the way reads; fixed by the first"""
        self.step_seconds = 0.0
        """of that, the time spent in steps"""
        self.final_evaluated = False
        """whether the best weights were measured on the held-out text after the last step"""
        self.last_preview_step = -1
        """the step of the last preview"""
        self.report_sums = np.zeros(3)
        """sums since the last report: steps, nats, gradient norm"""
        self.train_sums = np.zeros(2)
        """sums since the last evaluation: steps, nats"""
        self.verified: set[FileIdentity | None] = set()
        """identities of checkpoint files that this process wrote, or read and found good"""
        self.queues_steps = self.device.type == "cuda"
        """whether steps are queued, and looked at now and then"""
        self.warnings: list[str] = []
        """what went wrong that training outlives, and nobody has told of yet"""
        self._ahead: CudaStep | None = None

    @property
    def epoch(self) -> float:
        """How often every character was read."""
        return self.step / self.batches.steps_per_epoch

    @property
    def held_out_characters(self) -> int:
        """How long the held-out end of the text is."""
        return self.corpus.characters - self.train_characters

    def is_due(self, what: str) -> bool:
        """Tell whether one more of the parts of the training that PARTS names is done."""
        return self.plan.periods_done(self.step, PERIODS[what]) > self.periods_done[what]

    def mark_done(self, what: str) -> None:
        """Note that what was due has been done."""
        self.periods_done[what] = self.plan.periods_done(self.step, PERIODS[what])

    def train_step(self) -> Step:
        """Learn from one window of every stream; raise DivergedError before anything is changed by NaN."""
        rate = learning_rate(self.training, self.plan, self.step)
        means = self._queue(rate) if self.queues_steps else self._step_and_wait(rate)
        nats, gradient_norm = means or (None, None)
        return Step(
            step=self.step,
            nats=nats,
            gradient_norm=gradient_norm,
            learning_rate=rate,
            progress=self.plan.progress(self.step),
            steps=self.plan.steps,
        )

    def _step_and_wait(self, rate: float) -> tuple[float, float]:
        """Make a step, and wait for it: nats and gradient norm."""
        seed_step(self.device, self.training.seed, self.step)
        ids = torch.from_numpy(self.batches.batch_ids(self.step)).to(self.device, non_blocking=True)
        self._reset_some_streams()
        result = forward_backward(self.network, ids, self.state, self.training)
        nats, gradient_norm = result.nats.item(), result.gradient_norm.item()
        if not (math.isfinite(nats) and math.isfinite(gradient_norm)):
            raise self.divergence_error("its gradient" if math.isfinite(nats) else "the loss", self.step + 1)
        self.optimizer.step(rate)
        update_ema(self.ema_network, self.network, ema_weight(self.training, self.plan, self.step))
        self.state = result.state
        self.step += 1
        self.report_sums += (1, nats, gradient_norm)
        self.train_sums += (1, nats)
        return nats, gradient_norm

    def _queue(self, rate: float) -> tuple[float, float] | None:
        """Have a GPU make a step; if it was waited for: means of nats and gradient norm since it last was."""
        if self._ahead is None or self._ahead.state is not self.state:
            self._ahead = self._device_step()
            self.state = self._ahead.state
        self._ahead.enqueue(self.step, rate, ema_weight(self.training, self.plan, self.step))
        self.step += 1
        if capture_error := self._ahead.pop_capture_error():
            self.warnings.append(f"steps are not replayed from a CUDA graph, so they are slower: {capture_error}")
        # What comes at the end of a part is not to wait for steps, whose time would be taken for its own.
        before, now = (self.plan.progress(step) for step in (self.step - 1, self.step))
        ends_a_part = any(int(now * parts) > int(before * parts) for parts in PERIODS.values())
        return self.sync() if ends_a_part or self._ahead.unseen >= MAX_QUEUED_STEPS else None

    def sync(self) -> tuple[float, float] | None:
        """Wait for a GPU's steps and take note of them; raise DivergedError if one came to no number.

        Give the means of nats and gradient norm since it was last waited for; None if no step was made since.
        """
        if self._ahead is None or not self._ahead.unseen:
            return None
        sums = self._ahead.sync()
        if sums.diverged_at:
            raise self.divergence_error("the loss" if sums.loss_diverged else "its gradient", int(sums.diverged_at))
        self.report_sums += (sums.steps, sums.nats, sums.gradient_norm)
        self.train_sums += (sums.steps, sums.nats)
        return sums.nats / sums.steps, sums.gradient_norm / sums.steps

    def _device_step(self) -> CudaStep:
        """Make what steps on a GPU from here on."""
        max_bytes, backend = math.inf, None
        if self.device.type == "cuda":
            max_bytes, backend = TEXT_MEMORY_FRACTION * torch.cuda.mem_get_info()[0], cuda_graph_backend()
        batches = DeviceBatches(self.batches, self.device, max_bytes=max_bytes)
        return CudaStep(self.network, self.ema_network, self.optimizer, self.state, batches, self.training, backend)

    def load_pretrained(self, weights: Mapping[str, NDArray[np.float32]], source: str) -> None:
        """Begin with the weights of a model instead of chance."""
        for network in (self.network, self.ema_network):
            network.load_weights(weights)
        self.init_from = source

    def raw_weights(self) -> dict[str, NDArray[np.float32]]:
        """Copy the weights that learn out, under the names of a model file."""
        return _copy_weights(self.network)

    def ema_weights(self) -> dict[str, NDArray[np.float32]]:
        """Copy the averaged weights out, likewise."""
        return _copy_weights(self.ema_network)

    def model(self, weights: Mapping[str, NDArray[np.float32]]) -> Model:
        """Put weights together with what is needed to use them."""
        return Model(config=self.network.config, vocabulary=self.corpus.vocabulary, weights=weights)

    def _reset_some_streams(self) -> None:
        """Make a stream's state fresh now and then."""
        is_reset = torch.rand(self.training.batch) < self.training.reset
        if is_reset.any():
            self.state = reset_streams(self.network, self.state, is_reset.to(self.device))

    def oom_as_error(self) -> AbstractContextManager[None]:
        """Have running out of memory told as a CharrnnError, with what would fit."""
        return oom_as_error(self.network.config, self.training, self.network.vocabulary_size, self.device.type)

    def divergence_error(self, what: str, step: int) -> DivergedError:
        """Say that something is no number any more, and what may help."""
        rate = learning_rate(self.training, self.plan, self.step)
        return DivergedError(
            f"training diverged: {what} left the numbers at step {step:,} (learning rate {rate:.2g})",
            hint=f"the same command with a lower rate: `--lr {self.training.lr / 10:.2g}`",
        )


def _copy_weights(network: CharRNN) -> dict[str, NDArray[np.float32]]:
    return {name: tensor.detach().float().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
