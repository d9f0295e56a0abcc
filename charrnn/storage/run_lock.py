"""The lock of a run directory (flock): only one process trains in a directory at a time.

The operating system releases the lock when the process ends, however it ends, so a lock is never stale.
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
from charrnn.storage.atomic_file import (
    check_writable,
    hold_directory,
    is_regular,
    open_descriptor,
    remove_file,
    replace_with_empty,
    stale_temp_files,
)
from charrnn.storage.run_directory import OTHER_DIRECTORY, RunDirectory

try:
    import fcntl
except ImportError:  # Windows has no flock, so two processes that train in one directory are not detected
    fcntl = None  # type: ignore[assignment]


LOCKED_ERRORS = (errno.EWOULDBLOCK, errno.EACCES)
"""errors of flock that mean that another process has the lock; any other error means that the file system does
not support locks, as some network file systems, and training continues without a lock"""
MAX_RECORD_BYTES = 1000
"""maximum number of bytes in a lock file; a record takes less than 100"""
ATTEMPTS, SECONDS_BETWEEN_ATTEMPTS = 5, 0.01

_HELD: "list[RunLock]" = []
"""the locks that this process holds"""


class LockLostError(CharrnnError):
    """The lock file or its directory was replaced, so another process may train in the directory."""


class RunLock:
    """The lock of a run directory, held by one process from `acquire` to the end of the `with` block.

    The lock file holds a record of its owner, which is erased at the end of the block. A record in a lock that no
    process holds comes from a process that was killed.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self.left_by_a_killed_process = False
        """whether the lock file had the record of a process that was killed"""
        self._descriptor: int | None = None
        self._absolute_path = directory.path.absolute()
        self._held_directory: int | None = None
        """descriptor of the locked directory; while it is open, no other directory can get the same inode number"""
        self._directory_status: os.stat_result | None = None

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
        """Create the directory, lock it, and remove temporary files of killed processes, unless the lock is held.

        Raise CharrnnError if another process holds the lock, if the directory is not writable, or if charrnn did not
        write the lock file, which is not changed then.
        """
        if self._descriptor is not None:
            return
        path = self.directory.path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self.remember_directory()
            self._descriptor = _open(self.directory, os.O_RDWR | os.O_CREAT)
            if not _lock_with_retries(self._descriptor):
                raise _locked_error(self.directory, self._descriptor)
            self.left_by_a_killed_process = bool(_read_record(self.directory, self._descriptor))
            check_writable(path)
            for leftover in stale_temp_files(path):
                remove_file(leftover)
            if os.fstat(self._descriptor).st_nlink > 1:
                self._replace_shared_file(self._descriptor)
            if not os.path.samestat(self.directory.lock.lstat(), os.fstat(self._descriptor)):
                raise _locked_error(self.directory, None)  # another process replaced a shared file meanwhile
            self._write_owner(self._descriptor)
        except OSError as error:
            self._close()
            raise CharrnnError(f"cannot write in {path}: {os_reason(error)}", hint=OTHER_DIRECTORY) from error
        except CharrnnError:
            self._close()
            raise
        _HELD.append(self)

    def guards(self, directory: Path) -> bool:
        """Return whether this is the lock of a directory."""
        return self._absolute_path == directory.absolute()

    def remember_directory(self) -> None:
        """Record the directory that now exists at the path as the locked one (OSError)."""
        self._release_directory()
        self._held_directory = hold_directory(self.directory.path)
        self._directory_status = self.directory.path.stat()

    def check_still_held(self) -> None:
        """Raise LockLostError if the directory or the lock file was replaced; lock a removed file again.

        Nothing is created in another directory. Raise OSError if the directory is gone or not writable.
        """
        assert self._descriptor is not None
        assert self._directory_status is not None
        if not os.path.samestat(self.directory.path.stat(), self._directory_status):
            raise LockLostError(f"{self.directory.path} was replaced by another directory")
        try:
            status = self.directory.lock.lstat()
        except FileNotFoundError:
            self._lock_new_file()
            return
        if not os.path.samestat(status, os.fstat(self._descriptor)):
            raise _lock_lost_error(self.directory)

    def _lock_new_file(self) -> None:
        """Create and lock a new file, unless another process already has (LockLostError, OSError)."""
        try:
            descriptor = open_descriptor(self.directory.lock, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        except FileExistsError as error:
            raise _lock_lost_error(self.directory) from error
        if not _lock_with_retries(descriptor):
            os.close(descriptor)
            raise _lock_lost_error(self.directory)
        assert self._descriptor is not None
        os.close(self._descriptor)
        self._descriptor = descriptor
        self._write_owner(descriptor)

    def _replace_shared_file(self, shared: int) -> None:
        """Replace a lock file that has several hard links, such as a copy of a run with `cp -al` (OSError).

        The other names keep the old file, which is not changed.
        """
        self._descriptor = replace_with_empty(self.directory.lock)
        os.close(shared)  # not before the new file has the name, so that no other process replaces the old file too
        if not _lock_with_retries(self._descriptor):
            raise _locked_error(self.directory, None)

    def _write_owner(self, descriptor: int) -> None:
        """Replace the content of the lock file by the record of this process."""
        os.ftruncate(descriptor, 0)
        record = {"process": os.getpid(), "since": datetime.now().astimezone().isoformat(timespec="seconds")}
        os.pwrite(descriptor, json.dumps(record).encode(), 0)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._release_directory()

    def _release_directory(self) -> None:
        if self._held_directory is not None:
            os.close(self._held_directory)
            self._held_directory = None


def check_lock(directory: Path) -> None:
    """Raise LockLostError if this process locked a directory and may have lost the lock since (OSError)."""
    for lock in _HELD:
        if lock.guards(directory):
            lock.check_still_held()


def remember_recreated(directory: Path) -> None:
    """Record in the lock of a directory that this process has created the directory again (OSError)."""
    for lock in _HELD:
        if lock.guards(directory):
            lock.remember_directory()


def check_not_locked(directory: RunDirectory) -> None:
    """Raise CharrnnError if another process trains in a directory at this moment; do not acquire the lock."""
    try:
        descriptor = _open(directory, os.O_RDONLY)
    except OSError:
        return
    try:
        if not _try_lock(descriptor):
            raise _locked_error(directory, descriptor)
        _read_record(directory, descriptor)
    finally:
        os.close(descriptor)


def _open(directory: RunDirectory, flags: int) -> int:
    """Open a lock file, which may have several names, and return its descriptor (OSError).

    Raise CharrnnError for a link or a special file.
    """
    lock = directory.lock
    try:
        return open_descriptor(lock, flags, allow_hard_links=True)
    except OSError as error:
        if os.path.lexists(lock) and not is_regular(lock):
            raise _foreign_lock_error(directory) from error
        raise


def _read_record(directory: RunDirectory, descriptor: int) -> bytes:
    """Return the record of the last process in a lock file, empty if erased; raise CharrnnError for another file."""
    record = os.pread(descriptor, MAX_RECORD_BYTES + 1, 0)
    written = record.strip(b"\0")  # a power failure may leave the length of a record without its content
    if len(record) > MAX_RECORD_BYTES or not (_is_record(written) or not written):
        raise _foreign_lock_error(directory)
    return record


def _is_record(record: bytes) -> bool:
    """Return whether bytes are a record that charrnn wrote."""
    try:
        values = json.loads(record)
        datetime.fromisoformat(values["since"])
        return set(values) == {"process", "since"} and type(values["process"]) is int
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def _lock_with_retries(descriptor: int) -> bool:
    """Try to lock a file a few times; return False if another process keeps it locked.

    `check_not_locked` in another process locks the file only briefly.
    """
    for _ in range(ATTEMPTS):
        if _try_lock(descriptor):
            return True
        time.sleep(SECONDS_BETWEEN_ATTEMPTS)
    return False


def _try_lock(descriptor: int) -> bool:
    """Lock a file and return True, also if locks are not supported; return False if another process has locked it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in LOCKED_ERRORS
    return True


def _locked_error(directory: RunDirectory, descriptor: int | None) -> CharrnnError:
    """Return the error for a locked directory, with the owner if the lock file is given and has a record of it."""
    owner = "another process"
    if descriptor is not None:
        with suppress(ValueError, TypeError, KeyError, OverflowError, RecursionError):
            record = json.loads(os.pread(descriptor, MAX_RECORD_BYTES, 0))
            owner = _describe_owner(record, datetime.now().astimezone())
    return CharrnnError(
        f"{directory.path} is already being trained by {owner}", hint="`--out DIR` trains another run"
    )


def _foreign_lock_error(directory: RunDirectory) -> CharrnnError:
    """Return the error for a lock file that charrnn did not write."""
    lock = directory.lock
    has_links = is_regular(lock) and lock.stat().st_nlink > 1
    return CharrnnError(
        f"{lock} {'has several hard links and ' if has_links else ''}is not a lock file that charrnn wrote",
        hint="remove it if nothing needs it; `--out DIR` puts the run elsewhere",
    )


def _lock_lost_error(directory: RunDirectory) -> LockLostError:
    """Return the error for a lock that another process may hold."""
    return LockLostError(f"{directory.lock} was replaced, so another process may be training in {directory.path}")


def _describe_owner(record: Mapping[str, Any], now: datetime) -> str:
    """Return the ID of a process and the time since which it has held the lock, with the date unless it began today.

    >>> morning = datetime.fromisoformat("2026-11-21T09:00:00+01:00")
    >>> _describe_owner({"process": 4242, "since": "2026-11-20T14:02:07+01:00"}, morning)
    'process 4242 since 2026-11-20 14:02'
    """
    since = datetime.fromisoformat(record["since"])
    day = "" if since.date() == now.date() else f"{since:%Y-%m-%d} "
    return f"process {int(record['process'])} since {day}{since:%H:%M}"
