"""Source files of a corpus, read in chunks, the files of the default corpus, and the recognition of formats."""

import codecs
import hashlib
import os
import shlex
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from charrnn.errors import CharrnnError, os_reason
from charrnn.storage.atomic_file import open_regular

CHUNK_BYTES = 1 << 22
"""bytes that are read at a time"""

# A temporary copy of a text that can be read only once, such as standard input or a pipe. The copy has no name, so it
# disappears with the process, whichever signal ends the process.


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
            return os.pread(self._file.fileno(), CHUNK_BYTES, position)
        self._file.seek(position)  # on Windows, where only one thread reads
        return self._file.read(CHUNK_BYTES)


# Files

FIRST_BYTES = 4096
"""bytes at the beginning of a file that show its format"""

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
    def first_bytes(self) -> bytes:
        """The beginning of the file, which shows its format (CharrnnError)."""
        return next(self._chunks(), b"")[:FIRST_BYTES]

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
    notes: tuple[str, ...] = ()
    """messages about files that were left out"""

    @property
    def size(self) -> int:
        """Total size of the files in bytes (CharrnnError)."""
        return sum(file.size for file in self.files)

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
        """Return the total size and the modification time, by which a later change is noticed quickly.

        The time of several files is a digest of the names, sizes and times of all of them.
        """
        stats = [file.status() for file in self.files]
        modified = stats[0].st_mtime_ns
        if len(stats) > 1:
            each = (
                (file.name, status.st_size, status.st_mtime_ns)
                for file, status in zip(self.files, stats, strict=True)
            )
            digest = hashlib.sha256("".join(map(repr, each)).encode())
            modified = int.from_bytes(digest.digest()[:7], "big")
        return {"bytes": sum(status.st_size for status in stats), "modified": modified}

    def checksum(self) -> str:
        """Return the SHA-256 of the content of all files."""
        digest = hashlib.sha256()
        for file in self.files:
            for chunk in file.chunks():
                digest.update(chunk)
        return digest.hexdigest()


# The default corpus: the source code of the Python standard library of the running interpreter, which exists on every
# machine without a download. It consists of all top-level modules and some packages, about five million characters.
# The files are ordered by the hashes of their names, so that the held-out text is a mixture of modules.

STANDARD_LIBRARY = "standard-library"

PACKAGES = ("asyncio", "collections", "concurrent", "email", "json", "logging", "tomllib")

MIN_LIBRARY_BYTES = 1_000_000
"""bytes, below which the source code is considered missing"""


def standard_library_files() -> tuple[SourceFile, ...]:
    """Return the files of the default corpus in order (CharrnnError if the source code is not installed)."""
    root = Path(sysconfig.get_path("stdlib"))
    paths = [*root.glob("*.py"), *(path for package in PACKAGES for path in (root / package).rglob("*.py"))]
    paths = [path for path in paths if path.stat().st_size and not _is_generated(path)]
    if sum(path.stat().st_size for path in paths) < MIN_LIBRARY_BYTES:
        raise CharrnnError(
            f"this Python has no standard library source in {root}", hint="name a text: `charrnn train book.txt`"
        )
    paths.sort(key=lambda path: hashlib.sha256(path.relative_to(root).as_posix().encode()).digest())
    return tuple(SourceFile(path=path, name=str(path)) for path in paths)


def _is_generated(path: Path) -> bool:
    """Return whether a file is generated at installation, so that it differs between machines."""
    return path.name.startswith("_sysconfigdata")


# Formats of files that are not plain text

BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""byte order marks of other encodings than UTF-8; longer marks first, because they begin with shorter ones"""
COMPRESSION_MAGIC = {b"\x1f\x8b": "zcat", b"BZh": "bzcat", b"\xfd7zXZ": "xzcat", b"(\xb5/\xfd": "zstdcat"}
"""first bytes of compressed files, and the programs that decompress them"""


class Format(NamedTuple):
    """A format that is not plain text: its first bytes, in lower case, and the command that makes plain text."""

    magic: tuple[bytes, ...]
    command: str
    """`{}` stands for the name of the file"""


MARKUP = {
    "HTML": Format((b"<!doctype html", b"<html", b"<!--"), "pandoc -t plain {} -o text.txt"),
    "XML": Format((b"<?xml",), "xmllint --xpath 'string(/)' {} > text.txt"),
    "RTF": Format((rb"{\rtf",), "pandoc -t plain {} -o text.txt"),
    "PostScript": Format((b"%!ps",), "ps2ascii {} text.txt"),
}
"""formats of valid text, by their names"""
DOCUMENTS = {
    "a PDF file": Format((b"%pdf-",), "pdftotext {} text.txt"),
    "a zip file, as DOCX, ODT and EPUB files are": Format((b"pk\x03\x04",), "pandoc -t plain {} -o text.txt"),
    "an old Word or Excel file": Format((b"\xd0\xcf\x11\xe0",), "libreoffice --headless --convert-to txt {}"),
}
"""formats with binary parts, by their names"""
LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def markup_format(source: SourceFile, first: bytes) -> str | None:
    """Return the name of the markup format that a file begins with; None for plain text.

    Raise CharrnnError for a document in a binary format, and for a pointer in place of a file.
    """
    start = first.removeprefix(codecs.BOM_UTF8).lstrip()[:40].lower()
    if start.startswith(LFS_POINTER):
        message = f"{source.name} is a git-lfs pointer, not the file itself"
        raise CharrnnError(message, hint="`git lfs pull` downloads the file")
    for kind, document in DOCUMENTS.items():
        if start.startswith(document.magic):
            message = f"{source.name} is {kind}, not plain text"
            raise CharrnnError(message, hint=extraction_command(document, source))
    return next((kind for kind, markup in MARKUP.items() if start.startswith(markup.magic)), None)


def reason_to_leave_out(source: SourceFile, encoding: str) -> str | None:
    """Return the reason why a file of a directory is left out; None if it is a text."""
    decoder, first = codecs.getincrementaldecoder(encoding)(errors="strict"), b""
    try:
        for chunk in source.chunks():
            if not first:
                first = chunk[:FIRST_BYTES]
                markup_format(source, first)
            if "\0" in decoder.decode(chunk):
                return "binary"
    except CharrnnError as error:
        cause = error.__cause__
        return os_reason(cause) if isinstance(cause, OSError) else error.message.removeprefix(f"{source.name} is ")
    except UnicodeError:
        return "binary" if b"\0" in first else f"not {encoding.upper()}"
    return None if first.removeprefix(codecs.BOM_UTF8) else "empty"


def extraction_command(document: Format, source: SourceFile) -> str:
    """Return the command that extracts the plain text of a file, for a message."""
    return f"`{document.command.format(shlex.quote(source.name))}` extracts the text"


def filter_command(command: str, source: SourceFile) -> str:
    """Return the command that copies a file through a filter, for a message."""
    return f"`{command}`" if source.spool else f"`{command} < {shlex.quote(source.name)} > fixed.txt`"


def reading_hint(source: SourceFile, first: bytes) -> str | None:
    """Return the hint that says how a file can be read, from its first bytes; None if its kind is not recognized."""
    for mark, encoding in BOMS.items():
        if first.startswith(mark):
            return f"this looks like {encoding}; `--encoding {encoding.lower()}`"
    for magic, program in COMPRESSION_MAGIC.items():
        if first.startswith(magic):
            return f"it is compressed; `{program} {source.name} | charrnn train -` learns its content"
    # In UTF-16 the high byte of most characters is one of a few, and its position shows the byte order.
    (many, _), (few, order) = sorted(((len(set(first[::2])), "be"), (len(set(first[1::2])), "le")), reverse=True)
    text = first.decode(f"utf-16-{order}", "ignore")
    if b"\0" in first and 2 * few <= many and all(char.isprintable() or char.isspace() for char in text):
        return f"this looks like UTF-16 without a mark; `--encoding utf-16-{order}`"
    return None
