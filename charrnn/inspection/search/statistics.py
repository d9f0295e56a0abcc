"""Statistics of cells and concepts: explained variance, partial explained variance, Spearman's rank correlation."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.splits import SplitStreams, StreamMask

# Explained variance (EV) of a cell by a concept, from sums of the activation by code

Numbers = NDArray[np.float64]

DEAD_VARIANCE = 1e-6
"""variance below which a cell counts as dead: its explained variance is 0"""


@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptSums:
    """Sums of H cells by the C codes of one concept, in each of B streams."""

    sums: Numbers
    """sum of each cell's activation by code (B, C, H)"""
    counts: Numbers
    """characters by code (B, C)"""
    squares: Numbers
    """sum of squares of each cell's activation (B, H)"""

    def of(self, cell: int) -> "ConceptSums":
        """Return the sums of one cell."""
        columns = slice(cell, cell + 1)
        return ConceptSums(sums=self.sums[:, :, columns], counts=self.counts, squares=self.squares[:, columns])

    def means(self, streams: StreamMask) -> Numbers:
        """Return the mean activation by code in these streams, the cells' tuning curves (C, H).

        A code that does not occur in these streams has the overall mean.
        """
        sums, counts = self.sums[streams].sum(axis=0), self.counts[streams].sum(axis=0)[:, None]
        overall = sums.sum(axis=0) / counts.sum()
        means: Numbers = np.where(counts > 0, sums / np.maximum(counts, 1.0), overall)
        return means

    def variance(self, streams: StreamMask) -> Numbers:
        """Return the cells' variance in these streams (H,)."""
        count = self.counts[streams].sum()
        mean = self.sums[streams].sum(axis=(0, 1)) / count
        variance: Numbers = self.squares[streams].sum(axis=0) / count - mean**2
        return np.maximum(variance, 0.0)

    def alive(self, streams: StreamMask) -> StreamMask:
        """Return the mask of the cells whose activation varies in these streams (H,)."""
        alive: StreamMask = self.variance(streams) >= DEAD_VARIANCE
        return alive

    def explained_variance(self, *, train: StreamMask, test: StreamMask) -> Numbers:
        """Return the variance of the cells in `test` explained by the code means of `train` (H,).

        EV = 1 - SSE/SST with SSE = Q - 2 Σ m_c S_c + Σ n_c m_c²: 1 for a cell that equals the concept, 0 for no
        relation, negative if the means do not generalize. A dead cell has 0.
        """
        means = self.means(train)
        sums, counts = self.sums[test].sum(axis=0), self.counts[test].sum(axis=0)
        error = self.squares[test].sum(axis=0) - 2.0 * (means * sums).sum(axis=0) + counts @ means**2
        alive = self.alive(test) & self.alive(train)
        total = np.where(alive, self.variance(test) * counts.sum(), 1.0)
        return np.where(alive, 1.0 - error / total, 0.0)

    def standard_error(self, *, train: StreamMask, test: StreamMask) -> Numbers:
        """Return the standard error of `explained_variance` from a jackknife over whole streams, Künsch 1989 (H,).

        Neighboring characters are not independent observations, therefore the unit of resampling is the stream.
        """
        left_out = [
            self.explained_variance(train=train, test=_without(test, stream))
            for stream in np.flatnonzero(test).tolist()
        ]
        count = len(left_out)
        error: Numbers = np.sqrt((count - 1) * np.var(np.array(left_out), axis=0))
        return error

    def selection_score(self, streams: SplitStreams) -> Numbers:
        """Return the explained variance by cross-validation between the two folds of discovery (H,).

        A dead cell has -inf. Selection on the confirmation streams would bias the reported score upwards.
        """
        first_half, second_half = streams.discovery_halves
        score = self.explained_variance(train=first_half, test=second_half) + self.explained_variance(
            train=second_half, test=first_half
        )
        return np.where(self.alive(streams.discovery), score / 2.0, -np.inf)


def _without(streams: StreamMask, stream: int) -> StreamMask:
    remaining = streams.copy()
    remaining[stream] = False
    return remaining


# Partial explained variance: what a concept explains beyond the last three characters or beyond another concept. The
# covariate is one group number per character.

Sums = NDArray[np.floating]
IntArray = NDArray[np.integer]

ZERO_VARIANCE = 1e-6
"""residual variance per character that is attributed to rounding errors"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Residuals:
    """Codes Z (T, C), one-hot, and cells A (T, H) after subtraction of their group's means, as products."""

    code_products: Numbers
    """W = ZᵀZ (C, C)"""
    cross_products: Numbers
    """ZᵀA (C, H)"""
    squares: Numbers
    """residual sum of squares of each cell (H,)"""
    characters: int
    """number of characters T"""

    def slopes(self) -> Numbers:
        """Return the least-squares coefficients of the cells on the codes: β = W⁺ZᵀA (C, H)."""
        values, vectors = np.linalg.eigh(self.code_products)
        # counts are integers: a smaller eigenvalue is a rounding error of zero
        nonzero = values > 1e-9 * self.characters
        basis = vectors[:, nonzero]
        slopes: Numbers = basis @ ((basis.T @ self.cross_products) / values[nonzero, None])
        return slopes


def residualize(
    groups: IntArray, codes: IntArray, *, by_code: Numbers, by_group: Sums, squares: Numbers
) -> Residuals:
    """Return codes and cells with the means of each of G groups subtracted.

    groups, codes (T,); the cells' sums by code (C, H) and by group (G, H); their residual sums of squares (H,), see
    `residual_squares`.
    """
    shape = (len(by_group), len(by_code))
    joint = np.bincount(groups.astype(np.int64) * shape[1] + codes, minlength=shape[0] * shape[1])
    counts = joint.reshape(shape).astype(np.float64)
    sizes = np.maximum(counts.sum(axis=1), 1.0)[:, None]
    fractions = counts / sizes
    return Residuals(
        code_products=np.diag(counts.sum(axis=0)) - fractions.T @ counts,
        cross_products=by_code - fractions.T.astype(by_group.dtype) @ by_group,
        squares=squares,
        characters=len(codes),
    )


def residual_squares(squares: Numbers, by_group: Sums, sizes: Numbers) -> Numbers:
    """Return sums of squares around group means: squares (H,), sums by group (G, H), group sizes (G,) -> (H,)."""
    return squares - group_products(by_group, by_group, 1.0 / np.maximum(sizes, 1.0))


def group_products(left: Sums, right: Sums, weights: Numbers) -> Numbers:
    """Return weighted sums of products over groups in float64: (G, H), (G, H), (G,) -> (H,)."""
    total: Numbers = np.einsum("gh,gh,g->h", left, right, weights, dtype=np.float64)
    return total


def partial_explained_variance(train: Residuals, test: Residuals) -> Numbers:
    """Return the fraction of the cells' within-group variance that a concept's codes explain: partial EV (H,).

    With the slopes β of one text and W, b, aᵀa of another, partial EV = (2βᵀb - βᵀWβ) / aᵀa, the out-of-sample
    within-group R² of the regression. It is near 0 for a cell that follows only the groups, 1 for a cell that equals
    the concept, and negative if the slopes do not generalize.
    """
    slopes = train.slopes()
    explained_squares = (slopes * (2.0 * test.cross_products - test.code_products @ slopes)).sum(axis=0)
    varies = test.squares >= ZERO_VARIANCE * test.characters
    partial_ev: Numbers = np.where(varies, explained_squares / np.where(varies, test.squares, 1.0), 0.0)
    return partial_ev


# Rank correlation

Signals = NDArray[Any]


def rank_correlation(left: Signals, right: Signals) -> float | None:
    """Return the rank correlation of two lists of numbers, infinity allowed (Spearman 1904); None if one is constant.

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
    """Return the ranks minus their mean; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    centered: Numbers = ranks - ranks.mean()
    return centered if len(counts) > 1 else np.zeros_like(ranks)
