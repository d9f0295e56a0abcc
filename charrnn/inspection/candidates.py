"""Places kept while a text streams by: those of the lowest score, each with what a cell did around it.

With the cell's value as the score they are its lowest places, with its negative the highest, with random numbers a
fair sample (the bottom k of random keys). Which of them are shown is left to the contexts.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]
Places = NDArray[np.int64]


class ScoredPlace(NamedTuple):
    """One place that may be shown."""

    score: float
    position: int
    """where in the text"""
    values: Numbers
    """the cell there and on each side (2·AROUND + 1,); nan beyond the text"""


class TopPlaces:
    """The places of the lowest scores so far, of each kind of place only the best."""

    def __init__(self, count: int, kind: Callable[[int], str]) -> None:
        self.count = count
        self.kind = kind
        """what makes two places the same example"""
        self._kept: list[ScoredPlace] = []
        self._bar = np.inf

    def add(self, scores: Numbers, places: Places, windows: Numbers) -> None:
        """Take places (T, B) with their scores (T, B), inf for none, and what the cell did around (T, B, window)."""
        for step, row in zip(*(scores < self._bar).nonzero(), strict=True):
            self._kept.append(
                ScoredPlace(float(scores[step, row]), int(places[step, row]), windows[step, row].copy())
            )
        if len(self._kept) > 4 * self.count:
            self._kept = self.top()
            if len(self._kept) == self.count:
                self._bar = self._kept[-1].score

    def top(self) -> list[ScoredPlace]:
        """Give the places kept, the lowest score first, at most `count`."""
        different: dict[str, ScoredPlace] = {}
        for candidate in sorted(self._kept, key=lambda candidate: (candidate.score, candidate.position)):
            different.setdefault(self.kind(candidate.position), candidate)
        return list(different.values())[: self.count]
