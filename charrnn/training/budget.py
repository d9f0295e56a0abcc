"""Training to a time budget: measures how long a step takes and sets the number of steps so that it ends on time.

Wraps the events of a run. The plan it sets is kept with the run, so a run that was stopped goes on under it.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator

from charrnn.training.evaluation import read_at_the_end, read_on_the_way
from charrnn.training.events import Evaluation, Event, Moment, Preview, Step
from charrnn.training.run import PARTS, Run

Clock = Callable[[], float]

STEPS_NOT_COUNTED = 3
"""the first ones allocate memory and choose kernels; on a GPU all until it is first waited for"""
FEWEST_STEPS = 8
SHARE_MEASURED = 0.02
"""of the budget, before the number of steps is first set"""
LOOKS = 100
"""how often, evenly over the training, the plan is looked at again"""
TOLERANCE = 0.01
"""of the budget: by how much the end may be off before the plan is corrected"""
RECENT_STEPS = 400


def timed(events: Iterator[Event], run: Run, *, began: float, clock: Clock = time.monotonic) -> Iterator[Event]:
    """Pass events through, keeping count of the run's seconds.

    `began` is the clock's time at which the command began: what it did before training counts too.
    """
    before, resumed = run.seconds, clock()
    for event in events:
        now = clock()
        run.seconds = before + now - began
        if isinstance(event, Step):
            run.step_seconds += now - resumed
        yield event
        resumed = clock()


class Budget:
    """Keeps a run within its seconds; the run's own count of them is `timed`'s."""

    def __init__(self, run: Run, seconds: float, *, clock: Clock = time.monotonic) -> None:
        self._run = run
        self._seconds = seconds
        self._clock = clock
        self._seen = 0
        self._steps: deque[float] = deque(maxlen=RECENT_STEPS)
        self._measured = 0.0
        """seconds in all the steps that were counted"""
        self._queued: list[float] = []
        """seconds of the steps that a GPU was not waited for yet, and so may not have made"""
        self._evaluation = self._preview = 0.0
        self._looks = run.plan.parts_done(run.step, LOOKS)

    def kept(self, events: Iterator[Event]) -> Iterator[Event]:
        """Pass events through, timing each and correcting the run's plan."""
        before = self._clock()
        for event in events:
            if isinstance(event, Moment):
                # It is a part of what comes next.
                yield event
                continue
            self._measure(event, self._clock() - before)
            if isinstance(event, Step) and self._is_time_to_look():
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
        if self._seen >= STEPS_NOT_COUNTED:
            self._steps.extend([seconds / steps] * steps)
            self._measured += seconds
        self._seen += steps
        self._queued.clear()

    def _is_time_to_look(self) -> bool:
        if len(self._steps) < FEWEST_STEPS or self._queued:
            return False
        if self._run.plan.steps is None:
            return self._measured >= SHARE_MEASURED * self._seconds
        looks = self._run.plan.parts_done(self._run.step, LOOKS)
        due, self._looks = looks > self._looks, looks
        return due

    def _correct(self) -> None:
        """Set the plan's end to where the time will be up, if it is off by more than the tolerance."""
        run = self._run
        a_step = sum(self._steps) / len(self._steps)
        left = self._seconds - run.seconds - self._other_seconds(a_step)
        steps = run.step + max(1, round(left / a_step))
        planned = run.plan.steps
        if planned is None or abs(steps - planned) * a_step > TOLERANCE * self._seconds:
            run.plan = run.plan.revised(run.step, steps)

    def _other_seconds(self, a_step: float) -> float:
        """Foresee what is not a step: evaluations and previews on the way, the whole held-out text at the end."""
        run = self._run
        share_left = 1 - run.plan.progress(run.step)
        training_speed = a_step / (run.training.batch * run.training.length)
        a_character = self._evaluation or training_speed / 3
        on_the_way = PARTS["evaluation"] * share_left * read_on_the_way(run) * a_character
        return on_the_way + PARTS["preview"] * share_left * self._preview + read_at_the_end(run) * a_character
