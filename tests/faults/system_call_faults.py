"""Inject faults into system calls that write files in this process: a chosen call fails, or calls are recorded."""

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


def os_error_fault(number: int) -> Fault:
    """Return a fault that raises OSError."""

    def fault(_original: Any, *_arguments: Any, **_named: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fault


def write_part(original: Any, *arguments: Any, **named: Any) -> Any:
    """Write only a part, which the system may do, too; other calls work."""
    if original.__name__ == "write":
        descriptor, content = arguments
        return original(descriptor, content[: max(1, len(content) // 3)])
    return original(*arguments, **named)


def write_part_and_fail(original: Any, *arguments: Any, **named: Any) -> Any:
    """Write a part, then fail because the disk is full."""
    write_part(original, *arguments, **named)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupt(*_arguments: Any, **_named: Any) -> Any:
    """Raise KeyboardInterrupt."""
    raise KeyboardInterrupt


def exit_process(*_arguments: Any, **_named: Any) -> Any:
    """End the process without any cleanup."""
    os._exit(9)


def kill_process(*_arguments: Any, **_named: Any) -> Any:
    """Kill the process."""
    os.kill(os.getpid(), signal.SIGKILL)


FAULTS: dict[str, Fault] = {
    "no space left": os_error_fault(errno.ENOSPC),
    "input/output error": os_error_fault(errno.EIO),
    "interrupted call": os_error_fault(errno.EINTR),
    "disk quota exceeded": os_error_fault(errno.EDQUOT),
    "short write": write_part,
    "torn write": write_part_and_fail,
    "Ctrl-C": interrupt,
}
"""faults that do not end the process"""
PROCESS_ENDS: dict[str, Fault] = {"ended": exit_process, "killed": kill_process}
"""faults that end the process"""


@dataclass
class Calls:
    """Counter of the calls."""

    count: int = 0


@contextmanager
def inject_fault(fault: Fault, at: int, *, persistent: bool = False) -> Iterator[Calls]:
    """Make the n-th call fail, counted from 1, and all later calls too if the fault is persistent."""
    calls = Calls()

    def wrapped(original: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            calls.count += 1
            if calls.count == at or (persistent and calls.count > at):
                return fault(original, *arguments, **named)
            return original(*arguments, **named)

        return call

    with replace_calls(wrapped):
        yield calls


@contextmanager
def replace_calls(wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Replace each of the system calls by a wrapper of it."""
    originals = {name: getattr(os, name) for name in CALLS}
    try:
        for name, original in originals.items():
            setattr(os, name, wrap(original))
        yield
    finally:
        for name, original in originals.items():
            setattr(os, name, original)
