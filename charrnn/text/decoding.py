"""Strict decoding of bytes to code points, in chunks, with the exact place where bytes are not text."""

import codecs
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.text.documents import terminate_documents
from charrnn.text.sources import SourceFile

NON_TEXT_CODECS = frozenset({"unicode-escape", "raw-unicode-escape", "idna", "punycode"})
"""codecs for pieces of programs and for names of hosts, not for texts, though Python counts them among those"""

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"

BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""what a file may begin with that is text, but not in UTF-8; the longer ones first, for they begin like others"""
COMPRESSION_MAGIC = {b"\x1f\x8b": "zcat", b"BZh": "bzcat", b"\xfd7zXZ": "xzcat", b"(\xb5/\xfd": "zstdcat"}
"""what compressed files begin with, and what unpacks them"""
OTHER_ENCODINGS = "`--encoding latin-1` reads any byte; `--encoding cp1252` is usual for old Windows files"
TEXT_FILES = "charrnn learns text files"

CodePoints = NDArray[np.unsignedinteger]


def decode_text(source: SourceFile, encoding: str, *, documents: str | None = None) -> Iterator[str]:
    """Read a file as text, piece by piece, a byte order mark at its start left out, and its `documents` ended.

    Raise CharrnnError, with byte and line, where the bytes are not text in that encoding.
    """
    pieces = _without_bom(_decode(source, encoding))
    return pieces if documents is None else terminate_documents(pieces, documents, source.name)


def code_points(source: SourceFile, encoding: str, *, documents: str | None = None) -> Iterator[CodePoints]:
    """Read a file as `decode_text` does, but as code points."""
    for text in decode_text(source, encoding, documents=documents):
        # Plain ASCII, which most of the world's bytes are, is a quarter of the work.
        if text.isascii():
            yield np.frombuffer(text.encode("ascii"), dtype=np.uint8)
            continue
        try:
            yield np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        except UnicodeEncodeError as error:
            half = f"it has U+{ord(text[error.start]):04X}, which is half a character"
            raise CharrnnError(f"{source.name} is not valid {encoding.upper()}: {half}") from error


def _without_bom(pieces: Iterator[str]) -> Iterator[str]:
    """Leave out the mark that may stand at a file's start."""
    has_text = False
    for text in pieces:
        yield text if has_text else text.removeprefix(BYTE_ORDER_MARK)
        has_text = has_text or bool(text)


def check_encoding(name: str) -> str:
    """See that Python has an encoding of that name for whole texts; give its usual name (WrongUsageError)."""
    hint = "utf-8, latin-1, cp1252, utf-16, shift_jis, gb18030 and many more are known"
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)
    except (LookupError, ValueError) as error:
        raise WrongUsageError(f"unknown encoding {name!r}", hint=hint) from error
    if codec.name.replace("_", "-") in NON_TEXT_CODECS:
        raise WrongUsageError(f"{name} is no encoding of whole texts", hint=hint)
    return codec.name


def _decode(source: SourceFile, encoding: str) -> Iterator[str]:
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
            raise _not_text_error(source, encoding, position - len(pending) + error.start, line, error) from error
        except UnicodeError as error:
            # Such as UTF-16 that does not say which of two bytes comes first.
            why = f"{source.name} is not valid {encoding.upper()}: {error}"
            raise CharrnnError(why, hint="`--encoding` names another, such as utf-8 or utf-16-le") from error
        if "\0" in text:
            raise _nul_error(source, text, pending + chunk, position - len(pending), lines)
        position += len(chunk)
        lines += text.count("\n")
        yield text
        if not chunk:
            return


def _not_text_error(source: SourceFile, encoding: str, at: int, line: int, error: UnicodeDecodeError) -> CharrnnError:
    """Say where a file stops being text, and guess what it is instead."""
    first = _first_bytes(source)
    hint = _looks_like(source, first) or OTHER_ENCODINGS
    if b"\0" in first and not first.startswith(tuple(BOMS)):
        return _binary_error(source, first.index(b"\0"))
    where = f"at byte {at:,} (line {line:,})"
    byte = error.object[error.start] if error.start < len(error.object) else 0
    return CharrnnError(f"{source.name} is not valid {encoding.upper()} {where}: 0x{byte:02X}", hint=hint)


def _nul_error(source: SourceFile, text: str, content: bytes, position: int, line: int) -> CharrnnError:
    """Say where a NUL stands: at which byte, or where other characters have such bytes too, in which line."""
    if content.count(b"\0") == text.count("\0"):
        return _binary_error(source, position + content.index(b"\0"))
    line += text.count("\n", 0, text.index("\0"))
    return CharrnnError(f"{source.name} looks like a binary file (NUL in line {line:,})", hint=TEXT_FILES)


def _binary_error(source: SourceFile, at: int) -> CharrnnError:
    """Say that a file has a byte that texts do not have, and guess what it is."""
    hint = _looks_like(source, _first_bytes(source)) or TEXT_FILES
    return CharrnnError(f"{source.name} looks like a binary file (NUL at byte {at:,})", hint=hint)


def _first_bytes(source: SourceFile) -> bytes:
    return next(source.chunks(), b"")[:4096]


def _looks_like(source: SourceFile, first: bytes) -> str | None:
    """Guess what a file that is no text in the given encoding is, and say how it can be read; None for no idea."""
    for mark, encoding in BOMS.items():
        if first.startswith(mark):
            return f"this looks like {encoding}; `--encoding {encoding.lower()}`"
    for start, program in COMPRESSION_MAGIC.items():
        if first.startswith(start):
            return f"it is compressed; `{program} {source.name} | charrnn train -` learns what is in it"
    # In UTF-16 every other byte of most European texts is zero; which one tells the order.
    for order, high in (("le", first[1::2]), ("be", first[::2])):
        if high.count(0) > len(high) / 2 and first.count(0) == high.count(0):
            return f"this looks like UTF-16 without a mark; `--encoding utf-16-{order}`"
    return None
