"""Which choices rounding could have made otherwise: those that hold for all logits near enough are beyond doubt.

Choosing itself is `sampling`'s. If no logit is off by more than t, then no ratio of odds, neither of two characters
nor of some to all others, is off by a factor of more than e^(2t / temperature).
"""

import numpy as np
from numpy.typing import NDArray

from charrnn.sampling import (
    MIN_TEMPERATURE,
    Ids,
    Logits,
    SamplingParams,
    Uniforms,
    cumulative_weights,
    inverse_cdf,
    sample_ids,
)

Ambiguous = NDArray[np.bool_]


def sample_with_ambiguity(
    logits: Logits, uniforms: Uniforms, params: SamplingParams, tolerance: float
) -> tuple[Ids, Ambiguous]:
    """Choose as `sampling.sample_ids` does, and say where logits off by the tolerance could differ; both (B,)."""
    if params.temperature == 0:
        ids = sample_ids(logits, uniforms, params)
        second, first = np.partition(np.pad(logits, ((0, 0), (1, 0)), constant_values=-np.inf), -2)[:, -2:].T
        return ids, first - second <= 2 * tolerance
    slack = 2 * tolerance / max(params.temperature, MIN_TEMPERATURE)
    heights = cumulative_weights(logits, params)
    ids = inverse_cdf(heights, uniforms)
    ambiguous = _near_cdf_edge(heights, uniforms, ids, slack)
    return ids, ambiguous | _near_truncation(logits, params, slack) if params.truncates else ambiguous


def _near_cdf_edge(heights: NDArray[np.float64], uniforms: Uniforms, ids: Ids, slack: float) -> Ambiguous:
    """Say where a stream's number is so near to the edge of another character's share that it could be in it."""
    rows, totals = np.arange(len(ids)), heights[:, -1]
    edges = np.array([np.where(ids > 0, heights[rows, ids - 1], 0), heights[rows, ids]]) / totals
    grown = edges * np.exp([[slack], [-slack]])
    lower, upper = grown / (grown + (1 - edges))
    # Nothing is below the first character that can be, and nothing above the last: those edges stay at 0 and 1.
    doubt: Ambiguous = (lower > uniforms) | (upper <= uniforms)
    return doubt


def _near_truncation(logits: Logits, params: SamplingParams, slack: float) -> Ambiguous:
    """Say where another character could be among those that the limits leave."""
    shifted = logits - logits.max(-1, keepdims=True)
    ranked = np.exp(-np.sort(-shifted.astype(np.float64), axis=-1) / max(params.temperature, MIN_TEMPERATURE))
    doubt = np.zeros(len(logits), dtype=np.bool_)
    if params.min_p:
        # The likeliest is always left.
        doubt |= (np.abs(np.log(np.maximum(ranked[:, 1:], 1e-300) / params.min_p)) <= slack).any(-1)
        ranked[ranked < params.min_p] = 0
    if params.top_k:
        doubt |= _cut_is_close(ranked, np.full(len(ranked), params.top_k), slack)
        ranked[:, params.top_k :] = 0
    if params.top_p < 1:
        shares = ranked.cumsum(-1) / ranked.sum(-1, keepdims=True)
        near = (_odds_shifted(shares, -slack) <= params.top_p) & (params.top_p <= _odds_shifted(shares, slack))
        doubt |= near.any(-1) | _cut_is_close(ranked, 1 + (shares < params.top_p).sum(-1), slack)
    return doubt


def _cut_is_close(ranked: NDArray[np.float64], count: NDArray[np.int64], slack: float) -> Ambiguous:
    """Say where the last of so many of the likeliest, count (B,), could change places with the one after it."""
    rows, ranked = np.arange(len(ranked)), np.pad(ranked, ((0, 0), (0, 1)))
    count = np.minimum(count, ranked.shape[-1] - 1)
    after = ranked[rows, count]
    doubt: Ambiguous = (after > 0) & (ranked[rows, count - 1] <= after * np.exp(slack))
    return doubt


def _odds_shifted(shares: NDArray[np.float64], slack: float) -> NDArray[np.float64]:
    """Say what a share comes to whose ratio to the rest is e^slack times as large."""
    grown = shares * np.exp(slack)
    reached: NDArray[np.float64] = grown / (grown + (1 - shares))
    return reached
