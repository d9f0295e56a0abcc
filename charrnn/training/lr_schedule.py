"""The learning rate schedule and the progress of a run: functions of the step alone."""

import math
from dataclasses import dataclass

from charrnn.config import TrainingConfig
from charrnn.storage.schema import Count, PlannedSteps, Share


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many steps there will be; under a time budget the number is found, and corrected, on the way.

    A correction bends only what is still to come:

    >>> plan = Plan(steps=100)
    >>> plan.progress(50), plan.with_steps(50, 60).progress(50), plan.with_steps(50, 60).progress(55)
    (0.5, 0.5, 0.75)
    """

    steps: PlannedSteps | None
    """None while it is not known yet"""
    from_step: Count = 0
    from_progress: Share = 0.0
    """where the last correction was made, and how far the training was"""

    def progress(self, step: int) -> float:
        """Say how far the training is at a step: 0 at its start, 1 at its end."""
        if self.steps is None:
            return self.from_progress
        if step >= self.steps:
            return 1.0
        share = (step - self.from_step) / (self.steps - self.from_step)
        return self.from_progress + (1 - self.from_progress) * share

    def with_steps(self, step: int, steps: int | None) -> "Plan":
        """Correct the number of steps while at `step`; None: it is to be found again."""
        if steps is None:
            return Plan(steps=None, from_step=step, from_progress=self.progress(step))
        return Plan(steps=max(steps, step), from_step=step, from_progress=self.progress(step))

    def finished(self, step: int) -> bool:
        """Tell whether no step is left."""
        return self.steps is not None and step >= self.steps

    def periods_done(self, step: int, periods: int) -> int:
        """Count how many of so many equal parts of the training are done."""
        return math.floor(self.progress(step) * periods)


def learning_rate(training: TrainingConfig, plan: Plan, step: int) -> float:
    """Rise linearly from zero, then fall along half a cosine to `final_lr` of the highest at the plan's end."""
    return training.lr * lr_fraction(training, plan, step)


def lr_fraction(training: TrainingConfig, plan: Plan, step: int) -> float:
    """Say which share of the highest rate a step has."""
    rising = min(1.0, (step + 1) / (training.warm_up + 1))
    falling = 0.5 * (1 + math.cos(math.pi * plan.progress(step)))
    return rising * (training.final_lr + (1 - training.final_lr) * falling)
