"""A corpus: the ids of a text of any size on disk, with vocabulary, split and fingerprint of the files.

The ids are a copy that belongs to the run, so later changes of the text files have no effect. Large corpora are
memory-mapped, and their pages are released regularly, so that gigabytes of text never occupy memory.
"""

import json
import mmap
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn import arguments
from charrnn.errors import CharrnnError
from charrnn.storage.atomic_file import atomic_write, open_regular
from charrnn.storage.schema import parse_json
from charrnn.text.documents import nearest_document_start
from charrnn.text.split import Split
from charrnn.text.vocabulary import FORMS, Ids, Vocabulary

# Reading of the two files, the ids and their description, without blocking and in bounded memory

LARGEST_DESCRIPTION = 20_000_000
"""bytes; the description of the largest vocabulary has less than half as many"""
MAX_DESCRIPTION_VALUES = 1_000_000
"""JSON values; the description of the largest vocabulary has half as many"""


def read_description(path: Path) -> Any:
    """Return the values in a description file (OSError; ValueError or CharrnnError if it is not valid)."""
    with open_regular(path) as file:
        content = file.read(LARGEST_DESCRIPTION + 1)
    if len(content) > LARGEST_DESCRIPTION:
        raise ValueError(f"its description has more than {LARGEST_DESCRIPTION:,} bytes")
    return parse_json(content.decode(), "description", dict, max_values=MAX_DESCRIPTION_VALUES)


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


# Validation of the description, and of all ids

CHUNK_CHARS = 1 << 20
"""characters that are counted at a time"""
LARGEST_COUNT = 2**60
"""characters or bytes, so that sums of counts fit into 64 bits"""
FINGERPRINT_FIELDS = 3
"""bytes, modified, sha256"""


def size_of_ids(characters: int, distinct: int) -> int:
    """Return the number of bytes of the ids of a text with so many distinct characters."""
    return characters * np.min_scalar_type(max(0, distinct - 1)).itemsize


def validate_description(corpus: "Corpus", size: int) -> None:
    """Check that a description is consistent with itself and the size of the ids in bytes (ValueError, KeyError)."""
    dtype = np.min_scalar_type(len(corpus.vocabulary) - 1)
    if not type(corpus.name) is type(corpus.encoding) is str or not _is_count(corpus.min_count):
        raise ValueError("its name, encoding or minimum count is invalid")
    if corpus.normalization not in (None, *FORMS):
        raise ValueError("its normalization form is invalid")
    _check_fingerprint(dict(corpus.fingerprint))
    if corpus.documents is not None:
        arguments.custom_separator(arguments.text(corpus.documents, "its kind of documents"))
    if corpus.dtype != dtype.name:
        raise ValueError("its type of ids does not fit its vocabulary")
    if size != corpus.characters * dtype.itemsize:
        raise ValueError(f"it has {size:,} bytes")
    # Raises KeyError if the end character of documents is not in the vocabulary.
    _ = corpus.end_id


def verify_unchanged(corpus: "Corpus") -> None:
    """Check that the ids are those that were written (CharrnnError)."""
    if not counts_match(corpus):
        raise CharrnnError(f"{corpus.path} is damaged: its content has changed", hint="`--new` starts over")


def counts_match(corpus: "Corpus") -> bool:
    """Return whether the counts of all ids are those of the description; a single changed byte changes a count."""
    counts = np.zeros(len(corpus.vocabulary), dtype=np.int64)
    for start in range(0, corpus.characters, CHUNK_CHARS):
        chunk_counts = np.bincount(corpus.ids[start : start + CHUNK_CHARS], minlength=counts.size)
        if chunk_counts.size > counts.size:
            return False
        counts += chunk_counts
        corpus.release_pages()
    return np.array_equal(counts, corpus.counts)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < LARGEST_COUNT


def _check_fingerprint(fingerprint: Mapping[str, object]) -> None:
    """Check the types and the sizes of the values of a fingerprint (ValueError)."""
    modified = fingerprint.get("modified")
    are_numbers = _is_count(fingerprint.get("bytes")) and type(modified) is int and abs(modified) < 2**63
    if not are_numbers or type(fingerprint.get("sha256")) is not str or len(fingerprint) > FINGERPRINT_FIELDS:
        raise ValueError("its fingerprint is invalid")


# The corpus

MAX_COUNTED_CHARS = 10_000_000
"""characters from which frequencies are estimated; counting them takes 0.1 seconds"""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The ids of a text on disk, and their description."""

    path: Path
    """file of ids; the description has the same name with the suffix .json"""
    name: str
    """name of the text, such as its first file"""
    vocabulary: Vocabulary
    counts: tuple[int, ...]
    """number of occurrences of each character, in the order of ids"""
    dtype: str
    """uint8, uint16 or uint32: the smallest type for the vocabulary"""
    fingerprint: Mapping[str, Any]
    """total size, latest modification time and checksum of the files when they were read"""
    encoding: str
    """encoding of the files"""
    min_count: int
    """occurrences below which a character was replaced by U+FFFD"""
    documents: str | None = None
    """kind of documents, which are shuffled; None: the text is a single sequence"""
    normalization: str | None = None
    """NFC or NFD; None: the text is in neither form, or in both"""
    split: Split | None = None
    """None: the end is held out, by the `val_fraction` of the training"""

    @cached_property
    def characters(self) -> int:
        """Number of characters in the text."""
        return sum(self.counts)

    @property
    def end_id(self) -> int | None:
        """Id of the character that ends each document; None if the text is a single sequence."""
        return self.vocabulary.end_id(self.documents)

    def split_position(self, val_fraction: float) -> int:
        """Return where the held-out text begins, as recorded or by `val_fraction`, and at the start of a document."""
        if self.split is not None:
            return self.split.train_characters
        position = int(self.characters * (1 - val_fraction))
        return position if self.end_id is None else nearest_document_start(self.ids, self.end_id, position)

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
        """Return the relative frequency of each character, (V,), in the first `characters` of the text.

        At most ten million characters are counted. One is added to each count (Laplace smoothing).
        """
        counts = np.bincount(self.ids[: min(characters, MAX_COUNTED_CHARS)], minlength=len(self.vocabulary)) + 1.0
        frequencies: NDArray[np.float64] = counts / counts.sum()
        return frequencies

    def text(self, start: int, stop: int) -> str:
        """Return a section of the text (CharrnnError if it contains invalid ids)."""
        try:
            return self.vocabulary.decode(self.ids[start:stop].tolist())
        except IndexError as error:
            raise CharrnnError(f"{self.path} is damaged: it contains ids that are not in its vocabulary") from error


def rewrite_files(corpus: Corpus, path: Path | None = None) -> None:
    """Write the two files of an open corpus again, at `path` or at their original path (OSError)."""
    atomic_write(description_path(path or corpus.path), json.dumps(description_of(corpus)).encode())
    atomic_write(path or corpus.path, corpus.ids.data)
    corpus.release_pages()


def open_corpus(path: Path) -> Corpus:
    """Return the corpus that `encode` wrote (CharrnnError if a file is missing or inconsistent)."""
    return described_corpus(path, with_ids=True)


def described_corpus(path: Path, *, with_ids: bool = False) -> Corpus:
    """Return the corpus of a description; with `with_ids`, the size of the ids is checked too (CharrnnError)."""
    try:
        description = read_description(description_path(path))
        description["vocabulary"] = Vocabulary(tuple(description["vocabulary"]))
        counts = description["counts"] = tuple(description["counts"])
        if len(counts) != len(description["vocabulary"]) or not all(map(_is_count, counts)):
            raise ValueError("its counts do not fit its vocabulary")
        if (values := description.get("split")) is not None:
            description["split"] = Split.from_values(values, sum(counts))
        corpus = Corpus(path=path, **description)
        expected = size_of_ids(corpus.characters, len(corpus.vocabulary))
        # The content that is checked is the one that is used, even if another file takes the name later.
        validate_description(corpus, len(corpus._buffer) if with_ids else expected)
    except (CharrnnError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CharrnnError(f"{path} is missing or damaged: {error}", hint="`--new` reads the text again") from error
    return corpus


def description_path(path: Path) -> Path:
    """Return the path of the description that belongs to a file of ids."""
    return path.with_suffix(".json")


def description_of(corpus: Corpus) -> dict[str, Any]:
    """Return the values of a corpus for JSON, except its path."""
    values = {field.name: getattr(corpus, field.name) for field in fields(corpus) if field.name != "path"}
    values["split"] = corpus.split and asdict(corpus.split)
    return values | {"vocabulary": corpus.vocabulary.characters, "fingerprint": dict(corpus.fingerprint)}
