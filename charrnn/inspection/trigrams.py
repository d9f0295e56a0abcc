"""The last three characters as groups: what a cell could know by spelling alone, without remembering.

A common trigram is a group of its own; a rare one goes by its last two characters, and where these are rare too, by
the last. So a group hardly ever mixes what ends in different characters.
"""

import numpy as np
from numpy.typing import NDArray

TRIGRAMS, BIGRAMS, SINGLES = 2560, 1280, 256
"""how many of the commonest have a group to themselves; single characters beyond that share theirs"""
GROUPS = TRIGRAMS + BIGRAMS + SINGLES

Groups = NDArray[np.int64]


def trigram_groups(ids: NDArray[np.integer]) -> Groups:
    """Give each character's group, by it and the two before it: ids (T,) -> (T,), numbers below GROUPS."""
    kinds = int(ids.max(initial=0)) + 1
    padded = np.concatenate([[0, 0], ids.astype(np.int64)])
    bigram = padded[1:-1] * kinds + padded[2:]
    trigram = padded[:-2] * kinds**2 + bigram
    groups = _ranks(trigram)
    rare = groups >= TRIGRAMS
    groups[rare] = TRIGRAMS + _ranks(bigram[rare])
    rare = groups >= TRIGRAMS + BIGRAMS
    groups[rare] = TRIGRAMS + BIGRAMS + _ranks(padded[2:][rare]) % SINGLES
    return groups


def _ranks(numbers: Groups) -> Groups:
    """Replace each number by its rank among the distinct ones, the commonest first (N,)."""
    _, inverse, count = np.unique(numbers, return_inverse=True, return_counts=True)
    rank = np.empty_like(count)
    rank[np.argsort(-count, kind="stable")] = np.arange(len(count))
    ranks: Groups = rank[inverse]
    return ranks
