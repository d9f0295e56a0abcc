"""Breakdown of the loss: by kind of character, by position in word and line, by distance to the opening bracket.

After the error analysis of Karpathy, Johnson and Li 2015, section 4.4 (arXiv:1506.02078).
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.scanner import OPENERS
from charrnn.text.ngram import NGramPredictions

# Kinds of characters and their distances from the beginning of their word, line or bracket, (T,) for a text of T
# characters

IntArray = NDArray[np.int64]

CHAR_KINDS = (
    "space",
    "newline",
    "first letter",
    "second letter",
    "later letter",
    "digit",
    "punctuation",
    "opening bracket",
    "closing bracket",
)
SPACE, NEWLINE, LETTER, _, _, DIGIT, PUNCTUATION, OPENER, CLOSER = range(len(CHAR_KINDS))


def char_kinds(text: str) -> IntArray:
    """Say which of KINDS each character is; marks belong to the letters they stand on."""
    plain_kinds = _kinds_by_character(text)
    words = word_positions(text)
    return np.where(words > 0, LETTER + np.minimum(words, 3) - 1, plain_kinds)


def word_positions(text: str) -> IntArray:
    """Say which letter of its word each letter is, from 1; of what is no letter, 0.

    >>> word_positions("to be.").tolist()
    [1, 2, 0, 1, 2, 0]
    """
    letters = _kinds_by_character(text) == LETTER
    places = np.arange(1, len(text) + 1)
    return np.where(letters, places - np.maximum.accumulate(np.where(letters, 0, places)), 0)


def line_positions(text: str) -> IntArray:
    r"""Say how many characters of its line stand before each; a newline belongs to the line that it ends.

    >>> line_positions("ab\nc").tolist()
    [0, 1, 2, 0]
    """
    places = np.arange(len(text))
    after_newline = np.concatenate([[0], _kinds_by_character(text)[:-1] == NEWLINE]) > 0 if text else places > 0
    return places - np.maximum.accumulate(np.where(after_newline, places, 0))


def bracket_distances(text: str) -> IntArray:
    """Say how far back the bracket stands that each closing bracket closes; 0 for all else, -1 without one.

    >>> bracket_distances("(a[b])").tolist()
    [0, 0, 0, 0, 2, 5]
    """
    distances = np.zeros(len(text), np.int64)
    opened: list[tuple[str, int]] = []
    open_now: Counter[str] = Counter()
    for place in np.flatnonzero(np.isin(_kinds_by_character(text), (OPENER, CLOSER))).tolist():
        mark = text[place]
        if mark not in OPENERS:
            opened.append((mark, place))
            open_now[mark] += 1
        else:
            distances[place] = -1
            # It closes the nearest of its kind, and whatever was opened since; without one, nothing.
            while open_now[OPENERS[mark]] and distances[place] < 0:
                opener, begin = opened.pop()
                open_now[opener] -= 1
                distances[place] = place - begin if opener == OPENERS[mark] else -1
    return distances


def _kinds_by_character(text: str) -> IntArray:
    """Say which of KINDS each character is by itself, a letter being a first letter."""
    by_character = {character: _kind(character) for character in set(text)}
    return np.fromiter(map(by_character.__getitem__, text), np.int64, len(text))


def _kind(character: str) -> int:
    if character == "\n":
        return NEWLINE
    if character in OPENERS or character in OPENERS.values():
        return CLOSER if character in OPENERS else OPENER
    if character.isspace():
        return SPACE
    major = category(character)[0]
    if major == "N":
        return DIGIT
    return LETTER if major in "LM" else PUNCTUATION


# The breakdown

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
