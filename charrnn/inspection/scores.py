"""The scores of every cell by every concept, and what is found of the best of them.

What a finding is worth is left to the controls, the causes and the verdicts.
"""

from dataclasses import dataclass

import numpy as np

from charrnn.errors import CharrnnError
from charrnn.inspection.coding import Coding
from charrnn.inspection.evidence import Evidence
from charrnn.inspection.finding import Finding
from charrnn.inspection.streams import Choice, Positions, Streams
from charrnn.inspection.sums import ConceptSums, Numbers

LISTED = 20
"""cells named for each concept"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """How H cells follow K concepts."""

    preference: Numbers
    """by which they are chosen, on discovery streams alone: the fit and the memory count alike; -inf for dead cells
    (K, H)"""
    fit: Numbers
    """on confirmation streams (K, H)"""
    memory: Numbers
    """beyond the last three characters (K, H)"""

    @classmethod
    def of(cls, evidence: Evidence) -> "Scores":
        """Take all scores from the sums."""
        streams = evidence.streams
        numbers = range(len(evidence.codings))
        halves = {"learnt": streams.discovery, "scored": streams.confirmation}
        fit = np.array([evidence.about(number).preference(streams) for number in numbers])
        before, memory = zip(*map(evidence.memory, numbers), strict=True)
        return cls(
            preference=fit + np.array(before),
            fit=np.array([evidence.about(number).explained(**halves) for number in numbers]),
            memory=np.array(memory),
        )

    def best(self) -> tuple[Numbers, Numbers]:
        """Give fit and memory of the cell that was chosen for each concept (K,), (K,); 0 if no cell moves."""
        chosen = np.arange(len(self.fit)), self.preference.argmax(axis=1)
        moves = np.isfinite(self.preference[chosen])
        return np.where(moves, self.fit[chosen], 0.0), np.where(moves, self.memory[chosen], 0.0)

    def ranked(self, number: int) -> Positions:
        """Put the living cells in the order of preference, equals in their own (CharrnnError if there is none)."""
        preference = self.preference[number]
        ranked = np.argsort(-preference, kind="stable")[: int(np.isfinite(preference).sum())]
        if not len(ranked):
            raise CharrnnError("no cell of this model moves on this text", hint="train the model first")
        return ranked

    def rival(self, number: int, cell: int, among: list[int]) -> int | None:
        """Choose, of these concepts, the other one that explains most of a cell."""
        others = [other for other in among if other != number]
        return max(others, key=lambda other: float(self.fit[other, cell]), default=None)


def described(evidence: Evidence, scores: Scores, number: int, cell: int, hidden: int) -> Finding:
    """Say what the evidence knows of a concept and a cell."""
    streams, coding, about = evidence.streams, evidence.codings[number], evidence.about(number).of(cell)
    concept = coding.concept
    error = about.standard_error(learnt=streams.discovery, scored=streams.confirmation)
    ranked = scores.ranked(number)[:LISTED].tolist()
    return Finding(
        concept=concept.name,
        description=concept.description,
        family=concept.family,
        uses_future=concept.uses_future,
        cell=cell_name(cell, hidden),
        sign=_sign(about, coding, streams),
        fit=float(scores.fit[number, cell]),
        fit_se=float(error[0]),
        memory=float(scores.memory[number, cell]),
        tuning=_tuning(about, coding, streams.discovery, float(evidence.centre[cell])),
        episodes=int(coding.episodes.sum()),
        top=tuple((cell_name(one, hidden), float(scores.fit[number, one])) for one in ranked),
    )


def cell_name(number: int, hidden: int) -> str:
    """Name a cell by its place among all layers' cells: layer.unit, layers from 1, units from 0.

    >>> cell_name(300, hidden=256)
    '2.44'
    """
    return f"{number // hidden + 1}.{number % hidden}"


def _tuning(about: ConceptSums, coding: Coding, discovery: Choice, centre: float) -> tuple[tuple[float, float], ...]:
    """Give the levels that the concept had on discovery streams, and the cell's mean at each."""
    means = about.means(discovery)[:, 0] + centre
    came = about.counts[discovery].sum(axis=0) > 0
    points = zip(coding.levels, means.tolist(), came, strict=True)
    return tuple((level, mean) for level, mean, present in points if present)


def _sign(about: ConceptSums, coding: Coding, streams: Streams) -> int:
    """Say whether the cell rises or falls with the concept: by the covariance of its means with the levels."""
    means, counts = about.means(streams.discovery)[:, 0], about.counts[streams.discovery].sum(axis=0)
    levels = np.array(coding.levels)
    return -1 if counts @ ((levels - counts @ levels / counts.sum()) * means) < 0 else 1
