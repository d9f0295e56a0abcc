"""Asynchronous training steps on a GPU, captured as a CUDA graph: every step does the same work on the same memory.

The host sets the step and the learning rate and continues; the results stay on the device until the host reads
them. A loss or gradient that is not finite stops all later updates on the device: weights, averages, moments and
state remain those of the last finite step, however many steps are queued.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from charrnn.config import TrainingConfig
from charrnn.network.char_rnn import CharRNN, NetworkState
from charrnn.text.batching import TrainingBatches
from charrnn.training.cuda_graph import CapturedGraph, GraphBackend
from charrnn.training.data_parallel import GradientReducer
from charrnn.training.device import seed_step, tf32
from charrnn.training.optimization import AdamW, StepResult, forward_backward, reset_streams, update_ema

# Batches on the device, in the same memory at every step. A text that fits is stored on the device as a whole, in the
# narrowest integer type, and each window is gathered there. Windows of a larger text are read on the host and copied
# asynchronously.

COPY_CHARS = 1 << 25
"""number of characters of a resident text that are copied to the device at once"""


class DeviceBatches:
    """Batches for a captured step: the ids of every step are produced by the same operations on the same memory."""

    def __init__(self, batches: TrainingBatches, device: torch.device, *, max_bytes: float) -> None:
        """Allocate the batch, and copy the text to the device if it takes at most `max_bytes` bytes."""
        self._batches, self._device = batches, device
        dtype = _id_dtype(len(batches.corpus.vocabulary))
        self.resident = batches.characters * dtype.itemsize <= max_bytes
        """whether the text is stored on the device"""
        if self.resident:
            self._text = _copy_text(batches, device, dtype)
            self._step = torch.zeros((), dtype=torch.int64, device=device)
            starts = torch.from_numpy(batches.starts(0)).to(device)
            self._positions = starts + torch.arange(batches.length + 1, device=device)[:, None]
        else:
            shape = (batches.length + 1, batches.starts(0).size)
            self._window = torch.zeros(shape, dtype=torch.int64, device=device)

    def set_step(self, step: int) -> None:
        """Set the step whose windows the next call of `batch_ids` returns, without waiting for the device."""
        if self.resident:
            self._step.fill_(step)
            return
        ids, is_cuda = torch.from_numpy(self._batches.batch_ids(step)), self._device.type == "cuda"
        # Only pinned memory is kept until its copy is complete, although the next window is read meanwhile.
        self._window.copy_(ids.pin_memory() if is_cuda else ids, non_blocking=is_cuda)

    def batch_ids(self) -> Tensor:
        """Return the ids of the windows, (T + 1, B)."""
        if not self.resident:
            return self._window
        positions = (self._positions + self._step * self._batches.length) % self._batches.characters
        return self._text[positions].long()


class RandomBatch:
    """A batch of random ids, the same at every step, on which steps are timed before the text is encoded."""

    def __init__(self, training: TrainingConfig, vocabulary_size: int, device: torch.device) -> None:
        self._window = torch.randint(vocabulary_size, (training.length + 1, training.batch), device=device)

    def set_step(self, step: int) -> None:
        """Ignore the step."""

    def batch_ids(self) -> Tensor:
        """Return the ids of the window, (T + 1, B)."""
        return self._window


def _id_dtype(vocabulary_size: int) -> torch.dtype:
    """Return the narrowest type for ids that every device can index with: of unsigned types, only uint8."""
    if vocabulary_size <= 1 << 8:
        return torch.uint8
    return torch.int16 if vocabulary_size <= 1 << 15 else torch.int32


def _copy_text(batches: TrainingBatches, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return the training text on the device, copied in chunks so that the host never holds all of it."""
    text = torch.empty(batches.characters, dtype=dtype, device=device)
    for begin in range(0, batches.characters, COPY_CHARS):
        end = min(begin + COPY_CHARS, batches.characters)
        text[begin:end] = torch.from_numpy(batches.corpus.ids[begin:end].astype(np.int32)).to(dtype)
        batches.corpus.release_pages()
    return text


# The training step


class StepSums(NamedTuple):
    """Sums over the finite steps since the last `sync`, and the step that diverged."""

    steps: float
    """number of steps"""
    nats: float
    """sum of the mean losses of the steps"""
    gradient_norm: float
    """sum of the gradient norms"""
    diverged_at: float
    """first step with a loss or gradient that is not finite; 0: none"""
    loss_diverged: float
    """1 if the loss was not finite, 0 if only the gradient was not"""


class CudaStep:
    """An asynchronous training step that updates weights, averages, moments and state in place."""

    def __init__(
        self,
        network: CharRNN,
        ema_network: CharRNN,
        optimizer: AdamW,
        state: NetworkState,
        batches: DeviceBatches | RandomBatch,
        training: TrainingConfig,
        reducer: GradientReducer | None = None,
    ) -> None:
        """Prepare the step; from now on the optimizer skips updates after a step that is not finite."""
        self._network, self._ema, self._optimizer = network, ema_network, optimizer
        self._batches, self._training, self._reducer = batches, training, reducer
        device = self._device = state[0].device
        self.state: NetworkState = tuple(part.to(torch.float32, copy=True) for part in state)
        """recurrent state after the last finite step; always the same tensors"""
        self._rate, self._ema_weight = torch.zeros((), device=device), torch.zeros((), device=device)
        self._number = torch.zeros((), dtype=torch.float64, device=device)
        self._sums = torch.zeros(3, dtype=torch.float64, device=device)
        """number of steps, sums of nats and gradient norms since the last `sync`"""
        self._diverged = torch.zeros(2, dtype=torch.float64, device=device)
        """first step that was not finite, and whether its loss was not"""
        self._skip = torch.zeros((), device=device)
        """1 while updates are skipped, else 0; read by the optimizer"""
        optimizer.skip_update = self._skip
        self._captured: CapturedGraph | None = None
        self._step = 0
        self._error_reported = False
        self.unread_steps = 0
        """number of steps since the last `sync`"""

    def capture_with(self, backend: GraphBackend, all_agree: Callable[[bool], bool] = bool) -> None:
        """Capture the step as a graph when it has run a few times, and replay the graph from then on.

        `all_agree` returns whether a value is true in all processes: either all of them replay a graph, or none.
        """
        self._captured = CapturedGraph(backend, all_agree)

    def enqueue(self, step: int, learning_rate: float, ema_weight: float) -> None:
        """Queue a training step on the device.

        `ema_weight` is the weight of the new weights in the average.
        """
        self._step = step
        seed_step(self._device, self._training.seed, step)
        self._batches.set_step(step)
        self._number.fill_(step + 1)
        self._rate.fill_(learning_rate)
        self._ema_weight.fill_(ema_weight)
        if self._captured is None:
            self._run_step()
        else:
            self._captured(self._run_step, self._undo)
        self.unread_steps += 1

    def sync(self) -> StepSums:
        """Wait for all queued steps, return their sums, and set the sums to zero."""
        sums = StepSums(*torch.cat((self._sums, self._diverged)).tolist())
        self._sums.zero_()
        # After divergence the next call reports the same step again.
        self.unread_steps = self.unread_steps if sums.diverged_at else 0
        return sums

    def pop_capture_error(self) -> str | None:
        """Return the reason why the capture failed, once; None at later calls and without a failure."""
        if self._captured is None or self._error_reported:
            return None
        self._error_reported = self._captured.capture_error is not None
        return self._captured.capture_error

    def _run_step(self) -> None:
        """Run a whole step on the device; no number is read from the device or sent to it."""
        ids = self._batches.batch_ids()
        is_reset = torch.rand(self._training.batch, device=self._device) < self._training.reset
        if self._network.shard is not None:
            is_reset = is_reset[self._network.shard.rows]
        initial_state = reset_streams(self._network, self.state, is_reset)
        with tf32(self._device, allowed=True):
            result = forward_backward(self._network, ids, initial_state, self._training, self._reducer)
        self._record_result(result)
        self._optimizer.step(self._rate)
        update_ema(self._ema, self._network, self._ema_weight * (self._skip == 0))
        for old, new in zip(self.state, result.state, strict=True):
            old.copy_(torch.where(self._skip > 0, old, new))

    def _record_result(self, result: StepResult) -> None:
        """Add the results of a finite step to the sums; after a step that is not finite, skip all updates."""
        nats, norm = result.nats.double(), result.gradient_norm.double()
        loss_diverged, already_diverged = ~nats.isfinite(), self._diverged[0] > 0
        is_finite = ~(loss_diverged | ~norm.isfinite() | already_diverged)
        increments = torch.stack((torch.ones_like(nats), nats, norm))
        self._sums.add_(torch.where(is_finite, increments, torch.zeros_like(increments)))
        current = torch.stack((self._number, loss_diverged.double()))
        self._diverged.copy_(torch.where(is_finite | already_diverged, self._diverged, current))
        self._skip.copy_(~is_finite)

    def _undo(self) -> None:
        """Revert the part of a step that a failed capture left behind: gradients and the seed."""
        self._optimizer.zero_grad()
        seed_step(self._device, self._training.seed, self._step)
