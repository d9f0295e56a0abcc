"""Firing: how often a cell is on where its concept holds and where not, or how well the two are ordered alike.

From a sample of the characters: what a cell did at each of them is too much to keep of all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.autocorrelation import rank_correlation
from charrnn.inspection.coding import ConceptCodes
from charrnn.inspection.evidence import Activations
from charrnn.inspection.streams import SplitStreams

MAX_SAMPLED_CHARS = 8_000
"""in the sample"""

Values = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Selectivity:
    """What a cell does about a concept on confirmation streams."""

    inside: float | None = None
    """how often it is on where the concept holds; None for numbers"""
    outside: float | None = None
    """how often where it does not"""
    rank_correlation: float | None = None
    """Spearman's ρ with a number; None for what holds or does not"""


class ActivationSample:
    """What all cells did at steps drawn at random, in all streams."""

    def __init__(self, streams: SplitStreams, cells: int, rng: np.random.Generator) -> None:
        steps = streams.length - streams.warm_up
        count = min(steps, MAX_SAMPLED_CHARS // streams.count)
        self._streams = streams
        self._steps = np.sort(rng.choice(steps, size=count, replace=False))
        # half precision is finer than any threshold needs
        self._cells = np.zeros((count, streams.count, cells), dtype=np.float16)

    def accumulate(self, part: Activations, step: int) -> None:
        """Keep what a part (T, B, H) has of the sample."""
        first, stop = np.searchsorted(self._steps, [step, step + len(part)])
        self._cells[first:stop] = part[self._steps[first:stop] - step]

    def selectivity(self, coding: ConceptCodes, cell: int, sign: int) -> Selectivity:
        """Compare a cell with a concept: its threshold is learnt on discovery streams."""
        values = sign * self._cells[:, :, cell].astype(np.float32)
        codes = coding.codes[self._steps]
        train, test = self._streams.discovery, self._streams.confirmation
        if coding.concept.kind != "binary":
            correlation = rank_correlation(values[:, test].ravel(), codes[:, test].ravel())
            return Selectivity(rank_correlation=sign * (correlation or 0.0))
        on = values[:, test] > _youden_threshold(values[:, train].ravel(), codes[:, train].ravel() > 0)
        holds = codes[:, test] > 0
        if holds.all() or not holds.any():
            return Selectivity()
        return Selectivity(inside=float(on[holds].mean()), outside=float(on[~holds].mean()))


def _youden_threshold(values: Values, holds: NDArray[np.bool_]) -> float:
    """Find where a cell above it is likeliest inside and below it outside (Youden 1950): the half-way point there."""
    order = np.argsort(values, kind="stable")
    ranked, inside = values[order], holds[order]
    below_inside, below_outside = np.cumsum(inside), np.cumsum(~inside)
    if not below_inside[-1] or not below_outside[-1]:
        return float(ranked[len(ranked) // 2])
    gain = below_outside / below_outside[-1] - below_inside / below_inside[-1]
    # between equals there is no threshold
    best = int(np.where(np.append(ranked[1:] > ranked[:-1], False), gain, -np.inf).argmax())
    return float((ranked[best] + ranked[min(best + 1, len(ranked) - 1)]) / 2)
