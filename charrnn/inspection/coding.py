"""A concept's marks in the streams of a text, as few enough codes to count by.

What the codes explain of a cell is left to the evidence.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts import Concept, Kind, Marks
from charrnn.inspection.streams import SplitStreams

Codes = NDArray[np.uint8]
Counts = NDArray[np.int64]
CodeLevels = NDArray[np.float32]

MAX_CODES = 16
MAX_DEPTH = 8
"""depths from here on are one"""
MIN_EPISODES = 30
MIN_STREAMS_WITH_CONCEPT = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptCodes:
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

    def has_enough_evidence(self, streams: SplitStreams) -> bool:
        """Say whether there is evidence to speak of: it counts in episodes, not in characters."""
        halves = (self.episodes[streams.discovery].sum(), self.episodes[streams.confirmation].sum())
        return bool(min(halves) >= MIN_EPISODES and self.present.sum() >= MIN_STREAMS_WITH_CONCEPT)

    @property
    def labels(self) -> CodeLevels:
        """The concept as a number: each code's level (T, B)."""
        levels = np.array(self.levels, dtype=np.float32)
        labels: CodeLevels = levels[self.codes]
        return labels

    def subsample(self, steps: int | None = None, every: int = 1) -> "ConceptCodes":
        """Give the coding of the streams' first steps alone, or of one step in so many."""
        return replace(self, codes=self.codes[:steps:every])


def quantize_marks(concept: Concept, marks: Marks, streams: SplitStreams) -> ConceptCodes:
    """Cut the marks of a text (its length,) into its streams and code them.

    A counter is binned by sixteenths of the discovery streams' characters; bins for rates that the
    confirmation streams had a say in would let them confirm themselves.
    """
    scored = marks[streams.scored()]
    discovery_marks = scored[:, streams.discovery]
    edges = _code_edges(concept.kind, discovery_marks)
    codes = np.searchsorted(edges, scored, side="right").astype(np.uint8)
    return ConceptCodes(
        concept=concept,
        codes=codes,
        levels=_levels(codes[:, streams.discovery], discovery_marks, count=len(edges) + 1),
        episodes=count_episodes(scored),
        present=scored.max(axis=0) > 0,
    )


def count_episodes(marks: Marks) -> Counts:
    """Count the ends of episodes, where the mark falls: a quote closes, a counter begins again, a depth drops.

    Marks (T, B) -> (B,).
    """
    ends: Counts = (marks[1:] < marks[:-1]).sum(axis=0)
    return ends


def _code_edges(kind: Kind, marks: Marks) -> Marks:
    """Give the smallest mark of each code but the first."""
    if kind == "binary":
        return np.array([1])
    if kind == "depth":
        return np.arange(1, min(int(marks.max()), MAX_DEPTH) + 1)
    ranks = np.arange(1, MAX_CODES) / MAX_CODES
    edges = np.unique(np.quantile(marks, ranks, method="inverted_cdf"))
    above: Marks = edges[edges > marks.min()].astype(np.int64)
    return above


def _levels(codes: Codes, marks: Marks, *, count: int) -> tuple[float, ...]:
    """Take the mean mark of each code; of a code that never came, 0."""
    times = np.bincount(codes.ravel(), minlength=count)
    total = np.bincount(codes.ravel(), weights=marks.ravel(), minlength=count)
    return tuple((total / np.maximum(times, 1)).tolist())
