"""What a concept explains of cells beyond something else: beyond the last three characters, or beyond a rival.

The something else is a group for every character. How the sums come about is left to the evidence.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
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
