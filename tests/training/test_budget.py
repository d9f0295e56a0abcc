"""A time budget is met, whatever the machine does, and the decay is complete when it is."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from charrnn.training.budget import Budget, timed
from charrnn.training.evaluation import read_on_the_way
from charrnn.training.events import Evaluation, Event, Step
from charrnn.training.run import Run


class FakeClock:
    """A clock that only work moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def worked(run: Run, clock: FakeClock, seconds: float, slower_from: int | None = None) -> Iterator[Event]:
    """Pretend to train: each step takes so long, half as long again from a certain step on."""
    run.evaluation_characters = 1000
    while not run.plan.finished(run.step):
        slow = slower_from is not None and run.step >= slower_from
        clock.now += seconds * (1.5 if slow else 1.0)
        run.step += 1
        if run.part_is_due("evaluation"):
            run.take_part("evaluation")
            clock.now += 0.2
            read = read_on_the_way(run)
            yield Evaluation(step=run.step, nats=1.0, characters=1000, read=read, best_nats=1.0, best_step=run.step)
        progress = run.plan.progress(run.step)
        yield Step(
            step=run.step, nats=1.0, gradient_norm=1.0, learning_rate=1.0, progress=progress, steps=run.plan.steps
        )


def within_a_minute(
    run: Run, clock: FakeClock, seconds: float, slower_from: int | None = None, *, began: float | None = None
) -> Iterator[Event]:
    """Put a minute's budget around pretended training."""
    events = worked(run, clock, seconds, slower_from)
    events = timed(events, run, began=clock.now if began is None else began, clock=clock)
    return Budget(run, 60.0, clock=clock).kept(events)


@pytest.mark.parametrize("slower_from", [None, 300, 1200])
def test_it_ends_on_time_on_a_steady_machine_and_on_one_that_slows_down(
    slower_from: int | None, make_run: Callable[..., Run]
) -> None:
    """Within a fiftieth of the budget, with progress at one."""
    clock = FakeClock()
    run = make_run(steps=None, minutes=1.0)
    last = list(within_a_minute(run, clock, 0.03, slower_from, began=clock.now - 3.0))[-1]
    assert isinstance(last, Step)
    assert last.progress == 1.0
    assert run.seconds == pytest.approx(60.0, rel=0.02)


def test_a_steady_machine_has_its_plan_set_early_and_kept(make_run: Callable[..., Run]) -> None:
    """Without a reason the number of steps stays, so that going on after a stop is exact."""
    clock = FakeClock()
    run = make_run(steps=None, minutes=1.0)
    plans = set()
    for _ in within_a_minute(run, clock, 0.03):
        if run.plan.progress(run.step) > 0.1:
            plans.add(run.plan)
    assert len(plans) == 1


def test_the_time_before_a_stop_counts(make_run: Callable[..., Run]) -> None:
    """A run that has used half of its budget goes on for the other half."""
    clock = FakeClock()
    run = make_run(steps=None, minutes=1.0)
    run.seconds = 30.0
    began = clock.now
    list(within_a_minute(run, clock, 0.03))
    assert clock.now - began == pytest.approx(30.0, rel=0.04)


@pytest.mark.parametrize("seconds", [0.0005, 0.002])
def test_steps_however_quick_get_a_plan_and_an_end(seconds: float, make_run: Callable[..., Run]) -> None:
    """Though all that are remembered take less than the share of the budget that is measured."""
    clock = FakeClock()
    run = make_run(steps=None, minutes=1.0)
    for count, _ in enumerate(within_a_minute(run, clock, seconds)):
        assert count < 2 * 60 / seconds, "it never ends"
    assert run.seconds == pytest.approx(60.0, rel=0.02)


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


def test_a_gpu_that_is_waited_for_now_and_then_ends_on_time_too(make_run: Callable[..., Run]) -> None:
    """Only what is known to be done is timed."""
    clock = FakeClock()
    run = make_run(steps=None, minutes=1.0)
    events = timed(queued(worked(run, clock, 0.002), clock, 32), run, began=clock.now, clock=clock)
    plans = {run.plan for _ in Budget(run, 60.0, clock=clock).kept(events) if run.plan.progress(run.step) > 0.1}
    assert run.seconds == pytest.approx(60.0, rel=0.02)
    assert len(plans) == 1
