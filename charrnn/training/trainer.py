"""The trainer: a network with its optimizer, carried state and position in the text, and one training step."""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager

import numpy as np
import torch
from numpy.typing import NDArray

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import DivergedError
from charrnn.network.char_rnn import CharRNN, NetworkState
from charrnn.network.model_file import Model
from charrnn.text.batching import TrainingBatches
from charrnn.text.corpus import Corpus
from charrnn.text.split import END, Split
from charrnn.training.checkpoint_file import FileIdentity
from charrnn.training.cuda_graph import cuda_graph_backend
from charrnn.training.cuda_step import CudaStep, DeviceBatches
from charrnn.training.data_parallel import GradientReducer
from charrnn.training.device import oom_as_error, seed_step
from charrnn.training.events import Step
from charrnn.training.lr_schedule import Plan, learning_rate
from charrnn.training.optimization import AdamW, ema_weight, forward_backward, make_ema, reset_streams, update_ema
from charrnn.training.process_group import SINGLE_PROCESS, ProcessGroup
from charrnn.training.progress import PERIODS, BestWeights, Bookkeeping, RunProgress

MAX_QUEUED_STEPS = 32
"""steps that are queued on a GPU before the host waits for their results; each wait costs the device some 50 µs"""
TEXT_MEMORY_FRACTION = 0.25
"""fraction of a GPU's free memory that the text may take"""


class Trainer:
    """Everything that changes from step to step, and the training step itself.

    The random numbers of a step depend only on the seed and the step, so a run that is restored from a checkpoint
    continues exactly. On a GPU, steps are queued; `sync` waits for their results, always before anything is due and
    before the run is saved.
    """

    def __init__(
        self,
        corpus: Corpus,
        network: NetworkConfig,
        training: TrainingConfig,
        device: str,
        group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        group.world.check_batch(training.batch)
        torch.manual_seed(training.seed)
        self.corpus = corpus
        self.group = group
        self.shard = group.world.shard(training.batch)
        """streams of this process"""
        self.training = training
        self.device = torch.device(device)
        self.train_characters = corpus.split_position(training.val_fraction)
        self.batches = TrainingBatches(
            corpus=corpus,
            characters=self.train_characters,
            batch=training.batch,
            length=training.length,
            shard=self.shard,
        )
        with oom_as_error(network, training, len(corpus.vocabulary), device):
            self.network = CharRNN(network, len(corpus.vocabulary), end_id=corpus.end_id).to(self.device)
            self.optimizer = AdamW(self.network, training.weight_decay)
            self.network.init_output_bias(corpus.frequencies(self.train_characters))
            self.ema_network = make_ema(self.network)
            """network with the averaged weights, which are evaluated, sampled from and saved"""
        self.state = self.network.initial_state(self.shard.size)
        """recurrent state that is carried to the next window, of the streams of this process"""
        self._gathered_state = self.network.initial_state(training.batch) if group.is_distributed else self.state
        """recurrent state of the streams of all processes, as it was last gathered; used by rank 0"""
        self.reducer: GradientReducer | None = None
        """mean of gradients over several processes"""
        if group.is_distributed:
            self.network.shard = self.shard
            self.reducer = GradientReducer(self.network, self.shard, group)
        self.init_from: str | None = None
        """path of the pretrained model that the run started from"""
        self.progress = RunProgress(plan=Plan(steps=training.steps))
        self.bookkeeping = Bookkeeping()
        self.verified: set[FileIdentity | None] = set()
        """identities of the checkpoint files that this process wrote, or read and found valid"""
        self.queues_steps = self.device.type == "cuda"
        """whether steps are queued on the device instead of waited for"""
        self.warnings: list[str] = []
        """messages about problems that do not end the training, not yet reported"""
        self._cuda_step: CudaStep | None = None

    @property
    def step(self) -> int:
        """Return the number of steps made."""
        return self.progress.step

    @property
    def plan(self) -> Plan:
        """Return the plan of the run."""
        return self.progress.plan

    @property
    def seconds(self) -> float:
        """Return the time spent on the run."""
        return self.progress.seconds

    @property
    def best(self) -> BestWeights | None:
        """Return the weights with the lowest held-out loss; None before the first evaluation."""
        return self.bookkeeping.best

    @property
    def epoch(self) -> float:
        """Return how often each character of the training text was read."""
        return self.step / self.batches.steps_per_epoch

    @property
    def held_out_characters(self) -> int:
        """Return the length of the held-out text."""
        return self.corpus.characters - self.train_characters

    @property
    def held_out_label(self) -> str:
        """Return which part of the text is held out, such as `the last 10%`."""
        split = self.corpus.split or Split(kind=END, train_characters=self.train_characters)
        label = split.label(self.corpus.characters)
        if self.corpus.split is None and self.corpus.documents:  # which are shuffled
            return f"{label.removeprefix('the last ')} of the documents"
        return label

    def is_due(self, activity: str) -> bool:
        """Return whether an evaluation, preview or report is due."""
        return self.bookkeeping.is_due(activity, self.progress)

    def train_step(self) -> Step:
        """Update the weights with one window of every stream; raise DivergedError before NaN changes anything."""
        rate = learning_rate(self.training, self.plan, self.step)
        means = self._queue(rate) if self.queues_steps else self._step_and_wait(rate)
        nats, gradient_norm = means or (None, None)
        return Step(
            step=self.step,
            nats=nats,
            gradient_norm=gradient_norm,
            learning_rate=rate,
            progress=self.progress.fraction,
            steps=self.plan.steps,
        )

    def _step_and_wait(self, rate: float) -> tuple[float, float]:
        """Make a step; return its loss in nats and its gradient norm."""
        seed_step(self.device, self.training.seed, self.step)
        # An asynchronous copy would read this temporary array after it is freed (PyTorch issue 189690, on MPS).
        ids = torch.from_numpy(self.batches.batch_ids(self.step)).to(self.device)
        self._reset_some_streams()
        result = forward_backward(self.network, ids, self.state, self.training, self.reducer)
        nats, gradient_norm = result.nats.item(), result.gradient_norm.item()
        if not (math.isfinite(nats) and math.isfinite(gradient_norm)):
            raise self.divergence_error("the gradient" if math.isfinite(nats) else "the loss", self.step + 1)
        self.optimizer.step(rate)
        update_ema(self.ema_network, self.network, ema_weight(self.training, self.plan, self.step))
        self.state = result.state
        self.progress.advance()
        self.bookkeeping.add_steps(1, nats, gradient_norm)
        return nats, gradient_norm

    def _queue(self, rate: float) -> tuple[float, float] | None:
        """Queue a step on the device; return the means since the last `sync` if this one waits, else None."""
        if self._cuda_step is None or self._cuda_step.state is not self.state:
            self._cuda_step = self._device_step()
            self.state = self._cuda_step.state
        self._cuda_step.enqueue(self.step, rate, ema_weight(self.training, self.plan, self.step))
        self.progress.advance()
        if capture_error := self._cuda_step.pop_capture_error():
            self.warnings.append(f"steps are not replayed from a CUDA graph, so they are slower: {capture_error}")
        # An evaluation, preview or report must not wait for queued steps: their time would be counted as its own.
        before, now = (self.plan.progress(step) for step in (self.step - 1, self.step))
        ends_a_period = any(int(now * periods) > int(before * periods) for periods in PERIODS.values())
        return self.sync() if ends_a_period or self._cuda_step.unread_steps >= MAX_QUEUED_STEPS else None

    def sync(self) -> tuple[float, float] | None:
        """Wait for queued steps and record their results; raise DivergedError if a result is not finite.

        Return the means of nats and gradient norm since the last call, None if no step was queued.
        """
        if self._cuda_step is None or not self._cuda_step.unread_steps:
            return None
        sums = self._cuda_step.sync()
        if sums.diverged_at:
            raise self.divergence_error("the loss" if sums.loss_diverged else "the gradient", int(sums.diverged_at))
        self.bookkeeping.add_steps(sums.steps, sums.nats, sums.gradient_norm)
        return sums.nats / sums.steps, sums.gradient_norm / sums.steps

    def _device_step(self) -> CudaStep:
        """Return an asynchronous step that continues from the current state."""
        is_cuda = self.device.type == "cuda"
        max_bytes = TEXT_MEMORY_FRACTION * torch.cuda.mem_get_info()[0] if is_cuda else math.inf
        batches = DeviceBatches(self.batches, self.device, max_bytes=max_bytes)
        step = CudaStep(
            self.network, self.ema_network, self.optimizer, self.state, batches, self.training, self.reducer
        )
        if is_cuda:
            backend = cuda_graph_backend(is_distributed=self.group.is_distributed)
            step.capture_with(backend, self.group.all_agree)
        return step

    def load_pretrained(self, weights: Mapping[str, NDArray[np.float32]], source: str) -> None:
        """Start from the weights of a pretrained model instead of random ones."""
        for network in (self.network, self.ema_network):
            network.load_weights(weights)
        self.init_from = source

    def restore(
        self, progress: RunProgress, bookkeeping: Bookkeeping, state: NetworkState, *, init_from: str | None
    ) -> None:
        """Continue from the records and the recurrent state, of all streams, of a checkpoint."""
        self.progress, self.bookkeeping = progress, bookkeeping
        self._gathered_state, self.init_from = state, init_from
        self.state = tuple(part[:, self.shard.rows].contiguous() for part in state)

    @property
    def full_state(self) -> NetworkState:
        """Return the recurrent state of all streams, (layers, B, H); several processes gather it before a save.

        If the state was gathered at an earlier step, the streams of this process are current and all others are not.
        """
        if not self.group.is_distributed:
            return self.state
        state = tuple(part.clone() for part in self._gathered_state)
        for whole, part in zip(state, self.state, strict=True):
            whole[:, self.shard.rows] = part
        return state

    def gather_state(self) -> None:
        """Gather the recurrent state of all streams in rank 0, which all processes do at the same step."""
        self.sync()
        if self.group.is_distributed:
            parts = [self.group.gather_streams(part, self.training.batch) for part in self.state]
            self._gathered_state = tuple(part.to(self.device) for part in parts if part is not None)

    def change_plan(self, plan: Plan, training: TrainingConfig) -> None:
        """Continue under another plan and the training configuration that belongs to it."""
        self.training = training
        self.progress.change_plan(plan)
        self.bookkeeping.restart_periods(self.progress)

    def raw_weights(self) -> dict[str, NDArray[np.float32]]:
        """Return a copy of the weights that the optimizer updates, under the names of a model file."""
        return _copy_weights(self.network)

    def ema_weights(self) -> dict[str, NDArray[np.float32]]:
        """Return a copy of the averaged weights, under the names of a model file."""
        return _copy_weights(self.ema_network)

    def model(self, weights: Mapping[str, NDArray[np.float32]]) -> Model:
        """Return a model of these weights."""
        return Model(config=self.network.config, vocabulary=self.corpus.vocabulary, weights=weights)

    def _reset_some_streams(self) -> None:
        """Reset the state of random streams, each with probability `reset`."""
        is_reset = (torch.rand(self.training.batch) < self.training.reset)[self.shard.rows]
        if is_reset.any():
            self.state = reset_streams(self.network, self.state, is_reset.to(self.device))

    def oom_as_error(self) -> AbstractContextManager[None]:
        """Return a context manager that turns an out-of-memory error into a CharrnnError with a smaller setting."""
        return oom_as_error(self.network.config, self.training, self.network.vocabulary_size, self.device.type)

    def divergence_error(self, quantity: str, step: int) -> DivergedError:
        """Return the error for a quantity that is not finite at a step, with a lower learning rate as hint."""
        rate = learning_rate(self.training, self.plan, self.step)
        return DivergedError(
            f"training diverged: {quantity} is not finite at step {step:,} (learning rate {rate:.2g})",
            hint=f"the same command with a lower rate: `--lr {self.training.lr / 10:.2g}`",
        )


def _copy_weights(network: CharRNN) -> dict[str, NDArray[np.float32]]:
    return {name: tensor.detach().float().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
