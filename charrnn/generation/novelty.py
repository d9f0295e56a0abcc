"""Novelty of a text (McCoy et al. 2021): the spans copied from the training text, and repetition loops.

The suffix array of the training text is built once and kept beside the run.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import whole_number
from charrnn.errors import CharrnnError
from charrnn.network.model_file import Model
from charrnn.storage import safetensors_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import check_replaceable
from charrnn.text.corpus import training_corpus
from charrnn.text.suffix_array import Match, SuffixArray, SuffixOrder, build_suffix_array
from charrnn.text.vocabulary import Ids

MIN_COPY_CHARS = 20
"""minimum length of a span that counts as copied"""
BASELINE_FRACTION = 0.05
"""fraction of held-out text that may lie in copied spans, because every kind of text repeats itself a little"""
MAX_TRAINING_CHARS = 100_000_000
"""characters; building the suffix array takes about 40 bytes for each"""


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
        return Novelty.from_spans(self.characters, (span for span in self.spans if span.length >= min_chars))

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


def load_or_build_suffix_array(ids: Ids, size: int, path: Path) -> SuffixArray:
    """Return the suffix array of a training text, ids (T,) below `size`, from the file `path`.

    If the file is missing, damaged or belongs to another text, the suffix array is built, and saved if possible.
    Raise CharrnnError if the text is damaged or too long.
    """
    if len(ids) > MAX_TRAINING_CHARS:
        raise CharrnnError(f"the training text is too long to look for copies in: {len(ids):,} characters")
    if len(ids) and ids.max() >= size:
        raise CharrnnError("the training text is damaged: it contains ids that are not in the vocabulary")
    checksum = hashlib.sha256(np.ascontiguousarray(ids).data).hexdigest()
    order = _read_cached_order(path, checksum, len(ids))
    if order is None:
        order = build_suffix_array(ids, size)
        with suppress(OSError):
            check_replaceable(path)
            safetensors_file.write_tensors(path, {"order": order}, {"kind": "suffixes", "text_sha256": checksum})
    return SuffixArray(ids, order)


def _read_cached_order(path: Path, checksum: str, characters: int) -> SuffixOrder | None:
    """Return the suffix order in a file; None if the file is missing, damaged, or belongs to another text.

    The arrays are read only if the header describes nothing but a suffix order of this length.
    """
    try:
        with safetensors_file.open_tensors(path) as file:
            shapes = {name: (tensor.dtype, tensor.shape) for name, tensor in file.header.tensors.items()}
            if shapes != {"order": (np.dtype(np.int32), (characters,))}:
                return None
            if file.metadata.get("text_sha256") != checksum:
                return None
            order = file.arrays()["order"]
    except CharrnnError:
        return None
    return order if not characters or (order.min() >= 0 and order.max() < characters) else None


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

    def novelty(self, text: str) -> Novelty:
        """Return the copied spans of a text (WrongUsageError for unknown characters)."""
        return find_copies(self.model.vocabulary.encode(text), self.suffix_array, self.min_copy_chars)


def index_training_text(path: Path, model: Model, *, hint: str) -> TrainingTextIndex:
    """Return the index of the training text of the model in file `path`, loaded or built.

    Raise CharrnnError with the given hint if the run directory has no corpus, or the corpus of another model.
    """
    corpus, train_chars = training_corpus(path, model.vocabulary, model.training, hint=hint)
    suffix_array = load_or_build_suffix_array(
        corpus.ids[:train_chars], len(corpus.vocabulary), RunDirectory(path.parent).suffixes
    )
    held_out = find_copies(np.asarray(corpus.ids[train_chars : train_chars + BASELINE_CHARS]), suffix_array)
    if not held_out.characters:
        return TrainingTextIndex(
            model=model, suffix_array=suffix_array, min_copy_chars=MIN_COPY_CHARS, baseline_fraction=None
        )
    min_copy_chars = baseline_copy_length(held_out)
    return TrainingTextIndex(
        model=model,
        suffix_array=suffix_array,
        min_copy_chars=min_copy_chars,
        baseline_fraction=held_out.min_length(min_copy_chars).copied_fraction,
    )


# Loops: degenerate repetition (Holtzman et al. 2020)

MAX_PERIOD = 1000
"""characters of a repetition, which bounds the time of the search"""
MIN_REPEATS = 3
MIN_LOOP_CHARS = 40
"""characters of all repetitions: ordinary texts often end with a short repetition such as `...`"""


class Loop(NamedTuple):
    """The repetition at the end of a text."""

    start: int
    """position of the first repetition"""
    length: int
    """characters of one repetition"""


def find_loop(text: str) -> Loop | None:
    """Return the shortest string that a text repeats at least three times up to its end; None if there is none.

    >>> find_loop("to be, and so on" + " and so on" * 9)
    Loop(start=6, length=10)
    """
    for length in range(1, min(MAX_PERIOD, len(text) // MIN_REPEATS) + 1):
        if text[-length:] != text[-2 * length : -length]:
            continue
        start = len(text) - 2 * length
        while start > 0 and text[start - 1] == text[start - 1 + length]:
            start -= 1
        if len(text) - start >= max(MIN_REPEATS * length, MIN_LOOP_CHARS):
            return Loop(start, length)
    return None
