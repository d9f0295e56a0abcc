"""The learning rate schedule: linear warm-up, then cosine decay (Loshchilov and Hutter 2017), by the step alone."""

import math
from dataclasses import dataclass

from charrnn.config import TrainingConfig
from charrnn.storage.schema import Count, PlannedSteps, Share


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The number of steps; under a time budget it is determined, and corrected, during training.

    A correction changes the progress of later steps only:

    >>> plan = Plan(steps=100)
    >>> plan.progress(50), plan.with_steps(50, 60).progress(50), plan.with_steps(50, 60).progress(55)
    (0.5, 0.5, 0.75)
    """

    steps: PlannedSteps | None
    """total number of steps; None while it is unknown"""
    from_step: Count = 0
    """step of the last correction"""
    from_progress: Share = 0.0
    """progress at the last correction"""

    def progress(self, step: int) -> float:
        """Return the progress at a step: 0 at the start of the training, 1 at its end."""
        if self.steps is None:
            return self.from_progress
        if step >= self.steps:
            return 1.0
        fraction = (step - self.from_step) / (self.steps - self.from_step)
        return self.from_progress + (1 - self.from_progress) * fraction

    def with_steps(self, step: int, steps: int | None) -> "Plan":
        """Return a plan with another number of steps from `step` on; None: to be determined again."""
        if steps is None:
            return Plan(steps=None, from_step=step, from_progress=self.progress(step))
        return Plan(steps=max(steps, step), from_step=step, from_progress=self.progress(step))

    def finished(self, step: int) -> bool:
        """Return whether no step is left."""
        return self.steps is not None and step >= self.steps

    def periods_done(self, step: int, periods: int) -> int:
        """Return how many of `periods` equal periods of the training are done."""
        return math.floor(self.progress(step) * periods)


def learning_rate(training: TrainingConfig, plan: Plan, step: int) -> float:
    """Return the learning rate of a step: it rises to `lr`, then falls to the fraction `final_lr` of it."""
    return training.lr * lr_fraction(training, plan, step)


def lr_fraction(training: TrainingConfig, plan: Plan, step: int) -> float:
    """Return the learning rate of a step as a fraction of the peak."""
    warm_up = min(1.0, (step + 1) / (training.warm_up + 1))
    cosine = 0.5 * (1 + math.cos(math.pi * plan.progress(step)))
    return warm_up * (training.final_lr + (1 - training.final_lr) * cosine)
