"""Signals of `charrnn train`: the first stop signal stops after a step, the second immediately; SIGTSTP pauses."""

import os
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from enum import Enum
from types import FrameType, TracebackType
from typing import Any, Self

from charrnn.cli.error_handler import Stopped, exit_by_signal
from charrnn.training.events import Event, Pause, Result, SafePoint
from charrnn.training.process_group import STOP_SIGNALS

PAUSE, CONTINUE = getattr(signal, "SIGTSTP", None), getattr(signal, "SIGCONT", None)

DUPLICATE_SECONDS = 1.0
"""time in which a signal may come twice: a batch system sends it to all processes, and torchrun passes its own on"""


class SignalMode(Enum):
    """Effect of a stop signal."""

    RAISE = "raise Stopped immediately"
    DEFER = "remember the request until training can stop"


class SignalHandler:
    """Handler of the signals that stop or pause training; an ignored signal, or one that a library handles, stays so.

    The mode is RAISE, except in a `deferred()` block:

        enter       +-------+   enter deferred()   +-------+
        ----------->| RAISE |--------------------->| DEFER |
                    |       |<---------------------|       |
                    +-------+   leave deferred()   +-------+
        stop signal: raise Stopped                 stop signal: remember it, and print a message
                                                   second stop signal: print a message, end by the first signal
        SIGTSTP: pause immediately                 SIGTSTP: remember it
        (before the first deferred(): as usual)    second SIGTSTP: pause immediately

    In several processes the same signal within a second is one request.

    `stop_when_requested` and `run_interruptible` handle the remembered requests; `clock` excludes pauses.
    """

    def __init__(
        self, print_stopping: Callable[[], None], print_killed: Callable[[], None], *, coordinated: bool = False
    ) -> None:
        """`coordinated`: several processes share the training; a request has no effect until all agree to stop."""
        self.requested = 0
        """number of the stop signal that this process received; 0: none"""
        self.stop_signal: int | None = None
        """the stop signal by which the training stops; None if there is none"""
        self._requested_at = 0.0
        self._coordinated = coordinated
        self._pause_requested = False
        self._mode = SignalMode.RAISE
        self._print_stopping, self._print_killed = print_stopping, print_killed
        self._paused_seconds, self._last_time = 0.0, time.monotonic()
        """total time in pauses, and the last time at which the process was known to run"""
        self._previous_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._install(STOP_SIGNALS, self._handle_stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Defer signals in the block: requests are remembered until training can stop or pause."""
        self._install([number for number in (PAUSE, CONTINUE) if number is not None], self._handle_pause)
        self._mode = SignalMode.DEFER
        try:
            yield
        finally:
            self._mode = SignalMode.RAISE

    def stop_when_requested(self, events: Iterator[Event]) -> Iterator[Event]:
        """Yield events until a stop is requested; for a pause, yield a Pause event first."""
        for event in events:
            yield event
            if self._pause_requested:
                yield Pause()
                self._pause()
            if self.stop_signal is not None:
                return

    def run_interruptible(self, generator: Generator[SafePoint, None, Result]) -> Result:
        """Run a generator that can be interrupted at each step, and return its result (Stopped).

        If a stop is requested, the generator is closed, so that it cleans up before Stopped is raised.
        """
        with closing(generator):
            while True:
                try:
                    next(generator)
                except StopIteration as done:
                    self.raise_if_requested()
                    return done.value  # type: ignore[no-any-return]  # the generator's result
                if self._pause_requested:
                    self._pause()
                self.raise_if_requested()

    def stop(self, number: int) -> None:
        """Stop by a signal as soon as training can stop."""
        self.stop_signal = number

    def raise_if_requested(self) -> None:
        """Raise Stopped if a stop is requested."""
        if self.stop_signal is not None:
            raise Stopped(self.stop_signal)

    def clock(self) -> float:
        """Return the time in seconds, excluding pauses."""
        self._last_time = time.monotonic()
        return self._last_time - self._paused_seconds

    def _install(self, numbers: Iterable[int], handler: Callable[[int, FrameType | None], None]) -> None:
        """Install a handler for signals that are not ignored, and have no handler that is not Python's (None)."""
        for number in numbers:
            if number not in self._previous_handlers and signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._previous_handlers[number] = signal.signal(number, handler)

    def _handle_stop(self, number: int, _frame: FrameType | None) -> None:
        """Handle a stop signal according to the mode."""
        if self._mode is SignalMode.RAISE:
            raise Stopped(number)
        if self.requested:
            if self._is_duplicate(number):
                return
            self._print_killed()
            exit_by_signal(self.requested)
            return
        self.requested, self._requested_at = number, time.monotonic()
        if not self._coordinated:
            self.stop(number)
        self._print_stopping()

    def _is_duplicate(self, number: int) -> bool:
        """Return whether a signal of several processes is the one that requested the stop, from another sender."""
        is_soon = time.monotonic() - self._requested_at < DUPLICATE_SECONDS
        return self._coordinated and number == self.requested and is_soon

    def _handle_pause(self, number: int, _frame: FrameType | None) -> None:
        """Handle SIGTSTP according to the mode; at SIGCONT, count the time of a pause that was not requested."""
        if number == CONTINUE:
            self._count_pause()
        elif self._mode is SignalMode.RAISE or self._pause_requested:
            self._pause()
        else:
            self._pause_requested = True

    def _pause(self) -> None:
        """Pause the process, as SIGTSTP does by default, until another process continues it."""
        assert PAUSE is not None
        self._pause_requested, self._last_time = False, time.monotonic()
        handler = signal.signal(PAUSE, signal.SIG_DFL)
        os.kill(os.getpid(), PAUSE)
        signal.signal(PAUSE, handler)
        self._count_pause()

    def _count_pause(self) -> None:
        """Count the time since the clock was last read as a pause."""
        now = time.monotonic()
        self._paused_seconds, self._last_time = self._paused_seconds + now - self._last_time, now


def write_raw(message: str) -> None:
    """Write a message from a signal handler, unbuffered; ignore a closed terminal."""
    with suppress(OSError):
        os.write(2, message.encode())
