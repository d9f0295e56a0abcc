"""Documents: texts that consist of many parts, such as names, poems or files, each with an end character.

The end character replaces the separator between two documents. Of a pattern, the matches begin documents.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, takewhile
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import MATCH_CHARS, custom_separator, shown
from charrnn.errors import CharrnnError
from charrnn.storage.atomic_file import BinarySink
from charrnn.text.vocabulary import END_OF_TEXT, Ids, end_char

BLANKS = " \t\r"
"""characters that are removed before the end of a document"""
BOUNDARY = {
    "line": re.compile(rf"(?<![{BLANKS}])(?:[{BLANKS}]*\n)+"),
    "blank": re.compile(rf"(?<![{BLANKS}])(?:[{BLANKS}]*\n){{2,}}"),
}
"""separator of documents; it matches only at the start of blanks, which avoids quadratic time"""
MARKED_BOUNDARY = re.compile(
    rf"(?<![{BLANKS}\n{END_OF_TEXT}])[{BLANKS}\n]*{END_OF_TEXT}(?:[{BLANKS}]*[\n{END_OF_TEXT}])*"
)
"""end of a document of a custom kind, with the blank lines around it"""
BLOCK_CHARS = 1024
"""characters in which the beginnings of matches are searched at a time, independently of the chunks of a file"""
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
    >>> "".join(terminate_documents(["a <", "> b\n<>\nc"], "<>", "a.txt")).split(END_OF_TEXT)
    ['a', ' b', 'c', '']
    """
    end = end_char(kind)
    checked = chunks if end == "\n" else _without_end_character(end, chunks, name)
    if kind == "file":
        return _end_file(checked, end)
    separator = custom_separator(kind)
    if separator is None:
        return _replace_separators(checked, BOUNDARY[kind], end)
    marked = _mark_matches(checked, separator.pattern) if separator.pattern else _mark(checked, separator.literal)
    return _replace_separators(marked, MARKED_BOUNDARY, end, before=end)


def ensure_terminated(text: str, kind: str | None) -> str:
    r"""Return a text with an end character after each document; unchanged if `kind` is None.

    A text that contains end characters already, such as held-out text, is returned unchanged too.

    >>> ensure_terminated("Ann\n\nBob", "line")
    'Ann\nBob\n'
    >>> ensure_terminated("one\n\ntwo", "blank"), ensure_terminated("one\x03two\x03", "blank")
    ('one\x03two\x03', 'one\x03two\x03')
    """
    if kind is None or (end_char(kind) != "\n" and end_char(kind) in text):
        return text
    return "".join(terminate_documents([text], kind, "the text"))


def split_documents(text: str, kind: str) -> list[str]:
    r"""Return the documents of a text.

    >>> split_documents("Ann\n\nBob", "line")
    ['Ann', 'Bob']
    """
    return [document for document in ensure_terminated(text, kind).split(end_char(kind)) if document]


def mark_ends(prompt: str, kind: str | None) -> str:
    """Return a prompt with the end character in place of each literal separator, as the model has learned it."""
    separator = custom_separator(kind) if kind else None
    return prompt.replace(separator.literal, END_OF_TEXT) if separator and separator.literal else prompt


def unfinished_document(prompt: str, kind: str) -> str:
    r"""Return the part of a prompt that begins the document to be generated.

    >>> unfinished_document("Ann\nBo", "line"), unfinished_document("a <> b", "<>")
    ('Bo', ' b')
    """
    document = mark_ends(prompt, kind).rpartition(end_char(kind))[2]
    return document.rpartition("\n\n")[2] if kind == "blank" else document


def text_between(kind: str) -> str:
    r"""Return the text between two generated documents, which separates them as in a text to be learned.

    >>> text_between("line"), text_between("<|endoftext|>"), text_between(r"\n---\n"), text_between("/^From /")
    ('\n', '\n<|endoftext|>\n', '\n---\n', '\n\n')
    """
    separator = custom_separator(kind)
    if separator is None:  # most files end with a line feed of their own
        return "\n\n" if kind == "blank" else "\n"
    if separator.pattern:
        return "\n\n"
    return separator.literal if "\n" in separator.literal else f"\n{separator.literal}\n"


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


def _mark(chunks: Iterable[str], separator: str) -> Iterator[str]:
    """Yield the text with end characters in place of a literal separator, which can begin in one chunk only."""
    pending = ""
    for chunk in chunks:
        *documents, rest = (pending + chunk).split(separator)
        complete = max(0, len(rest) - len(separator) + 1)
        yield END_OF_TEXT.join([*documents, rest[:complete]])
        pending = rest[complete:]
    yield pending


def _mark_matches(chunks: Iterable[str], pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield the text with an end character before each match of a pattern.

    A match is searched for in blocks that do not depend on the chunks, and in MATCH_CHARS characters beyond them.
    """
    text, position, match_end = "", 0, 0
    for chunk in chain(chunks, (None,)):
        text += chunk or ""
        cuts = [position]
        last = len(text) if chunk is None else len(text) - MATCH_CHARS
        while position < last and (chunk is None or position + BLOCK_CHARS <= last):
            stop = min(position + BLOCK_CHARS, len(text))
            for match in pattern.finditer(text, max(position, match_end), stop + MATCH_CHARS):
                if match.start() >= stop:
                    break
                cuts.append(match.start())
                match_end = match.end()
            position = stop
        yield END_OF_TEXT.join(text[start:end] for start, end in zip(cuts, [*cuts[1:], position], strict=True))
        dropped = max(0, position - MATCH_CHARS)  # what remains is read by lookbehind
        text, position, match_end = text[dropped:], position - dropped, match_end - dropped


def _replace_separators(
    chunks: Iterable[str], separator: re.Pattern[str], end: str, *, before: str = "\n\n"
) -> Iterator[str]:
    """Yield the text with end characters in place of separators; blanks at the end of a chunk wait for the next.

    The text is read as if a separator, `before`, preceded it.
    """
    pending, has_text = before, False
    for chunk in chunks:
        text = pending + chunk
        body = text.rstrip(f"{BLANKS}\n{end}")
        pending = text[len(body) :]
        if body:
            terminated = separator.sub(end, body)
            yield terminated if has_text else terminated.removeprefix(end)
            has_text = True
    if has_text:
        yield end


def not_documents_error(kind: str, name: str, *, has_crlf: bool) -> CharrnnError:
    """Return the error for a text without a separator between documents; `has_crlf`: lines end with CR LF."""
    if kind == "file":
        return CharrnnError(f"{name} is one file, and so one document", hint="name several, or `--documents line`")
    separator = custom_separator(kind)
    if separator and separator.pattern:
        missing_part = f"second match of {kind}"
    elif separator:
        missing_part = f"{shown(separator.literal)} between two documents"
    else:
        missing_part = {"line": "second line", "blank": "blank line between two documents"}[kind]
    alternatives = " or ".join(f"`--documents {other}`" for other in BOUNDARY if other != kind)
    hint = f"{alternatives}, or without"
    if separator and separator.pattern and has_crlf and "$" in kind:
        hint = r"`\r?$` matches the end of a line here, because lines end with CR LF"
    return CharrnnError(f"{name} has no {missing_part}, so it is one document", hint=hint)


# Documents of two alternating kinds, such as the header and the moves of a chess game, which belong together

MIN_ALTERNATING, MAX_ALTERNATING = 16, 400
"""documents from which it is decided whether they alternate"""
ALTERNATING_SHARE = 0.9
"""share of documents after which a document of the other kind must follow"""
ALTERNATING_DISTANCE = 0.15
"""total variation distance between the characters of a document and the next one, beyond that to the one after it"""


def alternating_start(documents: Sequence[str]) -> str | None:
    """Return how every other document begins, "" if differently, if two kinds alternate; None if they do not.

    Either the first character of every other document is one that the documents between do not begin with, or the
    characters of a document differ from those of the next document, and less from those of the one after it.

    >>> alternating_start([text for game in range(9) for text in (f"[Event {game}]", f"{game}. e4 e5")])
    '[Event '
    >>> alternating_start([f"verse {number}" for number in range(20)])
    """
    several = documents[:MAX_ALTERNATING]
    if len(several) < MIN_ALTERNATING:
        return None
    for letter in (several[0][0], several[1][0]):
        begins = np.array([document.startswith(letter) for document in several])
        if (begins[1:] != begins[:-1]).mean() >= ALTERNATING_SHARE:
            lines = [document.partition("\n")[0] for document in several if document.startswith(letter)]
            pairs = zip(min(lines), max(lines), strict=False)
            start = "".join(first for first, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            word = re.match(r"\W*\w+\b\W?", start)
            return word[0] if word else start
    return "" if _characters_alternate(several) else None


def _characters_alternate(documents: Sequence[str]) -> bool:
    """Return whether documents are of two alternating kinds by the frequencies of their characters."""
    points = [np.frombuffer(document.encode("utf-32-le"), np.uint32) % 256 for document in documents]
    frequencies = np.array([np.bincount(each, minlength=256) / each.size for each in points])
    next_distance = np.abs(frequencies[:-2] - frequencies[1:-1]).sum(axis=1) / 2
    second_distance = np.abs(frequencies[:-2] - frequencies[2:]).sum(axis=1) / 2
    return bool(
        (next_distance > second_distance).mean() >= ALTERNATING_SHARE
        and (next_distance - second_distance).mean() >= ALTERNATING_DISTANCE
    )


# The order of documents


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
