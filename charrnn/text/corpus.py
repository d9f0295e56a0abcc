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
from charrnn.storage import Sink, make_durable, remove_file, replacing, scratch_file, write_whole
from charrnn.text.checking import refuse_misfits, size_of_ids
from charrnn.text.corpus_files import mapped, read_description
from charrnn.text.documents import mix, nearest_end, one_document
from charrnn.text.encoding import CodePoints, code_points
from charrnn.text.sources import Sources
from charrnn.text.vocabulary import ENDS, UNKNOWN, Ids, Vocabulary

FEWEST_CHARACTERS = 200
CODE_POINTS = 0x110000
COUNTED = 10_000_000
"""characters whose frequencies stand for those of all; counting them takes a tenth of a second"""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a first reading of a text found."""

    characters: int
    counts: NDArray[np.int64]
    """how often each code point stands in the text, (0x110000,)"""
    documents: str | None = None
    """what it is made of: line, blank or file, each ended by a character that is counted too; None: it is one"""

    def vocabulary(self, min_count: int = 1, *, known: tuple[str, ...] = ()) -> Vocabulary:
        """List those known already as they are, then the others in code point order.

        Those rarer than `min_count` become one, U+FFFD; what ends a document is never rare.
        """
        there = {chr(point) for point in np.flatnonzero(self.counts)} - set(known)
        frequent = {character for character in there if self.counts[ord(character)] >= min_count}
        if self.documents is not None:
            frequent |= {ENDS[self.documents]} - set(known)
        rare = {UNKNOWN} - set(known) if there - frequent else set()
        return Vocabulary((*known, *sorted(frequent | rare)))


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
        return self.vocabulary.end_of(self.documents)

    def split(self, val_fraction: float) -> int:
        """Give the position at which the held-out end begins, which with documents is where one of them does."""
        place = int(self.characters * (1 - val_fraction))
        return place if self.end is None else nearest_end(self.ids, self.end, place)

    @cached_property
    def ids(self) -> Ids:
        """The whole text (T,), mapped; `release` now and then what was touched."""
        return np.frombuffer(self._map, self.dtype)

    def release(self) -> None:
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
        counted = np.bincount(self.ids[: min(characters, COUNTED)], minlength=len(self.vocabulary)) + 1.0
        shares: NDArray[np.float64] = counted / counted.sum()
        return shares

    def text(self, start: int, stop: int) -> str:
        """Give a stretch of the text as characters."""
        try:
            return self.vocabulary.decode(self.ids[start:stop].tolist())
        except IndexError as error:
            raise CharrnnError(f"{self.path} is damaged: it has characters that nothing is said of") from error


def survey(sources: Sources, encoding: str, *, documents: str | None = None) -> Survey:
    """Read a text once, counting its characters; raise CharrnnError if it is nothing to learn from."""
    counts = np.zeros(CODE_POINTS, dtype=np.int64)
    for points in _all_code_points(sources, encoding, documents):
        _count(points, counts)
    found = Survey(characters=int(counts.sum()), counts=counts, documents=documents)
    name = sources.files[0].name if len(sources.files) == 1 else "the text"
    if not found.characters:
        raise CharrnnError(f"{name} is empty")
    if found.characters < FEWEST_CHARACTERS:
        raise CharrnnError(f"{name} has {found.characters} characters; at least {FEWEST_CHARACTERS} are needed")
    if np.count_nonzero(counts) == 1:
        raise CharrnnError(f"every character is {chr(int(counts.argmax()))!r}; there is nothing to learn")
    if documents is not None and counts[ord(ENDS[documents])] < 2:
        raise one_document(documents, name)
    return found


def encode(
    sources: Sources,
    encoding: str,
    found: Survey,
    path: Path,
    *,
    min_count: int = 1,
    known: tuple[str, ...] = (),
) -> Corpus:
    """Write a surveyed text's ids to `path` and what they mean beside it; each file wholly or not at all.

    The ids of the `known` characters come first. Documents are put in another order, always the same, so that those
    that are held out are a fair sample and those that are read together are not neighbours.
    Raise CharrnnError if the text is no longer what was surveyed, OSError if it cannot be written.
    """
    vocabulary = found.vocabulary(min_count, known=known)
    numbers = _numbers(vocabulary)
    digest = hashlib.sha256()
    with replacing(path) as file:
        end = vocabulary.end_of(found.documents)
        if end is None:
            _write_ids(sources.digested(digest), encoding, found, numbers, file)
        else:
            with scratch_file(path.parent) as unmixed:
                _write_ids(sources.digested(digest), encoding, found, numbers, unmixed)
                mix(unmixed, numbers.dtype, end, file)
        file.flush()
        counts = np.bincount(numbers, weights=found.counts, minlength=len(vocabulary)).astype(np.int64)
        corpus = Corpus(
            path=path,
            name=sources.name,
            vocabulary=vocabulary,
            counts=tuple(counts.tolist()),
            dtype=numbers.dtype.name,
            fingerprint=sources.fingerprint() | {"sha256": digest.hexdigest()},
            encoding=encoding,
            min_count=min_count,
            documents=found.documents,
        )
        # A description never lies beside the ids of another text, and ids never without their description.
        remove_file(path)
        make_durable(path.parent)
        write_whole(_described(path), json.dumps(_description(corpus)).encode())
    return corpus


def _numbers(vocabulary: Vocabulary) -> Ids:
    """Give the id of every code point, (0x110000,); in the narrowest type that holds the vocabulary."""
    dtype = np.min_scalar_type(len(vocabulary) - 1)
    numbers = np.full(CODE_POINTS, vocabulary.id_of(UNKNOWN) if UNKNOWN in vocabulary else 0, dtype=dtype)
    numbers[[ord(character) for character in vocabulary.characters]] = np.arange(len(vocabulary))
    return numbers


def _write_ids(sources: Sources, encoding: str, found: Survey, numbers: Ids, file: Sink) -> None:
    """Read a text once more and write its ids; raise CharrnnError if it is no longer what was surveyed."""
    seen = np.zeros_like(found.counts)
    for points in _all_code_points(sources, encoding, found.documents):
        _count(points, seen)
        file.write(numbers[points].tobytes())
    if not np.array_equal(seen, found.counts):
        raise CharrnnError(f"{sources.name} changed while it was read", hint="run the same command again")


def write_again(corpus: Corpus, path: Path | None = None) -> None:
    """Write the files of a corpus from its mapped ids: at `path`, or where they were removed (OSError)."""
    write_whole(_described(path or corpus.path), json.dumps(_description(corpus)).encode())
    write_whole(path or corpus.path, corpus.ids.data)
    corpus.release()


def open_corpus(path: Path) -> Corpus:
    """Open what `encode` wrote; raise CharrnnError if it is not there or its parts do not fit each other."""
    return described_corpus(path, with_ids=True)


def described_corpus(path: Path, *, with_ids: bool = False) -> Corpus:
    """Return the corpus of a description; `with_ids` checks the size of the file with its ids too (CharrnnError)."""
    try:
        description = json.loads(read_description(_described(path)))
        description["vocabulary"] = Vocabulary(tuple(description["vocabulary"]))
        description["counts"] = tuple(description["counts"])
        corpus = Corpus(path=path, **description)
        expected = size_of_ids(corpus.characters, len(corpus.vocabulary))
        # The map that is checked stays open, even if another file takes the name later.
        refuse_misfits(corpus, len(corpus._map) if with_ids else expected)
    except (CharrnnError, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CharrnnError(f"{path} is missing or damaged: {error}", hint="`--new` reads the text again") from error
    return corpus


def _count(points: CodePoints, counts: NDArray[np.int64]) -> None:
    """Add what stands in `points` to `counts`."""
    found = np.bincount(points)
    counts[: found.size] += found


def _all_code_points(sources: Sources, encoding: str, documents: str | None) -> Iterator[CodePoints]:
    for source in sources.files:
        yield from code_points(source, encoding, documents=documents)


def _described(path: Path) -> Path:
    return path.with_suffix(".json")


def _description(corpus: Corpus) -> dict[str, Any]:
    """Give the record's plain values, its place aside."""
    values = {field.name: getattr(corpus, field.name) for field in fields(corpus) if field.name != "path"}
    return values | {"vocabulary": corpus.vocabulary.characters, "fingerprint": dict(corpus.fingerprint)}
