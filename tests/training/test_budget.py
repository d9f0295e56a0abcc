"""A time budget is met, whatever the machine does, and the decay is complete when it is."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from charrnn.training.evaluation import eval_cost_chars
from charrnn.training.events import Evaluation, Event, Step
from charrnn.training.fit import TimeBudget, count_seconds
from charrnn.training.trainer import Trainer


class FakeClock:
    """A clock that only work moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def worked(trainer: Trainer, clock: FakeClock, seconds: float, slower_from: int | None = None) -> Iterator[Event]:
    """Pretend to train: each step takes so long, half as long again from a certain step on."""
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


def within_a_minute(
    trainer: Trainer, clock: FakeClock, seconds: float, slower_from: int | None = None, *, began: float | None = None
) -> Iterator[Event]:
    """Put a minute's budget around pretended training."""
    events = worked(trainer, clock, seconds, slower_from)
    events = count_seconds(events, trainer, began=clock.now if began is None else began, clock=clock)
    return TimeBudget(trainer, 60.0, clock=clock).adjust(events)


@pytest.mark.parametrize("slower_from", [None, 300, 1200])
def test_it_ends_on_time_on_a_steady_machine_and_on_one_that_slows_down(
    slower_from: int | None, make_trainer: Callable[..., Trainer]
) -> None:
    """Within a fiftieth of the budget, with progress at one."""
    clock = FakeClock()
    trainer = make_trainer(steps=None, minutes=1.0)
    last = list(within_a_minute(trainer, clock, 0.03, slower_from, began=clock.now - 3.0))[-1]
    assert isinstance(last, Step)
    assert last.progress == 1.0
    assert trainer.seconds == pytest.approx(60.0, rel=0.02)


def test_a_steady_machine_has_its_plan_set_early_and_kept(make_trainer: Callable[..., Trainer]) -> None:
    """Without a reason the number of steps stays, so that going on after a stop is exact."""
    clock = FakeClock()
    trainer = make_trainer(steps=None, minutes=1.0)
    plans = set()
    for _ in within_a_minute(trainer, clock, 0.03):
        if trainer.plan.progress(trainer.step) > 0.1:
            plans.add(trainer.plan)
    assert len(plans) == 1


def test_the_time_before_a_stop_counts(make_trainer: Callable[..., Trainer]) -> None:
    """A run that has used half of its budget goes on for the other half."""
    clock = FakeClock()
    trainer = make_trainer(steps=None, minutes=1.0)
    trainer.progress.record_time(30.0)
    began = clock.now
    list(within_a_minute(trainer, clock, 0.03))
    assert clock.now - began == pytest.approx(30.0, rel=0.04)


@pytest.mark.parametrize("seconds", [0.0005, 0.002])
def test_steps_however_quick_get_a_plan_and_an_end(seconds: float, make_trainer: Callable[..., Trainer]) -> None:
    """Though all that are remembered take less than the share of the budget that is measured."""
    clock = FakeClock()
    trainer = make_trainer(steps=None, minutes=1.0)
    for count, _ in enumerate(within_a_minute(trainer, clock, seconds)):
        assert count < 2 * 60 / seconds, "it never ends"
    assert trainer.seconds == pytest.approx(60.0, rel=0.02)


def queued(events: Iterator[Event], clock: FakeClock, waited_for: int) -> Iterator[Event]:
    """Have steps seem to take no time, as a GPU's do that are queued, but each so manieth all that was left out."""
    owed, before = 0.0, clock.now
    for event in events:
        if isinstance(event, Step):
            owed, clock.now = owed + clock.now - before, before
            if event.step % waited_for:
                event = dataclasses.replace(event, nats=None, gradient_norm=None)
            else:
                clock.now, owed = clock.now + owed, 0.0
        before = clock.now
        yield event


def test_a_gpu_that_is_waited_for_now_and_then_ends_on_time_too(make_trainer: Callable[..., Trainer]) -> None:
    """Only what is known to be done is timed."""
    clock = FakeClock()
    trainer = make_trainer(steps=None, minutes=1.0)
    events = count_seconds(queued(worked(trainer, clock, 0.002), clock, 32), trainer, began=clock.now, clock=clock)
    plans = {
        trainer.plan
        for _ in TimeBudget(trainer, 60.0, clock=clock).adjust(events)
        if trainer.plan.progress(trainer.step) > 0.1
    }
    assert trainer.seconds == pytest.approx(60.0, rel=0.02)
    assert len(plans) == 1
