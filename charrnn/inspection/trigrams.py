"""The last three characters as groups: what a cell could know by spelling alone, without remembering.

A common trigram is a group of its own; the rare ones are put together by their last two characters.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GROUPS = 4096
OWN = 3072
"""how many of the commonest trigrams have a group to themselves"""

NOTHING = 1e-6
"""variance that is left by no more than rounding"""

Groups = NDArray[np.int64]
Numbers = NDArray[np.float64]


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


@dataclass(frozen=True, kw_only=True, eq=False)
class WithinGroups:
    """What the last three characters leave: codes Z (T, C), one-hot, and a cell a (T,) around their group's means."""

    spread: Numbers
    """W = ZᵀZ (C, C)"""
    together: Numbers
    """b = Zᵀa (C,)"""
    left: float
    """aᵀa"""
    characters: int
    """T"""

    def slopes(self) -> Numbers:
        """Regress the cell on the codes: β = W⁺b (C,)."""
        values, vectors = np.linalg.eigh(self.spread)
        # counts are whole numbers: a direction with less than this has none, only rounding
        real = values > 1e-9 * self.characters
        along = vectors[:, real]
        slopes: Numbers = along @ ((along.T @ self.together) / values[real])
        return slopes


def within_groups(codes: Groups, groups: Groups, sums: Numbers, cell: Numbers, squares: float) -> WithinGroups:
    """Take the means of each group out of codes and cell.

    codes, groups (T,); sums of the cell by code (C,) and by group (GROUPS,); its sum of squares.
    """
    counts = np.zeros((GROUPS, len(sums)))
    np.add.at(counts, (groups, codes), 1.0)
    sizes = np.maximum(counts.sum(axis=1), 1.0)
    share = counts / sizes[:, None]
    return WithinGroups(
        spread=np.diag(counts.sum(axis=0)) - share.T @ counts,
        together=sums - share.T @ cell,
        left=squares - float((cell**2 / sizes).sum()),
        characters=len(codes),
    )


def beyond_spelling(learnt: WithinGroups, scored: WithinGroups) -> float:
    """Explain what the last three characters leave of a cell's variance by a concept's codes: partial EV.

    Around 0 the cell reads spelling, around 1 it remembers; below 0 what was learnt did not carry over. With the
    slopes β of one text and W, b, aᵀa of another the share is (2βᵀb - βᵀWβ) / aᵀa: a regression's within-group R²,
    out of sample.
    """
    if scored.left < NOTHING * scored.characters:
        return 0.0
    slopes = learnt.slopes()
    return float((2.0 * slopes @ scored.together - slopes @ scored.spread @ slopes) / scored.left)
