"""The system's calls that write files, failing at a chosen one, or noted down; for the process they are used in."""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

CALLS = ("open", "write", "fsync", "chmod", "replace", "unlink")
"""those of `os` by which a file comes, changes and goes; `close` is not among them, since nothing depends on it"""

Fault = Callable[..., Any]
"""what is done in place of the call, which it is given with its arguments"""


def failing(number: int) -> Fault:
    """Fail as the system does."""

    def fault(_original: Any, *_arguments: Any, **_named: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fault


def short(original: Any, *arguments: Any, **named: Any) -> Any:
    """Write a part of what was asked for, as the system may; other calls do as they should."""
    if original.__name__ == "write":
        descriptor, content = arguments
        return original(descriptor, content[: max(1, len(content) // 3)])
    return original(*arguments, **named)


def torn(original: Any, *arguments: Any, **named: Any) -> Any:
    """Write a part, then find the disk full."""
    short(original, *arguments, **named)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted(*_arguments: Any, **_named: Any) -> Any:
    """Have Ctrl-C come in between."""
    raise KeyboardInterrupt


def ended(*_arguments: Any, **_named: Any) -> Any:
    """End the process, with nothing cleared up."""
    os._exit(9)


def killed(*_arguments: Any, **_named: Any) -> Any:
    """Be killed."""
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
"""those that a process outlives"""
ENDS: dict[str, Fault] = {"ended": ended, "killed": killed}


@dataclass
class Calls:
    """How many calls were made."""

    count: int = 0


@contextmanager
def faults(fault: Fault, at: int, *, persistent: bool = False) -> Iterator[Calls]:
    """Have the n-th call go wrong, counted from 1, and all after it too if the fault is persistent."""
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
    """Put something in the place of each of the calls."""
    originals = {name: getattr(os, name) for name in CALLS}
    try:
        for name, original in originals.items():
            setattr(os, name, wrap(original))
        yield
    finally:
        for name, original in originals.items():
            setattr(os, name, original)
