"""Encoding of a text: the characters are counted first, then their ids are written.

A description never lies beside the ids of another text, and a file of ids never lies without its description.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.storage.atomic_file import BinarySink, atomic_open, atomic_write, make_durable, remove_file, scratch_file
from charrnn.storage.run_lock import check_lock
from charrnn.text.corpus import Corpus, description_of, description_path
from charrnn.text.decoding import CodePoints, Examination, code_points
from charrnn.text.documents import BOUNDARY, not_documents_error, shuffle_documents
from charrnn.text.source_file import CorpusFiles
from charrnn.text.vocabulary import CODE_POINTS, UNKNOWN, Ids, NormalizationCheck, Vocabulary, end_char

MIN_CHARACTERS = 200
"""minimum length of a text, in characters"""
FEW_POINTS = 1 << 14
"""code points that are counted one by one, as in small files; an array of all counts takes longer"""


@dataclass(frozen=True, kw_only=True)
class CharacterCounts:
    """The characters of a text, and their counts."""

    characters: int
    """length of the text, including the end characters of documents"""
    counts: NDArray[np.int64]
    """number of occurrences of each code point, (0x110000,)"""
    documents: str | None = None
    """kind of documents, as in `NetworkConfig`; None: the text is a single sequence"""
    normalization: str | None = None
    """NFC or NFD; None: the text is in neither form, or in both"""
    notes: tuple[str, ...] = ()
    """what a user should know about the files, a line each"""

    def vocabulary(self, min_count: int = 1, *, known_characters: tuple[str, ...] = ()) -> Vocabulary:
        """Return the vocabulary: the known characters in their order, then the others in code point order.

        U+FFFD stands for all characters with less than `min_count` occurrences, except the end of a document.
        """
        new = {chr(point) for point in np.flatnonzero(self.counts)} - set(known_characters)
        frequent = {character for character in new if self.counts[ord(character)] >= min_count}
        if self.documents is not None:
            frequent |= {end_char(self.documents)} - set(known_characters)
        rare = {UNKNOWN} - set(known_characters) if new - frequent else set()
        return Vocabulary((*known_characters, *sorted(frequent | rare)))


def count_characters(sources: CorpusFiles, encoding: str, *, documents: str | None = None) -> CharacterCounts:
    """Return the character counts of a text, which is read once (CharrnnError if nothing can be learned from it)."""
    counts, examination = np.zeros(CODE_POINTS, dtype=np.int64), Examination()
    normalization = NormalizationCheck(counts)
    for source in sources.files:
        for points in code_points(source, encoding, documents=documents, examination=examination):
            _add_counts(points, counts)
            normalization.add(points, source)
    counted = CharacterCounts(
        characters=int(counts.sum()),
        counts=counts,
        documents=documents,
        normalization=normalization.form(),
        notes=(*examination.notes(), *normalization.notes()),
    )
    name = sources.files[0].name if len(sources.files) == 1 else "the text"
    if not counted.characters:
        raise CharrnnError(f"{name} is empty")
    if counted.characters < MIN_CHARACTERS:
        raise CharrnnError(f"{name} has {counted.characters} characters; at least {MIN_CHARACTERS} are needed")
    if np.count_nonzero(counts) == 1:
        raise CharrnnError(f"every character is {chr(int(counts.argmax()))!r}; there is nothing to learn")
    if documents in BOUNDARY and examination.has_lone_cr:
        raise CharrnnError(f"{name} has no documents by {documents}", hint=examination.line_end_note())
    if documents is not None and counts[ord(end_char(documents))] < 2:
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
    """Write the ids of a counted text to `path`, and the description beside it, and return the corpus.

    The ids of the `known_characters` come first. Documents are shuffled, always in the same way, so that the held-out
    documents are a representative sample, and documents of the same batch are unrelated. Both files are written
    completely or not at all. Raise CharrnnError if the text has changed since it was counted, or OSError.
    """
    vocabulary = counted.vocabulary(min_count, known_characters=known_characters)
    id_table = _ids_by_code_point(vocabulary)
    digest = hashlib.sha256()
    with atomic_open(path) as file:
        _write_text(sources.with_hash(digest), encoding, counted, id_table, vocabulary, path.parent, file)
        file.flush()
        corpus = Corpus(
            path=path,
            name=sources.name,
            vocabulary=vocabulary,
            counts=_counts_by_id(counted, id_table, len(vocabulary)),
            dtype=id_table.dtype.name,
            fingerprint=sources.fingerprint() | {"sha256": digest.hexdigest()},
            encoding=encoding,
            min_count=min_count,
            documents=counted.documents,
            normalization=counted.normalization,
        )
        check_lock(path.parent)
        # The old ids go first, then the description is replaced; the new ids take their name at the end of the block.
        remove_file(path)
        make_durable(path.parent)
        atomic_write(description_path(path), json.dumps(description_of(corpus)).encode())
    return corpus


def _ids_by_code_point(vocabulary: Vocabulary) -> Ids:
    """Return the id of every code point, (0x110000,), in the smallest type for the vocabulary."""
    dtype = np.min_scalar_type(len(vocabulary) - 1)
    id_table = np.full(CODE_POINTS, vocabulary.id_of(UNKNOWN) if UNKNOWN in vocabulary else 0, dtype=dtype)
    id_table[[ord(character) for character in vocabulary.characters]] = np.arange(len(vocabulary))
    return id_table


def _counts_by_id(counted: CharacterCounts, id_table: Ids, size: int) -> tuple[int, ...]:
    """Return the number of occurrences of each id, (size,)."""
    counts = np.bincount(id_table, weights=counted.counts, minlength=size).astype(np.int64)
    return tuple(counts.tolist())


def _write_text(
    sources: CorpusFiles,
    encoding: str,
    counted: CharacterCounts,
    id_table: Ids,
    vocabulary: Vocabulary,
    directory: Path,
    file: BinarySink,
) -> None:
    """Write the ids of a text, with its documents shuffled (CharrnnError if the text has changed)."""
    end_id = vocabulary.end_id(counted.documents)
    if end_id is None:
        _write_ids(sources, encoding, counted, id_table, file)
        return
    with scratch_file(directory) as ordered:
        _write_ids(sources, encoding, counted, id_table, ordered)
        shuffle_documents(ordered, id_table.dtype, end_id, file)


def _write_ids(
    sources: CorpusFiles, encoding: str, counted: CharacterCounts, id_table: Ids, file: BinarySink
) -> None:
    """Read a text again and write its ids (CharrnnError if the text has changed)."""
    counts = np.zeros_like(counted.counts)
    for points in _read_code_points(sources, encoding, counted.documents):
        _add_counts(points, counts)
        file.write(id_table[points].tobytes())
    if not np.array_equal(counts, counted.counts):
        raise CharrnnError(f"{sources.name} changed while it was read", hint="run the same command again")


def _add_counts(points: CodePoints, counts: NDArray[np.int64]) -> None:
    """Add the number of occurrences of each code point in `points` to `counts`."""
    if points.size < FEW_POINTS:
        np.add.at(counts, points, 1)
        return
    added = np.bincount(points)
    counts[: added.size] += added


def _read_code_points(sources: CorpusFiles, encoding: str, documents: str | None) -> Iterator[CodePoints]:
    """Yield the code points of all files in chunks (CharrnnError)."""
    for source in sources.files:
        yield from code_points(source, encoding, documents=documents)
