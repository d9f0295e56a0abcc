"""Decoding bytes into code points, in chunks and strictly, and saying exactly where they are not text."""

import codecs
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.text.documents import ended
from charrnn.text.sources import Source

PROGRAMMERS = frozenset({"unicode-escape", "raw-unicode-escape", "idna", "punycode"})
"""codecs for pieces of programs and for names of hosts, not for texts, though Python counts them among those"""

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"

CodePoints = NDArray[np.unsignedinteger]


def texts(source: Source, encoding: str, *, documents: str | None = None) -> Iterator[str]:
    """Read a file as text, piece by piece, a byte order mark at its start left out, and its `documents` ended.

    Raise CharrnnError, with byte and line, where the bytes are not text in that encoding.
    """
    pieces = _unmarked(_decoded(source, encoding))
    return pieces if documents is None else ended(pieces, documents, source.name)


def code_points(source: Source, encoding: str, *, documents: str | None = None) -> Iterator[CodePoints]:
    """Read a file as `texts` does, but as code points."""
    for text in texts(source, encoding, documents=documents):
        # Plain ASCII, which most of the world's bytes are, is a quarter of the work.
        if text.isascii():
            yield np.frombuffer(text.encode("ascii"), dtype=np.uint8)
            continue
        try:
            yield np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        except UnicodeEncodeError as error:
            half = f"it has U+{ord(text[error.start]):04X}, which is half a character"
            raise CharrnnError(f"{source.name} is not valid {encoding.upper()}: {half}") from error


def _unmarked(pieces: Iterator[str]) -> Iterator[str]:
    """Leave out the mark that may stand at a file's start."""
    begun = False
    for text in pieces:
        yield text if begun else text.removeprefix(BYTE_ORDER_MARK)
        begun = begun or bool(text)


def known_encoding(name: str) -> str:
    """See that Python has an encoding of that name for whole texts; give its usual name (WrongUsageError)."""
    hint = "utf-8, latin-1, cp1252, utf-16, shift_jis, gb18030 and many more are known"
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)
    except (LookupError, ValueError) as error:
        raise WrongUsageError(f"unknown encoding {name!r}", hint=hint) from error
    if codec.name.replace("_", "-") in PROGRAMMERS:
        raise WrongUsageError(f"{name} is no encoding of whole texts", hint=hint)
    return codec.name


def _decoded(source: Source, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    position, lines = 0, 1
    chunks = source.chunks()
    while True:
        chunk = next(chunks, b"")
        pending = decoder.getstate()[0]
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            line = lines + before.count(b"\n")
            raise _not_text(source, encoding, position - len(pending) + error.start, line, error) from error
        except UnicodeError as error:
            # Such as UTF-16 that does not say which of two bytes comes first.
            why = f"{source.name} is not valid {encoding.upper()}: {error}"
            raise CharrnnError(why, hint="`--encoding` names another, such as utf-8 or utf-16-le") from error
        if "\0" in text:
            at = position - len(pending) + (pending + chunk).find(b"\0")
            raise CharrnnError(
                f"{source.name} looks like a binary file (NUL at byte {at:,})", hint="charrnn learns text files"
            )
        position += len(chunk)
        lines += text.count("\n")
        yield text
        if not chunk:
            return


def _not_text(source: Source, encoding: str, at: int, line: int, error: UnicodeDecodeError) -> CharrnnError:
    """Say where a file stops being text, and guess what it is instead."""
    first = next(source.chunks(), b"")[:4096]
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        hint = "this looks like UTF-16; `--encoding utf-16`"
    elif b"\0" in first:
        nul = first.index(b"\0")
        return CharrnnError(
            f"{source.name} looks like a binary file (NUL at byte {nul:,})", hint="charrnn learns text files"
        )
    else:
        hint = "`--encoding latin-1` reads any byte; `--encoding cp1252` is usual for old Windows files"
    where = f"at byte {at:,} (line {line:,})"
    byte = error.object[error.start] if error.start < len(error.object) else 0
    return CharrnnError(f"{source.name} is not valid {encoding.upper()} {where}: 0x{byte:02X}", hint=hint)
