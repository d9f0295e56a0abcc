"""Novelty of a text (McCoy et al. 2021): the spans and documents copied from the training text, and new documents.

The suffix array of the training text is built once and kept beside the run.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import whole_number
from charrnn.generation.batched import GeneratedText
from charrnn.generation.sampling import SamplingParams
from charrnn.network.model_file import Model
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.documents import split_documents
from charrnn.text.held_out import training_corpus
from charrnn.text.suffix_array import Match, SuffixArray, find_aligned, load_or_build_suffix_array
from charrnn.text.vocabulary import Ids, end_char

MIN_COPY_CHARS = 20
"""minimum length of a span that counts as copied"""
BASELINE_FRACTION = 0.05
"""fraction of held-out text that may lie in copied spans, because every text repeats itself a little"""


@dataclass(frozen=True, kw_only=True)
class CopiedSpan:
    """A maximal span of a text that occurs in the training text."""

    start: int
    """position in the text"""
    length: int
    """characters"""
    source_start: int
    """position of an occurrence in the training text"""


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """The copied spans of a text."""

    characters: int
    """length of the text"""
    copied_chars: int
    """characters that lie in a copied span"""
    spans: tuple[CopiedSpan, ...]
    """in the order of their positions; spans may overlap"""
    documents: int | None = None
    """number of documents; None if the model has no documents"""
    copied_documents: tuple[str, ...] = ()
    """documents of any length that the training text contains as whole documents"""

    @classmethod
    def from_spans(cls, characters: int, spans: Iterable[CopiedSpan]) -> "Novelty":
        """Return the record for the copied spans of a text of so many characters."""
        all_spans = tuple(spans)
        copied_chars = int(_copied_mask(characters, all_spans).sum())
        return cls(characters=characters, copied_chars=copied_chars, spans=all_spans)

    @property
    def copied_fraction(self) -> float:
        """Fraction of the text that is copied."""
        return self.copied_chars / self.characters if self.characters else 0.0

    @property
    def longest(self) -> CopiedSpan | None:
        """The longest span, the first of several; None if nothing is copied."""
        return max(self.spans, key=lambda span: span.length, default=None)

    def min_length(self, length: int) -> "Novelty":
        """Return the record without shorter spans (WrongUsageError)."""
        min_chars = whole_number(length, "length")
        shorter = Novelty.from_spans(self.characters, (span for span in self.spans if span.length >= min_chars))
        return replace(shorter, documents=self.documents, copied_documents=self.copied_documents)

    def mask(self) -> NDArray[np.bool_]:
        """Return for each character whether it is copied, (characters,)."""
        return _copied_mask(self.characters, self.spans)


def _copied_mask(characters: int, spans: Iterable[CopiedSpan]) -> NDArray[np.bool_]:
    """Return for each character whether it lies in a span, (characters,)."""
    depth_changes = np.zeros(characters + 1, dtype=np.int64)
    for span in spans:
        depth_changes[span.start] += 1
        depth_changes[span.start + span.length] -= 1
    mask: NDArray[np.bool_] = depth_changes[:-1].cumsum() > 0
    return mask


def find_copies(ids: Ids, suffix_array: SuffixArray, min_chars: int = MIN_COPY_CHARS) -> Novelty:
    """Return all maximal spans of a text, ids (N,), of at least `min_chars` characters that the training text has."""
    firsts, stops = suffix_array.prefix_ranges(ids, min_chars)
    text, starts = ids.astype(suffix_array.ids.dtype), np.flatnonzero(firsts < stops).tolist()

    def match(start: int, end: int | None = None) -> Match:
        return suffix_array.longest_match(text[start:end], int(firsts[start]), int(stops[start]))

    def next_beyond(index: int, end: int) -> int:
        """Return the index of the next start whose match extends beyond `end`, or that lies behind the span."""

        def extends(other: int) -> bool:
            return match(starts[other], end + 1).length > end - starts[other]

        # Bisection is possible: if the match at one start extends beyond the end, so do those at all later starts.
        inside = range(index + 1, bisect_right(starts, end + 1 - min_chars))
        return index + 1 + bisect_left(inside, True, key=extends)

    spans: list[CopiedSpan] = []
    index = 0
    while index < len(starts):
        start = starts[index]
        length, position = match(start)
        spans.append(CopiedSpan(start=start, length=length, source_start=position))
        index = next_beyond(index, start + length)
    return Novelty.from_spans(len(ids), spans)


def baseline_copy_length(held_out: Novelty) -> int:
    """Return the length above which a span is more than what texts of the same kind have in common.

    It is the smallest length of at least 20 at which at most 5 % of the held-out text lies in copied spans.
    """
    lengths = sorted({span.length + 1 for span in held_out.spans})
    sufficient = (
        length
        for length in [MIN_COPY_CHARS, *lengths]
        if held_out.min_length(length).copied_fraction <= BASELINE_FRACTION
    )
    return next(sufficient, MIN_COPY_CHARS)


# The training text of a model

BASELINE_CHARS = 10_000
"""characters of held-out text from which the minimum length of a copied span is derived"""


@dataclass(frozen=True, kw_only=True)
class TrainingTextIndex:
    """The suffix array of a model's training text, and the minimum length of a copied span."""

    model: Model
    suffix_array: SuffixArray
    min_copy_chars: int
    """minimum length of a span that counts as copied"""
    baseline_fraction: float | None
    """fraction of held-out text that lies in such spans; None: there is no held-out text"""
    held_out: Ids
    """ids of the held-out text"""
    corpus_name: str

    def novelty(self, text: str, *, prompt: str = "") -> Novelty:
        """Return the copied spans and documents of a text (WrongUsageError for unknown characters).

        The first document begins with a prompt. A copied document is a span too, whatever its length is.
        """
        copies = find_copies(self.model.vocabulary.encode(text), self.suffix_array, self.min_copy_chars)
        kind = self.model.config.documents
        if kind is None:
            return copies
        whole, position, copied, spans = prompt + text, 0, [], list(copies.spans)
        documents = split_documents(whole, kind)
        for document in documents:
            start = whole.index(document, position)
            position, first = start + len(document), max(start, len(prompt))
            if (source := self.find_document(document)) is None:
                continue
            copied.append(document)
            if first < position < first + self.min_copy_chars:  # longer ones are among the spans
                place, length = first - len(prompt), position - first
                spans.append(CopiedSpan(start=place, length=length, source_start=source + first - start))
        spans.sort(key=lambda span: span.start)
        return replace(Novelty.from_spans(len(text), spans), documents=len(documents), copied_documents=tuple(copied))

    def find_document(self, document: str) -> int | None:
        """Return the position of a whole document in the training text; None if the text does not contain it."""
        return None if (ids := self._with_ends(document)) is None else self._find(ids)

    def contains_document(self, document: str) -> bool:
        """Return whether the training text or the held-out text contains a whole document."""
        ids = self._with_ends(document)
        if ids is None or self._find(ids) is not None:
            return ids is not None
        return find_aligned(self._held_out_bytes, ids.tobytes(), ids.itemsize) >= 0

    def _with_ends(self, document: str) -> Ids | None:
        """Return the ids of a document between two ends; None if the text cannot contain the document."""
        end, vocabulary = self.model.end_id, self.model.vocabulary
        if end is None or not document or vocabulary.count_unknown(document):
            return None
        return np.array([end, *vocabulary.encode(document), end], self.held_out.dtype)

    def _find(self, ids: Ids) -> int | None:
        """Return the position of a document, ids between two ends, in the training text, or None."""
        if np.array_equal(self.suffix_array.ids[: len(ids) - 1], ids[1:]):
            return 0
        length, position = self.suffix_array.longest_match(ids)
        return position + 1 if length == len(ids) else None

    @cached_property
    def held_out_documents_copied(self) -> float | None:
        """Fraction of held-out documents that the training text contains; None if there are no documents."""
        end = -1 if self.model.end_id is None else self.model.end_id
        ids = np.array([end, *self.held_out[:BASELINE_CHARS]])
        documents = [ids[start : stop + 1] for start, stop in pairwise(np.flatnonzero(ids == end).tolist())]
        return float(np.mean([self._find(each) is not None for each in documents])) if documents else None

    @cached_property
    def _held_out_bytes(self) -> bytes:
        """The held-out text after the end of a document."""
        return np.concatenate([np.array([self.model.end_id], self.held_out.dtype), self.held_out]).tobytes()


def index_training_text(path: Path, model: Model, *, hint: str) -> TrainingTextIndex:
    """Return the index of the training text of the model in file `path`, loaded or built.

    Raise CharrnnError with the given hint if the run directory has no corpus, or the corpus of another model.
    """
    corpus, train_chars = training_corpus(path, model.vocabulary, model.training, hint=hint)
    suffix_array = load_or_build_suffix_array(
        corpus.ids[:train_chars], len(corpus.vocabulary), RunDirectory(path.parent).suffixes
    )
    held_out = corpus.ids[train_chars:]
    copies = find_copies(np.asarray(held_out[:BASELINE_CHARS]), suffix_array)
    min_copy_chars = baseline_copy_length(copies)
    return TrainingTextIndex(
        model=model,
        suffix_array=suffix_array,
        min_copy_chars=min_copy_chars,
        baseline_fraction=copies.min_length(min_copy_chars).copied_fraction if copies.characters else None,
        held_out=held_out,
        corpus_name=corpus.name,
    )


# New documents

MAX_DISCARDED = 500
"""documents in succession of which none is new, after which no new one is expected"""


@dataclass(kw_only=True)
class NewDocuments:
    """The selection of generated documents that neither the text of the model nor the selection contains."""

    index: TrainingTextIndex
    missing: int
    """number of documents that are still to be selected"""
    prompt: str
    """text with which each document begins"""
    max_discarded: int
    copies: int = 0
    """documents that were discarded because they are in the text of the model"""
    repeated: int = 0
    """documents that were discarded because they are empty or were generated before"""
    _selected: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, index: TrainingTextIndex, count: int, prompt: str, params: SamplingParams) -> "NewDocuments":
        """Return the selection for sampling parameters; without randomness, all documents are the same."""
        return cls(
            index=index, missing=count, prompt=prompt, max_discarded=MAX_DISCARDED if params.temperature else 1
        )

    def select(self, texts: Iterable[GeneratedText]) -> Iterator[tuple[int, GeneratedText]]:
        """Yield the new ones among generated texts, with their numbers, until there are enough or none comes."""
        in_succession = 0
        for number, generated in enumerate(texts):
            in_succession += 1
            if self._is_new(self.prompt + generated.characters):
                in_succession = 0
                yield number, generated
            if not self.missing or in_succession == self.max_discarded:
                return

    def _is_new(self, text: str) -> bool:
        """Return whether a text is a new document, and count it."""
        kind = self.index.model.config.documents
        assert kind is not None
        documents = split_documents(text, kind)
        key = end_char(kind).join(documents)
        if not documents or key in self._selected:
            self.repeated += 1
        elif any(map(self.index.contains_document, documents)):
            self.copies += 1
        else:
            self._selected.add(key)
            self.missing -= 1
            return True
        return False
