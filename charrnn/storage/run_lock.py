"""The lock of a run's directory: one process trains in it at a time.

The system releases the lock when that process ends, however it ends, so a lock is never stale.
"""

import errno
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from charrnn.errors import CharrnnError, os_reason
from charrnn.storage.atomic_file import check_writable, is_regular, open_descriptor, remove_file, stale_temp_files
from charrnn.storage.run_directory import RunDirectory

try:
    import fcntl
except ImportError:  # there is none on Windows, where two trainings of one run are not kept apart
    fcntl = None  # type: ignore[assignment]


LOCKED_ERRORS = (errno.EWOULDBLOCK, errno.EACCES)
"""what the system says of a lock that somebody has; anything else means that it has no locks there, as on some
network file systems, and then a training goes on without"""
MAX_RECORD_BYTES = 1000
"""bytes"""
ATTEMPTS, SECONDS_BETWEEN_ATTEMPTS = 5, 0.01

_HELD: "list[RunLock]" = []
"""the locks that this process took"""


class LockLostError(CharrnnError):
    """The lock file is no longer the one that was taken, so another process may train in the directory."""


class RunLock:
    """A run's directory, to be had by one process alone, from `acquire` to the end of the block.

    In the file stands who has it. That is wiped out at the end, so what stands there tells of a process that was
    killed.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self.left_by_a_killed_process = False
        self._descriptor: int | None = None
        self._place = directory.path.absolute()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            _HELD.remove(self)
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            self._close()

    def acquire(self) -> None:
        """Make the directory, take it, and clear away what a killed process left; once is enough.

        Raise CharrnnError if another process has it, if nothing can be written there, or if something else than a
        lock that charrnn wrote is in the lock's place, which stays as it is.
        """
        if self._descriptor is not None:
            return
        path = self.directory.path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._descriptor = _open(self.directory, os.O_RDWR | os.O_CREAT)
            if _stays_locked(self._descriptor):
                raise _locked_error(self.directory, _record(self._descriptor))
            self.left_by_a_killed_process = bool(_own_record(self.directory, self._descriptor))
            check_writable(path)
            for left in stale_temp_files(path):
                remove_file(left)
            self._write_owner(self._descriptor)
        except OSError as error:
            self._close()
            raise CharrnnError(f"cannot write in {path}: {os_reason(error)}") from error
        except CharrnnError:
            self._close()
            raise
        _HELD.append(self)

    def guards(self, directory: Path) -> bool:
        """Return whether this is the lock of a directory."""
        return self._place == directory.absolute()

    def check_still_held(self) -> None:
        """Raise LockLostError if the lock file was replaced; take the lock again if the file was only removed.

        Raise OSError if it cannot be taken again because the directory is gone or nothing can be written there.
        """
        assert self._descriptor is not None
        try:
            status = self.directory.lock.lstat()
        except FileNotFoundError:
            self._take_again()
            return
        if not os.path.samestat(status, os.fstat(self._descriptor)):
            raise _lost(self.directory)

    def _take_again(self) -> None:
        """Make a new lock file, unless another process is faster (LockLostError, OSError)."""
        try:
            descriptor = open_descriptor(self.directory.lock, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        except FileExistsError as error:
            raise _lost(self.directory) from error
        if _stays_locked(descriptor):
            os.close(descriptor)
            raise _lost(self.directory)
        self._close()
        self._descriptor = descriptor
        self._write_owner(descriptor)

    def _write_owner(self, descriptor: int) -> None:
        """Write down who has it, over whoever had it last and could not wipe that out."""
        os.ftruncate(descriptor, 0)
        record = {"process": os.getpid(), "since": datetime.now().astimezone().isoformat(timespec="seconds")}
        os.pwrite(descriptor, json.dumps(record).encode(), 0)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def check_lock(directory: Path) -> None:
    """Raise LockLostError if this process took the lock of a directory and may have lost it since (OSError)."""
    for lock in _HELD:
        if lock.guards(directory):
            lock.check_still_held()


def check_not_locked(directory: RunDirectory) -> None:
    """See that nobody trains there at this moment (CharrnnError); a look, without taking it."""
    try:
        descriptor = _open(directory, os.O_RDONLY)
    except OSError:
        return
    try:
        if _is_locked(descriptor):
            raise _locked_error(directory, _record(descriptor))
        _own_record(directory, descriptor)
    finally:
        os.close(descriptor)


def _open(directory: RunDirectory, flags: int) -> int:
    """Open a lock file (OSError); raise CharrnnError for a link, a special file or a file of several names."""
    lock = directory.lock
    try:
        return open_descriptor(lock, flags)
    except OSError as error:
        if os.path.lexists(lock) and (not is_regular(lock) or error.errno == errno.EMLINK):
            raise _not_a_lock(directory) from error
        raise


def _own_record(directory: RunDirectory, descriptor: int) -> bytes:
    """Return what the last process left in a lock file; raise CharrnnError if charrnn did not write it."""
    record = os.pread(descriptor, MAX_RECORD_BYTES + 1, 0)
    written = record.strip(b"\0")  # a power failure may leave the length of a record without its content
    if len(record) > MAX_RECORD_BYTES or not (_is_own(written) or not written):
        raise _not_a_lock(directory)
    return record


def _is_own(record: bytes) -> bool:
    """Return whether charrnn wrote a record."""
    try:
        values = json.loads(record)
        datetime.fromisoformat(values["since"])
        return set(values) == {"process", "since"} and type(values["process"]) is int
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def _record(descriptor: int) -> bytes:
    return os.pread(descriptor, MAX_RECORD_BYTES, 0)


def _stays_locked(descriptor: int) -> bool:
    """Try a few times: whoever takes just a look has it for a moment."""
    for _ in range(ATTEMPTS):
        if not _is_locked(descriptor):
            return False
        time.sleep(SECONDS_BETWEEN_ATTEMPTS)
    return True


def _is_locked(descriptor: int) -> bool:
    """Try to take it, and tell whether somebody else has it."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in LOCKED_ERRORS
    return False


def _locked_error(directory: RunDirectory, record: bytes) -> CharrnnError:
    """Say who trains there, and since when, as far as that is written down."""
    try:
        who = _describe_owner(json.loads(record), datetime.now().astimezone())
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        who = "another process"
    return CharrnnError(f"{directory.path} is already being trained by {who}", hint="`--out DIR` trains another run")


def _not_a_lock(directory: RunDirectory) -> CharrnnError:
    """Return the error for something in the lock's place that charrnn did not write."""
    return CharrnnError(
        f"{directory.lock} is not a lock file that charrnn wrote",
        hint="remove it if nothing needs it; `--out DIR` puts the run elsewhere",
    )


def _lost(directory: RunDirectory) -> LockLostError:
    """Return the error for a lock that another process may have."""
    return LockLostError(f"{directory.lock} was replaced, so another training may be in {directory.path}")


def _describe_owner(record: Mapping[str, Any], now: datetime) -> str:
    """Name a process and the time of day at which it began, with the date if that was not today.

    >>> morning = datetime.fromisoformat("2026-11-21T09:00:00+01:00")
    >>> _describe_owner({"process": 4242, "since": "2026-11-20T14:02:07+01:00"}, morning)
    'process 4242 since 2026-11-20 14:02'
    """
    since = datetime.fromisoformat(record["since"])
    day = "" if since.date() == now.date() else f"{since:%Y-%m-%d} "
    return f"process {int(record['process'])} since {day}{since:%H:%M}"
