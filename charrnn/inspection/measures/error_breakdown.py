"""Error breakdown: the loss by character class, position in word and line, and distance to the opening bracket.

After the error analysis of Karpathy, Johnson and Li 2015, section 4.4 (arXiv:1506.02078).
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Unpack
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.scanner import OPENERS
from charrnn.inspection.measures.provenance import DIGITS, Provenance, SourceNames, rounded_fields
from charrnn.text.ngram import NGramPredictions

# Kinds of characters and their distances from the beginning of their word, line or bracket; all arrays are (T,)

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
    """Return the index into CHAR_KINDS of each character (T,); a combining mark counts as a letter."""
    context_free_kinds = _kinds_by_character(text)
    words = word_positions(text)
    return np.where(words > 0, LETTER + np.minimum(words, 3) - 1, context_free_kinds)


def word_positions(text: str) -> IntArray:
    """Return the position of each letter in its word, from 1; 0 for other characters (T,).

    >>> word_positions("to be.").tolist()
    [1, 2, 0, 1, 2, 0]
    """
    letters = _kinds_by_character(text) == LETTER
    positions = np.arange(1, len(text) + 1)
    return np.where(letters, positions - np.maximum.accumulate(np.where(letters, 0, positions)), 0)


def line_positions(text: str) -> IntArray:
    r"""Return the position of each character in its line, from 0 (T,); a newline belongs to the line that it ends.

    >>> line_positions("ab\nc").tolist()
    [0, 1, 2, 0]
    """
    positions = np.arange(len(text))
    after_newline = np.concatenate([[0], _kinds_by_character(text)[:-1] == NEWLINE]) > 0 if text else positions > 0
    return positions - np.maximum.accumulate(np.where(after_newline, positions, 0))


def bracket_distances(text: str) -> IntArray:
    """Return the distance of each closing bracket to its opening bracket (T,).

    It is -1 for a closing bracket without an opening one, and 0 for all other characters.

    >>> bracket_distances("(a[b])").tolist()
    [0, 0, 0, 0, 2, 5]
    """
    distances = np.zeros(len(text), np.int64)
    opened: list[tuple[str, int]] = []
    open_now: Counter[str] = Counter()
    for position in np.flatnonzero(np.isin(_kinds_by_character(text), (OPENER, CLOSER))).tolist():
        bracket = text[position]
        if bracket not in OPENERS:
            opened.append((bracket, position))
            open_now[bracket] += 1
        else:
            distances[position] = -1
            # A closer closes the nearest opener of its kind and all brackets opened after that one.
            while open_now[OPENERS[bracket]] and distances[position] < 0:
                opener, begin = opened.pop()
                open_now[opener] -= 1
                distances[position] = position - begin if opener == OPENERS[bracket] else -1
    return distances


def _kinds_by_character(text: str) -> IntArray:
    """Return the kind of each character regardless of its context (T,); every letter is a first letter."""
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

BRACKETS = "distance to opening bracket"
"""name of the grouping of closing brackets"""
WORD_EDGES = (1, 2, 3, 4, 5, 6, 7, 10)
"""lower bin edges of the position in the word"""
LINE_EDGES = (0, 1, 2, 4, 8, 16, 32, 64, 128)
"""lower bin edges of the position in the line"""
DISTANCE_EDGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""lower bin edges of the distance to the opening bracket, in characters"""


@dataclass(frozen=True, kw_only=True)
class Group:
    """The loss on the characters of one group."""

    name: str
    """name of the group"""
    characters: int
    """number of characters in the group"""
    bits: float
    """total loss in bits"""
    probability: float
    """mean probability that the model assigned to the characters"""
    ngram_bits: float | None
    """total loss of the n-gram model in bits; None if there is no n-gram model"""
    ngram_probability: float | None
    """mean probability that the n-gram model assigned; None if there is no n-gram model"""

    @property
    def bits_per_char(self) -> float:
        """The mean loss in bits per character."""
        return self.bits / self.characters

    @property
    def ngram_bits_per_char(self) -> float | None:
        """The mean loss of the n-gram model in bits per character."""
        return None if self.ngram_bits is None else self.ngram_bits / self.characters

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON."""
        names = "bits", "bits_per_char", "probability", "ngram_bits_per_char", "ngram_probability"
        return {"name": self.name, "characters": self.characters, **rounded_fields(self, *names)}


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """The characters of a text divided into groups by one property."""

    by: str
    """name of the property"""
    groups: tuple[Group, ...]
    """groups with at least one character"""


@dataclass(frozen=True, kw_only=True)
class ErrorBreakdown(Provenance):
    """The loss of a text by groups of characters, without the first character, which has no prediction."""

    bits: float
    """total loss in bits"""
    order: int | None
    """order of the n-gram model for comparison; None if there is none"""
    learned_from: int
    """number of characters of which the n-grams were counted"""
    ngram_bits: float | None
    """total loss of the n-gram model in bits; None if there is none"""
    groupings: tuple[Grouping, ...]
    """groupings by kind, by position in the word, by position in the line and by distance to the opening bracket"""

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON."""
        ngram = None
        if self.order is not None and self.ngram_bits is not None:
            bits = round(self.ngram_bits / self.characters, DIGITS)
            ngram = {"order": self.order, "learned_from": self.learned_from, "bits_per_char": bits}
        return {
            "view": "errors",
            **self.provenance(),
            "bits_per_char": round(self.bits / self.characters, DIGITS),
            "ngram": ngram,
            "by": {grouping.by: [group.to_json() for group in grouping.groups] for grouping in self.groupings},
        }


def break_down_errors(
    content: str,
    nats: NDArray[np.floating],
    *,
    counted: NGramPredictions | None = None,
    **source: Unpack[SourceNames],
) -> ErrorBreakdown:
    """Return the breakdown of the loss on all characters but the first: content of T characters, nats (T - 1,)."""
    losses = _GroupLosses(nats, counted)
    return ErrorBreakdown(
        **source,
        characters=len(nats),
        bits=float(losses.bits.sum()),
        order=counted.order if counted else None,
        learned_from=counted.learned_from if counted else 0,
        ngram_bits=None if losses.ngram_bits is None else float(losses.ngram_bits.sum()),
        groupings=tuple(
            Grouping(by=by, groups=tuple(losses.groups(labels, names))) for by, labels, names in _groupings(content)
        ),
    )


def _groupings(content: str) -> Iterator[tuple[str, Labels, Sequence[str]]]:
    """Yield for each grouping its property, the group of each character but the first, and the names of the groups.

    The groups are indices into the names (T - 1,); -1 stands for no group.
    """
    yield "kind", char_kinds(content)[1:], CHAR_KINDS
    for by, positions, edges in (
        ("letter of word", word_positions(content), WORD_EDGES),
        ("place in line", line_positions(content), LINE_EDGES),
        (BRACKETS, bracket_distances(content), DISTANCE_EDGES),
    ):
        yield by, np.searchsorted(edges, positions[1:], side="right") - 1, bin_names(edges)


def bin_names(edges: Sequence[int]) -> list[str]:
    """Return the names of integer bins with the given lower edges; the last bin has no upper edge.

    >>> bin_names((0, 1, 2, 4, 8))
    ['0', '1', '2-3', '4-7', '8 and more']
    """
    names = [f"{low}" if high == low + 1 else f"{low}-{high - 1}" for low, high in pairwise(edges)]
    return [*names, f"{edges[-1]} and more"]


class _GroupLosses:
    """The loss of each predicted character in bits (T - 1,), by the model and by the n-gram model if there is one."""

    def __init__(self, nats: NDArray[np.floating], counted: NGramPredictions | None) -> None:
        self.bits = nats.astype(np.float64) / math.log(2)
        self.ngram_bits = None if counted is None else -np.log2(counted.probabilities)

    def groups(self, labels: Labels, names: Sequence[str]) -> Iterator[Group]:
        """Yield the group of each label that occurs; labels (T - 1,) are indices into the names."""
        for label, name in enumerate(names):
            members = labels == label
            if members.any():
                bits = self.bits[members]
                ngram_bits = None if self.ngram_bits is None else self.ngram_bits[members]
                yield Group(
                    name=name,
                    characters=int(members.sum()),
                    bits=float(bits.sum()),
                    probability=float(np.exp2(-bits).mean()),
                    ngram_bits=None if ngram_bits is None else float(ngram_bits.sum()),
                    ngram_probability=None if ngram_bits is None else float(np.exp2(-ngram_bits).mean()),
                )
