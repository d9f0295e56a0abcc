"""What a concept explains of cells, from each cell's sums by the concept's codes.

How the sums are taken is left to the evidence.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.streams import Choice, Streams

Numbers = NDArray[np.float64]

DEAD = 1e-6
"""a cell with less variance than this explains nothing and is explained by nothing"""


@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptSums:
    """What is known of H cells by the C codes of one concept, in each of B streams."""

    sums: Numbers
    """each cell's sum by code (B, C, H)"""
    counts: Numbers
    """characters by code (B, C)"""
    squares: Numbers
    """each cell's sum of squares (B, H)"""

    def of(self, cell: int) -> "ConceptSums":
        """Pick out one cell."""
        one = slice(cell, cell + 1)
        return ConceptSums(sums=self.sums[:, :, one], counts=self.counts, squares=self.squares[:, one])

    def means(self, streams: Choice) -> Numbers:
        """Take the cells' mean by code in these streams, their tuning curves (C, H).

        A code that never came there has the mean of all.
        """
        sums, counts = self.sums[streams].sum(axis=0), self.counts[streams].sum(axis=0)[:, None]
        overall = sums.sum(axis=0) / counts.sum()
        means: Numbers = np.where(counts > 0, sums / np.maximum(counts, 1.0), overall)
        return means

    def variance(self, streams: Choice) -> Numbers:
        """Take the cells' variance in these streams (H,)."""
        count = self.counts[streams].sum()
        mean = self.sums[streams].sum(axis=(0, 1)) / count
        spread: Numbers = self.squares[streams].sum(axis=0) / count - mean**2
        return np.maximum(spread, 0.0)

    def alive(self, streams: Choice) -> Choice:
        """Say which cells move at all in these streams (H,)."""
        moves: Choice = self.variance(streams) >= DEAD
        return moves

    def explained(self, *, learnt: Choice, scored: Choice) -> Numbers:
        """Score what code means learnt in some streams explain of the cells in others (H,).

        Explained variance, 1 - SSE/SST with SSE = Q - 2 Σ m_c S_c + Σ n_c m_c²: 1 where the cell is the
        concept, 0 for nothing, below 0 where what was learnt did not carry over; 0 for a dead cell.
        """
        means = self.means(learnt)
        sums, counts = self.sums[scored].sum(axis=0), self.counts[scored].sum(axis=0)
        error = self.squares[scored].sum(axis=0) - 2.0 * (means * sums).sum(axis=0) + counts @ means**2
        alive = self.alive(scored) & self.alive(learnt)
        total = np.where(alive, self.variance(scored) * counts.sum(), 1.0)
        return np.where(alive, 1.0 - error / total, 0.0)

    def standard_error(self, *, learnt: Choice, scored: Choice) -> Numbers:
        """Judge how far `explained` is from what other text would give (H,).

        A jackknife over whole streams (Künsch 1989): neighbouring characters are no independent evidence.
        """
        left_out = [
            self.explained(learnt=learnt, scored=_without(scored, one)) for one in np.flatnonzero(scored).tolist()
        ]
        count = len(left_out)
        error: Numbers = np.sqrt((count - 1) * np.var(np.array(left_out), axis=0))
        return error

    def preference(self, streams: Streams) -> Numbers:
        """Rank the cells inside discovery, each half scored by what the other learnt (H,); -inf for a dead cell.

        Choosing on the streams of the final score would report the luckiest cell, not the best.
        """
        one, other = streams.discovery_halves
        score = self.explained(learnt=one, scored=other) + self.explained(learnt=other, scored=one)
        return np.where(self.alive(streams.discovery), score / 2.0, -np.inf)


def _without(streams: Choice, one: int) -> Choice:
    rest = streams.copy()
    rest[one] = False
    return rest
