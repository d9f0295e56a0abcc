"""Documents: a text that is made of many, such as names, poems or files, and the character that ends each of them.

That character takes the place of whatever stood between two. What a network does where a document ends is left to
it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.storage import Sink
from charrnn.text.vocabulary import ENDS, Ids

BLANKS = " \t\r"
BETWEEN = {
    "line": re.compile(rf"(?<![{BLANKS}])(?:[{BLANKS}]*\n)+"),
    "blank": re.compile(rf"(?<![{BLANKS}])(?:[{BLANKS}]*\n){{2,}}"),
}
"""what stands between two documents of a file; each begins where blanks begin, or it would take them up many times"""
SEPARATORS = {"line": "\n", "blank": "\n\n", "file": "\n"}
"""what is put between two documents that are written; a file mostly ends its last line itself"""
MOST_PARTS = 1_000_000
"""of a text, that are put in another order: what bounds the memory"""
PIECE = 1 << 20
"""ids looked at in one go"""


def ended(pieces: Iterable[str], kind: str, name: str) -> Iterator[str]:
    r"""Go through a file, piece by piece, with every document in it ended and nothing else between two.

    Blank lines are no documents of a line, and blanks before a document's end are left out; a file is as it is.
    Raise CharrnnError if the text has what is to stand for an end.

    >>> "".join(ended(["\nAnn\n\nB", "ob \r\nCleo"], "line", "names.txt"))
    'Ann\nBob\nCleo\n'
    """
    pieces = _without(ENDS[kind], pieces, name) if ENDS[kind] != "\n" else pieces
    return _whole(pieces, ENDS[kind]) if kind == "file" else _separated(pieces, BETWEEN[kind], ENDS[kind])


def with_ends(text: str, kind: str | None) -> str:
    r"""Give a text with every document in it ended, as a file's are; of no kind of documents, as it is.

    One that has ends in it already, as held-out text has, is left as it is too.

    >>> with_ends("Ann\n\nBob", "line"), with_ends("one\n\ntwo", "blank"), with_ends("one\x03two\x03", "blank")
    ('Ann\nBob\n', 'one\x03two\x03', 'one\x03two\x03')
    """
    if kind is None or (ENDS[kind] != "\n" and ENDS[kind] in text):
        return text
    return "".join(ended([text], kind, "the text"))


def _without(end: str, pieces: Iterable[str], name: str) -> Iterator[str]:
    for piece in pieces:
        if end in piece:
            raise CharrnnError(
                f"{name} has U+{ord(end):04X}, which is to stand for the end of a document", hint="take it out"
            )
        yield piece


def _whole(pieces: Iterable[str], end: str) -> Iterator[str]:
    """End a file, if there is anything in it."""
    begun = False
    for piece in pieces:
        yield piece
        begun = begun or bool(piece)
    if begun:
        yield end


def _separated(pieces: Iterable[str], between: re.Pattern[str], end: str) -> Iterator[str]:
    """Put an end where documents are apart; blanks at the end of a piece wait for what follows them."""
    held, begun = "\n\n", False
    for piece in pieces:
        text = held + piece
        body = text.rstrip(f"{BLANKS}\n")
        held = text[len(body) :]
        if body:
            told = between.sub(end, body)
            yield told if begun else told.removeprefix(end)
            begun = True
    if begun:
        yield end


def one_document(kind: str, name: str) -> CharrnnError:
    """Say that a text is not made of documents, for there is nothing between them."""
    if kind == "file":
        return CharrnnError(f"{name} is one file, and so one document", hint="name several, or `--documents line`")
    lacking = {"line": "second line", "blank": "blank line between two documents"}[kind]
    others = " or ".join(f"`--documents {other}`" for other in BETWEEN if other != kind)
    return CharrnnError(f"{name} has no {lacking}, so it is one document", hint=f"{others}, or without")


def mix(unmixed: BinaryIO, dtype: "np.dtype[Any]", end: int, mixed: Sink) -> None:
    """Copy the ids of a text with its documents in another order, which is always the same.

    Of more than MOST_PARTS documents, a few that follow each other stay together.
    """
    size = dtype.itemsize
    edges = parts(unmixed.tell() // size, _chunks(unmixed, dtype), end) * size
    for number in np.random.default_rng(0).permutation(len(edges) - 1).tolist():
        unmixed.seek(edges[number])
        mixed.write(unmixed.read(edges[number + 1] - edges[number]))


def _chunks(file: BinaryIO, dtype: "np.dtype[Any]") -> Iterator[Ids]:
    file.seek(0)
    while chunk := file.read(PIECE * dtype.itemsize):
        yield np.frombuffer(chunk, dtype)


def parts(characters: int, chunks: Iterable[Ids], end: int) -> NDArray[np.int64]:
    """Say where the documents of a text begin, and the text ends: (parts + 1,), at most MOST_PARTS of them.

    The ids come in chunks. Where there are more documents, a part is several that follow each other.
    """
    least = max(1, -(-characters // MOST_PARTS))
    edges, read, last = [np.zeros(1, np.int64)], 0, 0
    for ids in chunks:
        found = read + 1 + np.flatnonzero(ids == end)
        number = found // least
        edges.append(found[np.diff(number, prepend=last) > 0])
        read += len(ids)
        last = int(number[-1]) if len(number) else last
    places = np.concatenate(edges)
    places[-1] = read
    return places


def nearest_end(ids: Ids, end: int, place: int) -> int:
    """Find where a document begins nearest to a place of a text, neither its first nor one after its last."""
    for reach in range(0, len(ids), PIECE):
        after = slice(place + reach, place + reach + PIECE)
        before = slice(max(0, place - reach - PIECE), max(0, place - reach))
        found = np.concatenate([part.start + 1 + np.flatnonzero(ids[part] == end) for part in (before, after)])
        found = found[found < len(ids)]
        if len(found):
            return int(found[np.abs(found - place).argmin()])
    raise AssertionError("a text of documents has two of them at least")
