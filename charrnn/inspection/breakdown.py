"""Where a model's bits go: by kind of character, by place in word and line, by distance to the opening bracket.

After the error analysis of Karpathy, Johnson and Li 2015, section 4.4 (arXiv:1506.02078). What a character is called
is left to `char_kinds`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.counting import NGramPredictions
from charrnn.inspection.kinds import CHAR_KINDS, bracket_distances, char_kinds, line_positions, word_positions

Numbers = NDArray[np.float64]
Labels = NDArray[np.int64]

DIGITS = 4
"""of bits and shares, in JSON"""
BRACKETS = "distance to opening bracket"
"""how closing brackets are cut"""
WORD_EDGES = (1, 2, 3, 4, 5, 6, 7, 10)
LINE_EDGES = (0, 1, 2, 4, 8, 16, 32, 64, 128)
DISTANCE_EDGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""where each bin begins"""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Characters of one sort, and what they cost."""

    name: str
    """what they have in common"""
    characters: int
    """how many"""
    bits: float
    """what they cost together"""
    probability: float
    """what the model gave them on average"""
    ngram_bits: float | None
    """what they cost the n-gram together; None without one"""
    ngram_probability: float | None
    """what the n-gram gave them on average; None without one"""

    @property
    def bits_per_char(self) -> float:
        """What one of them cost."""
        return self.bits / self.characters

    @property
    def ngram_bits_per_char(self) -> float | None:
        """What one of them cost the n-gram."""
        return None if self.ngram_bits is None else self.ngram_bits / self.characters

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        values = {
            "bits": self.bits,
            "bits_per_char": self.bits_per_char,
            "probability": self.probability,
            "ngram_bits_per_char": self.ngram_bits_per_char,
            "ngram_probability": self.ngram_probability,
        }
        rounded = {name: None if value is None else round(value, DIGITS) for name, value in values.items()}
        return {"name": self.name, "characters": self.characters} | rounded


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """A text's characters cut into groups by one thing."""

    by: str
    """what the groups differ in"""
    groups: tuple[Group, ...]
    """those that have any characters"""


@dataclass(frozen=True, kw_only=True)
class ErrorBreakdown:
    """Where the bits of a text go, all but its first character's, which is predicted by nothing."""

    model: str
    """the path of the model's file"""
    text: str
    """the text's name"""
    start: int = 0
    """where in it was begun to read"""
    characters: int
    """predicted"""
    bits: float
    """what they cost together"""
    order: int | None
    """of the n-gram that the model is compared with; None for none"""
    learned_from: int
    """characters that the n-gram has learned from"""
    ngram_bits: float | None
    """what they cost the n-gram together"""
    groupings: tuple[Grouping, ...]
    """by kind, by position in the word, by position in the line, closing brackets by distance to the opening one"""

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        ngram = None
        if self.order is not None and self.ngram_bits is not None:
            bits = round(self.ngram_bits / self.characters, DIGITS)
            ngram = {"order": self.order, "learned_from": self.learned_from, "bits_per_char": bits}
        return {
            "view": "errors",
            "model": self.model,
            "text": self.text,
            "start": self.start,
            "characters": self.characters,
            "bits_per_char": round(self.bits / self.characters, DIGITS),
            "ngram": ngram,
            "by": {grouping.by: [group.to_json() for group in grouping.groups] for grouping in self.groupings},
        }


def break_down_errors(
    content: str,
    nats: NDArray[np.floating],
    *,
    counted: NGramPredictions | None = None,
    model: str = "",
    text: str = "",
    start: int = 0,
) -> ErrorBreakdown:
    """Cut up what a text's characters but the first cost: content of T characters, nats (T - 1,)."""
    costs = _GroupLosses(nats, counted)
    return ErrorBreakdown(
        model=model,
        text=text,
        start=start,
        characters=len(nats),
        bits=float(costs.bits.sum()),
        order=counted.order if counted else None,
        learned_from=counted.learned_from if counted else 0,
        ngram_bits=None if costs.ngram_bits is None else float(costs.ngram_bits.sum()),
        groupings=tuple(
            Grouping(by=by, groups=tuple(costs.groups(labels, names))) for by, labels, names in _groupings(content)
        ),
    )


def _groupings(content: str) -> Iterator[tuple[str, Labels, Sequence[str]]]:
    """Say how to cut: by what, which group each character but the first is in (-1: none), what the groups are."""
    yield "kind", char_kinds(content)[1:], CHAR_KINDS
    for by, places, edges in (
        ("letter of word", word_positions(content), WORD_EDGES),
        ("place in line", line_positions(content), LINE_EDGES),
        (BRACKETS, bracket_distances(content), DISTANCE_EDGES),
    ):
        yield by, np.searchsorted(edges, places[1:], side="right") - 1, bin_names(edges)


def bin_names(edges: Sequence[int]) -> list[str]:
    """Name bins by what is in them.

    >>> bin_names((0, 1, 2, 4, 8))
    ['0', '1', '2-3', '4-7', '8 and more']
    """
    named = [f"{low}" if high == low + 1 else f"{low}-{high - 1}" for low, high in pairwise(edges)]
    return [*named, f"{edges[-1]} and more"]


class _GroupLosses:
    """What each character cost the model and, where there is one, the n-gram."""

    def __init__(self, nats: NDArray[np.floating], counted: NGramPredictions | None) -> None:
        self.bits = nats.astype(np.float64) / math.log(2)
        self.ngram_bits = None if counted is None else -np.log2(counted.probabilities)

    def groups(self, labels: Labels, names: Sequence[str]) -> Iterator[Group]:
        """Add up the costs of the characters of each label."""
        for label, name in enumerate(names):
            here = labels == label
            if here.any():
                bits = None if self.ngram_bits is None else self.ngram_bits[here]
                yield Group(
                    name=name,
                    characters=int(here.sum()),
                    bits=float(self.bits[here].sum()),
                    probability=float(np.exp2(-self.bits[here]).mean()),
                    ngram_bits=None if bits is None else float(bits.sum()),
                    ngram_probability=None if bits is None else float(np.exp2(-bits).mean()),
                )
