"""Strict decoding of bytes to code points, in chunks, with the exact position of invalid bytes."""

import codecs
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.text.documents import terminate_documents
from charrnn.text.sources import SourceFile

NON_TEXT_CODECS = frozenset({"unicode-escape", "raw-unicode-escape", "idna", "punycode"})
"""codecs for string literals and host names, which Python lists as text encodings"""

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"

BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""byte order marks of other encodings than UTF-8; longer marks first, because they begin with shorter ones"""
COMPRESSION_MAGIC = {b"\x1f\x8b": "zcat", b"BZh": "bzcat", b"\xfd7zXZ": "xzcat", b"(\xb5/\xfd": "zstdcat"}
"""first bytes of compressed files, and the programs that decompress them"""
OTHER_ENCODINGS = "`--encoding latin-1` reads any byte; `--encoding cp1252` is usual for old Windows files"
TEXT_FILES = "charrnn learns text files"

CodePoints = NDArray[np.unsignedinteger]


def decode_text(source: SourceFile, encoding: str, *, documents: str | None = None) -> Iterator[str]:
    """Yield the text of a file in chunks, without a byte order mark, and with terminated documents.

    Raise CharrnnError with byte and line if the file is not valid in the encoding.
    """
    chunks = _without_bom(_decode(source, encoding))
    return chunks if documents is None else terminate_documents(chunks, documents, source.name)


def code_points(source: SourceFile, encoding: str, *, documents: str | None = None) -> Iterator[CodePoints]:
    """Yield the code points of `decode_text` in arrays (CharrnnError)."""
    for text in decode_text(source, encoding, documents=documents):
        # ASCII is the most frequent case, and takes a quarter of the time.
        if text.isascii():
            yield np.frombuffer(text.encode("ascii"), dtype=np.uint8)
            continue
        try:
            yield np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        except UnicodeEncodeError as error:
            surrogate = f"it has U+{ord(text[error.start]):04X}, which is half a character"
            raise CharrnnError(f"{source.name} is not valid {encoding.upper()}: {surrogate}") from error


def _without_bom(chunks: Iterator[str]) -> Iterator[str]:
    """Yield the chunks of a file without the byte order mark at its start."""
    has_text = False
    for text in chunks:
        yield text if has_text else text.removeprefix(BYTE_ORDER_MARK)
        has_text = has_text or bool(text)


def check_encoding(name: str) -> str:
    """Return the canonical name of a text encoding (WrongUsageError if Python has no such encoding)."""
    hint = "utf-8, latin-1, cp1252, utf-16, shift_jis, gb18030 and many more are known"
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)
    except (LookupError, ValueError) as error:
        raise WrongUsageError(f"unknown encoding {name!r}", hint=hint) from error
    if codec.name.replace("_", "-") in NON_TEXT_CODECS:
        raise WrongUsageError(f"{name} is not an encoding of text files", hint=hint)
    return codec.name


def _decode(source: SourceFile, encoding: str) -> Iterator[str]:
    """Yield the text of a file in chunks (CharrnnError for invalid bytes and NUL)."""
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
            # For example UTF-16 without a byte order mark.
            message = f"{source.name} is not valid {encoding.upper()}: {error}"
            raise CharrnnError(message, hint="`--encoding` names another, such as utf-8 or utf-16-le") from error
        if "\0" in text:
            raise _nul_error(source, text, pending + chunk, position - len(pending), lines)
        position += len(chunk)
        lines += text.count("\n")
        yield text
        if not chunk:
            return


def _not_text_error(
    source: SourceFile, encoding: str, position: int, line: int, error: UnicodeDecodeError
) -> CharrnnError:
    """Return the error for invalid bytes at a position, with a guess at the kind of the file as a hint."""
    first = _first_bytes(source)
    hint = _looks_like(source, first) or OTHER_ENCODINGS
    if b"\0" in first and not first.startswith(tuple(BOMS)):
        return _binary_error(source, first.index(b"\0"))
    where = f"at byte {position:,} (line {line:,})"
    byte = error.object[error.start] if error.start < len(error.object) else 0
    return CharrnnError(f"{source.name} is not valid {encoding.upper()} {where}: 0x{byte:02X}", hint=hint)


def _nul_error(source: SourceFile, text: str, content: bytes, position: int, line: int) -> CharrnnError:
    """Return the error for a NUL, with its byte, or with its line if other characters contain zero bytes too."""
    if content.count(b"\0") == text.count("\0"):
        return _binary_error(source, position + content.index(b"\0"))
    line += text.count("\n", 0, text.index("\0"))
    return CharrnnError(f"{source.name} looks like a binary file (NUL in line {line:,})", hint=TEXT_FILES)


def _binary_error(source: SourceFile, position: int) -> CharrnnError:
    """Return the error for a zero byte at a position, with a guess at the kind of the file as a hint."""
    hint = _looks_like(source, _first_bytes(source)) or TEXT_FILES
    return CharrnnError(f"{source.name} looks like a binary file (NUL at byte {position:,})", hint=hint)


def _first_bytes(source: SourceFile) -> bytes:
    return next(source.chunks(), b"")[:4096]


def _looks_like(source: SourceFile, first: bytes) -> str | None:
    """Return a hint how a file can be read, from its first bytes; None if its kind is not recognized."""
    for mark, encoding in BOMS.items():
        if first.startswith(mark):
            return f"this looks like {encoding}; `--encoding {encoding.lower()}`"
    for magic, program in COMPRESSION_MAGIC.items():
        if first.startswith(magic):
            return f"it is compressed; `{program} {source.name} | charrnn train -` learns its content"
    # In UTF-16 every other byte of most European texts is zero, and its position shows the byte order.
    for order, high in (("le", first[1::2]), ("be", first[::2])):
        if high.count(0) > len(high) / 2 and first.count(0) == high.count(0):
            return f"this looks like UTF-16 without a mark; `--encoding utf-16-{order}`"
    return None
