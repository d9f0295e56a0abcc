"""Signals stop or pause a training between two steps."""

import inspect
import os
import signal
import time
from collections.abc import Generator, Iterator

import pytest

from charrnn.cli import train_signals as module
from charrnn.cli.error_handler import Stopped
from charrnn.cli.train_signals import SignalHandler
from charrnn.training.events import Event, Pause, Preview, SafePoint
from charrnn.training.process_group import STOP_SIGNALS


def previews(number: int, at: int) -> Iterator[Event]:
    """Yield ten previews, and send a signal to this process before one of them."""
    for step in range(10):
        if step == at:
            os.kill(os.getpid(), number)
        yield Preview(step=step, text="")


def steps(events: Iterator[Event]) -> list[int]:
    """Return the steps of the previews."""
    return [event.step for event in events if isinstance(event, Preview)]


def silent() -> SignalHandler:
    """Return a handler that prints no messages."""
    return SignalHandler(lambda: None, lambda: None)


@pytest.mark.fault("F35", "F38", "F39")
@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_ends_the_events_after_the_current_one(number: int) -> None:
    """The signal is remembered, a message is printed once, and the previous handlers are restored."""
    messages: list[str] = []
    before = signal.getsignal(number)
    with (
        SignalHandler(lambda: messages.append("stopping"), lambda: messages.append("now")) as handler,
        handler.deferred(),
    ):
        assert steps(handler.stop_when_requested(previews(number, 3))) == [0, 1, 2, 3]
    assert (handler.stop_signal, messages) == (number, ["stopping"])
    assert signal.getsignal(number) == before


@pytest.mark.fault("F37")
@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_raises_if_nothing_must_be_saved(number: int) -> None:
    """Before the first step and after the last save; files that are being written are removed."""
    with pytest.raises(Stopped) as caught, silent() as handler:
        steps(handler.stop_when_requested(previews(number, 3)))
    assert caught.value.number == number


@pytest.mark.fault("F39")
def test_ignored_signals_stay_ignored() -> None:
    """Under nohup a training continues when its terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with silent() as handler, handler.deferred():
            assert steps(handler.stop_when_requested(previews(signal.SIGHUP, 3))) == list(range(10))
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.fault("F36")
def test_a_second_signal_ends_the_process_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first signal, after a message about the last save."""
    died: list[int] = []
    messages: list[str] = []
    monkeypatch.setattr(module, "exit_by_signal", died.append)
    with (
        SignalHandler(lambda: messages.append("stopping"), lambda: messages.append("now")) as handler,
        handler.deferred(),
    ):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert (died, messages) == ([signal.SIGINT], ["stopping", "now"])


@pytest.mark.parametrize(("coordinated", "seconds_later", "ends"), [(True, 0, 0), (True, 2, 1), (False, 0, 1)])
def test_a_signal_from_torchrun_and_from_a_batch_system_is_one_request(
    coordinated: bool, seconds_later: float, ends: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slurm and systemd signal every process of a job, and torchrun passes its signal on to the others."""
    died: list[int] = []
    monkeypatch.setattr(module, "exit_by_signal", died.append)
    with SignalHandler(lambda: None, lambda: None, coordinated=coordinated) as handler, handler.deferred():
        os.kill(os.getpid(), signal.SIGTERM)
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + seconds_later)
        os.kill(os.getpid(), signal.SIGTERM)
    assert (handler.requested, died) == (signal.SIGTERM, [signal.SIGTERM] * ends)


def test_a_long_operation_can_be_interrupted_at_any_safe_point() -> None:
    """The generator is closed at once, so that it cleans up."""
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
def test_a_pause_has_an_event_and_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Pause event precedes the pause, and the clock leaves the time of the pause out."""
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
        observed = [type(event) for event in handler.stop_when_requested(previews(signal.SIGTSTP, 3))]
        assert observed == [Preview] * 4 + [Pause] + [Preview] * 6
        now[0] += 5
        assert handler.clock() - began == 5
        os.kill(os.getpid(), signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGTSTP)
        assert handler.clock() - began == 5


@pytest.mark.fault("F40")
def test_a_pause_without_an_event_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGSTOP cannot be handled; the clock leaves out the time since it was last read."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with silent() as handler, handler.deferred():
        began = handler.clock()
        now[0] += 3600
        os.kill(os.getpid(), signal.SIGCONT)
        now[0] += 5
        assert handler.clock() - began == 5
