"""Signals ask a training to stop, or to pause, where it can be left."""

import inspect
import os
import signal
import time
from collections.abc import Generator, Iterator

import pytest

from charrnn.cli import train_run as module
from charrnn.cli.error_handler import Stopped
from charrnn.cli.train_run import SignalHandler
from charrnn.training.events import Event, Pause, Preview, SafePoint


def previews(number: int, at: int) -> Iterator[Event]:
    """Count up, and get a signal on the way."""
    for step in range(10):
        if step == at:
            os.kill(os.getpid(), number)
        yield Preview(step=step, text="")


def steps(events: Iterator[Event]) -> list[int]:
    """List the steps of previews."""
    return [event.step for event in events if isinstance(event, Preview)]


def silent() -> SignalHandler:
    """Make one that says nothing."""
    return SignalHandler(lambda: None, lambda: None)


@pytest.mark.fault("F35", "F38", "F39")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_events_after_the_one_at_hand(number: int) -> None:
    """It is remembered, said once, and the handlers are put back."""
    said: list[str] = []
    before = signal.getsignal(number)
    with SignalHandler(lambda: said.append("stopping"), lambda: said.append("now")) as handler, handler.deferred():
        assert steps(handler.stop_when_requested(previews(number, 3))) == [0, 1, 2, 3]
    assert (handler.stop_signal, said) == (number, ["stopping"])
    assert signal.getsignal(number) == before


@pytest.mark.fault("F37")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_where_nothing_is_to_be_saved_a_signal_raises(number: int) -> None:
    """Before the first step, and after the last save; files that are being written are cleared away by it."""
    with pytest.raises(Stopped) as caught, silent() as handler:
        steps(handler.stop_when_requested(previews(number, 3)))
    assert caught.value.number == number


@pytest.mark.fault("F39")
def test_ignored_signals_stay_ignored() -> None:
    """Under nohup a training goes on when its terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with silent() as handler, handler.deferred():
            assert steps(handler.stop_when_requested(previews(signal.SIGHUP, 3))) == list(range(10))
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.fault("F36")
def test_a_second_signal_dies_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the signal itself, and it says what is safe."""
    died: list[int] = []
    said: list[str] = []
    monkeypatch.setattr(module, "die_of", died.append)
    with SignalHandler(lambda: said.append("stopping"), lambda: said.append("now")) as handler, handler.deferred():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert (died, said) == ([signal.SIGINT], ["stopping", "now"])


def test_something_long_can_be_left_between_any_two_moments() -> None:
    """What it was in the middle of is cleared up at once."""
    left: list[str] = []

    def work() -> Generator[SafePoint, None, int]:
        try:
            for number in range(10):
                if number == 3:
                    os.kill(os.getpid(), signal.SIGTERM)
                yield SafePoint()
        finally:
            left.append("left")
        return 7

    working = work()
    with pytest.raises(Stopped), silent() as handler, handler.deferred():
        handler.run_interruptible(working)
    assert (left, inspect.getgeneratorstate(working)) == (["left"], inspect.GEN_CLOSED)


@pytest.mark.fault("F40")
def test_a_pause_is_said_before_it_begins_and_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The screen can be left in order, and no clock of the training sees that time."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    kill = os.kill

    def stood_still(process: int, number: int) -> None:
        if signal.getsignal(number) is signal.SIG_DFL:
            now[0] += 3600
        else:
            kill(process, number)

    monkeypatch.setattr(os, "kill", stood_still)
    with silent() as handler, handler.deferred():
        began = handler.clock()
        seen = [type(event) for event in handler.stop_when_requested(previews(signal.SIGTSTP, 3))]
        assert seen == [Preview] * 4 + [Pause] + [Preview] * 6
        now[0] += 5
        assert handler.clock() - began == 5
        os.kill(os.getpid(), signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGTSTP)
        assert handler.clock() - began == 5


@pytest.mark.fault("F40")
def test_a_pause_that_nobody_announced_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGSTOP cannot be seen coming; from the last look at the clock on, that time is left out."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with silent() as handler, handler.deferred():
        began = handler.clock()
        now[0] += 3600
        os.kill(os.getpid(), signal.SIGCONT)
        now[0] += 5
        assert handler.clock() - began == 5
