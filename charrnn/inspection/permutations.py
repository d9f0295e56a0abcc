"""Permutations: how often chance alone has some cell follow a concept as closely.

Streams are the sessions: a concept's labels are kept whole and given to other streams, cell and label centred inside
each, so that neither slow drift nor what goes on for long makes a find (Harris 2020). The best of all cells is
compared with the best of all cells (Westfall and Young 1993). Taken on the confirmation streams. The answer is a
gate, for with enough text the least relation is certain, never a rank.
"""

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.coding import ConceptCodes
from charrnn.inspection.evidence import Activations
from charrnn.inspection.streams import SplitStreams
from charrnn.inspection.sums import DEAD_VARIANCE

MAX_PERMUTED_CHARS = 100_000
"""of the whole text, spread over it evenly; more would only cost time"""
PERMUTATIONS = 999

Single = NDArray[np.float32]


class PermutationTest:
    """The products of every stream's labels with every stream's cells, S streams by S streams."""

    def __init__(self, codings: Sequence[ConceptCodes], streams: SplitStreams, cells: int) -> None:
        steps = streams.length - streams.warm_up
        self.every = max(1, -(-steps * streams.count // MAX_PERMUTED_CHARS))
        self.count = int(streams.confirmation.sum())
        self._streams = streams.confirmation
        self._labels = np.stack([_centered_labels(coding, streams, self.every) for coding in codings])
        self._products = np.zeros((len(codings) * self.count, self.count * cells), dtype=np.float32)
        self._sums = np.zeros((self.count, cells))
        self._squares = np.zeros(cells)
        self._steps = 0

    def accumulate(self, part: Activations, step: int) -> None:
        """Add a part (T, B, H): every few steps of it."""
        first = -step % self.every
        sampled = part[first :: self.every][:, self._streams]
        if not len(sampled):
            return
        here = slice(self._steps, self._steps + len(sampled))
        labels = self._labels[:, here].transpose(0, 2, 1).reshape(-1, len(sampled))
        self._products += labels @ sampled.reshape(len(sampled), -1)
        self._sums += sampled.sum(axis=0, dtype=np.float64)
        self._squares += np.square(sampled).sum(axis=(0, 1), dtype=np.float64)
        self._steps += len(sampled)

    def p_values(self, rng: np.random.Generator, *, count: int = PERMUTATIONS) -> list[float]:
        """Give p of each concept: the share of the streams' orders, their own among them, with as good a best cell.

        The statistic is the largest |r| of all cells, r being the correlation around each stream's own means. All
        orders are tried where there are no more than `count` others.
        """
        orders = _orders(self.count, count, rng)
        picked = np.zeros((len(orders), self.count, self.count), dtype=np.float32)
        np.put_along_axis(picked, orders[:, :, None], 1.0, axis=2)
        left = self._squares - (self._sums**2).sum(axis=0) / self._steps
        alive = left >= DEAD_VARIANCE * self._steps * self.count
        scale = (1.0 / np.sqrt(np.where(alive, left, np.inf))).astype(np.float32)
        p_values = []
        for products in self._products.reshape(len(self._labels), -1, len(scale)):
            best = np.abs(picked.reshape(len(orders), -1) @ products * scale).max(axis=1)
            # the own order counts among all of them, so that no p is 0
            p_values.append(float((best >= best[0] * (1 - 1e-5)).mean()))
        return p_values


def permutation_count(streams: SplitStreams) -> int:
    """Say how many orders of the confirmation streams are tried beside their own.

    Of few streams those are all that there are: drawn from so few, their own would come again and again, and whether
    p is below a limit would be chance.
    """
    return min(PERMUTATIONS, math.factorial(int(streams.confirmation.sum())) - 1)


def _orders(streams: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Give the streams' own order, then so many by chance, or else all others there are."""
    if math.factorial(streams) - 1 <= count:
        return np.array(list(permutations(range(streams))))
    return np.stack([np.arange(streams), *(rng.permutation(streams) for _ in range(count))])


def _centered_labels(coding: ConceptCodes, streams: SplitStreams, every: int) -> Single:
    """Give a concept's labels on the confirmation streams around each stream's mean: (T, S)."""
    labels = coding.subsample(every=every).labels[:, streams.confirmation]
    centered: Single = (labels - labels.mean(axis=0, dtype=np.float64)).astype(np.float32)
    return centered
