"""A corpus: a text of any size as ids on disk, with its vocabulary; and its split into training and held-out text.

The ids are the run's own copy, so what happens to the files afterwards does not matter. They are mapped into memory,
and the pages that were touched are given back now and then: many gigabytes of text are never memory in use.
"""

import hashlib
import json
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.storage import BinarySink, atomic_open, atomic_write, make_durable, remove_file, scratch_file
from charrnn.text.checking import size_of_ids, validate_description
from charrnn.text.corpus_files import mapped, read_description
from charrnn.text.documents import nearest_document_start, not_documents_error, shuffle_documents
from charrnn.text.encoding import CodePoints, code_points
from charrnn.text.sources import CorpusFiles
from charrnn.text.vocabulary import END_CHARS, UNKNOWN, Ids, Vocabulary

MIN_CHARACTERS = 200
CODE_POINTS = 0x110000
MAX_COUNTED_CHARS = 10_000_000
"""characters whose frequencies stand for those of all; counting them takes a tenth of a second"""


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


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A text as ids on disk."""

    path: Path
    """the ids; what they mean stands beside them, in a file of the same name ending in .json"""
    name: str
    vocabulary: Vocabulary
    counts: tuple[int, ...]
    """how often each character of the vocabulary stands in the text"""
    dtype: str
    """uint8, uint16 or uint32: the narrowest that holds the vocabulary"""
    fingerprint: Mapping[str, Any]
    """the files' sizes, times and checksum when they were read"""
    encoding: str
    """of the files"""
    min_count: int
    """characters rarer than this were read as U+FFFD"""
    documents: str | None = None
    """what the text is made of, in another order than in the files: line, blank or file; None: it is one"""

    @cached_property
    def characters(self) -> int:
        """How long the text is."""
        return sum(self.counts)

    @property
    def end(self) -> int | None:
        """The number of the character that ends each document; None where there are none."""
        return self.vocabulary.end_id(self.documents)

    def split_position(self, val_fraction: float) -> int:
        """Give the position at which the held-out end begins, which with documents is where one of them does."""
        place = int(self.characters * (1 - val_fraction))
        return place if self.end is None else nearest_document_start(self.ids, self.end, place)

    @cached_property
    def ids(self) -> Ids:
        """The whole text (T,), mapped; `release_pages` now and then what was touched."""
        return np.frombuffer(self._map, self.dtype)

    def release_pages(self) -> None:
        """Give the memory of what was read so far back to the system; it is read again when it is needed."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)

    @cached_property
    def _map(self) -> mmap.mmap:
        return mapped(self.path)

    def frequencies(self, characters: int) -> NDArray[np.float64]:
        """Give each character's share (V,) of the first so many, or of the first ten million of them.

        Every character is counted once more than it came, so that none is impossible (Laplace).
        """
        counted = np.bincount(self.ids[: min(characters, MAX_COUNTED_CHARS)], minlength=len(self.vocabulary)) + 1.0
        shares: NDArray[np.float64] = counted / counted.sum()
        return shares

    def text(self, start: int, stop: int) -> str:
        """Give a stretch of the text as characters."""
        try:
            return self.vocabulary.decode(self.ids[start:stop].tolist())
        except IndexError as error:
            raise CharrnnError(f"{self.path} is damaged: it has characters that nothing is said of") from error


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
        atomic_write(_description_path(path), json.dumps(_description(corpus)).encode())
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


def rewrite_files(corpus: Corpus, path: Path | None = None) -> None:
    """Write the files of a corpus from its mapped ids: at `path`, or where they were removed (OSError)."""
    atomic_write(_description_path(path or corpus.path), json.dumps(_description(corpus)).encode())
    atomic_write(path or corpus.path, corpus.ids.data)
    corpus.release_pages()


def open_corpus(path: Path) -> Corpus:
    """Open what `encode` wrote; raise CharrnnError if it is not there or its parts do not fit each other."""
    return described_corpus(path, with_ids=True)


def described_corpus(path: Path, *, with_ids: bool = False) -> Corpus:
    """Return the corpus of a description; `with_ids` checks the size of the file with its ids too (CharrnnError)."""
    try:
        description = json.loads(read_description(_description_path(path)))
        description["vocabulary"] = Vocabulary(tuple(description["vocabulary"]))
        description["counts"] = tuple(description["counts"])
        corpus = Corpus(path=path, **description)
        expected = size_of_ids(corpus.characters, len(corpus.vocabulary))
        # The map that is checked stays open, even if another file takes the name later.
        validate_description(corpus, len(corpus._map) if with_ids else expected)
    except (CharrnnError, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CharrnnError(f"{path} is missing or damaged: {error}", hint="`--new` reads the text again") from error
    return corpus


def _add_counts(points: CodePoints, counts: NDArray[np.int64]) -> None:
    """Add what stands in `points` to `counts`."""
    added = np.bincount(points)
    counts[: added.size] += added


def _read_code_points(sources: CorpusFiles, encoding: str, documents: str | None) -> Iterator[CodePoints]:
    for source in sources.files:
        yield from code_points(source, encoding, documents=documents)


def _description_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _description(corpus: Corpus) -> dict[str, Any]:
    """Give the record's plain values, its place aside."""
    values = {field.name: getattr(corpus, field.name) for field in fields(corpus) if field.name != "path"}
    return values | {"vocabulary": corpus.vocabulary.characters, "fingerprint": dict(corpus.fingerprint)}
