"""Training to a time budget: measures how long a step takes and sets the number of steps so that it ends on time.

Wraps the events of a run. The plan it sets is kept with the run, so a run that was stopped goes on under it.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator

from charrnn.training.evaluation import eval_cost_chars, final_cost_chars
from charrnn.training.events import Evaluation, Event, Preview, SafePoint, Step
from charrnn.training.run import PERIODS, Trainer

Clock = Callable[[], float]

WARM_UP_STEPS = 3
"""the first ones allocate memory and choose kernels; on a GPU all until it is first waited for"""
MIN_STEPS = 8
MEASURED_FRACTION = 0.02
"""of the budget, before the number of steps is first set"""
CHECKS = 100
"""how often, evenly over the training, the plan is looked at again"""
TOLERANCE = 0.01
"""of the budget: by how much the end may be off before the plan is corrected"""
RECENT_STEPS = 400


def count_seconds(
    events: Iterator[Event], trainer: Trainer, *, began: float, clock: Clock = time.monotonic
) -> Iterator[Event]:
    """Pass events through, keeping count of the run's seconds.

    `began` is the clock's time at which the command began: what it did before training counts too.
    """
    before, resumed = trainer.seconds, clock()
    for event in events:
        now = clock()
        trainer.seconds = before + now - began
        if isinstance(event, Step):
            trainer.step_seconds += now - resumed
        yield event
        resumed = clock()


class TimeBudget:
    """Keeps a run within its seconds; the run's own count of them is `count_seconds`'s."""

    def __init__(self, trainer: Trainer, seconds: float, *, clock: Clock = time.monotonic) -> None:
        self._run = trainer
        self._seconds = seconds
        self._clock = clock
        self._seen = 0
        self._steps: deque[float] = deque(maxlen=RECENT_STEPS)
        self._measured = 0.0
        """seconds in all the steps that were counted"""
        self._queued: list[float] = []
        """seconds of the steps that a GPU was not waited for yet, and so may not have made"""
        self._evaluation = self._preview = 0.0
        self._looks = trainer.plan.periods_done(trainer.step, CHECKS)

    def adjust(self, events: Iterator[Event]) -> Iterator[Event]:
        """Pass events through, timing each and correcting the run's plan."""
        before = self._clock()
        for event in events:
            if isinstance(event, SafePoint):
                # It is a part of what comes next.
                yield event
                continue
            self._measure(event, self._clock() - before)
            if isinstance(event, Step) and self._is_check_due():
                self._correct()
            yield event
            before = self._clock()

    def _measure(self, event: Event, seconds: float) -> None:
        """Remember how long an event took to come about."""
        if isinstance(event, Evaluation):
            self._evaluation = seconds / event.read
        elif isinstance(event, Preview):
            self._preview = seconds
        elif isinstance(event, Step):
            self._queued.append(seconds)
            if event.nats is not None:
                self._count()

    def _count(self) -> None:
        """Remember how long steps took that are known to be made; of several, each is a mean one."""
        steps, seconds = len(self._queued), sum(self._queued)
        if self._seen >= WARM_UP_STEPS:
            self._steps.extend([seconds / steps] * steps)
            self._measured += seconds
        self._seen += steps
        self._queued.clear()

    def _is_check_due(self) -> bool:
        if len(self._steps) < MIN_STEPS or self._queued:
            return False
        if self._run.plan.steps is None:
            return self._measured >= MEASURED_FRACTION * self._seconds
        looks = self._run.plan.periods_done(self._run.step, CHECKS)
        due, self._looks = looks > self._looks, looks
        return due

    def _correct(self) -> None:
        """Set the plan's end to where the time will be up, if it is off by more than the tolerance."""
        trainer = self._run
        a_step = sum(self._steps) / len(self._steps)
        left = self._seconds - trainer.seconds - self._non_step_seconds(a_step)
        steps = trainer.step + max(1, round(left / a_step))
        planned = trainer.plan.steps
        if planned is None or abs(steps - planned) * a_step > TOLERANCE * self._seconds:
            trainer.plan = trainer.plan.with_steps(trainer.step, steps)

    def _non_step_seconds(self, a_step: float) -> float:
        """Foresee what is not a step: evaluations and previews on the way, the whole held-out text at the end."""
        trainer = self._run
        share_left = 1 - trainer.plan.progress(trainer.step)
        training_speed = a_step / (trainer.training.batch * trainer.training.length)
        a_character = self._evaluation or training_speed / 3
        on_the_way = PERIODS["evaluation"] * share_left * eval_cost_chars(trainer) * a_character
        return on_the_way + PERIODS["preview"] * share_left * self._preview + final_cost_chars(trainer) * a_character
