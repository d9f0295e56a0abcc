"""Scores of every cell for every concept, and a finding for the best of them."""

from dataclasses import dataclass

import numpy as np

from charrnn.errors import CharrnnError
from charrnn.inspection.search.finding import Finding
from charrnn.inspection.search.splits import ConceptCodes, Positions, SplitStreams, StreamMask
from charrnn.inspection.search.statistics import ConceptSums, Numbers
from charrnn.inspection.search.sufficient_statistics import SufficientStatistics

MAX_LISTED_CELLS = 20
"""cells named for each concept"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """How H cells follow K concepts."""

    selection: Numbers
    """by which they are chosen, on discovery streams alone: the fit and the memory count alike; -inf for dead cells
    (K, H)"""
    fit: Numbers
    """on confirmation streams (K, H)"""
    memory: Numbers
    """beyond the last three characters (K, H)"""

    @classmethod
    def of(cls, statistics: SufficientStatistics) -> "Scores":
        """Take all scores from the sums."""
        streams = statistics.streams
        numbers = range(len(statistics.codings))
        halves = {"train": streams.discovery, "test": streams.confirmation}
        fit = np.array([statistics.of_concept(number).selection_score(streams) for number in numbers])
        before, memory = zip(*map(statistics.partial_ev, numbers), strict=True)
        return cls(
            selection=fit + np.array(before),
            fit=np.array([statistics.of_concept(number).explained_variance(**halves) for number in numbers]),
            memory=np.array(memory),
        )

    def best(self) -> tuple[Numbers, Numbers]:
        """Give fit and memory of the cell that was chosen for each concept (K,), (K,); 0 if no cell moves."""
        chosen = np.arange(len(self.fit)), self.selection.argmax(axis=1)
        moves = np.isfinite(self.selection[chosen])
        return np.where(moves, self.fit[chosen], 0.0), np.where(moves, self.memory[chosen], 0.0)

    def ranked(self, number: int) -> Positions:
        """Put the living cells in the order of preference, equals in their own (CharrnnError if there is none)."""
        preference = self.selection[number]
        ranked = np.argsort(-preference, kind="stable")[: int(np.isfinite(preference).sum())]
        if not len(ranked):
            raise CharrnnError("no cell of this model moves on this text", hint="train the model first")
        return ranked

    def rival(self, number: int, cell: int, among: list[int]) -> int | None:
        """Choose, of these concepts, the other one that explains most of a cell."""
        candidates = [candidate for candidate in among if candidate != number]
        return max(candidates, key=lambda candidate: float(self.fit[candidate, cell]), default=None)


def make_finding(statistics: SufficientStatistics, scores: Scores, number: int, cell: int, hidden: int) -> Finding:
    """Say what the evidence knows of a concept and a cell."""
    streams, coding, sums = statistics.streams, statistics.codings[number], statistics.of_concept(number).of(cell)
    concept = coding.concept
    error = sums.standard_error(train=streams.discovery, test=streams.confirmation)
    ranked = scores.ranked(number)[:MAX_LISTED_CELLS].tolist()
    return Finding(
        concept=concept.name,
        description=concept.description,
        family=concept.family,
        uses_future=concept.uses_future,
        cell=format_cell(cell, hidden),
        sign=_sign(sums, coding, streams),
        fit=float(scores.fit[number, cell]),
        fit_se=float(error[0]),
        memory=float(scores.memory[number, cell]),
        tuning=_tuning_curve(sums, coding, streams.discovery, float(statistics.center[cell])),
        episodes=int(coding.episodes.sum()),
        top=tuple(
            (format_cell(ranked_cell, hidden), float(scores.fit[number, ranked_cell])) for ranked_cell in ranked
        ),
    )


def format_cell(number: int, hidden: int) -> str:
    """Name a cell by its place among all layers' cells: layer.unit, layers from 1, units from 0.

    >>> format_cell(300, hidden=256)
    '2.44'
    """
    return f"{number // hidden + 1}.{number % hidden}"


def _tuning_curve(
    sums: ConceptSums, coding: ConceptCodes, discovery: StreamMask, center: float
) -> tuple[tuple[float, float], ...]:
    """Give the levels that the concept had on discovery streams, and the cell's mean at each."""
    means = sums.means(discovery)[:, 0] + center
    came = sums.counts[discovery].sum(axis=0) > 0
    points = zip(coding.levels, means.tolist(), came, strict=True)
    return tuple((level, mean) for level, mean, present in points if present)


def _sign(sums: ConceptSums, coding: ConceptCodes, streams: SplitStreams) -> int:
    """Say whether the cell rises or falls with the concept: by the covariance of its means with the levels."""
    means, counts = sums.means(streams.discovery)[:, 0], sums.counts[streams.discovery].sum(axis=0)
    levels = np.array(coding.levels)
    return -1 if counts @ ((levels - counts @ levels / counts.sum()) * means) < 0 else 1
