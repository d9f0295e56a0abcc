"""Source files of a corpus: files, standard input or the default corpus; read in chunks, never whole."""

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

# The default corpus: the source of the Python standard library, as the running interpreter has it. Real code, on
# every machine, without a download: every top-level module and a few packages, about five million characters. The
# order is fixed by a hash of the name of each file, so that the held-out end is a mixture of modules.

STANDARD_LIBRARY = "standard-library"

PACKAGES = ("asyncio", "collections", "concurrent", "email", "json", "logging", "tomllib")

MIN_LIBRARY_CHARS = 1_000_000


def standard_library_files() -> list[Path]:
    """List the corpus's files in their order; raise CharrnnError where the source is not installed."""
    root = Path(sysconfig.get_path("stdlib"))
    chosen = [*root.glob("*.py"), *(path for package in PACKAGES for path in (root / package).rglob("*.py"))]
    chosen = [path for path in chosen if not _is_of_this_machine(path)]
    if sum(path.stat().st_size for path in chosen) < MIN_LIBRARY_CHARS:
        raise CharrnnError(
            f"this Python has no standard library source in {root}", hint="name a text: `charrnn train book.txt`"
        )
    return sorted(chosen, key=lambda path: hashlib.sha256(path.relative_to(root).as_posix().encode()).digest())


def _is_of_this_machine(path: Path) -> bool:
    """Tell generated files, which differ from one machine to the next."""
    return path.name.startswith("_sysconfigdata")


# A temporary copy of a text that can be read only once, such as standard input or a pipe. The copy has no name, so it
# disappears with the process, whichever signal ends the process.

PIECE = 1 << 22
"""bytes read at a time"""


class Spool:
    """A nameless file, which is closed as soon as nothing refers to it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="charrnn-", buffering=0)  # noqa: SIM115 - `__del__` closes it

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def status(self) -> os.stat_result:
        """Return what the system knows of the file (OSError)."""
        return os.fstat(self._file.fileno())

    def write(self, content: bytes) -> None:
        """Append all bytes (OSError)."""
        left = memoryview(content)
        while left:
            left = left[self._file.write(left) :]

    def pieces(self) -> Iterator[bytes]:
        """Read the file from its start; several readings may go on at the same time (OSError)."""
        position = 0
        while piece := self._read_at(position):
            position += len(piece)
            yield piece

    def _read_at(self, position: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), PIECE, position)
        self._file.seek(position)  # on Windows, where only one thread reads
        return self._file.read(PIECE)


# Files and standard input

CHUNK_BYTES = 1 << 22

STANDARD_INPUT = "-"

ByteProgress = Callable[[Iterator[bytes]], Iterator[bytes]]


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file of a corpus."""

    path: Path
    name: str
    """how the user called it"""
    progress: ByteProgress = iter
    """sees the pieces as they pass: to show how far the reading is, or to hash them"""
    spool: Spool | None = None
    """the copy of a text that can be read only once; it has no name, so `path` must not be opened"""

    @property
    def size(self) -> int:
        """Give the file's size."""
        return self.status().st_size

    def status(self) -> os.stat_result:
        """Return what the system knows of the file, or of the copy (CharrnnError)."""
        try:
            return self.path.stat() if self.spool is None else self.spool.status()
        except OSError as error:
            raise CharrnnError(f"cannot read {self.name}: {os_reason(error)}") from error

    def chunks(self) -> Iterator[bytes]:
        """Read the file piece by piece; raise CharrnnError if the system does not let us."""
        return self.progress(self._pieces())

    def with_progress(self, progress: ByteProgress) -> "SourceFile":
        """Have every piece pass through `progress` too as it is read."""
        return replace(self, progress=lambda pieces: progress(self.progress(pieces)))

    @property
    def has_byte_order_mark(self) -> bool:
        """Tell whether the file begins with UTF-8's mark, which is no part of the text."""
        return next(self._pieces(), b"").startswith(codecs.BOM_UTF8)

    def _pieces(self) -> Iterator[bytes]:
        try:
            if self.spool is not None:
                yield from self.spool.pieces()
                return
            with open_regular(self.path) as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise CharrnnError(f"cannot read {self.name}: {os_reason(error)}") from error


@dataclass(frozen=True, kw_only=True)
class CorpusFiles:
    """The files that are joined into one text."""

    name: str
    """what the run is called after"""
    files: tuple[SourceFile, ...]

    @property
    def size(self) -> int:
        """Give the size of all files together."""
        return sum(file.size for file in self.files)

    def empty(self) -> list[str]:
        """Name the files that have nothing in them; those of the default text are nobody's mistake."""
        return [] if self.name == STANDARD_LIBRARY else [file.name for file in self.files if not file.size]

    def with_progress(self, progress: ByteProgress) -> "CorpusFiles":
        """Have every piece of every file pass through `progress` too as it is read."""
        return replace(self, files=tuple(file.with_progress(progress) for file in self.files))

    def with_hash(self, digest: "hashlib._Hash") -> "CorpusFiles":
        """Have every piece hashed as it is read."""

        def hashed(pieces: Iterator[bytes]) -> Iterator[bytes]:
            for piece in pieces:
                digest.update(piece)
                yield piece

        return self.with_progress(hashed)

    def fingerprint(self) -> dict[str, Any]:
        """Say what the files were, so that a change is noticed later: sizes and times, quick to compare."""
        stats = [file.status() for file in self.files]
        return {"bytes": sum(s.st_size for s in stats), "modified": max(s.st_mtime_ns for s in stats)}

    def checksum(self) -> str:
        """Hash every byte of the joined text."""
        digest = hashlib.sha256()
        for file in self.files:
            for chunk in file.chunks():
                digest.update(chunk)
        return digest.hexdigest()


def open_sources(paths: Sequence[str]) -> CorpusFiles:
    """Find the files of a corpus; none: the default; "-": standard input, which is spooled to disk.

    Raise WrongUsageError for a path that is not there or is a directory.
    """
    if not paths:
        files = tuple(SourceFile(path=path, name=str(path)) for path in standard_library_files())
        return CorpusFiles(name=STANDARD_LIBRARY, files=files)
    files = tuple(_standard_input() if path == STANDARD_INPUT else _file(path) for path in paths)
    return CorpusFiles(name="stdin" if paths[0] == STANDARD_INPUT else paths[0], files=files)


def _file(given: str) -> SourceFile:
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
    """Name files of the same directory whose names are like a mistyped one; their ends alone make none alike."""
    try:
        files = {entry.stem: entry for entry in path.parent.iterdir() if entry.is_file()}
    except OSError:
        return None
    matches = difflib.get_close_matches(path.stem, files, n=2, cutoff=0.6)
    return "did you mean " + " or ".join(str(files[name]) for name in matches) + "?" if matches else None


def _standard_input() -> SourceFile:
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
    """Copy a text that can be read only once, because it is read twice (CharrnnError)."""
    try:
        spool = Spool()
        while chunk := _read(stream, name):
            spool.write(chunk)
        return SourceFile(path=Path(name), name=name, spool=spool)
    except OSError as error:
        hint = "set TMPDIR to a directory where there is room for it"
        raise CharrnnError(f"cannot copy {name}: {os_reason(error)}", hint=hint) from error


def _read(stream: BinaryIO, name: str) -> bytes:
    try:
        return stream.read(CHUNK_BYTES)
    except OSError as error:
        raise CharrnnError(f"cannot read {name}: {os_reason(error)}") from error
