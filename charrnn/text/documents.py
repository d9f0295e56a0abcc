"""Documents: texts that consist of many parts, such as names, poems or files, each with an end character.

The end character replaces the separator between two documents.
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
"""characters that are removed before the end of a document"""
BOUNDARY = {
    "line": re.compile(rf"(?<![{BLANKS}])(?:[{BLANKS}]*\n)+"),
    "blank": re.compile(rf"(?<![{BLANKS}])(?:[{BLANKS}]*\n){{2,}}"),
}
"""separator of documents; it matches only at the start of blanks, which avoids quadratic time"""
SEPARATORS = {"line": "\n", "blank": "\n\n", "file": "\n"}
"""text between two generated documents; most files end with a line feed of their own"""
MAX_DOCUMENTS = 1_000_000
"""parts of a text that are shuffled, which bounds the memory"""
CHUNK_IDS = 1 << 20
"""ids that are read at a time"""


def terminate_documents(chunks: Iterable[str], kind: str, name: str) -> Iterator[str]:
    r"""Yield the chunks of a file with an end character after each document, in place of separators.

    Empty lines are not documents, and blanks at the end of a document are removed; with kind "file" the content is
    unchanged. Raise CharrnnError if the text contains the end character.

    >>> "".join(terminate_documents(["\nAnn\n\nB", "ob \r\nCleo"], "line", "names.txt"))
    'Ann\nBob\nCleo\n'
    """
    end = END_CHARS[kind]
    checked = chunks if end == "\n" else _without_end_character(end, chunks, name)
    return _end_file(checked, end) if kind == "file" else _replace_separators(checked, BOUNDARY[kind], end)


def ensure_terminated(text: str, kind: str | None) -> str:
    r"""Return a text with an end character after each document; unchanged if `kind` is None.

    A text that contains end characters already, such as held-out text, is returned unchanged too.

    >>> ensure_terminated("Ann\n\nBob", "line")
    'Ann\nBob\n'
    >>> ensure_terminated("one\n\ntwo", "blank"), ensure_terminated("one\x03two\x03", "blank")
    ('one\x03two\x03', 'one\x03two\x03')
    """
    if kind is None or (END_CHARS[kind] != "\n" and END_CHARS[kind] in text):
        return text
    return "".join(terminate_documents([text], kind, "the text"))


def _without_end_character(end: str, chunks: Iterable[str], name: str) -> Iterator[str]:
    """Yield the chunks unchanged (CharrnnError if one contains the end character)."""
    for chunk in chunks:
        if end in chunk:
            raise CharrnnError(f"{name} has U+{ord(end):04X}, which marks the end of a document", hint="remove it")
        yield chunk


def _end_file(chunks: Iterable[str], end: str) -> Iterator[str]:
    """Yield the chunks of a file, and the end character if the file is not empty."""
    has_text = False
    for chunk in chunks:
        yield chunk
        has_text = has_text or bool(chunk)
    if has_text:
        yield end


def _replace_separators(chunks: Iterable[str], separator: re.Pattern[str], end: str) -> Iterator[str]:
    """Yield the text with end characters in place of separators; blanks at the end of a chunk wait for the next."""
    pending, has_text = "\n\n", False
    for chunk in chunks:
        text = pending + chunk
        body = text.rstrip(f"{BLANKS}\n")
        pending = text[len(body) :]
        if body:
            terminated = separator.sub(end, body)
            yield terminated if has_text else terminated.removeprefix(end)
            has_text = True
    if has_text:
        yield end


def not_documents_error(kind: str, name: str) -> CharrnnError:
    """Return the error for a text without a separator between documents."""
    if kind == "file":
        return CharrnnError(f"{name} is one file, and so one document", hint="name several, or `--documents line`")
    missing_part = {"line": "second line", "blank": "blank line between two documents"}[kind]
    alternatives = " or ".join(f"`--documents {other}`" for other in BOUNDARY if other != kind)
    return CharrnnError(f"{name} has no {missing_part}, so it is one document", hint=f"{alternatives}, or without")


def shuffle_documents(source: BinaryIO, dtype: "np.dtype[Any]", end_id: int, sink: BinarySink) -> None:
    """Copy the ids of a text with its documents in a random but fixed order.

    With more than MAX_DOCUMENTS documents, consecutive documents are shuffled together as one part.
    """
    size = dtype.itemsize
    offsets = document_offsets(source.tell() // size, _chunks(source, dtype), end_id) * size
    for part in np.random.default_rng(0).permutation(len(offsets) - 1).tolist():
        source.seek(offsets[part])
        sink.write(source.read(offsets[part + 1] - offsets[part]))


def _chunks(file: BinaryIO, dtype: "np.dtype[Any]") -> Iterator[Ids]:
    """Yield the ids of a file in chunks."""
    file.seek(0)
    while chunk := file.read(CHUNK_IDS * dtype.itemsize):
        yield np.frombuffer(chunk, dtype)


def document_offsets(characters: int, chunks: Iterable[Ids], end_id: int) -> NDArray[np.int64]:
    """Return the positions at which the documents of a text begin, and its length: (parts + 1,).

    There are at most MAX_DOCUMENTS parts: in a text with more documents, a part consists of consecutive documents.
    """
    min_part_chars = max(1, -(-characters // MAX_DOCUMENTS))
    offsets, position, last_part = [np.zeros(1, np.int64)], 0, 0
    for ids in chunks:
        starts = position + 1 + np.flatnonzero(ids == end_id)
        parts = starts // min_part_chars
        offsets.append(starts[np.diff(parts, prepend=last_part) > 0])
        position += len(ids)
        last_part = int(parts[-1]) if len(parts) else last_part
    joined = np.concatenate(offsets)
    joined[-1] = position
    return joined


def nearest_document_start(ids: Ids, end_id: int, position: int) -> int:
    """Return the start of a document that is nearest to a position; never 0 or the end of the text."""
    for distance in range(0, len(ids), CHUNK_IDS):
        after = slice(position + distance, position + distance + CHUNK_IDS)
        before = slice(max(0, position - distance - CHUNK_IDS), max(0, position - distance))
        starts = np.concatenate([part.start + 1 + np.flatnonzero(ids[part] == end_id) for part in (before, after)])
        starts = starts[starts < len(ids)]
        if len(starts):
            return int(starts[np.abs(starts - position).argmin()])
    raise AssertionError("a text of documents has at least two documents")
