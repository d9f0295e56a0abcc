"""The last three characters as groups: what a cell could know by spelling alone, without remembering.

A common trigram is a group of its own; the rare ones are put together by their last two characters.
"""

import numpy as np
from numpy.typing import NDArray

GROUPS = 4096
OWN = 3072
"""how many of the commonest trigrams have a group to themselves"""

Groups = NDArray[np.int64]


def last_three(ids: NDArray[np.integer]) -> Groups:
    """Give each character's group, by it and the two before it: ids (T,) -> (T,), numbers below GROUPS."""
    kinds = int(ids.max(initial=0)) + 1
    padded = np.concatenate([[0, 0], ids.astype(np.int64)])
    bigram = padded[1:-1] * kinds + padded[2:]
    trigram = padded[:-2] * kinds**2 + bigram
    _, inverse, count = np.unique(trigram, return_inverse=True, return_counts=True)
    rank = np.empty_like(count)
    rank[np.argsort(-count, kind="stable")] = np.arange(len(count))
    own = rank[inverse]
    return np.where(own < OWN, own, OWN + _hashed(bigram) % (GROUPS - OWN))


def _hashed(numbers: Groups) -> Groups:
    """Spread numbers evenly (Knuth 1998, section 6.4: multiply by the golden ratio's share of 2^32)."""
    return (numbers * 2654435761 % 2**32) >> 12


def beyond_spelling(
    codes: Groups, groups: Groups, sums: NDArray[np.float64], cell: NDArray[np.float64], squares: float
) -> float:
    """Explain what the last three characters leave of a cell's variance by a concept's codes: partial EV.

    codes, groups (T,); sums of the cell by code (C,) and by group (GROUPS,); its sum of squares. Around 0 the
    cell reads spelling, around 1 it remembers. With Z the one-hot codes, group by group around the group's mean:
    W = ZᵀZ, b = Zᵀa, and the share is bᵀW⁺b / aᵀa (a regression's within-group R²).
    """
    counts = np.zeros((GROUPS, len(sums)))
    np.add.at(counts, (groups, codes), 1.0)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    within = np.diag(counts.sum(axis=0)) - share.T @ counts
    left = squares - float((cell**2 / np.maximum(counts.sum(axis=1), 1.0)).sum())
    if left < 1e-6 * len(codes):
        return 0.0
    together = sums - share.T @ cell
    values, vectors = np.linalg.eigh(within)
    along = vectors.T @ together
    # counts are whole numbers: a direction with less than this has none, only rounding
    real = values > 1e-9 * len(codes)
    return float((along[real] ** 2 / values[real]).sum() / left)
