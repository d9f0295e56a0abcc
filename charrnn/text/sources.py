"""Where a corpus comes from: files, standard input, the default; read in chunks, never whole.

Decoding, and what makes a text fit to be learned, is left to `encoding` and `corpus`.
"""

import codecs
import difflib
import hashlib
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from charrnn.errors import CharrnnError, WrongUsageError, reason
from charrnn.text import standard_library

CHUNK_BYTES = 1 << 22

STANDARD_INPUT = "-"

Watch = Callable[[Iterator[bytes]], Iterator[bytes]]


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file of a corpus."""

    path: Path
    name: str
    """how the user called it"""
    watch: Watch = iter
    """sees the pieces as they pass: to show how far the reading is, or to hash them"""

    @property
    def size(self) -> int:
        """Give the file's size."""
        return self.path.stat().st_size

    def chunks(self) -> Iterator[bytes]:
        """Read the file piece by piece; raise CharrnnError if the system does not let us."""
        return self.watch(self._pieces())

    def watched(self, watch: Watch) -> "Source":
        """Have every piece pass through `watch` too as it is read."""
        return replace(self, watch=lambda pieces: watch(self.watch(pieces)))

    @property
    def has_byte_order_mark(self) -> bool:
        """Tell whether the file begins with UTF-8's mark, which is no part of the text."""
        return next(self._pieces(), b"").startswith(codecs.BOM_UTF8)

    def _pieces(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise CharrnnError(f"cannot read {self.name}: {reason(error)}") from error


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The files that are joined into one text."""

    name: str
    """what the run is called after"""
    files: tuple[Source, ...]

    @property
    def size(self) -> int:
        """Give the size of all files together."""
        return sum(file.size for file in self.files)

    def empty(self) -> list[str]:
        """Name the files that have nothing in them; those of the default text are nobody's mistake."""
        return [] if self.name == standard_library.NAME else [file.name for file in self.files if not file.size]

    def watched(self, watch: Watch) -> "Sources":
        """Have every piece of every file pass through `watch` too as it is read."""
        return replace(self, files=tuple(file.watched(watch) for file in self.files))

    def digested(self, digest: "hashlib._Hash") -> "Sources":
        """Have every piece hashed as it is read."""

        def hashed(pieces: Iterator[bytes]) -> Iterator[bytes]:
            for piece in pieces:
                digest.update(piece)
                yield piece

        return self.watched(hashed)

    def fingerprint(self) -> dict[str, Any]:
        """Say what the files were, so that a change is noticed later: sizes and times, quick to compare."""
        stats = [file.path.stat() for file in self.files]
        return {"bytes": sum(s.st_size for s in stats), "modified": max(s.st_mtime_ns for s in stats)}

    def checksum(self) -> str:
        """Hash every byte of the joined text."""
        digest = hashlib.sha256()
        for file in self.files:
            for chunk in file.chunks():
                digest.update(chunk)
        return digest.hexdigest()


def find(paths: Sequence[str]) -> Sources:
    """Find the files of a corpus; none: the default; "-": standard input, which is spooled to disk.

    Raise WrongUsageError for a path that is not there or is a directory.
    """
    if not paths:
        files = tuple(Source(path=path, name=str(path)) for path in standard_library.files())
        return Sources(name=standard_library.NAME, files=files)
    files = tuple(_standard_input() if path == STANDARD_INPUT else _file(path) for path in paths)
    return Sources(name="stdin" if paths[0] == STANDARD_INPUT else paths[0], files=files)


def _file(given: str) -> Source:
    if not given:
        raise WrongUsageError("a text has an empty name", hint="a variable of the shell may not have been set")
    path = Path(given)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise WrongUsageError(f"{given}: no such file", hint=_near(path)) from error
    except OSError as error:
        raise CharrnnError(f"cannot read {given}: {reason(error)}") from error
    if stat.S_ISDIR(mode):
        raise WrongUsageError(f"{given} is a directory", hint=f"name its files: `charrnn train {path}/*`")
    if not stat.S_ISREG(mode):
        with path.open("rb") as stream:
            return _spooled(stream, given)
    return Source(path=path, name=given)


def _near(path: Path) -> str | None:
    """Name files of the same directory whose names are like a mistyped one; their ends alone make none alike."""
    try:
        files = {entry.stem: entry for entry in path.parent.iterdir() if entry.is_file()}
    except OSError:
        return None
    matches = difflib.get_close_matches(path.stem, files, n=2, cutoff=0.6)
    return "did you mean " + " or ".join(str(files[name]) for name in matches) + "?" if matches else None


def _standard_input() -> Source:
    if sys.stdin is None or sys.stdin.isatty():
        raise WrongUsageError("no text on standard input", hint="`charrnn train - < book.txt`, or name the file")
    return _spooled(sys.stdin.buffer, "standard input")


def _spooled(stream: Any, name: str) -> Source:
    """Copy what can be read only once into an unnamed file, for it is read twice; it is gone with the process."""
    spool = tempfile.NamedTemporaryFile(prefix="charrnn-")  # noqa: SIM115 - it lives as long as the process
    shutil.copyfileobj(stream, spool, CHUNK_BYTES)
    spool.flush()
    _SPOOLS.append(spool)
    return Source(path=Path(spool.name), name=name)


_SPOOLS: list[Any] = []
