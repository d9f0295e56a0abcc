"""A concept's marks in the streams of a text, as few enough codes to count by.

What the codes explain of a cell is left to the evidence.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts import Concept, Kind, Marks
from charrnn.inspection.streams import Streams

Codes = NDArray[np.uint8]
Counts = NDArray[np.int64]
Labels = NDArray[np.float32]

MOST_CODES = 16
DEEPEST = 8
"""depths from here on are one"""
EPISODES_NEEDED = 30
STREAMS_NEEDED = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class Coding:
    """One concept in C codes, at most 16, over B streams of T scored characters."""

    concept: Concept
    """whose marks these are"""
    codes: Codes
    """(T, B), numbers from 0 to C - 1, in the least memory: there are many concepts and long texts"""
    levels: tuple[float, ...]
    """the mean mark of each code on discovery streams (C,)"""
    episodes: Counts
    """complete episodes of each stream (B,)"""
    present: NDArray[np.bool_]
    """whether it was ever above 0 in a stream (B,)"""

    def enough(self, streams: Streams) -> bool:
        """Say whether there is evidence to speak of: it counts in episodes, not in characters."""
        halves = (self.episodes[streams.discovery].sum(), self.episodes[streams.confirmation].sum())
        return bool(min(halves) >= EPISODES_NEEDED and self.present.sum() >= STREAMS_NEEDED)

    @property
    def labels(self) -> Labels:
        """The concept as a number: each code's level (T, B)."""
        levels = np.array(self.levels, dtype=np.float32)
        labels: Labels = levels[self.codes]
        return labels

    def shortened(self, steps: int | None = None, every: int = 1) -> "Coding":
        """Give the coding of the streams' first steps alone, or of one step in so many."""
        return replace(self, codes=self.codes[:steps:every])


def code(concept: Concept, marks: Marks, streams: Streams) -> Coding:
    """Cut the marks of a text (its length,) into its streams and code them.

    A counter is binned by sixteenths of the discovery streams' characters; bins for rates that the
    confirmation streams had a say in would let them confirm themselves.
    """
    scored = marks[streams.scored()]
    seen = scored[:, streams.discovery]
    edges = _edges(concept.kind, seen)
    codes = np.searchsorted(edges, scored, side="right").astype(np.uint8)
    return Coding(
        concept=concept,
        codes=codes,
        levels=_levels(codes[:, streams.discovery], seen, count=len(edges) + 1),
        episodes=count_episodes(scored),
        present=scored.max(axis=0) > 0,
    )


def count_episodes(marks: Marks) -> Counts:
    """Count the ends of episodes, where the mark falls: a quote closes, a counter begins again, a depth drops.

    Marks (T, B) -> (B,).
    """
    ends: Counts = (marks[1:] < marks[:-1]).sum(axis=0)
    return ends


def _edges(kind: Kind, seen: Marks) -> Marks:
    """Give the smallest mark of each code but the first."""
    if kind == "binary":
        return np.array([1])
    if kind == "depth":
        return np.arange(1, min(int(seen.max()), DEEPEST) + 1)
    ranks = np.arange(1, MOST_CODES) / MOST_CODES
    edges = np.unique(np.quantile(seen, ranks, method="inverted_cdf"))
    above: Marks = edges[edges > seen.min()].astype(np.int64)
    return above


def _levels(codes: Codes, seen: Marks, *, count: int) -> tuple[float, ...]:
    """Take the mean mark of each code; of a code that never came, 0."""
    times = np.bincount(codes.ravel(), minlength=count)
    total = np.bincount(codes.ravel(), weights=seen.ravel(), minlength=count)
    return tuple((total / np.maximum(times, 1)).tolist())
