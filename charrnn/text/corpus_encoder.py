"""Encoding of a text to a corpus: its characters are counted first, then their ids are written."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.storage.atomic_file import BinarySink, atomic_open, atomic_write, make_durable, remove_file, scratch_file
from charrnn.text.corpus import Corpus, description_of, description_path
from charrnn.text.decoding import CodePoints, code_points
from charrnn.text.documents import not_documents_error, shuffle_documents
from charrnn.text.sources import CorpusFiles
from charrnn.text.vocabulary import END_CHARS, UNKNOWN, Ids, Vocabulary

MIN_CHARACTERS = 200
CODE_POINTS = 0x110000


@dataclass(frozen=True, kw_only=True)
class CharacterCounts:
    """What a first reading of a text found."""

    characters: int
    counts: NDArray[np.int64]
    """how often each code point stands in the text, (0x110000,)"""
    documents: str | None = None
    """what it is made of: line, blank or file, each ended by a character that is counted too; None: it is one"""

    def vocabulary(self, min_count: int = 1, *, known_characters: tuple[str, ...] = ()) -> Vocabulary:
        """List those known already as they are, then the others in code point order.

        Those rarer than `min_count` become one, U+FFFD; what ends a document is never rare.
        """
        there = {chr(point) for point in np.flatnonzero(self.counts)} - set(known_characters)
        frequent = {character for character in there if self.counts[ord(character)] >= min_count}
        if self.documents is not None:
            frequent |= {END_CHARS[self.documents]} - set(known_characters)
        rare = {UNKNOWN} - set(known_characters) if there - frequent else set()
        return Vocabulary((*known_characters, *sorted(frequent | rare)))


def count_characters(sources: CorpusFiles, encoding: str, *, documents: str | None = None) -> CharacterCounts:
    """Read a text once, counting its characters; raise CharrnnError if it is nothing to learn from."""
    counts = np.zeros(CODE_POINTS, dtype=np.int64)
    for points in _read_code_points(sources, encoding, documents):
        _add_counts(points, counts)
    counted = CharacterCounts(characters=int(counts.sum()), counts=counts, documents=documents)
    name = sources.files[0].name if len(sources.files) == 1 else "the text"
    if not counted.characters:
        raise CharrnnError(f"{name} is empty")
    if counted.characters < MIN_CHARACTERS:
        raise CharrnnError(f"{name} has {counted.characters} characters; at least {MIN_CHARACTERS} are needed")
    if np.count_nonzero(counts) == 1:
        raise CharrnnError(f"every character is {chr(int(counts.argmax()))!r}; there is nothing to learn")
    if documents is not None and counts[ord(END_CHARS[documents])] < 2:
        raise not_documents_error(documents, name)
    return counted


def encode(
    sources: CorpusFiles,
    encoding: str,
    counted: CharacterCounts,
    path: Path,
    *,
    min_count: int = 1,
    known_characters: tuple[str, ...] = (),
) -> Corpus:
    """Write a surveyed text's ids to `path` and what they mean beside it; each file wholly or not at all.

    The ids of the `known_characters` come first. Documents are put in another order, always the same, so that those
    that are held out are a fair sample and those that are read together are not neighbours.
    Raise CharrnnError if the text is no longer what was surveyed, OSError if it cannot be written.
    """
    vocabulary = counted.vocabulary(min_count, known_characters=known_characters)
    numbers = _ids_by_code_point(vocabulary)
    digest = hashlib.sha256()
    with atomic_open(path) as file:
        end = vocabulary.end_id(counted.documents)
        if end is None:
            _write_ids(sources.with_hash(digest), encoding, counted, numbers, file)
        else:
            with scratch_file(path.parent) as unmixed:
                _write_ids(sources.with_hash(digest), encoding, counted, numbers, unmixed)
                shuffle_documents(unmixed, numbers.dtype, end, file)
        file.flush()
        counts = np.bincount(numbers, weights=counted.counts, minlength=len(vocabulary)).astype(np.int64)
        corpus = Corpus(
            path=path,
            name=sources.name,
            vocabulary=vocabulary,
            counts=tuple(counts.tolist()),
            dtype=numbers.dtype.name,
            fingerprint=sources.fingerprint() | {"sha256": digest.hexdigest()},
            encoding=encoding,
            min_count=min_count,
            documents=counted.documents,
        )
        # A description never lies beside the ids of another text, and ids never without their description.
        remove_file(path)
        make_durable(path.parent)
        atomic_write(description_path(path), json.dumps(description_of(corpus)).encode())
    return corpus


def _ids_by_code_point(vocabulary: Vocabulary) -> Ids:
    """Give the id of every code point, (0x110000,); in the narrowest type that holds the vocabulary."""
    dtype = np.min_scalar_type(len(vocabulary) - 1)
    numbers = np.full(CODE_POINTS, vocabulary.id_of(UNKNOWN) if UNKNOWN in vocabulary else 0, dtype=dtype)
    numbers[[ord(character) for character in vocabulary.characters]] = np.arange(len(vocabulary))
    return numbers


def _write_ids(sources: CorpusFiles, encoding: str, counted: CharacterCounts, numbers: Ids, file: BinarySink) -> None:
    """Read a text once more and write its ids; raise CharrnnError if it is no longer what was surveyed."""
    counts = np.zeros_like(counted.counts)
    for points in _read_code_points(sources, encoding, counted.documents):
        _add_counts(points, counts)
        file.write(numbers[points].tobytes())
    if not np.array_equal(counts, counted.counts):
        raise CharrnnError(f"{sources.name} changed while it was read", hint="run the same command again")


def _add_counts(points: CodePoints, counts: NDArray[np.int64]) -> None:
    """Add what stands in `points` to `counts`."""
    added = np.bincount(points)
    counts[: added.size] += added


def _read_code_points(sources: CorpusFiles, encoding: str, documents: str | None) -> Iterator[CodePoints]:
    for source in sources.files:
        yield from code_points(source, encoding, documents=documents)
