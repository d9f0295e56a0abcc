"""Signals ask a training to stop between two steps."""

import os
import signal
from collections.abc import Iterator

import pytest

from charrnn.cli.stopping import Stopping


def counting(stopping: Stopping, number: int, at: int) -> Iterator[int]:
    """Count up, and get a signal on the way."""
    for item in range(10):
        if item == at:
            os.kill(os.getpid(), number)
        yield item
    assert stopping.asked is None, "nobody asked to stop"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_f35_f38_f39_a_signal_ends_the_items_after_the_one_at_hand(number: int) -> None:
    """It is remembered, said once, and the handlers are put back."""
    said: list[str] = []
    before = signal.getsignal(number)
    with Stopping(lambda: said.append("stopping")) as stopping:
        assert list(stopping.until(counting(stopping, number, 3))) == [0, 1, 2, 3]
    assert (stopping.asked, said) == (number, ["stopping"])
    assert signal.getsignal(number) == before


def test_f39_ignored_signals_stay_ignored() -> None:
    """Under nohup a training goes on when its terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stopping(lambda: None) as stopping:
            assert list(stopping.until(counting(stopping, signal.SIGHUP, 3))) == list(range(10))
    finally:
        signal.signal(signal.SIGHUP, before)


def test_f36_a_second_signal_dies_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the signal itself."""
    died: list[int] = []
    with Stopping(lambda: None) as stopping:
        os.kill(os.getpid(), signal.SIGINT)
        monkeypatch.setattr(stopping, "die", lambda: died.append(1))
        os.kill(os.getpid(), signal.SIGINT)
    assert died == [1]
