"""Encoding of a text: the characters are counted first, then their ids are written.

A description never lies beside the ids of another text, and a file of ids never lies without its description.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import AUTO, CODE_POINTS
from charrnn.errors import CharrnnError
from charrnn.storage.atomic_file import (
    AtomicWriter,
    BinarySink,
    atomic_open,
    atomic_write,
    make_durable,
    remove_file,
    scratch_file,
)
from charrnn.storage.run_lock import check_lock
from charrnn.text import split as splits
from charrnn.text.corpus import Corpus, description_of, description_path
from charrnn.text.decoding import CodePoints, Examination, code_points
from charrnn.text.documents import BOUNDARY, not_documents_error, shuffle_documents
from charrnn.text.source_file import CHUNK_BYTES, STANDARD_LIBRARY, CorpusFiles, SourceFile
from charrnn.text.split import Reader, Spans, Split, SplitRequest
from charrnn.text.vocabulary import UNKNOWN, Ids, NormalizationCheck, Vocabulary, end_char

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
    file_characters: tuple[int, ...] = ()
    """length of each file"""

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
    file_characters = []
    for source in sources.files:
        file_characters.append(0)
        for points in code_points(source, encoding, documents=documents, examination=examination):
            _add_counts(points, counts)
            normalization.add(points, source)
            file_characters[-1] += points.size
    counted = CharacterCounts(
        characters=sum(file_characters),
        counts=counts,
        documents=documents,
        file_characters=tuple(file_characters),
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
        raise not_documents_error(documents, name, has_crlf=bool(examination.line_ends["CRLF"]))
    return counted


def encode(
    sources: CorpusFiles,
    encoding: str,
    counted: CharacterCounts,
    path: Path,
    *,
    split: SplitRequest | None = None,
    min_count: int = 1,
    known_characters: tuple[str, ...] = (),
) -> Corpus:
    """Write the ids of a counted text to `path`, and the description beside it, and return the corpus.

    The ids of the `known_characters` come first. The held-out text is written after the training text; without
    `split`, in the order of the text. Documents are shuffled, always in the same way, so that the held-out documents
    are a representative sample, and documents of the same batch are unrelated. Both files are written completely or
    not at all. Raise CharrnnError if the text has changed since it was counted, or OSError.
    """
    vocabulary = counted.vocabulary(min_count, known_characters=known_characters)
    id_table = _ids_by_code_point(vocabulary)
    digest = hashlib.sha256()
    with atomic_open(path) as file:
        text = _Text(
            sources=sources.with_hash(digest), encoding=encoding, counted=counted, ids=id_table, vocabulary=vocabulary
        )
        _write_text(text, 0 if split is None else split.val_files, path.parent, file)
        made_split = None if split is None else _split(text, split, path.parent, file)
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
            split=made_split,
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


@dataclass(frozen=True, kw_only=True)
class _Text:
    """A counted text that is read again."""

    sources: CorpusFiles
    encoding: str
    counted: CharacterCounts
    ids: Ids
    """id of every code point, (0x110000,)"""
    vocabulary: Vocabulary


def _write_text(text: _Text, val_files: int, directory: Path, file: AtomicWriter) -> None:
    """Write the ids of a text (CharrnnError if it has changed).

    Documents are shuffled, except those of the last `val_files` files.
    """
    counts = np.zeros_like(text.counted.counts)
    first_held_out = len(text.sources.files) - val_files
    end = text.vocabulary.end_id(text.counted.documents)
    if end is None:
        _write_ids(text, slice(first_held_out), counts, file)
    else:
        with scratch_file(directory) as ordered:
            _write_ids(text, slice(first_held_out), counts, ordered)
            shuffle_documents(ordered, text.ids.dtype, end, file)
    if val_files:
        _write_ids(text, slice(first_held_out, None), counts, file)
    if not np.array_equal(counts, text.counted.counts):
        raise CharrnnError(f"{text.sources.name} changed while it was read", hint="run the same command again")


def _write_ids(text: _Text, files: slice, counts: NDArray[np.int64], file: BinarySink) -> None:
    """Write the ids of some of the files, and add the number of occurrences of each code point to `counts`."""
    for points in _read_code_points(text.sources.files[files], text.encoding, text.counted.documents):
        _add_counts(points, counts)
        file.write(text.ids[points].tobytes())


def _add_counts(points: CodePoints, counts: NDArray[np.int64]) -> None:
    """Add the number of occurrences of each code point in `points` to `counts`."""
    if points.size < FEW_POINTS:
        np.add.at(counts, points, 1)
        return
    added = np.bincount(points)
    counts[: added.size] += added


def _read_code_points(files: Sequence[SourceFile], encoding: str, documents: str | None) -> Iterator[CodePoints]:
    """Yield the code points of files in chunks (CharrnnError)."""
    for source in files:
        yield from code_points(source, encoding, documents=documents)


# The split: the held-out text follows the training text, so that both are contiguous


def choose_split(
    request: SplitRequest, file_chars: Sequence[int], names: tuple[str, ...], read: Reader, *, size: int
) -> tuple[Split, Spans]:
    """Return the split of a text of files with so many characters each, and its held-out spans.

    `names` are those of files that are held out as a whole. The ids that `read` returns are below `size`.
    """
    training_file_chars = file_chars[: len(file_chars) - request.val_files]
    kind, difference = splits.FILES if request.val_files else request.kind, None
    spans = np.array([[sum(training_file_chars), sum(file_chars)]])
    if kind != splits.FILES:
        spans = splits.held_out_spans(splits.END, training_file_chars, request.val_fraction)
    if kind != splits.SPREAD:
        difference = splits.measure_difference(read, spans, training_file_chars, request.val_fraction, size=size)
    if kind == AUTO:
        kind = splits.SPREAD if difference and difference.is_large else splits.END
    if kind == splits.SPREAD:
        spans = splits.held_out_spans(splits.SPREAD, training_file_chars, request.val_fraction)
    split = Split(
        kind=kind,
        train_characters=sum(file_chars) - splits.span_chars(spans),
        parts=splits.count_parts(training_file_chars, request.val_fraction),
        difference=difference,
        spans=tuple(map(tuple, spans.tolist())) if len(spans) <= splits.MAX_RECORDED_SPANS else (),
        names=names,
    )
    return split, spans


def _split(text: _Text, request: SplitRequest, directory: Path, file: AtomicWriter) -> Split | None:
    """Move the held-out text behind the training text, and return the split (OSError).

    Return None if the text consists of shuffled documents, whose end is held out.
    """
    size = text.ids.dtype.itemsize

    def read(start: int, stop: int) -> Ids:
        return np.frombuffer(file.read_at(start * size, (stop - start) * size), text.ids.dtype)

    if text.counted.documents is not None and not request.val_files:
        return None
    # The files of the standard library are in random order, so its end is representative.
    is_joined = text.sources.name == STANDARD_LIBRARY and not request.val_files
    split, held_out = choose_split(
        request,
        (text.counted.characters,) if is_joined else text.counted.file_characters,
        tuple(source.name for source in text.sources.files[len(text.sources.files) - request.val_files :]),
        read,
        size=len(text.vocabulary),
    )
    if held_out[0, 0] != split.train_characters:
        _move_to_end(file, held_out * size, text.counted.characters * size, directory)
    return split


def _move_to_end(file: AtomicWriter, spans: Spans, end: int, directory: Path) -> None:
    """Move spans of bytes to the end of a file of so many bytes (OSError)."""
    with scratch_file(directory) as original:
        for position in range(0, end, CHUNK_BYTES):
            original.write(file.read_at(position, min(CHUNK_BYTES, end - position)))
        file.read_at(0, 0)
        for start, stop in np.concatenate([splits.complement(spans, end), spans]).tolist():
            original.seek(start)
            for position in range(start, stop, CHUNK_BYTES):
                file.write(original.read(min(CHUNK_BYTES, stop - position)))
