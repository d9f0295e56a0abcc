"""Asynchronous training steps on a GPU: the same work on the same memory each time, captured as a CUDA graph.

The host sets the step and the learning rate and continues; the results stay on the device until the host reads
them. A loss or gradient that is not finite stops all later updates on the device: weights, their averages, moments
and state remain those of the last good step, whatever is queued.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from charrnn.config import TrainingConfig
from charrnn.network.char_rnn import CharRNN, NetworkState
from charrnn.text.batching import TrainingBatches
from charrnn.training.device import seed_step, tf32
from charrnn.training.optimizer import AdamW, update_ema
from charrnn.training.tbptt import StepResult, forward_backward, reset_streams

# CUDA graphs: work that is repeated on the same memory runs a few times as it is, is then captured once and replayed.
# The device then needs one command of the host, which otherwise takes longer to issue the commands than the device to
# execute them. Work that cannot be captured runs as it is, and the reason is kept for a message.

WARM_UP_RUNS = 3
"""times that the work is done before it is recorded, while libraries choose their kernels and take their memory"""

Work = Callable[[], None]


class GraphBackend(NamedTuple):
    """How a device has work done that will be recorded, and how it is."""

    warm_up: Callable[[Work], None]
    """does work where what it leaves behind is not in a recording's way"""
    capture: Callable[[Work], Work]
    """does nothing but note what is to be done, and gives what does it; may raise RuntimeError"""


class CapturedGraph:
    """Work that is recorded after a few times; calling it does it once, one way or the other."""

    def __init__(self, work: Work, backend: GraphBackend, *, undo: Work) -> None:
        """Take the work, how it is recorded, and what undoes that half of it which a failure leaves done."""
        self._work, self._recorder, self._put_back = work, backend, undo
        self._done = 0
        self._replay: Work | None = None
        self.capture_error: str | None = None
        """why it could not be recorded, in a line; None while nothing is known against it"""

    def __call__(self) -> None:
        """Do the work."""
        if self._replay is None and self.capture_error is None and self._done == WARM_UP_RUNS:
            self._try_to_capture()
        if self._replay is not None:
            self._replay()
        elif self.capture_error is not None:
            self._work()
        else:
            self._recorder.warm_up(self._work)
            self._done += 1

    def _try_to_capture(self) -> None:
        try:
            self._replay = self._recorder.capture(self._work)
        except RuntimeError as error:
            self.capture_error = next(iter(str(error).splitlines()), type(error).__name__)
            self._put_back()


def cuda_graph_backend() -> GraphBackend:
    """Give the recorder of the GPU: until work is a graph it has a stream of its own, on which it is recorded too."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def warm_up(work: Work) -> None:
        here = torch.cuda.current_stream()
        side.wait_stream(here)
        with torch.cuda.stream(side):
            work()
        here.wait_stream(side)

    def capture(work: Work) -> Work:
        graph = torch.cuda.CUDAGraph()
        # A graph that fails leaves its own stream to be the current one.
        with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph, stream=side):
            work()
        return graph.replay

    return GraphBackend(warm_up, capture)


# Batches on the device, in the same memory at every step. A text that fits is stored on the device as a whole, in the
# narrowest type, and every window is gathered there. Windows of a larger text are read on the host and copied
# asynchronously.

COPY_CHARS = 1 << 25
"""copied to the device, of a text that stays there"""


class DeviceBatches:
    """Windows of one shape, read as a step that is captured can read them: always by the same operations."""

    def __init__(self, batches: TrainingBatches, device: torch.device, *, max_bytes: float) -> None:
        """Put the text on the device, if it takes no more than `max_bytes` bytes."""
        self._windows, self._device = batches, device
        dtype = _id_dtype(len(batches.corpus.vocabulary))
        self.resident = batches.characters * dtype.itemsize <= max_bytes
        """whether the text lies on the device"""
        if self.resident:
            self._text = _copy_text(batches, device, dtype)
            self._step = torch.zeros((), dtype=torch.int64, device=device)
            starts = torch.from_numpy(batches.starts(0)).to(device)
            self._places = starts + torch.arange(batches.length + 1, device=device)[:, None]
        else:
            shape = (batches.length + 1, batches.batch)
            self._window = torch.zeros(shape, dtype=torch.int64, device=device)

    def set_step(self, step: int) -> None:
        """Have the next `batch_ids` give a step's windows; the device is not waited for."""
        if self.resident:
            self._step.fill_(step)
            return
        ids = torch.from_numpy(self._windows.batch_ids(step))
        # What is pinned stays as it is until it is copied, though a new one is read meanwhile.
        self._window.copy_(ids.pin_memory() if self._device.type == "cuda" else ids, non_blocking=True)

    def batch_ids(self) -> Tensor:
        """Give the windows, (T + 1, B)."""
        if not self.resident:
            return self._window
        places = (self._places + self._step * self._windows.length) % self._windows.characters
        return self._text[places].long()


class RandomBatch:
    """The same window of nonsense at every step: what steps are timed on before there is a text."""

    def __init__(self, training: TrainingConfig, vocabulary_size: int, device: torch.device) -> None:
        self._window = torch.randint(vocabulary_size, (training.length + 1, training.batch), device=device)

    def set_step(self, step: int) -> None:
        """Stay where it is."""

    def batch_ids(self) -> Tensor:
        """Give the window, (T + 1, B)."""
        return self._window


def _id_dtype(vocabulary_size: int) -> torch.dtype:
    """Choose the type of an id; those without a sign are not indexed by every device, the smallest aside."""
    if vocabulary_size <= 1 << 8:
        return torch.uint8
    return torch.int16 if vocabulary_size <= 1 << 15 else torch.int32


def _copy_text(batches: TrainingBatches, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Copy the text to the device, piece by piece, so that it is never in memory as a whole."""
    text = torch.empty(batches.characters, dtype=dtype, device=device)
    for begin in range(0, batches.characters, COPY_CHARS):
        end = min(begin + COPY_CHARS, batches.characters)
        text[begin:end] = torch.from_numpy(batches.corpus.ids[begin:end].astype(np.int32)).to(dtype)
        batches.corpus.release_pages()
    return text


# The step


class StepSums(NamedTuple):
    """What the device tells of the steps since somebody last looked, those that were good."""

    steps: float
    nats: float
    """the sum over them"""
    gradient_norm: float
    """likewise"""
    diverged_at: float
    """the step at which something was no number; 0: none"""
    loss_diverged: float
    """1 if that was the loss, 0 if it was the gradient alone"""


class CudaStep:
    """Learns from one window after the other on the memory it was given: weights, their means, moments, state."""

    def __init__(
        self,
        network: CharRNN,
        averaged: CharRNN,
        optimizer: AdamW,
        state: NetworkState,
        batches: DeviceBatches | RandomBatch,
        training: TrainingConfig,
        backend: GraphBackend | None,
    ) -> None:
        """Take over an optimiser, which from now on asks the device whether to do anything.

        recorder: what makes one piece of a step; None: it stays many.
        """
        self._network, self._ema, self._optimizer = network, averaged, optimizer
        self._windows, self._training = batches, training
        device = self._device = state[0].device
        self.state: NetworkState = tuple(part.to(torch.float32, copy=True) for part in state)
        """after the last good step; the same tensors all along"""
        self._rate, self._ema_weight = torch.zeros((), device=device), torch.zeros((), device=device)
        self._number = torch.zeros((), dtype=torch.float64, device=device)
        self._sums = torch.zeros(3, dtype=torch.float64, device=device)
        """steps, nats, gradient norm since somebody last looked"""
        self._diverged = torch.zeros(2, dtype=torch.float64, device=device)
        """the first step at which something was no number, and whether it was the loss"""
        self._skip = torch.zeros((), device=device)
        """1 where nothing is to be changed: what the optimiser asks before it does anything"""
        optimizer.skip_update = self._skip
        self._captured = CapturedGraph(self._run_step, backend, undo=self._undo) if backend else None
        self._step = 0
        self._refusal_told = False
        self.unseen = 0
        """steps since somebody last looked"""

    def enqueue(self, step: int, learning_rate: float, ema_weight: float) -> None:
        """Have the device learn from a step's windows at a rate, and do not wait for it.

        newest: how much of the averaged weights its own are to be.
        """
        self._step = step
        seed_step(self._device, self._training.seed, step)
        self._windows.set_step(step)
        self._number.fill_(step + 1)
        self._rate.fill_(learning_rate)
        self._ema_weight.fill_(ema_weight)
        (self._captured or self._run_step)()
        self.unseen += 1

    def sync(self) -> StepSums:
        """Wait for all that is queued, and give what came of it; from then on it is counted anew."""
        sums = StepSums(*torch.cat((self._sums, self._diverged)).tolist())
        self._sums.zero_()
        # Of a step that was no number whoever looks again is told again.
        self.unseen = self.unseen if sums.diverged_at else 0
        return sums

    def pop_capture_error(self) -> str | None:
        """Say, once, why steps cannot be recorded; None while nothing is known against it."""
        if self._captured is None or self._refusal_told:
            return None
        self._refusal_told = self._captured.capture_error is not None
        return self._captured.capture_error

    def _run_step(self) -> None:
        """Do all of a step; nothing in here asks the device for a number, or gives it one."""
        ids = self._windows.batch_ids()
        is_reset = torch.rand(self._training.batch, device=self._device) < self._training.reset
        initial_state = reset_streams(self._network, self.state, is_reset)
        with tf32(self._device, allowed=True):
            result = forward_backward(self._network, ids, initial_state, self._training)
        self._record_result(result)
        self._optimizer.step(self._rate)
        update_ema(self._ema, self._network, self._ema_weight * (self._skip == 0))
        for old, new in zip(self.state, result.state, strict=True):
            old.copy_(torch.where(self._skip > 0, old, new))

    def _record_result(self, result: StepResult) -> None:
        """Count a good step; of the first that is not, note which it is, and hold everything from there on."""
        nats, norm = result.nats.double(), result.gradient_norm.double()
        is_loss, already_diverged = ~nats.isfinite(), self._diverged[0] > 0
        good = ~(is_loss | ~norm.isfinite() | already_diverged)
        increments = torch.stack((torch.ones_like(nats), nats, norm))
        self._sums.add_(torch.where(good, increments, torch.zeros_like(increments)))
        here = torch.stack((self._number, is_loss.double()))
        self._diverged.copy_(torch.where(good | already_diverged, self._diverged, here))
        self._skip.copy_(~good)

    def _undo(self) -> None:
        """Leave nothing of a step that could not be recorded."""
        self._optimizer.zero_grad()
        seed_step(self._device, self._training.seed, self._step)
