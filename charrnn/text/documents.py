"""Documents: texts made of many parts, such as names, poems or files, and the character that ends each of them.

The end character replaces whatever separated two documents.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.storage.atomic_file import BinarySink
from charrnn.text.vocabulary import END_CHARS, Ids

BLANKS = " \t\r"
BOUNDARY = {
    "line": re.compile(rf"(?<![{BLANKS}])(?:[{BLANKS}]*\n)+"),
    "blank": re.compile(rf"(?<![{BLANKS}])(?:[{BLANKS}]*\n){{2,}}"),
}
"""what stands between two documents of a file; each begins where blanks begin, or it would take them up many times"""
SEPARATORS = {"line": "\n", "blank": "\n\n", "file": "\n"}
"""what is put between two documents that are written; a file mostly ends its last line itself"""
MAX_DOCUMENTS = 1_000_000
"""of a text, that are put in another order: what bounds the memory"""
CHUNK_IDS = 1 << 20
"""ids looked at in one go"""


def terminate_documents(pieces: Iterable[str], kind: str, name: str) -> Iterator[str]:
    r"""Go through a file, piece by piece, with every document in it ended and nothing else between two.

    Blank lines are no documents of a line, and blanks before a document's end are left out; a file is as it is.
    Raise CharrnnError if the text has what is to stand for an end.

    >>> "".join(terminate_documents(["\nAnn\n\nB", "ob \r\nCleo"], "line", "names.txt"))
    'Ann\nBob\nCleo\n'
    """
    pieces = _without_end_character(END_CHARS[kind], pieces, name) if END_CHARS[kind] != "\n" else pieces
    return (
        _end_file(pieces, END_CHARS[kind]) if kind == "file" else _separate(pieces, BOUNDARY[kind], END_CHARS[kind])
    )


def ensure_terminated(text: str, kind: str | None) -> str:
    r"""Give a text with every document in it ended, as a file's are; of no kind of documents, as it is.

    One that has ends in it already, as held-out text has, is left as it is too.

    >>> ensure_terminated("Ann\n\nBob", "line")
    'Ann\nBob\n'
    >>> ensure_terminated("one\n\ntwo", "blank"), ensure_terminated("one\x03two\x03", "blank")
    ('one\x03two\x03', 'one\x03two\x03')
    """
    if kind is None or (END_CHARS[kind] != "\n" and END_CHARS[kind] in text):
        return text
    return "".join(terminate_documents([text], kind, "the text"))


def _without_end_character(end: str, pieces: Iterable[str], name: str) -> Iterator[str]:
    for piece in pieces:
        if end in piece:
            raise CharrnnError(
                f"{name} has U+{ord(end):04X}, which is to stand for the end of a document", hint="take it out"
            )
        yield piece


def _end_file(pieces: Iterable[str], end: str) -> Iterator[str]:
    """End a file, if there is anything in it."""
    has_text = False
    for piece in pieces:
        yield piece
        has_text = has_text or bool(piece)
    if has_text:
        yield end


def _separate(pieces: Iterable[str], between: re.Pattern[str], end: str) -> Iterator[str]:
    """Put an end where documents are apart; blanks at the end of a piece wait for what follows them."""
    pending, has_text = "\n\n", False
    for piece in pieces:
        text = pending + piece
        body = text.rstrip(f"{BLANKS}\n")
        pending = text[len(body) :]
        if body:
            document = between.sub(end, body)
            yield document if has_text else document.removeprefix(end)
            has_text = True
    if has_text:
        yield end


def not_documents_error(kind: str, name: str) -> CharrnnError:
    """Say that a text is not made of documents, for there is nothing between them."""
    if kind == "file":
        return CharrnnError(f"{name} is one file, and so one document", hint="name several, or `--documents line`")
    lacking = {"line": "second line", "blank": "blank line between two documents"}[kind]
    alternatives = " or ".join(f"`--documents {other}`" for other in BOUNDARY if other != kind)
    return CharrnnError(f"{name} has no {lacking}, so it is one document", hint=f"{alternatives}, or without")


def shuffle_documents(source: BinaryIO, dtype: "np.dtype[Any]", end: int, sink: BinarySink) -> None:
    """Copy the ids of a text with its documents in another order, which is always the same.

    Of more than MOST_PARTS documents, a few that follow each other stay together.
    """
    size = dtype.itemsize
    edges = document_offsets(source.tell() // size, _chunks(source, dtype), end) * size
    for number in np.random.default_rng(0).permutation(len(edges) - 1).tolist():
        source.seek(edges[number])
        sink.write(source.read(edges[number + 1] - edges[number]))


def _chunks(file: BinaryIO, dtype: "np.dtype[Any]") -> Iterator[Ids]:
    file.seek(0)
    while chunk := file.read(CHUNK_IDS * dtype.itemsize):
        yield np.frombuffer(chunk, dtype)


def document_offsets(characters: int, chunks: Iterable[Ids], end: int) -> NDArray[np.int64]:
    """Say where the documents of a text begin, and the text ends: (parts + 1,), at most MOST_PARTS of them.

    The ids come in chunks. Where there are more documents, a part is several that follow each other.
    """
    least = max(1, -(-characters // MAX_DOCUMENTS))
    edges, read, last = [np.zeros(1, np.int64)], 0, 0
    for ids in chunks:
        starts = read + 1 + np.flatnonzero(ids == end)
        number = starts // least
        edges.append(starts[np.diff(number, prepend=last) > 0])
        read += len(ids)
        last = int(number[-1]) if len(number) else last
    places = np.concatenate(edges)
    places[-1] = read
    return places


def nearest_document_start(ids: Ids, end: int, place: int) -> int:
    """Find where a document begins nearest to a place of a text, neither its first nor one after its last."""
    for reach in range(0, len(ids), CHUNK_IDS):
        after = slice(place + reach, place + reach + CHUNK_IDS)
        before = slice(max(0, place - reach - CHUNK_IDS), max(0, place - reach))
        starts = np.concatenate([part.start + 1 + np.flatnonzero(ids[part] == end) for part in (before, after)])
        starts = starts[starts < len(ids)]
        if len(starts):
            return int(starts[np.abs(starts - place).argmin()])
    raise AssertionError("a text of documents has two of them at least")
