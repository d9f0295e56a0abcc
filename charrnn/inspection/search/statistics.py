"""Statistics of cells and concepts: explained variance, partial explained variance and rank correlation."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.splits import SplitStreams, StreamMask

# Explained variance of a cell, from its sums by the codes of a concept

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


# Partial explained variance: what a concept explains beyond the last three characters, or beyond another concept,
# given as one group per character

Sums = NDArray[np.floating]
IntArray = NDArray[np.integer]

ZERO_VARIANCE = 1e-6
"""variance that is left by no more than rounding"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Residuals:
    """What groups leave: codes Z (T, C), one-hot, and cells A (T, H), all around their group's means."""

    spread: Numbers
    """W = ZᵀZ (C, C)"""
    together: Numbers
    """ZᵀA (C, H)"""
    squares: Numbers
    """of each cell (H,)"""
    characters: int
    """T"""

    def slopes(self) -> Numbers:
        """Regress the cells on the codes: β = W⁺ZᵀA (C, H)."""
        values, vectors = np.linalg.eigh(self.spread)
        # counts are whole numbers: a direction with less than this has none, only rounding
        real = values > 1e-9 * self.characters
        along = vectors[:, real]
        slopes: Numbers = along @ ((along.T @ self.together) / values[real, None])
        return slopes


def residualize(
    groups: IntArray, codes: IntArray, *, by_code: Numbers, by_group: Sums, squares: Numbers
) -> Residuals:
    """Take the means of each of G groups out of codes and cells.

    groups, codes (T,); the cells' sums by code (C, H) and by group (G, H); their sums of squares around the means
    of their groups (H,), see `residual_squares`.
    """
    shape = (len(by_group), len(by_code))
    joint = np.bincount(groups.astype(np.int64) * shape[1] + codes, minlength=shape[0] * shape[1])
    counts = joint.reshape(shape).astype(np.float64)
    sizes = np.maximum(counts.sum(axis=1), 1.0)[:, None]
    share = counts / sizes
    return Residuals(
        spread=np.diag(counts.sum(axis=0)) - share.T @ counts,
        together=by_code - share.T.astype(by_group.dtype) @ by_group,
        squares=squares,
        characters=len(codes),
    )


def residual_squares(squares: Numbers, by_group: Sums, sizes: Numbers) -> Numbers:
    """Take groups' means out of sums of squares (H,): sums by group (G, H), characters in each (G,) -> (H,)."""
    return squares - group_products(by_group, by_group, 1.0 / np.maximum(sizes, 1.0))


def group_products(left: Sums, right: Sums, weights: Numbers) -> Numbers:
    """Sum products over groups, in double precision and little memory: (G, H), (G, H), (G,) -> (H,)."""
    total: Numbers = np.einsum("gh,gh,g->h", left, right, weights, dtype=np.float64)
    return total


def partial_explained_variance(train: Residuals, test: Residuals) -> Numbers:
    """Explain what the groups leave of the cells' variance by a concept's codes: partial EV (H,).

    Around 0 a cell knows no more than the groups say, around 1 it is the concept; below 0 what was learnt did not
    carry over. With the slopes β of one text and W, b, aᵀa of another the share is (2βᵀb - βᵀWβ) / aᵀa: a
    regression's within-group R², out of sample.
    """
    slopes = train.slopes()
    gained = (slopes * (2.0 * test.together - test.spread @ slopes)).sum(axis=0)
    something = test.squares >= ZERO_VARIANCE * test.characters
    share: Numbers = np.where(something, gained / np.where(something, test.squares, 1.0), 0.0)
    return share


# Rank correlation

Signals = NDArray[Any]


def rank_correlation(left: Signals, right: Signals) -> float | None:
    """Compare the order of two lists of numbers, inf among them (Spearman 1904); None if one is all alike.

    >>> rank_correlation(np.array([1.0, 2.0, np.inf]), np.array([10.0, 30.0, 40.0]))
    1.0
    """
    if len(left) < 2:
        return None
    first, second = _ranks(left), _ranks(right)
    if not first.any() or not second.any():
        return None
    return round(float(first @ second / np.sqrt((first @ first) * (second @ second))), 12)


def _ranks(values: Signals) -> Numbers:
    """Give the ranks less their mean, equals sharing theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    centered: Numbers = ranks - ranks.mean()
    return centered if len(counts) > 1 else np.zeros_like(ranks)
