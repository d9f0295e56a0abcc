"""Safe file access: atomic replacement, exclusive creation, and opening that neither follows links nor blocks.

All files that charrnn writes are opened in this module; a static test forbids it to every other module. The threat
is a run directory that an attacker may have prepared, for example a downloaded one.
"""

import errno
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

WRITE_BUFFER_BYTES = 1 << 16
"""bytes; smaller writes are collected into one system call"""
CANNOT_SYNC_DIRECTORY = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EPERM)
"""errors of file systems that cannot open or synchronize a directory; they say nothing about the files in it"""
UNSHARED = 0o755
"""permissions without those of group and others to write"""
_TEMPORARY = re.compile(r"\.charrnn-(\d{1,10})-[0-9a-f]{16}\.tmp")
_DESCRIPTOR = re.compile(r"/dev/stdin|/(dev|proc/self)/fd/\d{1,9}", re.ASCII)
_BINARY, _NO_FOLLOW = getattr(os, "O_BINARY", 0), getattr(os, "O_NOFOLLOW", 0)
_NO_BLOCK = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


class BinarySink(Protocol):
    """Any object that accepts bytes."""

    def write(self, part: bytes, /) -> object:
        """Write bytes."""


class AtomicWriter:
    """An open file that collects small writes into larger system calls."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        self._buffer = bytearray()

    def write(self, part: bytes | memoryview) -> int:
        """Write bytes, at once or together with later ones, and return their number, as zipfile expects (OSError)."""
        content = memoryview(part)
        if content.nbytes < WRITE_BUFFER_BYTES:
            self._buffer += content
        if content.nbytes >= WRITE_BUFFER_BYTES or len(self._buffer) >= WRITE_BUFFER_BYTES:
            self.flush()
        if content.nbytes >= WRITE_BUFFER_BYTES:
            self._write(content)
        return content.nbytes

    def read_at(self, position: int, size: int) -> bytes:
        """Return `size` written bytes, fewer at the end; the next bytes are written behind them (OSError)."""
        self.flush()
        os.lseek(self._descriptor, position, os.SEEK_SET)
        content = b""
        while part := os.read(self._descriptor, size - len(content)):  # a network file system may return fewer
            content += part
        return content

    def flush(self) -> None:
        """Pass all collected bytes to the system (OSError)."""
        buffer, self._buffer = self._buffer, bytearray()
        self._write(memoryview(buffer))

    def _write(self, content: memoryview) -> None:
        """Write all bytes, in as many system calls as needed."""
        remaining = content.cast("B") if content.nbytes else content
        with naming_errors(self._path):
            while remaining.nbytes:
                remaining = remaining[os.write(self._descriptor, remaining) :]


@contextmanager
def atomic_open(path: Path) -> Iterator[AtomicWriter]:
    """Open a new file that replaces `path` when the block ends.

    The new file has an unpredictable name and is created exclusively, so no link that was placed beforehand can be
    written through. Only a regular file is ever replaced; a link, device, pipe or directory at `path` raises OSError.
    The new file keeps the permissions of the old one, except that group and others may write only if the umask allows
    it: a downloaded file that everybody can change must not make later files writable for everybody.
    If the block raises, `path` stays unchanged. The order is write, fsync, rename, fsync of the directory: after a
    power failure either the old or the new file is there, never a part of one.
    """
    mode = _mode_of_regular_file(path)
    temporary = _temporary_path(path.parent)
    try:
        with naming_errors(path):
            descriptor = open_descriptor(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        try:
            if mode is not None:
                own_mode = os.fstat(descriptor).st_mode & 0o777
                os.chmod(temporary, mode & (UNSHARED | own_mode))  # noqa: PTH101 - os functions throughout this block
            writer = AtomicWriter(descriptor, path)
            yield writer
            writer.flush()
            with naming_errors(path):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _mode_of_regular_file(path)
        with naming_errors(path):
            os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise
    with naming_errors(path):
        make_durable(path.parent)


def atomic_write(path: Path, *parts: bytes | memoryview) -> None:
    """Replace the content of `path` with the joined parts, atomically (OSError)."""
    with atomic_open(path) as file:
        for part in parts:
            file.write(part)


def append(path: Path, content: bytes) -> None:
    """Append to a regular file, which is created if it is missing; raise OSError for a link or a special file."""
    with naming_errors(path):
        descriptor = open_descriptor(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            writer = AtomicWriter(descriptor, path)
            writer.write(content)
            writer.flush()
        finally:
            os.close(descriptor)


def open_descriptor(path: Path, flags: int, *, allow_hard_links: bool = False) -> int:
    """Open a file for writing and return its descriptor.

    Never follow a link at `path`, never block, and never truncate. Raise OSError unless the file is a regular file
    with exactly one name: a hard link could be another user's file. With `allow_hard_links`, the caller must not
    write before it has checked the content.
    """
    assert not flags & os.O_TRUNC
    if path.is_symlink():
        raise not_regular(path)
    descriptor = os.open(path, flags | _NO_FOLLOW | _NO_BLOCK | _BINARY, 0o666)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise not_regular(path)
        if status.st_nlink > 1 and not allow_hard_links:
            raise OSError(errno.EMLINK, "Has several hard links", str(path))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def replace_with_empty(path: Path) -> int:
    """Replace a regular file by a new empty one and return the descriptor of the new file (OSError)."""
    temporary = _temporary_path(path.parent)
    descriptor = open_descriptor(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        _mode_of_regular_file(path)
        os.replace(temporary, path)  # noqa: PTH105 - os functions throughout this module
    except OSError:
        os.close(descriptor)
        remove_file(temporary)
        raise
    return descriptor


def hold_directory(path: Path) -> int | None:
    """Open a directory, so that no new one gets its inode number; return its descriptor, None if it does not open."""
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading, without ever blocking; raise OSError for a pipe, device or directory."""
    if not stat.S_ISREG(path.stat().st_mode):  # before opening, because opening a device can have effects
        raise not_regular(path)
    descriptor = os.open(path, os.O_RDONLY | _NO_BLOCK | _BINARY)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise not_regular(path)
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def open_input(path: Path) -> BinaryIO:
    """Open a regular file, or a descriptor that a shell passes for `<(command)`, such as /dev/fd/63 (OSError)."""
    return path.open("rb") if _DESCRIPTOR.fullmatch(str(path)) else open_regular(path)


def not_regular(path: Path) -> OSError:
    """Return the error for a path that does not lead to a regular file."""
    if path.is_symlink() and (path.is_file() or not path.exists()):
        return OSError(errno.ELOOP, "Is a symbolic link", str(path))
    number = errno.EISDIR if path.is_dir() else errno.EINVAL
    return OSError(number, "Is a directory" if path.is_dir() else "Not a regular file", str(path))


def is_regular(path: Path) -> bool:
    """Return whether there is a regular file at `path`, links not followed."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def remove_file(path: Path) -> None:
    """Remove a regular file; leave links, directories and special files, and ignore a missing path (OSError)."""
    if is_regular(path):
        path.unlink(missing_ok=True)


@contextmanager
def naming_errors(path: Path) -> Iterator[None]:
    """Replace the name of a temporary file in each OSError of the block by the name that the user knows."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def check_writable(directory: Path) -> None:
    """Create and remove a small file in a directory; raise OSError where that is impossible."""
    probe = _temporary_path(directory)
    atomic_write(probe, b"\n")
    probe.unlink(missing_ok=True)


def scratch_file(directory: Path) -> BinaryIO:
    """Return a new file without a name, which disappears when it is closed (OSError)."""
    return tempfile.TemporaryFile(dir=directory)


def new_directory(parent: Path) -> Path:
    """Create a directory with an unpredictable name, which only this user can read, and return it (OSError)."""
    return Path(tempfile.mkdtemp(prefix="charrnn-", dir=parent))


def stale_temp_files(directory: Path) -> list[Path]:
    """Return the temporary files of processes that were killed; those of running processes are not included."""
    matches = ((path, _TEMPORARY.fullmatch(path.name)) for path in directory.iterdir())
    return [path for path, match in matches if match and is_regular(path) and not _is_running(int(match[1]))]


def is_temporary(path: Path) -> bool:
    """Return whether a path has the name of a temporary file of charrnn."""
    return _TEMPORARY.fullmatch(path.name) is not None


def _temporary_path(directory: Path) -> Path:
    """Return an unpredictable name, with the process number by which a later process recognizes a leftover."""
    return directory / f".charrnn-{os.getpid()}-{secrets.token_hex(8)}.tmp"


def _mode_of_regular_file(path: Path) -> int | None:
    """Return the permissions of the file that is to be replaced, None if there is none (OSError: not replaceable)."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise not_regular(path)
    return mode & 0o777


def _is_running(process: int) -> bool:
    """Return whether a process exists; True where the question itself could end the process."""
    if os.name == "nt":
        return True
    try:
        with suppress(PermissionError):
            os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    return True


def make_durable(directory: Path) -> None:
    """Synchronize a directory, so that its renames and removals survive a power failure (OSError); not on Windows."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in CANNOT_SYNC_DIRECTORY:
            raise
