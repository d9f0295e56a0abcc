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
"""characters of a stretch that counts as copied, at least"""
BASELINE_FRACTION = 0.05
"""share of held-out text that may be in stretches that count: all of its kind repeats some of itself"""
MAX_TRAINING_CHARS = 100_000_000
"""of a training text: sorting takes some 40 bytes for each"""


@dataclass(frozen=True, kw_only=True)
class CopiedSpan:
    """A stretch of a text that stands in the training text, and is part of no longer one."""

    start: int
    """where it begins in the text"""
    length: int
    source_start: int
    """where it stands in the training text, or one of the places"""


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """What of a text is copied."""

    characters: int
    copied_chars: int
    """characters in a stretch that stands in the training text"""
    spans: tuple[CopiedSpan, ...]
    """from the beginning of the text on; they may overlap"""

    @classmethod
    def from_spans(cls, characters: int, spans: Iterable[CopiedSpan]) -> "Novelty":
        """Add up what is in stretches of a text."""
        found_spans = tuple(spans)
        return cls(
            characters=characters, copied_chars=int(_copied_mask(characters, found_spans).sum()), spans=found_spans
        )

    @property
    def copied_fraction(self) -> float:
        """Share of the text that is copied."""
        return self.copied_chars / self.characters if self.characters else 0.0

    @property
    def longest(self) -> CopiedSpan | None:
        """The longest stretch, the first of several; None if nothing is copied."""
        return max(self.spans, key=lambda stretch: stretch.length, default=None)

    def min_length(self, length: int) -> "Novelty":
        """Leave shorter stretches out."""
        least = whole_number(length, "length")
        return Novelty.from_spans(self.characters, (span for span in self.spans if span.length >= least))

    def mask(self) -> NDArray[np.bool_]:
        """Say of each character whether it is copied, (characters,)."""
        return _copied_mask(self.characters, self.spans)


def _copied_mask(characters: int, spans: Iterable[CopiedSpan]) -> NDArray[np.bool_]:
    edges = np.zeros(characters + 1, dtype=np.int64)
    for span in spans:
        edges[span.start] += 1
        edges[span.start + span.length] -= 1
    marks: NDArray[np.bool_] = edges[:-1].cumsum() > 0
    return marks


def find_copies(ids: Ids, suffix_array: SuffixArray, min_chars: int = MIN_COPY_CHARS) -> Novelty:
    """Find every stretch of a text, ids (N,), of at least `min_chars` characters that stands in the training text."""
    firsts, stops = suffix_array.prefix_ranges(ids, min_chars)
    prefix, begins = ids.astype(suffix_array.ids.dtype), np.flatnonzero(firsts < stops).tolist()

    def match(start: int, end: int | None = None) -> Match:
        return suffix_array.longest_match(prefix[start:end], int(firsts[start]), int(stops[start]))

    def next_beyond(number: int, end: int) -> int:
        """Find the first that begins inside a stretch and goes on beyond its end, or else the first after it."""

        def goes_on(other: int) -> bool:
            return match(begins[other], end + 1).length > end - begins[other]

        # If one goes on, so does all that begins later.
        inside = range(number + 1, bisect_right(begins, end + 1 - min_chars))
        return number + 1 + bisect_left(inside, True, key=goes_on)

    spans: list[CopiedSpan] = []
    number = 0
    while number < len(begins):
        start = begins[number]
        length, position = match(start)
        spans.append(CopiedSpan(start=start, length=length, source_start=position))
        number = next_beyond(number, start + length)
    return Novelty.from_spans(len(ids), spans)


def baseline_copy_length(held_out: Novelty) -> int:
    """Say how long a stretch must be to be more than what text of this kind has in common with itself.

    That is the least length, of 20 or more, at which a twentieth of the held-out text at most is in stretches.
    """
    lengths = sorted({span.length + 1 for span in held_out.spans})
    fitting = (
        length
        for length in [MIN_COPY_CHARS, *lengths]
        if held_out.min_length(length).copied_fraction <= BASELINE_FRACTION
    )
    return next(fitting, MIN_COPY_CHARS)


def load_or_build_suffix_array(ids: Ids, size: int, path: Path) -> SuffixArray:
    """Give the suffixes of a training text, ids (T,), below `size`, from the file that keeps them.

    One that is missing, damaged or of another text is made anew, and kept if it can be. Raise CharrnnError if the
    text is damaged or too long to be sorted.
    """
    if len(ids) > MAX_TRAINING_CHARS:
        raise CharrnnError(f"the training text is too long to look for copies in: {len(ids):,} characters")
    if len(ids) and ids.max() >= size:
        raise CharrnnError("the training text is damaged: it has characters that nothing is said of")
    checksum = hashlib.sha256(np.ascontiguousarray(ids).data).hexdigest()
    order = _read_cached_order(path, checksum, len(ids))
    if order is None:
        order = build_suffix_array(ids, size)
        with suppress(OSError):
            check_replaceable(path)
            safetensors_file.write_tensors(path, {"order": order}, {"kind": "suffixes", "text_sha256": checksum})
    return SuffixArray(ids, order)


def _read_cached_order(path: Path, checksum: str, characters: int) -> SuffixOrder | None:
    """Return the order that is kept in a file; None if the file is missing, damaged, or of another text.

    The arrays are read only if the header describes nothing but an order of this text.
    """
    try:
        with safetensors_file.open_tensors(path) as file:
            places = file.header.tensors
            shapes = {name: (place.dtype, place.shape) for name, place in places.items()}
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
"""characters of held-out text that show what is ordinary"""


@dataclass(frozen=True, kw_only=True)
class TrainingTextIndex:
    """A training text to find copies of."""

    model: Model
    suffix_array: SuffixArray
    min_copy_chars: int
    """characters of a stretch that counts as copied"""
    baseline_fraction: float | None
    """share of held-out text that is in such stretches; None: nothing was held out"""

    def novelty(self, text: str) -> Novelty:
        """Find what of a text is copied."""
        return find_copies(self.model.vocabulary.encode(text), self.suffix_array, self.min_copy_chars)


def index_training_text(path: Path, model: Model, *, hint: str) -> TrainingTextIndex:
    """Find the training text of the model in that file, its suffixes sorted anew if they are not kept beside it.

    Raise CharrnnError, with that hint, where the run's corpus is not beside the model or is another's.
    """
    corpus, learned = training_corpus(path, model.vocabulary, model.training, hint=hint)
    suffix_array = load_or_build_suffix_array(
        corpus.ids[:learned], len(corpus.vocabulary), RunDirectory(path.parent).suffixes
    )
    held_out = find_copies(np.asarray(corpus.ids[learned : learned + BASELINE_CHARS]), suffix_array)
    if not held_out.characters:
        return TrainingTextIndex(
            model=model, suffix_array=suffix_array, min_copy_chars=MIN_COPY_CHARS, baseline_fraction=None
        )
    shortest = baseline_copy_length(held_out)
    return TrainingTextIndex(
        model=model,
        suffix_array=suffix_array,
        min_copy_chars=shortest,
        baseline_fraction=held_out.min_length(shortest).copied_fraction,
    )


# Loops: degenerate repetition (Holtzman et al. 2020)

MAX_PERIOD = 1000
"""characters; what bounds the search"""
MIN_REPEATS = 3
MIN_LOOP_CHARS = 40
"""characters in all rounds: ordinary texts end with a few of the same"""


class Loop(NamedTuple):
    """How a text repeats itself to its end."""

    start: int
    """where the first round begins"""
    length: int
    """characters of a round"""


def find_loop(text: str) -> Loop | None:
    """Find the shortest round that a text repeats to its end, at least three times; None if it does not.

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
