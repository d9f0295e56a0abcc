"""What a concept explains of cells, from each cell's sums by the concept's codes.

How the sums are taken is left to the evidence.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.streams import SplitStreams, StreamMask

Numbers = NDArray[np.float64]

DEAD_VARIANCE = 1e-6
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
        columns = slice(cell, cell + 1)
        return ConceptSums(sums=self.sums[:, :, columns], counts=self.counts, squares=self.squares[:, columns])

    def means(self, streams: StreamMask) -> Numbers:
        """Take the cells' mean by code in these streams, their tuning curves (C, H).

        A code that never came there has the mean of all.
        """
        sums, counts = self.sums[streams].sum(axis=0), self.counts[streams].sum(axis=0)[:, None]
        overall = sums.sum(axis=0) / counts.sum()
        means: Numbers = np.where(counts > 0, sums / np.maximum(counts, 1.0), overall)
        return means

    def variance(self, streams: StreamMask) -> Numbers:
        """Take the cells' variance in these streams (H,)."""
        count = self.counts[streams].sum()
        mean = self.sums[streams].sum(axis=(0, 1)) / count
        spread: Numbers = self.squares[streams].sum(axis=0) / count - mean**2
        return np.maximum(spread, 0.0)

    def alive(self, streams: StreamMask) -> StreamMask:
        """Say which cells move at all in these streams (H,)."""
        moves: StreamMask = self.variance(streams) >= DEAD_VARIANCE
        return moves

    def explained_variance(self, *, train: StreamMask, test: StreamMask) -> Numbers:
        """Score what code means learnt in some streams explain of the cells in others (H,).

        Explained variance, 1 - SSE/SST with SSE = Q - 2 Σ m_c S_c + Σ n_c m_c²: 1 where the cell is the
        concept, 0 for nothing, below 0 where what was learnt did not carry over; 0 for a dead cell.
        """
        means = self.means(train)
        sums, counts = self.sums[test].sum(axis=0), self.counts[test].sum(axis=0)
        error = self.squares[test].sum(axis=0) - 2.0 * (means * sums).sum(axis=0) + counts @ means**2
        alive = self.alive(test) & self.alive(train)
        total = np.where(alive, self.variance(test) * counts.sum(), 1.0)
        return np.where(alive, 1.0 - error / total, 0.0)

    def standard_error(self, *, train: StreamMask, test: StreamMask) -> Numbers:
        """Judge how far `explained_variance` is from what other text would give (H,).

        A jackknife over whole streams (Künsch 1989): neighbouring characters are no independent evidence.
        """
        left_out = [
            self.explained_variance(train=train, test=_without(test, stream))
            for stream in np.flatnonzero(test).tolist()
        ]
        count = len(left_out)
        error: Numbers = np.sqrt((count - 1) * np.var(np.array(left_out), axis=0))
        return error

    def selection_score(self, streams: SplitStreams) -> Numbers:
        """Rank the cells inside discovery, each half scored by what the other learnt (H,); -inf for a dead cell.

        Choosing on the streams of the final score would report the luckiest cell, not the best.
        """
        first_half, second_half = streams.discovery_halves
        score = self.explained_variance(train=first_half, test=second_half) + self.explained_variance(
            train=second_half, test=first_half
        )
        return np.where(self.alive(streams.discovery), score / 2.0, -np.inf)


def _without(streams: StreamMask, stream: int) -> StreamMask:
    rest = streams.copy()
    rest[stream] = False
    return rest
