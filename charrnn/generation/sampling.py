"""Sampling of the next character: temperature, top-k, top-p and min-p. Random numbers are an argument."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import WrongUsageError

MIN_TEMPERATURE = 1e-9
"""temperatures between this and 0 are taken as this: beyond it nothing but rounding would be divided"""

Logits = NDArray[np.floating]
CharIds = NDArray[np.intp]
Uniforms = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SamplingParams:
    """How the next character is chosen. The limits apply after the temperature; what they leave keeps its odds."""

    temperature: float = 0.8
    """probabilities to the power of 1/temperature: below 1 safer, above 1 wilder; 0: always the likeliest"""
    top_k: int = 0
    """only the k likeliest; 0: no limit"""
    top_p: float = 1.0
    """only the fewest likeliest that together reach this probability (Holtzman et al. 2020)"""
    min_p: float = 0.0
    """only those at least this likely, measured by the likeliest (Nguyen et al. 2024)"""

    @property
    def truncates(self) -> bool:
        """Say whether some characters are ruled out."""
        return bool(self.top_k or self.min_p) or self.top_p < 1

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise WrongUsageError(f"temperature is {self.temperature}: it must be a number ≥ 0")
        if self.top_k < 0:
            raise WrongUsageError(f"top-k is {self.top_k}: it must be a whole number ≥ 0")
        if not 0 < self.top_p <= 1:
            raise WrongUsageError(f"top-p is {self.top_p}: it must be a number above 0, up to 1")
        if not 0 <= self.min_p <= 1:
            raise WrongUsageError(f"min-p is {self.min_p}: it must be a number from 0 to 1")


DEFAULT_SAMPLING = SamplingParams()


def sample_ids(logits: Logits, uniforms: Uniforms, params: SamplingParams) -> CharIds:
    """Choose a character for each stream: logits (B, V), one number from [0, 1) each (B,) -> ids (B,).

    By the inverse of the distribution's sum: the same numbers and logits give the same characters, and the
    same numbers and logits that differ a little give mostly the same ones.
    """
    if params.temperature == 0:
        likeliest: CharIds = logits.argmax(-1)
        return likeliest
    return inverse_cdf(cumulative_weights(logits, params), uniforms)


def cumulative_weights(logits: Logits, params: SamplingParams) -> NDArray[np.float64]:
    """Add up what each character has for it, at a temperature above 0: (B, V) -> (B, V), rising along V."""
    shifted = logits - logits.max(-1, keepdims=True)
    odds = _truncate_distribution(np.exp(shifted / max(params.temperature, MIN_TEMPERATURE)), params)
    heights: NDArray[np.float64] = np.add.accumulate(odds, -1, dtype=np.float64)
    return heights


def inverse_cdf(heights: NDArray[np.float64], uniforms: Uniforms) -> CharIds:
    """Find the first character of each stream whose height is above that share of the last: (B, V), (B,) -> (B,)."""
    # For one stream the number of calls is what counts: each costs as much as its arithmetic on 1,000 characters.
    chosen: CharIds = (uniforms * heights[:, -1] < heights.T).argmax(0)
    return chosen


def nll_of(logits: Logits, ids: CharIds) -> NDArray[np.float64]:
    """Say how unexpected characters were: −ln p at temperature 1, among all; logits (B, V), ids (B,) -> (B,)."""
    shifted = logits - logits.max(-1, keepdims=True)
    nats: NDArray[np.float64] = np.log(np.exp(shifted).sum(-1, dtype=np.float64)) - shifted[np.arange(len(ids)), ids]
    return nats


def _truncate_distribution(odds: Logits, params: SamplingParams) -> Logits:
    """Zero the odds (B, V) that the limits rule out; the likeliest character's are 1."""
    if params.min_p:
        odds = np.where(odds < params.min_p, 0, odds)
    if not params.top_k and params.top_p == 1:
        return odds
    # A stable order settles ties as argmax does: the lower id is the likelier.
    order = np.argsort(-odds, axis=-1, kind="stable")
    ranked = np.take_along_axis(odds, order, -1)
    if params.top_k:
        ranked[:, params.top_k :] = 0
    heights = np.add.accumulate(ranked, -1, dtype=np.float64)
    ranked[heights - ranked >= params.top_p * heights[:, -1:]] = 0
    truncated = np.empty_like(odds)
    np.put_along_axis(truncated, order, ranked, -1)
    return truncated


# Choices that rounding could change. If no logit is off by more than t, then no ratio of odds, neither of two
# characters nor of some characters to all others, is off by a factor of more than e^(2t / temperature).

Ambiguous = NDArray[np.bool_]


def sample_with_ambiguity(
    logits: Logits, uniforms: Uniforms, params: SamplingParams, tolerance: float
) -> tuple[CharIds, Ambiguous]:
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


def _near_cdf_edge(heights: NDArray[np.float64], uniforms: Uniforms, ids: CharIds, slack: float) -> Ambiguous:
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
