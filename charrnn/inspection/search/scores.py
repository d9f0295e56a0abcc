"""Scores of every cell for every concept: explained variance, partial explained variance, and the selected cells."""

from dataclasses import dataclass

import numpy as np

from charrnn.errors import CharrnnError
from charrnn.inspection.search.finding import Finding
from charrnn.inspection.search.splits import ConceptCodes, Positions, SplitStreams, StreamMask
from charrnn.inspection.search.statistics import ConceptSums, Numbers
from charrnn.inspection.search.sufficient_statistics import SufficientStatistics

MAX_LISTED_CELLS = 20
"""maximum number of cells listed for each concept"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """Scores of H cells for K concepts."""

    selection: Numbers
    """score by which cells are selected, from discovery streams only: explained variance plus partial explained
    variance; -inf for dead cells (K, H)"""
    fit: Numbers
    """explained variance on the confirmation streams (K, H)"""
    memory: Numbers
    """partial explained variance beyond the last three characters on the confirmation streams (K, H)"""

    @classmethod
    def of(cls, statistics: SufficientStatistics) -> "Scores":
        """Return the scores computed from sufficient statistics."""
        streams = statistics.streams
        numbers = range(len(statistics.codings))
        halves = {"train": streams.discovery, "test": streams.confirmation}
        discovery_fit = np.array([statistics.of_concept(number).selection_score(streams) for number in numbers])
        discovery_memory, memory = zip(*map(statistics.partial_ev, numbers), strict=True)
        return cls(
            selection=discovery_fit + np.array(discovery_memory),
            fit=np.array([statistics.of_concept(number).explained_variance(**halves) for number in numbers]),
            memory=np.array(memory),
        )

    def best(self) -> tuple[Numbers, Numbers]:
        """Return the fit and memory of the cell selected for each concept (K,), (K,); 0 if all cells are dead."""
        chosen = np.arange(len(self.fit)), self.selection.argmax(axis=1)
        alive = np.isfinite(self.selection[chosen])
        return np.where(alive, self.fit[chosen], 0.0), np.where(alive, self.memory[chosen], 0.0)

    def ranked(self, number: int) -> Positions:
        """Return the living cells by descending selection score; raise CharrnnError if all cells are dead."""
        selection = self.selection[number]
        ranked = np.argsort(-selection, kind="stable")[: int(np.isfinite(selection).sum())]
        if not len(ranked):
            raise CharrnnError("all cells of this model are constant on this text", hint="train the model first")
        return ranked

    def rival(self, number: int, cell: int, among: list[int]) -> int | None:
        """Return the concept in `among`, other than `number`, that explains most of a cell, or None."""
        candidates = [candidate for candidate in among if candidate != number]
        return max(candidates, key=lambda candidate: float(self.fit[candidate, cell]), default=None)


def make_finding(statistics: SufficientStatistics, scores: Scores, number: int, cell: int, hidden: int) -> Finding:
    """Return the finding of a concept and a cell, without the results of controls and causal tests."""
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
    """Return the name of a cell from its number among all layers' cells: layer.unit, layers from 1, units from 0.

    >>> format_cell(300, hidden=256)
    '2.44'
    """
    return f"{number // hidden + 1}.{number % hidden}"


def _tuning_curve(
    sums: ConceptSums, coding: ConceptCodes, discovery: StreamMask, center: float
) -> tuple[tuple[float, float], ...]:
    """Return the levels that occur on the discovery streams, with the cell's mean at each of them."""
    means = sums.means(discovery)[:, 0] + center
    occurs = sums.counts[discovery].sum(axis=0) > 0
    points = zip(coding.levels, means.tolist(), occurs, strict=True)
    return tuple((level, mean) for level, mean, has_level in points if has_level)


def _sign(sums: ConceptSums, coding: ConceptCodes, streams: SplitStreams) -> int:
    """Return 1 if the cell's mean increases with the concept's level (covariance), otherwise -1."""
    means, counts = sums.means(streams.discovery)[:, 0], sums.counts[streams.discovery].sum(axis=0)
    levels = np.array(coding.levels)
    return -1 if counts @ ((levels - counts @ levels / counts.sum()) * means) < 0 else 1
