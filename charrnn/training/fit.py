"""A whole training: the loop under a time budget, logged and saved, and the final evaluation."""

import copy
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from charrnn.storage.run_directory import RunDirectory
from charrnn.training.checkpointer import save_during_training, save_final
from charrnn.training.coordination import Coordinator
from charrnn.training.early_stopping import should_stop
from charrnn.training.evaluation import FinalLosses, eval_cost_chars, evaluate_final, final_cost_chars
from charrnn.training.events import Evaluation, Event, Preview, SafePoint, Step
from charrnn.training.loop import train_loop, warn_on_explosion
from charrnn.training.metrics import log_events
from charrnn.training.new_run import Session
from charrnn.training.process_group import STOP_SIGNALS
from charrnn.training.progress import PERIODS
from charrnn.training.trainer import Trainer

# Time budgets: the duration of a step is measured and determines the number of steps, so that a run ends on time. The
# plan is saved with the run, so a resumed run continues under it.

Clock = Callable[[], float]

WARM_UP_STEPS = 3
"""steps that are not timed, because the first ones allocate memory and choose kernels"""
MIN_STEPS = 8
"""timed steps before the number of steps is set"""
MEASURED_FRACTION = 0.02
"""fraction of the budget that is spent in timed steps before the number of steps is first set"""
CHECKS = 100
"""number of checks of the plan, evenly distributed over the training"""
TOLERANCE = 0.01
"""fraction of the budget by which the predicted end may be off before the plan is corrected"""
RECENT_STEPS = 400
"""number of recent steps whose mean duration is the prediction for the steps left"""


def count_seconds(
    events: Iterator[Event], trainer: Trainer, *, start_time: float, clock: Clock = time.monotonic
) -> Iterator[Event]:
    """Pass events through, recording the time of the run and of its steps.

    `start_time` is the time of the clock when the command started, so that its preparations count too.
    """
    earlier_seconds, resumed_at = trainer.seconds, clock()
    for event in events:
        now = clock()
        in_step = now - resumed_at if isinstance(event, Step) else 0.0
        trainer.progress.record_time(earlier_seconds + now - start_time, in_step=in_step)
        yield event
        resumed_at = clock()


class ProgressStart(TypedDict):
    """What a progress display knows of a training before its first event."""

    characters_per_step: int
    first_step: int
    """step at which a resumed run starts"""
    initial_steps: int | None
    """planned number of steps; None if it is not known yet"""
    initial_progress: float
    """share of the plan that is done"""
    ends_at: float | None
    """time of the clock at which the time budget is used up; None without one"""


def progress_start(trainer: Trainer, start_time: float) -> ProgressStart:
    """Return the progress of a run at the start of its training; `start_time` as for `count_seconds`."""
    training = trainer.training
    return {
        "characters_per_step": training.batch * training.length,
        "first_step": trainer.step,
        "initial_steps": trainer.plan.steps,
        "initial_progress": trainer.plan.progress(trainer.step),
        "ends_at": start_time - trainer.seconds + 60 * training.minutes if training.minutes else None,
    }


class TimeBudget:
    """A time budget: it measures events and sets the number of steps; `count_seconds` records the time."""

    def __init__(
        self,
        trainer: Trainer,
        seconds: float,
        *,
        clock: Clock = time.monotonic,
        change_steps: Callable[[int], None] | None = None,
    ) -> None:
        """`change_steps` changes the number of steps of the plan, or requests that all processes change it."""
        self._trainer = trainer
        self._change_steps = change_steps or trainer.progress.change_steps
        self._seconds = seconds
        self._clock = clock
        self._timed_steps = 0
        self._step_seconds: deque[float] = deque(maxlen=RECENT_STEPS)
        self._measured = 0.0
        """total seconds of the timed steps after the warm-up"""
        self._queued: list[float] = []
        """seconds of steps that are queued on a GPU and may not be complete"""
        self._eval_seconds_per_char = self._preview_seconds = 0.0
        self._checks_done = trainer.progress.periods_done(CHECKS)

    def adjust(self, events: Iterator[Event]) -> Iterator[Event]:
        """Pass events through, measure the time of each, and correct the plan of the run."""
        before = self._clock()
        for event in events:
            if isinstance(event, SafePoint):
                # A safe point belongs to the operation that continues after it.
                yield event
                continue
            self._measure(event, self._clock() - before)
            if isinstance(event, Step) and self._is_check_due():
                self._correct()
            yield event
            before = self._clock()

    def _measure(self, event: Event, seconds: float) -> None:
        """Record the seconds that an event took."""
        if isinstance(event, Evaluation):
            self._eval_seconds_per_char = seconds / event.read
        elif isinstance(event, Preview):
            self._preview_seconds = seconds
        elif isinstance(event, Step):
            self._queued.append(seconds)
            if event.nats is not None:
                self._record_queued()

    def _record_queued(self) -> None:
        """Record the mean duration of the queued steps, which are complete now."""
        steps, seconds = len(self._queued), sum(self._queued)
        if self._timed_steps >= WARM_UP_STEPS:
            self._step_seconds.extend([seconds / steps] * steps)
            self._measured += seconds
        self._timed_steps += steps
        self._queued.clear()

    def _is_check_due(self) -> bool:
        """Return whether the plan should be checked now."""
        if len(self._step_seconds) < MIN_STEPS or self._queued:
            return False
        if self._trainer.plan.steps is None:
            return self._measured >= MEASURED_FRACTION * self._seconds
        checks = self._trainer.progress.periods_done(CHECKS)
        is_due, self._checks_done = checks > self._checks_done, checks
        return is_due

    def _correct(self) -> None:
        """Change the number of steps to what the time allows, if the plan is off by more than the tolerance."""
        trainer = self._trainer
        per_step = sum(self._step_seconds) / len(self._step_seconds)
        seconds_left = self._seconds - trainer.seconds - self._non_step_seconds(per_step)
        steps = trainer.step + max(1, round(seconds_left / per_step))
        planned = trainer.plan.steps
        if planned is None or abs(steps - planned) * per_step > TOLERANCE * self._seconds:
            self._change_steps(steps)

    def _non_step_seconds(self, per_step: float) -> float:
        """Return the predicted seconds of the remaining evaluations and previews and of the final evaluation."""
        trainer = self._trainer
        fraction_left = 1 - trainer.progress.fraction
        training_seconds_per_char = per_step / (trainer.training.batch * trainer.training.length)
        per_char = self._eval_seconds_per_char or training_seconds_per_char / 3
        evaluations = PERIODS["evaluation"] * fraction_left * eval_cost_chars(trainer) * per_char
        previews = PERIODS["preview"] * fraction_left * self._preview_seconds
        return evaluations + previews + final_cost_chars(trainer) * per_char


# The events of a run: timed, logged and saved while they pass


def default_stop_signals() -> dict[int, Any]:
    """Return the stop signals that nothing in the process handles or ignores, with their default handlers."""
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    caught = _caught_signals()
    return {
        number: handler
        for number, handler in handlers.items()
        if handler is signal.default_int_handler or (handler is signal.SIG_DFL and number not in caught)
    }


def _caught_signals() -> set[int]:
    """Return the signals with a handler, also one that Python does not know, as of faulthandler; empty if unknown."""
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines()
        mask = int(next(line.split()[1] for line in lines if line.startswith("SigCgt:")), 16)
        return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}
    return set()


StopFilter = Callable[[Iterator[Event]], Iterator[Event]]
"""passes events through, and ends early to stop the training"""


def fit(
    session: Session,
    *,
    start_time: float,
    sample_every: int | None = None,
    save_every: float | None = None,
    stop_filter: StopFilter = iter,
    clock: Clock = time.monotonic,
    coordinator: Coordinator | None = None,
) -> Iterator[Event]:
    """Train a run to the end of its plan or of `stop_filter`, then save it; yield its events (CharrnnError).

    `start_time` is the time of the clock when the command started. `sample_every` is in steps and `save_every` in
    seconds; None: the defaults of previews and saves. `stop_filter` wraps the events and can end them early. Several
    processes that share the training need a `coordinator`.
    """
    trainer, directory, minutes = session.trainer, session.directory, session.trainer.training.minutes
    is_main = trainer.group.is_main
    events = train_loop(trainer, sample_every=sample_every)
    if coordinator:
        events = coordinator.decide_after(events)
    events = count_seconds(events, trainer, start_time=start_time, clock=clock)
    if minutes and is_main:
        change_steps = coordinator.request_steps if coordinator else None
        events = TimeBudget(trainer, 60 * minutes, clock=clock, change_steps=change_steps).adjust(events)
    events = stop_filter(warn_on_explosion(events, trainer))
    if is_main:
        events = log_events(events, directory.metrics, step=trainer.step)
    return save_during_training(
        events, trainer, directory, every_seconds=save_every, clock=clock, coordinator=coordinator
    )


# The end: the best weights are evaluated on more of the held-out text and become the model


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """The result of a training."""

    losses: FinalLosses
    """losses of the best weights on the held-out text"""
    best_step: int
    steps: int
    stopped_early: bool
    """whether the run ended before its last planned step, because it overfitted"""
    characters: int
    """number of characters read in training, counted at each reading"""
    characters_per_second: float
    """speed of the training steps alone"""
    parameters: int


def final_evaluation(trainer: Trainer, directory: RunDirectory) -> Generator[SafePoint, None, TrainingResult]:
    """Evaluate the best weights on the held-out text and save them with their losses; return the result.

    Stopped at a safe point, the run and its files are unchanged. Raise CharrnnError if saving fails.
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
