"""The right to train in a run's directory, which one process has at a time.

The system takes it back when that process ends, however it ends, so a lock is never stale. What is done in the
directory is left to others.
"""

import errno
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from charrnn.errors import CharrnnError, reason
from charrnn.runs import RunDirectory
from charrnn.storage import check_writable, leftovers

try:
    import fcntl
except ImportError:  # there is none on Windows, where two trainings of one run are not kept apart
    fcntl = None  # type: ignore[assignment]

TAKEN = (errno.EWOULDBLOCK, errno.EACCES)
"""what the system says of a lock that somebody has; anything else means that it has no locks there, as on some
network file systems, and then a training goes on without"""
LONGEST_RECORD = 1000
"""bytes"""
LOOKS, SECONDS_BETWEEN_LOOKS = 5, 0.01


class Lock:
    """A run's directory, to be had by one process alone, from `take` to the end of the block.

    In the file stands who has it. That is wiped out at the end, so what stands there tells of a process that was
    killed.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self.left_by_a_killed_process = False
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def take(self) -> None:
        """Make the directory, take it, and clear away what a killed process left; once is enough.

        Raise CharrnnError if another process has it, or if nothing can be written there.
        """
        if self._descriptor is not None:
            return
        path = self.directory.path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.directory.lock, os.O_RDWR | os.O_CREAT, 0o666)
            if _stays_taken(self._descriptor):
                raise _refusal(self.directory, os.pread(self._descriptor, LONGEST_RECORD, 0))
            check_writable(path)
            for left in leftovers(path):
                left.unlink(missing_ok=True)
            self._sign(self._descriptor)
        except OSError as error:
            raise CharrnnError(f"cannot write in {path}: {reason(error)}") from error
        except CharrnnError:
            os.close(self._descriptor)  # type: ignore[arg-type]  # it is what was asked for
            self._descriptor = None
            raise

    def _sign(self, descriptor: int) -> None:
        """Write down who has it, over whoever had it last and could not wipe that out."""
        self.left_by_a_killed_process = bool(os.pread(descriptor, 1, 0))
        os.ftruncate(descriptor, 0)
        record = {"process": os.getpid(), "since": datetime.now().astimezone().isoformat(timespec="seconds")}
        os.pwrite(descriptor, json.dumps(record).encode(), 0)


def refuse_if_taken(directory: RunDirectory) -> None:
    """See that nobody trains there at this moment (CharrnnError); a look, without taking it."""
    try:
        descriptor = os.open(directory.lock, os.O_RDONLY)
    except OSError:
        return
    try:
        if _is_taken(descriptor):
            raise _refusal(directory, os.pread(descriptor, LONGEST_RECORD, 0))
    finally:
        os.close(descriptor)


def _stays_taken(descriptor: int) -> bool:
    """Try a few times: whoever takes just a look has it for a moment."""
    for _ in range(LOOKS):
        if not _is_taken(descriptor):
            return False
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return True


def _is_taken(descriptor: int) -> bool:
    """Try to take it, and tell whether somebody else has it."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in TAKEN
    return False


def _refusal(directory: RunDirectory, record: bytes) -> CharrnnError:
    """Say who trains there, and since when, as far as that is written down."""
    try:
        who = _described(json.loads(record), datetime.now().astimezone())
    except (ValueError, TypeError, KeyError, RecursionError):
        who = "another process"
    return CharrnnError(f"{directory.path} is already being trained by {who}", hint="`--out DIR` trains another run")


def _described(record: Mapping[str, Any], now: datetime) -> str:
    """Name a process and the time of day at which it began, with the date if that was not today.

    >>> morning = datetime.fromisoformat("2026-11-21T09:00:00+01:00")
    >>> _described({"process": 4242, "since": "2026-11-20T14:02:07+01:00"}, morning)
    'process 4242 since 2026-11-20 14:02'
    """
    since = datetime.fromisoformat(record["since"])
    day = "" if since.date() == now.date() else f"{since:%Y-%m-%d} "
    return f"process {int(record['process'])} since {day}{since:%H:%M}"
