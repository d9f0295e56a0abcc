"""A corpus: a text of any size as ids on disk, with its vocabulary and its split into training and held-out text.

The ids are the run's own copy, so later changes of the files do not matter. They are memory-mapped, and pages are
released from time to time: gigabytes of text are never memory in use.
"""

import json
import mmap
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.storage.atomic_file import atomic_write, open_regular
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.documents import nearest_document_start
from charrnn.text.vocabulary import Ids, Vocabulary

# The two files, the ids and their description, opened without blocking and in bounded memory

LARGEST_DESCRIPTION = 20_000_000
"""bytes; the largest vocabulary with its counts takes less than half of it"""


def read_description(path: Path) -> bytes:
    """Return the content of a description; raise OSError or ValueError if it is not a file of reasonable size."""
    with open_regular(path) as file:
        content = file.read(LARGEST_DESCRIPTION + 1)
    if len(content) > LARGEST_DESCRIPTION:
        raise ValueError(f"its description has more than {LARGEST_DESCRIPTION:,} bytes")
    return content


MAX_BYTES_IN_MEMORY = 64_000_000
"""bytes of ids; a larger file is memory-mapped, so that gigabytes of text never occupy memory"""


def load_ids(path: Path) -> bytes | mmap.mmap:
    """Return the content of a file of ids, which does not depend on the name of the file (OSError, ValueError).

    A small file is read: a mapping would end the process (SIGBUS) if another process truncated the file.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size <= MAX_BYTES_IN_MEMORY:
            return file.read(MAX_BYTES_IN_MEMORY)
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


# Validation: the description first, then every character

CHUNK_CHARS = 1 << 20
"""characters counted at a time"""
LARGEST_COUNT = 2**60
FINGERPRINT_FIELDS = 3
"""bytes, modified, sha256"""


def size_of_ids(characters: int, distinct: int) -> int:
    """Return how many bytes the ids of a text take, of so many distinct characters."""
    return characters * np.min_scalar_type(max(0, distinct - 1)).itemsize


def validate_description(corpus: "Corpus", size: int) -> None:
    """See that a description's parts fit each other and the ids' size in bytes (ValueError, TypeError, KeyError)."""
    narrowest = np.min_scalar_type(len(corpus.vocabulary) - 1)
    if not type(corpus.name) is type(corpus.encoding) is str or not _is_count(corpus.min_count):
        raise ValueError("its name, encoding or least count is none")
    _refuse_fingerprint(dict(corpus.fingerprint))
    if corpus.dtype != narrowest.name or not _are_counts(corpus.counts, len(corpus.vocabulary)):
        raise ValueError("its counts are not those of its characters")
    if size != corpus.characters * narrowest.itemsize:
        raise ValueError(f"it has {size:,} bytes")
    # Whatever ends its documents is one of its characters.
    _ = corpus.end


def verify_unchanged(corpus: "Corpus") -> None:
    """See that the ids are those that were written (CharrnnError)."""
    if not counts_match(corpus):
        raise CharrnnError(f"{corpus.path} is damaged: it is not what was written", hint="`--new` starts over")


def counts_match(corpus: "Corpus") -> bool:
    """Tell whether every character stands among the ids as often as is said; one changed byte, and one does not."""
    counts = np.zeros(len(corpus.vocabulary), dtype=np.int64)
    for start in range(0, corpus.characters, CHUNK_CHARS):
        counted = np.bincount(corpus.ids[start : start + CHUNK_CHARS], minlength=counts.size)
        if counted.size > counts.size:
            return False
        counts += counted
        corpus.release_pages()
    return np.array_equal(counts, corpus.counts)


def _are_counts(counts: Sequence[object], distinct: int) -> bool:
    return len(counts) == distinct and all(_is_count(count) for count in counts)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < LARGEST_COUNT


def _refuse_fingerprint(fingerprint: Mapping[str, object]) -> None:
    """Raise ValueError unless a fingerprint holds the values that `CorpusFiles.fingerprint` and a checksum have."""
    modified = fingerprint.get("modified")
    are_numbers = _is_count(fingerprint.get("bytes")) and type(modified) is int and abs(modified) < 2**63
    if not are_numbers or type(fingerprint.get("sha256")) is not str or len(fingerprint) > FINGERPRINT_FIELDS:
        raise ValueError("its fingerprint is none")


# The corpus

MAX_COUNTED_CHARS = 10_000_000
"""characters whose frequencies stand for those of all; counting them takes a tenth of a second"""


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

    @property
    def ids(self) -> Ids:
        """The ids of the whole text, (T,), in memory or memory-mapped.

        Raise CharrnnError if the mapped file was truncated: its missing pages cannot be read.
        """
        if isinstance(self._buffer, mmap.mmap) and self._buffer.size() < len(self._buffer):
            raise CharrnnError(f"{self.path} was truncated while it was in use", hint="`--new` starts over")
        return self._ids

    def release_pages(self) -> None:
        """Release the memory of the mapped pages that were read; reading them again loads them again."""
        if isinstance(self._buffer, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            self._buffer.madvise(mmap.MADV_DONTNEED)

    @cached_property
    def _ids(self) -> Ids:
        return np.frombuffer(self._buffer, self.dtype)

    @cached_property
    def _buffer(self) -> bytes | mmap.mmap:
        return load_ids(self.path)

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


def rewrite_files(corpus: Corpus, path: Path | None = None) -> None:
    """Write the files of a corpus from its mapped ids: at `path`, or where they were removed (OSError)."""
    atomic_write(description_path(path or corpus.path), json.dumps(description_of(corpus)).encode())
    atomic_write(path or corpus.path, corpus.ids.data)
    corpus.release_pages()


def open_corpus(path: Path) -> Corpus:
    """Open what `encode` wrote; raise CharrnnError if it is not there or its parts do not fit each other."""
    return described_corpus(path, with_ids=True)


def described_corpus(path: Path, *, with_ids: bool = False) -> Corpus:
    """Return the corpus of a description; `with_ids` checks the size of the file with its ids too (CharrnnError)."""
    try:
        description = json.loads(read_description(description_path(path)))
        description["vocabulary"] = Vocabulary(tuple(description["vocabulary"]))
        description["counts"] = tuple(description["counts"])
        corpus = Corpus(path=path, **description)
        expected = size_of_ids(corpus.characters, len(corpus.vocabulary))
        # The content that is checked is the one that is used, even if another file takes the name later.
        validate_description(corpus, len(corpus._buffer) if with_ids else expected)
    except (CharrnnError, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CharrnnError(f"{path} is missing or damaged: {error}", hint="`--new` reads the text again") from error
    return corpus


def description_path(path: Path) -> Path:
    """Return the path of the description that belongs to a file of ids."""
    return path.with_suffix(".json")


def description_of(corpus: Corpus) -> dict[str, Any]:
    """Give the record's plain values, its place aside."""
    values = {field.name: getattr(corpus, field.name) for field in fields(corpus) if field.name != "path"}
    return values | {"vocabulary": corpus.vocabulary.characters, "fingerprint": dict(corpus.fingerprint)}


# The held-out text of a run: the end of its own corpus, on which its model was not trained

DEFAULT_CHARS = 200_000
"""characters of it that are searched, left to ourselves"""
MAX_LINE_CHARS = 200
"""characters; where the next line begins farther off, a text begins within one"""


class NamedText(NamedTuple):
    """A text and what it is called."""

    text: str
    name: str


def held_out_text(
    path: Path, vocabulary: Vocabulary, training: Mapping[str, Any], stretch: slice, *, hint: str
) -> NamedText:
    """Take a stretch of what was held out from the model in that file; the first begins where a line does.

    Of the model its vocabulary and the record of its training are enough; its weights need not be read.

    Raise CharrnnError, with that hint, where the run's corpus is not beside the model or is another's.
    """
    corpus, begin = training_corpus(path, vocabulary, training, hint=hint)
    if not stretch.start and corpus.documents is None:
        begin = _next_line_start(corpus, begin)
    return NamedText(corpus.text(begin + stretch.start, begin + stretch.stop), corpus.name)


def training_corpus(
    path: Path, vocabulary: Vocabulary, training: Mapping[str, Any], *, hint: str
) -> tuple[Corpus, int]:
    """Open the corpus that the model in that file was trained on, and say where in it the held-out text begins.

    Raise CharrnnError, with that hint, where it is not beside the model or is another's.
    """
    try:
        corpus = open_corpus(RunDirectory(path.parent).corpus)
    except CharrnnError as error:
        raise CharrnnError(f"the text of {path} is not beside it", hint=hint) from error
    begin = training.get("train_characters")
    if corpus.vocabulary != vocabulary or type(begin) is not int or not 0 <= begin <= corpus.characters:
        raise CharrnnError(f"the text beside {path} is not the model's", hint=hint)
    return corpus, begin


def _next_line_start(corpus: Corpus, begin: int) -> int:
    """Find where the next line begins, if that is near; training's end falls anywhere in one."""
    return begin + corpus.text(begin, begin + MAX_LINE_CHARS).find("\n") + 1
