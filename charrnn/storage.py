"""Files that are wholly there or not there: written beside their place, made durable, renamed into it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

AT_ONCE = 1 << 16
"""bytes; less than so many are not worth a call of the system"""
_TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp")


class Sink(Protocol):
    """Whatever takes bytes."""

    def write(self, part: bytes, /) -> object:
        """Take a part."""


class Writer:
    """An open file that takes bytes; small parts are put together, and none is lost on the way to the system."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        self._small = bytearray()

    def write(self, part: bytes | memoryview) -> None:
        """Write a part, now or with the next ones (OSError)."""
        content = memoryview(part)
        if content.nbytes < AT_ONCE:
            self._small += content
        if content.nbytes >= AT_ONCE or len(self._small) >= AT_ONCE:
            self.flush()
        if content.nbytes >= AT_ONCE:
            self._write(content)

    def flush(self) -> None:
        """Hand everything to the system (OSError)."""
        small, self._small = self._small, bytearray()
        self._write(memoryview(small))

    def _write(self, content: memoryview) -> None:
        """Write all of it, in as many goes as the system takes."""
        left = content.cast("B") if content.nbytes else content
        with _naming(self._path):
            while left.nbytes:
                left = left[os.write(self._descriptor, left) :]


@contextmanager
def replacing(path: Path) -> Iterator[Writer]:
    """Open a file for writing that takes the place of `path` once the block has ended.

    Until then, and for good if the block raises, `path` is what it was. The order is write, fsync, rename,
    fsync of the directory: after a power cut the old file or the new one stands there, never a part of one.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with _naming(path):
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
        try:
            with suppress(FileNotFoundError):
                os.chmod(temporary, path.stat().st_mode & 0o777)  # noqa: PTH101 - beside its like
            writer = Writer(descriptor, path)
            yield writer
            writer.flush()
            with _naming(path):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with _naming(path):
            os.replace(temporary, path)  # noqa: PTH105 - the same
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108 - the same
        raise
    with _naming(path):
        _make_durable(path.parent)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Have an OSError say which file it is of: those of a descriptor do not, and a temporary name says little."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def check_writable(directory: Path) -> None:
    """Write a small file into a directory and take it away again: raise OSError where that cannot be done."""
    probe = directory / f".probe.{os.getpid()}.tmp"
    try:
        with replacing(probe) as file:
            file.write(b"\n")
    finally:
        probe.unlink(missing_ok=True)


def leftovers(directory: Path) -> list[Path]:
    """List what writers that were killed left behind; those of living processes are not among it."""
    found = ((path, _TEMPORARY.fullmatch(path.name)) for path in directory.iterdir())
    return [path for path, match in found if match and not _is_running(int(match[1]))]


def write_whole(path: Path, *parts: bytes | memoryview) -> None:
    """Put the parts, joined, at `path`, wholly or not at all (OSError)."""
    with replacing(path) as file:
        for part in parts:
            file.write(part)


def _is_running(process: int) -> bool:
    """Tell whether there is such a process; where asking would end it, take it that there is."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _make_durable(directory: Path) -> None:
    """Have a rename in a directory outlive a power cut; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
