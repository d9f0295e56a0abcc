"""A step that is queued on a GPU and not waited for: the same work on the same memory each time, to be captured.

The host says which step it is and how fast to learn, and goes on; what came of it stays on the device until somebody
looks. A loss or gradient that is no number stops everything there before the update: weights, their means, moments
and state stay those of the last good step, whatever is queued behind it. When to look is left to `run`.
"""

from typing import NamedTuple

import torch

from charrnn.config import TrainingConfig
from charrnn.network.module import CharRNN, NetworkState
from charrnn.training.averaging import update_ema
from charrnn.training.capture import CapturedGraph, GraphBackend
from charrnn.training.chance import seed_step
from charrnn.training.device import tf32
from charrnn.training.device_windows import DeviceBatches, RandomBatch
from charrnn.training.gradient import StepResult, forward_backward, reset_streams
from charrnn.training.optimiser import AdamW


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
