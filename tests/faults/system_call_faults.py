"""Fault injection: system calls that write files fail at a chosen call, or are recorded, in this process."""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

CALLS = ("open", "write", "fsync", "chmod", "replace", "unlink")
"""functions of `os` that create, change or remove files; without `close`, on which nothing depends"""

Fault = Callable[..., Any]
"""replacement of a call, which gets the original function and its arguments"""


def failing(number: int) -> Fault:
    """Fail like the system."""

    def fault(_original: Any, *_arguments: Any, **_named: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fault


def short(original: Any, *arguments: Any, **named: Any) -> Any:
    """Write only a part, as the system may; other calls work."""
    if original.__name__ == "write":
        descriptor, content = arguments
        return original(descriptor, content[: max(1, len(content) // 3)])
    return original(*arguments, **named)


def torn(original: Any, *arguments: Any, **named: Any) -> Any:
    """Write a part, then fail because the disk is full."""
    short(original, *arguments, **named)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted(*_arguments: Any, **_named: Any) -> Any:
    """Raise KeyboardInterrupt."""
    raise KeyboardInterrupt


def ended(*_arguments: Any, **_named: Any) -> Any:
    """End the process without any cleanup."""
    os._exit(9)


def killed(*_arguments: Any, **_named: Any) -> Any:
    """Kill the process."""
    os.kill(os.getpid(), signal.SIGKILL)


FAULTS: dict[str, Fault] = {
    "no space left": failing(errno.ENOSPC),
    "input/output error": failing(errno.EIO),
    "interrupted call": failing(errno.EINTR),
    "disk quota exceeded": failing(errno.EDQUOT),
    "short write": short,
    "torn write": torn,
    "Ctrl-C": interrupted,
}
"""faults that do not end the process"""
ENDS: dict[str, Fault] = {"ended": ended, "killed": killed}


@dataclass
class Calls:
    """The number of calls so far."""

    count: int = 0


@contextmanager
def faults(fault: Fault, at: int, *, persistent: bool = False) -> Iterator[Calls]:
    """Make the n-th call fail, counted from 1, and all later calls too if the fault is persistent."""
    calls = Calls()

    def wrapped(original: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            calls.count += 1
            if calls.count == at or (persistent and calls.count > at):
                return fault(original, *arguments, **named)
            return original(*arguments, **named)

        return call

    with replaced(wrapped):
        yield calls


@contextmanager
def replaced(wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Replace each of the calls."""
    originals = {name: getattr(os, name) for name in CALLS}
    try:
        for name, original in originals.items():
            setattr(os, name, wrap(original))
        yield
    finally:
        for name, original in originals.items():
            setattr(os, name, original)
