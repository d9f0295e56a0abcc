"""The whole of a training: the loop within its time budget, logged and saved, and the final evaluation."""

import copy
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from charrnn.storage.run_directory import RunDirectory
from charrnn.training.checkpointer import save_final, save_on_the_way
from charrnn.training.early_stopping import should_stop
from charrnn.training.evaluation import FinalLosses, eval_cost_chars, evaluate_final, final_cost_chars
from charrnn.training.events import Evaluation, Event, Preview, SafePoint, Step
from charrnn.training.loop import train_loop, warn_on_explosion
from charrnn.training.metrics import log_events
from charrnn.training.new_run import Session
from charrnn.training.progress import PERIODS
from charrnn.training.trainer import Trainer

# Time budgets: measure the duration of a step and set the number of steps, so that a run ends on time. This wraps the
# events of a run. The plan is saved with the run, so a resumed run continues under it.

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
        in_step = now - resumed if isinstance(event, Step) else 0.0
        trainer.progress.record_time(before + now - began, in_step=in_step)
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
        self._looks = trainer.progress.periods_done(CHECKS)

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
        looks = self._run.progress.periods_done(CHECKS)
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
            trainer.progress.change_steps(steps)

    def _non_step_seconds(self, a_step: float) -> float:
        """Foresee what is not a step: evaluations and previews on the way, the whole held-out text at the end."""
        trainer = self._run
        share_left = 1 - trainer.progress.fraction
        training_speed = a_step / (trainer.training.batch * trainer.training.length)
        a_character = self._evaluation or training_speed / 3
        on_the_way = PERIODS["evaluation"] * share_left * eval_cost_chars(trainer) * a_character
        return on_the_way + PERIODS["preview"] * share_left * self._preview + final_cost_chars(trainer) * a_character


# The events of a run: timed, within their budget, logged and saved as they pass

StopFilter = Callable[[Iterator[Event]], Iterator[Event]]
"""passes events through, until it is enough"""


def fit(
    session: Session,
    *,
    began: float,
    sample_every: int | None = None,
    save_every: float | None = None,
    until: StopFilter = iter,
    clock: Clock = time.monotonic,
) -> Iterator[Event]:
    """Train a run to the end of its plan, or `until` it is enough; at the events' end it is saved (CharrnnError).

    `began` is the clock's time at which it was asked for: what was done before training counts too. Previews come
    after so many steps, saves after so many seconds; None: as they are due.
    """
    trainer, directory, minutes = session.trainer, session.directory, session.trainer.training.minutes
    events = count_seconds(train_loop(trainer, sample_every=sample_every), trainer, began=began, clock=clock)
    if minutes:
        events = TimeBudget(trainer, 60 * minutes, clock=clock).adjust(events)
    events = log_events(until(warn_on_explosion(events, trainer)), directory.metrics, step=trainer.step)
    return save_on_the_way(events, trainer, directory, every_seconds=save_every, clock=clock)


# The end: the best weights, evaluated once more on more held-out text, become the model


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """What a training came to."""

    losses: FinalLosses
    """of the best weights, on the held-out text"""
    best_step: int
    steps: int
    stopped_early: bool
    """whether these are fewer steps than planned, because the run overfitted"""
    characters: int
    """trained on, counting each time anew"""
    characters_per_second: float
    """in the steps alone"""
    parameters: int


def final_evaluation(trainer: Trainer, directory: RunDirectory) -> Generator[SafePoint, None, TrainingResult]:
    """Measure the best weights on the held-out text, write that beside them, and note that it is done.

    Left at a moment, the run and its files are as they were. Raise CharrnnError if it cannot be saved.
    """
    best = trainer.best
    assert best is not None, "a training ends after an evaluation"
    network = copy.deepcopy(trainer.ema_network)
    network.load_weights(best.weights)
    losses = yield from evaluate_final(trainer, network)
    save_final(trainer, directory, losses=losses)
    characters = trainer.step * trainer.training.batch * trainer.training.length
    return TrainingResult(
        losses=losses,
        best_step=best.step,
        steps=trainer.step,
        stopped_early=should_stop(trainer),
        characters=characters,
        characters_per_second=characters / trainer.progress.step_seconds if trainer.progress.step_seconds else 0.0,
        parameters=trainer.model(best.weights).parameters,
    )
