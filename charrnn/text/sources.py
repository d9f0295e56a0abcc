"""Sources of a corpus: files, directories, patterns, lists of files, standard input or the default corpus."""

import codecs
import fnmatch
import glob
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO

from charrnn.arguments import first_names, shortened, shown
from charrnn.errors import CharrnnError, WrongUsageError, os_reason
from charrnn.storage.run_directory import MODEL_SUFFIX, RunDirectory, similar_path
from charrnn.text.source_file import (
    CHUNK_BYTES,
    STANDARD_LIBRARY,
    CorpusFiles,
    SourceFile,
    Spool,
    reason_to_leave_out,
    standard_library_files,
)

# Files and standard input

STANDARD_INPUT = "-"


def open_sources(paths: Sequence[str]) -> CorpusFiles:
    """Return the files of a corpus; without paths the default corpus; "-" is standard input, which is spooled.

    Raise WrongUsageError for a path that does not exist or is a directory.
    """
    if not paths:
        return CorpusFiles(name=STANDARD_LIBRARY, files=standard_library_files())
    files = tuple(map(_open, paths))
    return CorpusFiles(name="stdin" if paths[0] == STANDARD_INPUT else paths[0], files=files)


def _open(given: str) -> SourceFile:
    """Return a file, a spooled pipe or the spooled standard input (CharrnnError)."""
    if given == STANDARD_INPUT:
        return _standard_input()
    if not given:
        raise WrongUsageError("a text has an empty name", hint="a variable of the shell may not have been set")
    path = Path(given)
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise WrongUsageError(f"{shortened(given)}: no such file", hint=similar_path(path)) from error
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


# Files in directories, by patterns and in lists


def find_sources(
    paths: Sequence[str], *, include: Sequence[str] = (), files_from: str | None = None, encoding: str = "utf-8"
) -> CorpusFiles:
    """Return the files of `open_sources`, where a path can also be a directory or a pattern.

    `files_from` is a file with the names of further files, separated by line feeds or NUL; a line that begins with #
    and names no file is a comment. Files that are not text in the encoding are left out with a note, unless they are
    named in `paths`; with `include`, so are files that match none of these patterns. Raise CharrnnError if no file is
    left.
    """
    search = _Search(include, encoding, is_list=not paths)
    for path in paths:
        search.add_path(path)
    for name in () if files_from is None else _listed_names(files_from):
        search.add_found(name)
    return search.result((*paths, files_from or "")[0]) if paths or files_from else open_sources(())


def is_pattern(path: str) -> bool:
    """Return whether a path is a pattern of names; a file with that very name comes first."""
    return glob.has_magic(path) and not os.path.lexists(path)


def is_searched(path: str) -> bool:
    """Return whether files are searched for in a path: a directory or a pattern."""
    return os.path.isdir(path) or is_pattern(path)  # noqa: PTH112


class _Search:
    """A search for files: the texts that were found, and the names of other files by why they are left out."""

    def __init__(self, include: Sequence[str], encoding: str, *, is_list: bool) -> None:
        self.files: list[SourceFile] = []
        self._include = [Path(pattern).parts for pattern in include]
        self._encoding, self._is_list = encoding, is_list
        self._left_out: dict[str, dict[str, None]] = {}
        self._real_paths: set[str] = set()
        """real paths of the files, each of which is read once"""

    def add_path(self, path: str) -> None:
        """Add a file, the files in a directory, or those that match a pattern (CharrnnError)."""
        if path.endswith(MODEL_SUFFIX):
            raise WrongUsageError(f"{path} is a model, not a text", hint=f"`--from {path}` starts from it")
        if path != STANDARD_INPUT and os.path.isdir(path):  # noqa: PTH112
            if RunDirectory(Path(path)).has_corpus:
                raise WrongUsageError(f"{path} is a run, not a text", hint=f"`--from {path}` starts from its model")
            self.add_found(path)
        elif is_pattern(path):
            self._add_matches(path)
        else:
            self.files.append(_open(path))
            self._real_paths.add(os.path.realpath(path))

    def add_found(self, path: str) -> None:
        """Add a file if it is a text, or the texts in a directory."""
        if os.path.isdir(path):  # noqa: PTH112
            for inner, real_path in self._walk(path):
                self._add_text(inner, real_path, Path(os.path.relpath(inner, path)).parts)
        else:
            self._add_text(path, os.path.realpath(path), Path(path).parts)

    def result(self, name: str) -> CorpusFiles:
        """Return the files, with a note for each reason to leave files out; raise CharrnnError if there are none."""
        notes = tuple(
            f"{len(names):,} left out ({why}): {first_names([*names])}" for why, names in self._left_out.items()
        )
        if not self.files:
            matched = " that `--include` matches" if self._include else ""
            verb = "lists" if self._is_list else "has"
            raise CharrnnError(f"{shortened(name)} {verb} no text file{matched}", hint="; ".join(notes) or None)
        named = "stdin" if name == STANDARD_INPUT else name if Path(name).name else Path(name).resolve().name or name
        return CorpusFiles(name=named, files=tuple(self.files), notes=notes)

    def _add_matches(self, pattern: str) -> None:
        """Add the files that match a pattern, in which `**` stands for any directories (WrongUsageError if none)."""
        parts = Path(pattern).parts
        if "**" in parts:
            place, matches = parts.index("**"), []
            for top in sorted(glob.glob(str(Path(*parts[:place])))):  # noqa: PTH207 - hidden files are left out
                paths = [path for path, _ in self._walk(top)]
                matches += [path for path in paths if _matches(Path(os.path.relpath(path, top)).parts, parts[place:])]
        else:
            matches = sorted(glob.glob(pattern))  # noqa: PTH207
        if not matches:
            raise WrongUsageError(f"{shortened(pattern)}: no file matches")
        for path in matches:
            self.add_found(path)

    def _add_text(self, path: str, real_path: str, parts: Sequence[str]) -> None:
        """Add a file unless it is excluded, was added before, or is not a text."""
        matched = [_matches(parts if len(pattern) > 1 else parts[-1:], pattern) for pattern in self._include]
        if real_path in self._real_paths or (matched and not any(matched)):
            return
        self._real_paths.add(real_path)
        source = SourceFile(path=Path(path), name=str(Path(path)))
        if reason := reason_to_leave_out(source, self._encoding):
            self._leave_out(reason, path)
        else:
            self.files.append(source)

    def _walk(self, top: str) -> Iterator[tuple[str, str]]:
        """Yield path and real path of each file below a directory, in the order of names; read cyclic links once."""
        visited = {os.path.realpath(top)}
        pending = [self._entries(top, os.path.realpath(top))]
        while pending:
            path, real_path, is_directory = next(pending[-1], ("", "", False))
            if not path:
                pending.pop()
            elif not is_directory:
                yield path, real_path
            elif real_path not in visited:
                visited.add(real_path)
                pending.append(self._entries(path, real_path))

    def _entries(self, directory: str, real_path: str) -> Iterator[tuple[str, str, bool]]:
        """Yield path, real path and whether it is a directory of each entry that is neither hidden nor special."""
        try:
            with os.scandir(directory) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except OSError as error:
            self._leave_out(os_reason(error), directory)
            return
        if RunDirectory(Path(directory)).has_corpus:
            self._leave_out("a run of charrnn", directory)
            return
        for entry in entries:
            if entry.name.startswith("."):
                if not self._include:
                    self._leave_out("hidden", entry.path)
                continue
            is_directory = is_file = False
            with suppress(OSError):
                is_directory, is_file = entry.is_dir(), entry.is_file()
            if is_directory or is_file:
                inner = os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(real_path, entry.name)  # noqa: PTH118
                yield entry.path, inner, is_directory
            else:
                self._leave_out("not a file", entry.path)

    def _leave_out(self, reason: str, name: str) -> None:
        self._left_out.setdefault(reason, {})[str(Path(name))] = None


def _listed_names(files_from: str) -> list[str]:
    """Return the names in a list, which NUL or line ends separate, without comments (CharrnnError)."""
    content = b"".join(_open(files_from).chunks())
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # from PowerShell
        content = content.decode("utf-16", "replace").encode()
    lines = content.removeprefix(codecs.BOM_UTF8).split(b"\0" if b"\0" in content else b"\n")
    names = [os.fsdecode(line.removesuffix(b"\r")) for line in lines if line.strip()]
    if not names:
        raise WrongUsageError(f"{files_from} names no file")
    return [name for name in names if not name.startswith("#") or os.path.lexists(name)]


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether the parts of a path match those of a pattern, in which `**` stands for any number of parts."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatch(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
