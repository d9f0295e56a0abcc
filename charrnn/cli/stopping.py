"""Stopping a training between two steps: Ctrl-C, SIGTERM and SIGHUP ask for it; asked twice, it stops at once."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Self, TypeVar

Item = TypeVar("Item")

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopping:
    """While entered, signals are remembered instead of ending the program; ignored ones stay ignored."""

    def __init__(self, say: Callable[[], None]) -> None:
        self.asked: int | None = None
        """the signal that asked, or none yet"""
        self._say = say
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # it is what signal.signal gave us

    def until(self, items: Iterator[Item]) -> Iterator[Item]:
        """Pass items through until somebody asks to stop."""
        for item in items:
            yield item
            if self.asked is not None:
                return

    @staticmethod
    def tell(words: str) -> None:
        """Say something from within a signal handler: past every buffer, and to nobody if the terminal is gone."""
        with suppress(OSError):
            os.write(2, words.encode())

    def die(self) -> None:
        """End by the signal itself, as the shell expects, so that its loops stop too."""
        if self.asked is not None:
            signal.signal(self.asked, signal.SIG_DFL)
            os.kill(os.getpid(), self.asked)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if self.asked is not None:
            self.die()
        self.asked = number
        self._say()
