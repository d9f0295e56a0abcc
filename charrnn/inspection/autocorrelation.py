"""How long cells stay as they are: the lag at which their autocorrelation falls below 1/e, from one pass over a text.

The text comes in chunks of continuing rows; as much of them is kept as the longest lag reaches back.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Signals = NDArray[Any]

LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""characters; between two of them the lag is read off a straight line"""


class Autocorrelation:
    """Sums of H cells' values, and of their products with those some lags before."""

    longest = LAGS[-1]

    def __init__(self, cells: int) -> None:
        self.characters = 0
        self.sums, self.squares = np.zeros(cells), np.zeros(cells)
        self.products, self.pairs = np.zeros((len(LAGS), cells)), np.zeros(len(LAGS))
        self._center: Signals | None = None
        """near the means, subtracted from all values, so that squares keep their digits (H,)"""
        self._before = np.empty((0,))
        self._counted_before = np.empty((0,), np.bool_)

    def add(self, values: Signals, counted: NDArray[np.bool_]) -> None:
        """Take the next T characters of B rows: values (T, B, H), and whether they count (T, B)."""
        if self._center is None:
            self._center = values[counted].mean(axis=0)
            self._before = np.zeros((self.longest, *values.shape[1:]), values.dtype)
            self._counted_before = np.zeros((self.longest, values.shape[1]), np.bool_)
        deviations = np.where(counted[:, :, None], values - self._center, 0)
        joined = np.concatenate([self._before, deviations])
        both = np.concatenate([self._counted_before, counted])
        self.characters += int(counted.sum())
        self.sums += deviations.sum(axis=(0, 1), dtype=np.float64)
        self.squares += np.einsum("tbh,tbh->h", deviations, deviations)
        for number, lag in enumerate(LAGS):
            earlier = slice(self.longest - lag, len(joined) - lag)
            self.products[number] += np.einsum("tbh,tbh->h", deviations, joined[earlier])
            self.pairs[number] += (counted & both[earlier]).sum()
        self._before, self._counted_before = joined[-self.longest :], both[-self.longest :]

    def variance(self) -> Numbers:
        """Give the variance of each cell (H,)."""
        spread: Numbers = self.squares / self.characters - (self.sums / self.characters) ** 2
        return np.maximum(spread, 0.0)

    def correlation_times(self) -> Numbers:
        """Give the lag at which each cell's autocorrelation falls below 1/e (H,); inf if it does at none."""
        mean = self.sums / self.characters
        measured = self.pairs > 0
        covariance = self.products[measured] / self.pairs[measured, None] - mean**2
        variance = self.variance()
        correlation = np.vstack([np.ones_like(mean), covariance / np.where(variance > 0, variance, 1.0)])
        lags = np.array([0, *np.array(LAGS)[measured]], np.float64)
        below = correlation < math.exp(-1)
        first = below.argmax(axis=0)
        cells = np.arange(len(mean))
        high, low = correlation[first - 1, cells], correlation[first, cells]
        share = (high - math.exp(-1)) / np.where(high > low, high - low, 1.0)
        crossing = lags[first - 1] + share * (lags[first] - lags[first - 1])
        return np.where(below.any(axis=0), crossing, np.inf)


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
