"""Source files of a corpus: files, standard input or the default corpus, read in chunks."""

import codecs
import difflib
import hashlib
import os
import stat
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, BinaryIO

from charrnn.arguments import shortened, shown
from charrnn.errors import CharrnnError, WrongUsageError, os_reason
from charrnn.storage.atomic_file import open_regular

# The default corpus: the source code of the Python standard library of the running interpreter, which exists on every
# machine without a download. It consists of all top-level modules and some packages, about five million characters.
# The files are ordered by the hashes of their names, so that the held-out text is a mixture of modules.

STANDARD_LIBRARY = "standard-library"

PACKAGES = ("asyncio", "collections", "concurrent", "email", "json", "logging", "tomllib")

MIN_LIBRARY_CHARS = 1_000_000
"""bytes, below which the source code is considered missing"""


def standard_library_files() -> list[Path]:
    """Return the files of the default corpus in order (CharrnnError if the source code is not installed)."""
    root = Path(sysconfig.get_path("stdlib"))
    paths = [*root.glob("*.py"), *(path for package in PACKAGES for path in (root / package).rglob("*.py"))]
    paths = [path for path in paths if not _is_generated(path)]
    if sum(path.stat().st_size for path in paths) < MIN_LIBRARY_CHARS:
        raise CharrnnError(
            f"this Python has no standard library source in {root}", hint="name a text: `charrnn train book.txt`"
        )
    return sorted(paths, key=lambda path: hashlib.sha256(path.relative_to(root).as_posix().encode()).digest())


def _is_generated(path: Path) -> bool:
    """Return whether a file is generated at installation, so that it differs between machines."""
    return path.name.startswith("_sysconfigdata")


# A temporary copy of a text that can be read only once, such as standard input or a pipe. The copy has no name, so it
# disappears with the process, whichever signal ends the process.

SPOOL_CHUNK_BYTES = 1 << 22
"""bytes that are read at a time"""


class Spool:
    """A temporary file without a name, which is closed when no reference to it is left."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="charrnn-", buffering=0)  # noqa: SIM115 - `__del__` closes it

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def status(self) -> os.stat_result:
        """Return the status of the file (OSError)."""
        return os.fstat(self._file.fileno())

    def write(self, content: bytes) -> None:
        """Append all bytes (OSError)."""
        remaining = memoryview(content)
        while remaining:
            remaining = remaining[self._file.write(remaining) :]

    def chunks(self) -> Iterator[bytes]:
        """Yield the content in chunks; several iterators can be in use at the same time (OSError)."""
        position = 0
        while chunk := self._read_at(position):
            position += len(chunk)
            yield chunk

    def _read_at(self, position: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), SPOOL_CHUNK_BYTES, position)
        self._file.seek(position)  # on Windows, where only one thread reads
        return self._file.read(SPOOL_CHUNK_BYTES)


# Files and standard input

CHUNK_BYTES = 1 << 22
"""bytes that are read at a time"""

STANDARD_INPUT = "-"

ByteProgress = Callable[[Iterator[bytes]], Iterator[bytes]]
"""yields the chunks of a file unchanged, for example to display the progress or to hash them"""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file of a corpus."""

    path: Path
    name: str
    """name that the user gave"""
    progress: ByteProgress = iter
    """wrapper of the chunks that are read"""
    spool: Spool | None = None
    """the copy of a text that can be read only once; it has no name, so `path` must not be opened"""

    @property
    def size(self) -> int:
        """Size of the file in bytes (CharrnnError)."""
        return self.status().st_size

    def status(self) -> os.stat_result:
        """Return the status of the file, or of its copy (CharrnnError)."""
        try:
            return self.path.stat() if self.spool is None else self.spool.status()
        except OSError as error:
            raise CharrnnError(f"cannot read {self.name}: {os_reason(error)}") from error

    def chunks(self) -> Iterator[bytes]:
        """Yield the content of the file in chunks (CharrnnError)."""
        return self.progress(self._chunks())

    def with_progress(self, progress: ByteProgress) -> "SourceFile":
        """Return the file with another wrapper of its chunks."""
        return replace(self, progress=lambda chunks: progress(self.progress(chunks)))

    @property
    def has_byte_order_mark(self) -> bool:
        """Whether the file begins with the byte order mark of UTF-8, which is not part of the text."""
        return next(self._chunks(), b"").startswith(codecs.BOM_UTF8)

    def _chunks(self) -> Iterator[bytes]:
        """Yield the content of the file or its copy, without the wrapper (CharrnnError)."""
        try:
            if self.spool is not None:
                yield from self.spool.chunks()
                return
            with open_regular(self.path) as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise CharrnnError(f"cannot read {self.name}: {os_reason(error)}") from error


@dataclass(frozen=True, kw_only=True)
class CorpusFiles:
    """The files that are concatenated to one text."""

    name: str
    """name of the text, after which the run is named"""
    files: tuple[SourceFile, ...]

    @property
    def size(self) -> int:
        """Total size of the files in bytes (CharrnnError)."""
        return sum(file.size for file in self.files)

    def empty(self) -> list[str]:
        """Return the names of empty files; empty files of the default corpus are not reported."""
        return [] if self.name == STANDARD_LIBRARY else [file.name for file in self.files if not file.size]

    def with_progress(self, progress: ByteProgress) -> "CorpusFiles":
        """Return the files with another wrapper of their chunks."""
        return replace(self, files=tuple(file.with_progress(progress) for file in self.files))

    def with_hash(self, digest: "hashlib._Hash") -> "CorpusFiles":
        """Return the files with all chunks added to a hash."""

        def hashed(chunks: Iterator[bytes]) -> Iterator[bytes]:
            for chunk in chunks:
                digest.update(chunk)
                yield chunk

        return self.with_progress(hashed)

    def fingerprint(self) -> dict[str, Any]:
        """Return total size and latest modification time, by which a later change is noticed quickly."""
        stats = [file.status() for file in self.files]
        return {"bytes": sum(s.st_size for s in stats), "modified": max(s.st_mtime_ns for s in stats)}

    def checksum(self) -> str:
        """Return the SHA-256 of the content of all files."""
        digest = hashlib.sha256()
        for file in self.files:
            for chunk in file.chunks():
                digest.update(chunk)
        return digest.hexdigest()


def open_sources(paths: Sequence[str]) -> CorpusFiles:
    """Return the files of a corpus; without paths the default corpus; "-" is standard input, which is spooled.

    Raise WrongUsageError for a path that does not exist or is a directory.
    """
    if not paths:
        files = tuple(SourceFile(path=path, name=str(path)) for path in standard_library_files())
        return CorpusFiles(name=STANDARD_LIBRARY, files=files)
    files = tuple(_standard_input() if path == STANDARD_INPUT else _file(path) for path in paths)
    return CorpusFiles(name="stdin" if paths[0] == STANDARD_INPUT else paths[0], files=files)


def _file(given: str) -> SourceFile:
    """Return a file or a spooled pipe (CharrnnError)."""
    if not given:
        raise WrongUsageError("a text has an empty name", hint="a variable of the shell may not have been set")
    path = Path(given)
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise WrongUsageError(f"{shortened(given)}: no such file", hint=_suggest_path(path)) from error
    except OSError as error:
        raise CharrnnError(f"cannot read {shortened(given)}: {os_reason(error)}") from error
    except ValueError as error:  # a NUL, or half a surrogate pair
        raise WrongUsageError(f"{shown(given)} cannot be the name of a file") from error
    if stat.S_ISREG(status.st_mode):
        return SourceFile(path=path, name=given)
    _refuse_special_file(given, status)
    try:
        with path.open("rb") as stream:
            return _spooled(stream, given)
    except OSError as error:
        raise CharrnnError(f"cannot read {given}: {os_reason(error)}") from error


def _refuse_special_file(given: str, status: os.stat_result) -> None:
    """Raise WrongUsageError unless a file that is not regular is a pipe or the terminal of this process."""
    if stat.S_ISDIR(status.st_mode):
        raise WrongUsageError(f"{given} is a directory", hint=f"name its files: `charrnn train {Path(given)}/*`")
    if stat.S_ISFIFO(status.st_mode) or _is_own_terminal(status):
        return
    kind = "socket" if stat.S_ISSOCK(status.st_mode) else "device"
    raise WrongUsageError(f"{given} is a {kind}", hint="name a file or a pipe, or - for standard input")


def _is_own_terminal(status: os.stat_result) -> bool:
    """Return whether a device is the terminal of this process; the device is not opened, which can have effects."""
    if not stat.S_ISCHR(status.st_mode):
        return False
    terminals: list[int] = []
    for descriptor in range(3):
        with suppress(OSError):
            terminals += [os.fstat(descriptor).st_rdev] if os.isatty(descriptor) else []
    with suppress(OSError):
        terminals.append(Path("/dev/tty").stat().st_rdev)
    return status.st_rdev in terminals


def _suggest_path(path: Path) -> str | None:
    """Return a hint with similar file names in the same directory, suffixes not compared; None if there are none."""
    try:
        files = {entry.stem: entry for entry in path.parent.iterdir() if entry.is_file()}
    except OSError:
        return None
    matches = difflib.get_close_matches(path.stem, files, n=2, cutoff=0.6)
    return "did you mean " + " or ".join(str(files[name]) for name in matches) + "?" if matches else None


def _standard_input() -> SourceFile:
    """Return the spooled standard input (CharrnnError)."""
    if sys.stdin is None or sys.stdin.isatty() or _is_device(sys.stdin):
        raise WrongUsageError("no text on standard input", hint="`charrnn train - < book.txt`, or name the file")
    return _spooled(sys.stdin.buffer, "standard input")


def _is_device(stream: IO[Any]) -> bool:
    """Return whether a stream is a device such as /dev/null, which has no text, or /dev/zero, which has no end."""
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (AttributeError, OSError, ValueError):  # a stream that is not a file, in tests or notebooks
        return False
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def _spooled(stream: BinaryIO, name: str) -> SourceFile:
    """Return a copy of a stream, because a text is read twice (CharrnnError)."""
    try:
        spool = Spool()
        while chunk := _read(stream, name):
            spool.write(chunk)
        return SourceFile(path=Path(name), name=name, spool=spool)
    except OSError as error:
        hint = "set TMPDIR to a directory with enough space"
        raise CharrnnError(f"cannot copy {name}: {os_reason(error)}", hint=hint) from error


def _read(stream: BinaryIO, name: str) -> bytes:
    """Return the next chunk of a stream (CharrnnError)."""
    try:
        return stream.read(CHUNK_BYTES)
    except OSError as error:
        raise CharrnnError(f"cannot read {name}: {os_reason(error)}") from error
