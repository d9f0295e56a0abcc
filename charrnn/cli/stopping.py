"""Stopping a training: Ctrl-C, SIGTERM and SIGHUP ask for it; asked twice, it stops at once; Ctrl-Z has it pause.

What is saved then, and what is said, is left to others.
"""

import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

from charrnn.cli.failures import Stopped, die_of
from charrnn.training.events import Event, Pause, Result, SafePoint

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
PAUSE, CONTINUE = getattr(signal, "SIGTSTP", None), getattr(signal, "SIGCONT", None)


class SignalHandler:
    """While entered, signals raise Stopped, or are put off until what goes on can be left; ignored ones stay ignored.

    `say` is called when one is put off, `say_at_once` when a second one ends the process.
    """

    def __init__(self, say: Callable[[], None], say_at_once: Callable[[], None]) -> None:
        self.asked: int | None = None
        """the signal that asked, or none yet"""
        self._say, self._say_at_once = say, say_at_once
        self._waits = self._pausing = False
        self._paused, self._seen = 0.0, time.monotonic()
        """seconds that the process stood still, and when it last did not"""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._take(SIGNALS, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Have signals only be remembered, for `stop_when_asked` to heed."""
        self._take([number for number in (PAUSE, CONTINUE) if number is not None], self._handle_pause)
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

    def stop_when_asked(self, events: Iterator[Event]) -> Iterator[Event]:
        """Pass events through until somebody asks to stop; if it is to pause, say so with one more event before."""
        for event in events:
            yield event
            if self._pausing:
                yield Pause()
                self._pause()
            if self.asked is not None:
                return

    def run_interruptible(self, work: Generator[SafePoint, None, Result]) -> Result:
        """Do something long that may be left, and give what it comes to; raise Stopped if somebody asks to stop.

        What is left is closed: what it was in the middle of is cleared up before anything else is done.
        """
        with closing(work):
            while True:
                try:
                    next(work)
                except StopIteration as done:
                    self.raise_if_asked()
                    return done.value  # type: ignore[no-any-return]  # it is the work's
                if self._pausing:
                    self._pause()
                self.raise_if_asked()

    def raise_if_asked(self) -> None:
        """Raise Stopped if a signal was put off."""
        if self.asked is not None:
            raise Stopped(self.asked)

    def clock(self) -> float:
        """Tell the seconds, those left out in which the process stood still."""
        self._seen = time.monotonic()
        return self._seen - self._paused

    def _take(self, numbers: list[int], handler: Callable[[int, FrameType | None], None]) -> None:
        for number in numbers:
            if number not in self._before and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, handler)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if not self._waits:
            raise Stopped(number)
        if self.asked is None:
            self.asked = number
            self._say()
        else:
            self._say_at_once()
            die_of(self.asked)

    def _handle_pause(self, number: int, _frame: FrameType | None) -> None:
        """Pause soon, or at once if asked again; or take note of what is past, if nobody asked before it."""
        if number == CONTINUE:
            self._count_pause()
        elif not self._waits or self._pausing:
            self._pause()
        else:
            self._pausing = True

    def _pause(self) -> None:
        """Stand still until somebody has the process go on."""
        assert PAUSE is not None
        self._pausing, self._seen = False, time.monotonic()
        handler = signal.signal(PAUSE, signal.SIG_DFL)
        os.kill(os.getpid(), PAUSE)
        signal.signal(PAUSE, handler)
        self._count_pause()

    def _count_pause(self) -> None:
        """Leave out what has passed since the clock was last looked at."""
        now = time.monotonic()
        self._paused, self._seen = self._paused + now - self._seen, now


def write_raw(words: str) -> None:
    """Say something from within a signal handler: past every buffer, and to nobody if the terminal is gone."""
    with suppress(OSError):
        os.write(2, words.encode())
