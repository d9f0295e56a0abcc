"""A time budget is met whatever the machine does, and the learning rate decay is complete at the end."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from charrnn.training.evaluation import eval_cost_chars
from charrnn.training.events import Evaluation, Event, Step
from charrnn.training.fit import TimeBudget, count_seconds
from charrnn.training.trainer import Trainer


class FakeClock:
    """A clock that only simulated work advances."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def simulated_training(
    trainer: Trainer, clock: FakeClock, seconds: float, slower_from: int | None = None
) -> Iterator[Event]:
    """Yield the events of a simulated training whose steps take 1.5 times as long from `slower_from` on."""
    trainer.bookkeeping.record_evaluation(trainer.progress, eval_chars=1000)
    while not trainer.plan.finished(trainer.step):
        slow = slower_from is not None and trainer.step >= slower_from
        clock.now += seconds * (1.5 if slow else 1.0)
        trainer.progress.advance()
        if trainer.is_due("evaluation"):
            trainer.bookkeeping.mark_done("evaluation", trainer.progress)
            clock.now += 0.2
            read = eval_cost_chars(trainer)
            yield Evaluation(
                step=trainer.step, nats=1.0, characters=1000, read=read, best_nats=1.0, best_step=trainer.step
            )
        progress = trainer.plan.progress(trainer.step)
        yield Step(
            step=trainer.step,
            nats=1.0,
            gradient_norm=1.0,
            learning_rate=1.0,
            progress=progress,
            steps=trainer.plan.steps,
        )


def training_of_a_minute(
    trainer: Trainer,
    clock: FakeClock,
    seconds: float,
    slower_from: int | None = None,
    *,
    start_time: float | None = None,
) -> Iterator[Event]:
    """Yield the events of a simulated training under a budget of a minute."""
    events = simulated_training(trainer, clock, seconds, slower_from)
    events = count_seconds(events, trainer, start_time=clock.now if start_time is None else start_time, clock=clock)
    return TimeBudget(trainer, 60.0, clock=clock).adjust(events)


@pytest.mark.parametrize("slower_from", [None, 300, 1200])
def test_a_training_ends_on_time_even_if_the_machine_slows_down(
    slower_from: int | None, make_trainer: Callable[..., Trainer]
) -> None:
    """The error is below 2 % of the budget, and the progress ends at 1."""
    clock = FakeClock()
    trainer = make_trainer(steps=None, minutes=1.0)
    last = list(training_of_a_minute(trainer, clock, 0.03, slower_from, start_time=clock.now - 3.0))[-1]
    assert isinstance(last, Step)
    assert last.progress == 1.0
    assert trainer.seconds == pytest.approx(60.0, rel=0.02)


def test_on_a_steady_machine_the_plan_is_set_early_and_kept(make_trainer: Callable[..., Trainer]) -> None:
    """The number of steps does not change without need, so that a resumed run is exact."""
    clock = FakeClock()
    trainer = make_trainer(steps=None, minutes=1.0)
    plans = set()
    for _ in training_of_a_minute(trainer, clock, 0.03):
        if trainer.plan.progress(trainer.step) > 0.1:
            plans.add(trainer.plan)
    assert len(plans) == 1


def test_the_time_before_a_stop_counts(make_trainer: Callable[..., Trainer]) -> None:
    """A run that has used half of its budget continues for the other half."""
    clock = FakeClock()
    trainer = make_trainer(steps=None, minutes=1.0)
    trainer.progress.record_time(30.0)
    start_time = clock.now
    list(training_of_a_minute(trainer, clock, 0.03))
    assert clock.now - start_time == pytest.approx(30.0, rel=0.04)


@pytest.mark.parametrize("seconds", [0.0005, 0.002])
def test_a_training_with_very_fast_steps_gets_a_plan_and_ends_on_time(
    seconds: float, make_trainer: Callable[..., Trainer]
) -> None:
    """All recent steps together may take less than the measured fraction of the budget."""
    clock = FakeClock()
    trainer = make_trainer(steps=None, minutes=1.0)
    for count, _ in enumerate(training_of_a_minute(trainer, clock, seconds)):
        assert count < 2 * 60 / seconds, "it never ends"
    assert trainer.seconds == pytest.approx(60.0, rel=0.02)


def with_queued_steps(events: Iterator[Event], clock: FakeClock, waited_for: int) -> Iterator[Event]:
    """Yield the events of simulated queued steps, which take no time until the results are read."""
    unread_seconds, before = 0.0, clock.now
    for event in events:
        if isinstance(event, Step):
            unread_seconds, clock.now = unread_seconds + clock.now - before, before
            if event.step % waited_for:
                event = dataclasses.replace(event, nats=None, gradient_norm=None)
            else:
                clock.now, unread_seconds = clock.now + unread_seconds, 0.0
        before = clock.now
        yield event


def test_a_training_with_queued_steps_ends_on_time(make_trainer: Callable[..., Trainer]) -> None:
    """Only completed steps are timed."""
    clock = FakeClock()
    trainer = make_trainer(steps=None, minutes=1.0)
    events = count_seconds(
        with_queued_steps(simulated_training(trainer, clock, 0.002), clock, 32),
        trainer,
        start_time=clock.now,
        clock=clock,
    )
    plans = {
        trainer.plan
        for _ in TimeBudget(trainer, 60.0, clock=clock).adjust(events)
        if trainer.plan.progress(trainer.step) > 0.1
    }
    assert trainer.seconds == pytest.approx(60.0, rel=0.02)
    assert len(plans) == 1
