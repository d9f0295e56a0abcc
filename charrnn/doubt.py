"""Which choices rounding could have made otherwise: those that hold for all logits near enough are beyond doubt.

Choosing itself is `sampling`'s. If no logit is off by more than t, then no ratio of odds, neither of two characters
nor of some to all others, is off by a factor of more than e^(2t / temperature).
"""

import numpy as np
from numpy.typing import NDArray

from charrnn.sampling import SHARPEST, Choice, Ids, Logits, Uniforms, choose, first_above, heights_of

Doubt = NDArray[np.bool_]


def choose_surely(logits: Logits, uniforms: Uniforms, choice: Choice, tolerance: float) -> tuple[Ids, Doubt]:
    """Choose as `sampling.choose` does, and say where logits off by the tolerance could choose another; both (B,)."""
    if choice.temperature == 0:
        ids = choose(logits, uniforms, choice)
        second, first = np.partition(np.pad(logits, ((0, 0), (1, 0)), constant_values=-np.inf), -2)[:, -2:].T
        return ids, first - second <= 2 * tolerance
    slack = 2 * tolerance / max(choice.temperature, SHARPEST)
    heights = heights_of(logits, choice)
    ids = first_above(heights, uniforms)
    doubt = _near_an_edge(heights, uniforms, ids, slack)
    return ids, doubt | _near_a_limit(logits, choice, slack) if choice.is_limited else doubt


def _near_an_edge(heights: NDArray[np.float64], uniforms: Uniforms, ids: Ids, slack: float) -> Doubt:
    """Say where a stream's number is so near to the edge of another character's share that it could be in it."""
    rows, totals = np.arange(len(ids)), heights[:, -1]
    edges = np.array([np.where(ids > 0, heights[rows, ids - 1], 0), heights[rows, ids]]) / totals
    grown = edges * np.exp([[slack], [-slack]])
    lower, upper = grown / (grown + (1 - edges))
    # Nothing is below the first character that can be, and nothing above the last: those edges stay at 0 and 1.
    doubt: Doubt = (lower > uniforms) | (upper <= uniforms)
    return doubt


def _near_a_limit(logits: Logits, choice: Choice, slack: float) -> Doubt:
    """Say where another character could be among those that the limits leave."""
    shifted = logits - logits.max(-1, keepdims=True)
    ranked = np.exp(-np.sort(-shifted.astype(np.float64), axis=-1) / max(choice.temperature, SHARPEST))
    doubt = np.zeros(len(logits), dtype=np.bool_)
    if choice.min_p:
        # The likeliest is always left.
        doubt |= (np.abs(np.log(np.maximum(ranked[:, 1:], 1e-300) / choice.min_p)) <= slack).any(-1)
        ranked[ranked < choice.min_p] = 0
    if choice.top_k:
        doubt |= _cut_is_close(ranked, np.full(len(ranked), choice.top_k), slack)
        ranked[:, choice.top_k :] = 0
    if choice.top_p < 1:
        shares = ranked.cumsum(-1) / ranked.sum(-1, keepdims=True)
        near = (_reach(shares, -slack) <= choice.top_p) & (choice.top_p <= _reach(shares, slack))
        doubt |= near.any(-1) | _cut_is_close(ranked, 1 + (shares < choice.top_p).sum(-1), slack)
    return doubt


def _cut_is_close(ranked: NDArray[np.float64], count: NDArray[np.int64], slack: float) -> Doubt:
    """Say where the last of so many of the likeliest, count (B,), could change places with the one after it."""
    rows, ranked = np.arange(len(ranked)), np.pad(ranked, ((0, 0), (0, 1)))
    count = np.minimum(count, ranked.shape[-1] - 1)
    after = ranked[rows, count]
    doubt: Doubt = (after > 0) & (ranked[rows, count - 1] <= after * np.exp(slack))
    return doubt


def _reach(shares: NDArray[np.float64], slack: float) -> NDArray[np.float64]:
    """Say what a share comes to whose ratio to the rest is e^slack times as large."""
    grown = shares * np.exp(slack)
    reached: NDArray[np.float64] = grown / (grown + (1 - shares))
    return reached
