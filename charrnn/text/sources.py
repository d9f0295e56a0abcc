"""Sources of a corpus: files, directories, patterns, lists of files, standard input or the default corpus."""

import difflib
import hashlib
import os
import stat
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO

from charrnn.arguments import shortened, shown
from charrnn.errors import CharrnnError, WrongUsageError, os_reason
from charrnn.text.source_file import CHUNK_BYTES, CorpusFiles, SourceFile, Spool

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
    paths = [path for path in paths if path.stat().st_size and not _is_generated(path)]
    if sum(path.stat().st_size for path in paths) < MIN_LIBRARY_CHARS:
        raise CharrnnError(
            f"this Python has no standard library source in {root}", hint="name a text: `charrnn train book.txt`"
        )
    return sorted(paths, key=lambda path: hashlib.sha256(path.relative_to(root).as_posix().encode()).digest())


def _is_generated(path: Path) -> bool:
    """Return whether a file is generated at installation, so that it differs between machines."""
    return path.name.startswith("_sysconfigdata")


# Files and standard input

STANDARD_INPUT = "-"


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
        raise WrongUsageError(f"{given} is a directory", hint="name a file in it")
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
