"""A step that is queued on a GPU and not waited for: the same work on the same memory each time, to be captured.

The host says which step it is and how fast to learn, and goes on; what came of it stays on the device until somebody
looks. A loss or gradient that is no number stops everything there before the update: weights, their means, moments
and state stay those of the last good step, whatever is queued behind it. When to look is left to `run`.
"""

from typing import NamedTuple

import torch

from charrnn.config import TrainingConfig
from charrnn.network.module import CharacterNetwork, State
from charrnn.training.averaging import follow
from charrnn.training.capture import Captured, Recorder
from charrnn.training.chance import begin_chance
from charrnn.training.device import tf32
from charrnn.training.device_windows import DeviceWindows, OneWindow
from charrnn.training.gradient import Learned, forgetting, learn
from charrnn.training.optimiser import AdamW


class Seen(NamedTuple):
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


class DeviceStep:
    """Learns from one window after the other on the memory it was given: weights, their means, moments, state."""

    def __init__(
        self,
        network: CharacterNetwork,
        averaged: CharacterNetwork,
        optimiser: AdamW,
        state: State,
        windows: DeviceWindows | OneWindow,
        training: TrainingConfig,
        recorder: Recorder | None,
    ) -> None:
        """Take over an optimiser, which from now on asks the device whether to do anything.

        recorder: what makes one piece of a step; None: it stays many.
        """
        self._network, self._averaged, self._optimiser = network, averaged, optimiser
        self._windows, self._training = windows, training
        device = self._device = state[0].device
        self.state: State = tuple(part.to(torch.float32, copy=True) for part in state)
        """after the last good step; the same tensors all along"""
        self._rate, self._newest = torch.zeros((), device=device), torch.zeros((), device=device)
        self._number = torch.zeros((), dtype=torch.float64, device=device)
        self._sums = torch.zeros(3, dtype=torch.float64, device=device)
        """steps, nats, gradient norm since somebody last looked"""
        self._diverged = torch.zeros(2, dtype=torch.float64, device=device)
        """the first step at which something was no number, and whether it was the loss"""
        self._held = torch.zeros((), device=device)
        """1 where nothing is to be changed: what the optimiser asks before it does anything"""
        optimiser.held = self._held
        self._captured = Captured(self._once, recorder, put_back=self._put_back) if recorder else None
        self._step = 0
        self._refusal_told = False
        self.unseen = 0
        """steps since somebody last looked"""

    def queue(self, step: int, rate: float, newest: float) -> None:
        """Have the device learn from a step's windows at a rate, and do not wait for it.

        newest: how much of the averaged weights its own are to be.
        """
        self._step = step
        begin_chance(self._device, self._training.seed, step)
        self._windows.stand_at(step)
        self._number.fill_(step + 1)
        self._rate.fill_(rate)
        self._newest.fill_(newest)
        (self._captured or self._once)()
        self.unseen += 1

    def look(self) -> Seen:
        """Wait for all that is queued, and give what came of it; from then on it is counted anew."""
        seen = Seen(*torch.cat((self._sums, self._diverged)).tolist())
        self._sums.zero_()
        # Of a step that was no number whoever looks again is told again.
        self.unseen = self.unseen if seen.diverged_at else 0
        return seen

    def take_refusal(self) -> str | None:
        """Say, once, why steps cannot be recorded; None while nothing is known against it."""
        if self._captured is None or self._refusal_told:
            return None
        self._refusal_told = self._captured.refusal is not None
        return self._captured.refusal

    def _once(self) -> None:
        """Do all of a step; nothing in here asks the device for a number, or gives it one."""
        ids = self._windows.read()
        forgotten = torch.rand(self._training.batch, device=self._device) < self._training.reset
        begun = forgetting(self._network, self.state, forgotten)
        with tf32(self._device, allowed=True):
            learned = learn(self._network, ids, begun, self._training)
        self._judge(learned)
        self._optimiser.step(self._rate)
        follow(self._averaged, self._network, self._newest * (self._held == 0))
        for kept, new in zip(self.state, learned.state, strict=True):
            kept.copy_(torch.where(self._held > 0, kept, new))

    def _judge(self, learned: Learned) -> None:
        """Count a good step; of the first that is not, note which it is, and hold everything from there on."""
        nats, norm = learned.nats.double(), learned.gradient_norm.double()
        is_loss, gone = ~nats.isfinite(), self._diverged[0] > 0
        good = ~(is_loss | ~norm.isfinite() | gone)
        told = torch.stack((torch.ones_like(nats), nats, norm))
        self._sums.add_(torch.where(good, told, torch.zeros_like(told)))
        here = torch.stack((self._number, is_loss.double()))
        self._diverged.copy_(torch.where(good | gone, self._diverged, here))
        self._held.copy_(~good)

    def _put_back(self) -> None:
        """Leave nothing of a step that could not be recorded."""
        self._optimiser.forget()
        begin_chance(self._device, self._training.seed, self._step)
