"""All processes of a training stop, save, re-plan and fail at the same step."""

import math
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from common_distributed import CPU, make_rank_trainer, run_in_ranks
from torch.nn import functional

from charrnn.cli.error_handler import Stopped
from charrnn.cli.train_signals import SignalHandler
from charrnn.errors import DivergedError
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus import Corpus
from charrnn.training import evaluation, replicas
from charrnn.training.coordination import Coordinator
from charrnn.training.events import Evaluation, Event, SafePoint, Step
from charrnn.training.fit import final_evaluation, fit
from charrnn.training.loop import train_loop
from charrnn.training.new_run import Session
from charrnn.training.process_group import ProcessGroup
from charrnn.training.progress import PERIODS
from charrnn.training.trainer import Trainer


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide evaluations into several chunks, after each of which a training can stop; use one thread."""
    monkeypatch.setattr(evaluation, "MAX_CHUNK_CHARS", 32)
    torch.set_num_threads(1)


# Divergence


def last_parameter(trainer: Trainer) -> torch.nn.Parameter:
    """Return the last parameter in the order of the all-reduce."""
    return list(trainer.network.parameters())[-1]


def two_steps(trainer: Trainer) -> None:
    """Make two steps, and wait for them."""
    for _ in range(2):
        trainer.train_step()
    trainer.sync()


@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize("quantity", ["the gradient", "the loss"])
def test_a_number_that_is_not_finite_in_one_process_ends_all_at_the_same_step(
    quantity: str, queued: bool, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All processes raise the same error, and neither weights nor moments have changed since the step before."""

    def spoil(trainer: Trainer) -> None:
        if quantity == "the gradient":
            last_parameter(trainer).register_hook(lambda gradient: gradient * math.nan)  # type: ignore[no-untyped-call]
        else:
            cross_entropy = functional.cross_entropy
            monkeypatch.setattr(functional, "cross_entropy", lambda *tensors: cross_entropy(*tensors) * math.nan)

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        trainer = make_rank_trainer(corpus, group)
        trainer.queues_steps = queued
        two_steps(trainer)
        before = replicas._checksum_of_weights(trainer)
        if group.world.rank == 1:
            spoil(trainer)
        with pytest.raises(DivergedError) as caught:
            two_steps(trainer)
        return caught.value.message, before, replicas._checksum_of_weights(trainer)

    results = run_in_ranks(3, work, tmp_path / "world")
    assert results == [results[0]] * 3
    message, before, after = results[0]
    assert message.startswith(f"training diverged: {quantity} is not finite at step 3 ")
    assert before == after


# Plans


class Clock:
    """A clock that advances by some seconds at each call."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now = seconds, 0.0

    def __call__(self) -> float:
        """Return the time."""
        self.now += self.seconds
        return self.now


class Requests:
    """The requests to stop that a process received."""

    requested = 0
    stopped_by = 0

    def stop(self, number: int) -> None:
        """Stop by a signal on which all processes agree."""
        self.stopped_by = number


def test_the_plan_of_rank_0_reaches_all_processes_at_the_same_step(corpus: Corpus, tmp_path: Path) -> None:
    """Rank 0 measures its steps, and corrects the plan when they become slower; other clocks do not matter."""

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        trainer = make_rank_trainer(corpus, group, layers=1, steps=None, minutes=1.0)
        clock, plans = Clock(0.2 if group.is_main else 7.0), []
        session = Session(trainer=trainer, directory=RunDirectory(tmp_path), reason="")
        coordinator = Coordinator(trainer, Requests())
        for event in fit(session, start_time=0.0, sample_every=0, clock=clock, coordinator=coordinator):
            if group.is_main and trainer.step == 20:
                clock.seconds = 0.3
            if isinstance(event, Step):
                plans.append([event.step, event.steps, event.learning_rate, event.progress])
        return plans

    main, other = run_in_ranks(2, work, tmp_path / "world")
    assert main == other
    planned = {steps for _, steps, *_ in main}
    assert planned > {None}
    assert len(planned) > 3
    assert main[0][1] is None
    assert main[-1][0] == main[-1][1]
    assert main[-1][3] == 1


# Stops and saves


def silent() -> None:
    """Print nothing."""


def training(
    group: ProcessGroup, corpus: Corpus, directory: Path, observe: Callable[[Trainer, Event], None]
) -> tuple[Trainer, list[Event], int | None]:
    """Train with a real handler of signals; return the events and the signal on which all processes agreed."""
    group.join(CPU)
    trainer, events = make_rank_trainer(corpus, group, layers=1, steps=8), list[Event]()
    session = Session(trainer=trainer, directory=RunDirectory(directory), reason="")

    def watched(inner: Iterator[Event]) -> Iterator[Event]:
        for event in inner:
            events.append(event)
            observe(trainer, event)
            yield event

    with SignalHandler(silent, silent, coordinated=True) as handler, handler.deferred():
        coordinator = Coordinator(trainer, handler)
        wrapped = fit(
            session,
            start_time=0.0,
            sample_every=3,
            save_every=1e9,
            stop_filter=lambda inner: handler.stop_when_requested(watched(inner)),
            clock=Clock(0.001),
            coordinator=coordinator,
        )
        for _ in wrapped:
            pass
    return trainer, events, handler.stop_signal


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("within", [Step, SafePoint, Evaluation])
def test_a_stop_signal_to_any_process_stops_all_at_the_same_event(
    rank: int, within: type[Event], corpus: Corpus, tmp_path: Path
) -> None:
    """After a step, within an evaluation and after it; rank 0 saves that step."""

    def work(group: ProcessGroup) -> Any:
        sent: list[Event] = []

        def send_signal(trainer: Trainer, event: Event) -> None:
            if group.world.rank == rank and trainer.step == 3 and type(event) is within and not sent:
                sent.append(event)
                os.kill(os.getpid(), signal.SIGTERM)

        trainer, events, stop_signal = training(group, corpus, tmp_path, send_signal)
        names = [type(event).__name__ for event in events]
        return [name for name in names if name != "Preview"], trainer.step, stop_signal

    first, second = run_in_ranks(2, work, tmp_path / "world")
    assert first == second
    names, step, number = first
    assert number == signal.SIGTERM
    assert names[-1] == {Step: "SafePoint", SafePoint: "SafePoint", Evaluation: "Step"}[within]
    assert step == (4 if within is Evaluation else 3)
    assert RunDirectory(tmp_path).last_checkpoint_step() == step


def test_a_stop_signal_within_the_final_evaluation_stops_all_at_the_same_point(
    corpus: Corpus, tmp_path: Path
) -> None:
    """The evaluation is left at the next safe point, and the run is not marked as evaluated."""

    def work(group: ProcessGroup) -> Any:
        trainer, _, stop_signal = training(group, corpus, tmp_path, lambda *_: None)
        assert stop_signal is None
        points = []

        def watched(generator: Any) -> Any:
            for point in generator:
                points.append(type(point).__name__)
                if group.world.rank == 1 and len(points) == 2:
                    os.kill(os.getpid(), signal.SIGTERM)
                yield point

        with SignalHandler(silent, silent, coordinated=True) as handler, handler.deferred():
            coordinator = Coordinator(trainer, handler)
            evaluated = final_evaluation(trainer, RunDirectory(tmp_path))
            with pytest.raises(Stopped) as caught:
                handler.run_interruptible(coordinator.decide_within(watched(evaluated)))
        return points, caught.value.number, trainer.bookkeeping.final_evaluated

    first, second = run_in_ranks(2, work, tmp_path / "world")
    assert first == second == [["SafePoint"] * 2, signal.SIGTERM, False]


def test_a_save_that_rank_0_requests_is_made_by_all_at_the_same_event(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made after the next step, or after an evaluation, and not at a safe point."""
    monkeypatch.setitem(PERIODS, "evaluation", 2)

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        trainer, due_steps, saves = make_rank_trainer(corpus, group, layers=1, steps=8), [2, 4, 7, 99], []
        coordinator = Coordinator(trainer, Requests())
        if group.is_main:
            coordinator.save_is_due = lambda: trainer.step >= due_steps[0]
        for event in coordinator.decide_after(train_loop(trainer, sample_every=0)):
            if coordinator.saves_now:
                saves.append([type(event).__name__, trainer.step])
                due_steps.pop(0)
        return saves

    first, second = run_in_ranks(2, work, tmp_path / "world")
    assert first == second == [["Step", 3], ["Evaluation", 4], ["Step", 8]]


def next_events(trainer: Trainer) -> Iterator[Event]:
    """Yield a safe point and two steps."""
    yield SafePoint()
    yield trainer.train_step()
    yield trainer.train_step()


def test_the_largest_request_of_all_processes_is_the_decision(corpus: Corpus, tmp_path: Path) -> None:
    """Requests of different processes are acted on at the same event, and only once."""

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        trainer, requests = make_rank_trainer(corpus, group, steps=9), Requests()
        coordinator = Coordinator(trainer, requests)
        if group.world.rank == 0:
            coordinator.request_steps(7)
        if group.world.rank == 2:
            requests.requested = signal.SIGHUP
        decided = []
        for event in coordinator.decide_after(next_events(trainer)):
            decided.append([type(event).__name__, trainer.plan.steps, requests.stopped_by])
            trainer.progress.change_steps(9)
        return decided

    expected = [["SafePoint", 7, signal.SIGHUP], ["Step", 9, signal.SIGHUP], ["Step", 9, signal.SIGHUP]]
    assert run_in_ranks(3, work, tmp_path / "world") == [expected] * 3
