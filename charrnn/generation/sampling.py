"""Sampling of the next character: temperature, top-k, top-p and min-p. Random numbers are an argument."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import WrongUsageError

MIN_TEMPERATURE, MAX_TEMPERATURE = 1e-9, 1e30
"""bounds of the divisor of the logits: beyond them the result is the same, but float32 overflows"""

Logits = NDArray[np.floating]
CharIds = NDArray[np.intp]
Uniforms = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SamplingParams:
    """Parameters of the distribution of the next character.

    The distribution is truncated after the temperature was applied; the odds of the remaining characters do not
    change.
    """

    temperature: float = 0.8
    """divisor of the logits: below 1 safer, above 1 more varied; 0: always the likeliest character"""
    top_k: int = 0
    """number of likeliest characters to sample from; 0: all"""
    top_p: float = 1.0
    """probability of the smallest set of likeliest characters to sample from (Holtzman et al. 2020); 1: all"""
    min_p: float = 0.0
    """minimum probability relative to that of the likeliest character (Nguyen et al. 2024); 0: all"""

    @property
    def divisor(self) -> float:
        """The divisor of the logits for a temperature above 0."""
        return min(max(self.temperature, MIN_TEMPERATURE), MAX_TEMPERATURE)

    @property
    def truncates(self) -> bool:
        """Whether top-k, top-p or min-p excludes characters."""
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
    """Return a sampled id for each row: logits (B, V), uniform random numbers in [0, 1) (B,) -> ids (B,).

    Inverse transform sampling: equal inputs give equal ids, and small differences of the logits rarely matter.
    """
    if params.temperature == 0:
        likeliest: CharIds = logits.argmax(-1)
        return likeliest
    return inverse_cdf(cumulative_weights(logits, params), uniforms)


def cumulative_weights(logits: Logits, params: SamplingParams) -> NDArray[np.float64]:
    """Return the cumulative unnormalized distribution for a temperature above 0: logits (B, V) -> (B, V)."""
    shifted = logits - logits.max(-1, keepdims=True)
    odds = _truncate_distribution(np.exp(shifted / params.divisor), params)
    cumulative: NDArray[np.float64] = np.add.accumulate(odds, -1, dtype=np.float64)
    return cumulative


def inverse_cdf(cumulative: NDArray[np.float64], uniforms: Uniforms) -> CharIds:
    """Return the first id of each row whose cumulative weight exceeds u times the total: (B, V), (B,) -> (B,)."""
    # With one row the number of NumPy calls matters: a call costs as much as arithmetic on 1,000 characters.
    ids: CharIds = (uniforms * cumulative[:, -1] < cumulative.T).argmax(0)
    return ids


def nll_of(logits: Logits, ids: CharIds) -> NDArray[np.float64]:
    """Return −ln p at temperature 1 without truncation: logits (B, V), ids (B,) -> nats (B,)."""
    shifted = logits - logits.max(-1, keepdims=True)
    nats: NDArray[np.float64] = np.log(np.exp(shifted).sum(-1, dtype=np.float64)) - shifted[np.arange(len(ids)), ids]
    return nats


def _truncate_distribution(odds: Logits, params: SamplingParams) -> Logits:
    """Return odds (B, V), relative to the likeliest character, with zeros for the excluded characters."""
    if params.min_p:
        odds = np.where(odds < params.min_p, 0, odds)
    if not params.top_k and params.top_p == 1:
        return odds
    # A stable sort resolves ties as argmax does: the lower id comes first.
    order = np.argsort(-odds, axis=-1, kind="stable")
    ranked = np.take_along_axis(odds, order, -1)
    if params.top_k:
        ranked[:, params.top_k :] = 0
    cumulative = np.add.accumulate(ranked, -1, dtype=np.float64)
    ranked[cumulative - ranked >= params.top_p * cumulative[:, -1:]] = 0
    truncated = np.empty_like(odds)
    np.put_along_axis(truncated, order, ranked, -1)
    return truncated


# Ambiguous samples, which rounding of the logits could change. If every logit is off by at most t, every ratio of
# odds, between two characters or between a set of characters and all others, is off by a factor of at most
# e^(2t / temperature) = e^slack. Therefore the CDF at each edge of the sampled character lies in an interval, and the
# sample is certain if u lies between the two intervals:
#
#       0 ·······[ cdf_lower ]············u············[ cdf_upper ]······· 1

Ambiguous = NDArray[np.bool_]

NEGLIGIBLE_ODDS = 40.0
"""−ln of odds that no uniform random number of 53 bits resolves"""


def sample_with_ambiguity(
    logits: Logits, uniforms: Uniforms, params: SamplingParams, tolerance: float
) -> tuple[CharIds, Ambiguous]:
    """Return the ids of `sample_ids`, (B,), and where logits that are off by `tolerance` could change them, (B,)."""
    if params.temperature < tolerance:
        # Odds of other characters than the likeliest one are negligible, or unknown within many orders of magnitude.
        margin = 2 * tolerance + NEGLIGIBLE_ODDS * params.temperature
        return sample_ids(logits, uniforms, params), _near_tie(logits, margin)
    slack = 2 * tolerance / params.divisor
    cumulative = cumulative_weights(logits, params)
    ids = inverse_cdf(cumulative, uniforms)
    ambiguous = _near_cdf_edge(cumulative, uniforms, ids, slack)
    return ids, ambiguous | _near_truncation(logits, params, slack) if params.truncates else ambiguous


def _near_tie(logits: Logits, margin: float) -> Ambiguous:
    """Return where the second largest logit is at most `margin` below the largest one, (B,)."""
    padded = np.pad(logits, ((0, 0), (1, 0)), constant_values=-np.inf)
    second_largest, largest = np.partition(padded, -2)[:, -2:].T
    near_tie: Ambiguous = largest - second_largest <= margin
    return near_tie


def _near_cdf_edge(cumulative: NDArray[np.float64], uniforms: Uniforms, ids: CharIds, slack: float) -> Ambiguous:
    """Return where u may be on the other side of the CDF's edge below or above the chosen character, (B,)."""
    rows, totals = np.arange(len(ids)), cumulative[:, -1]
    cdf_lower = np.where(ids > 0, cumulative[rows, ids - 1], 0) / totals
    cdf_upper = cumulative[rows, ids] / totals
    # An edge at 0 or 1, below the first or above the last possible character, does not move.
    ambiguous: Ambiguous = (_odds_shifted(cdf_lower, slack) > uniforms) | (
        _odds_shifted(cdf_upper, -slack) <= uniforms
    )
    return ambiguous


def _near_truncation(logits: Logits, params: SamplingParams, slack: float) -> Ambiguous:
    """Return where truncation could keep or exclude another character, (B,)."""
    shifted = logits - logits.max(-1, keepdims=True)
    ranked = np.exp(-np.sort(-shifted.astype(np.float64), axis=-1) / params.divisor)
    ambiguous = np.zeros(len(logits), dtype=np.bool_)
    if params.min_p:
        # The likeliest character is never excluded.
        ambiguous |= (np.abs(np.log(np.maximum(ranked[:, 1:], 1e-300) / params.min_p)) <= slack).any(-1)
        ranked[ranked < params.min_p] = 0
    if params.top_k:
        ambiguous |= _cut_is_close(ranked, np.full(len(ranked), params.top_k), slack)
        ranked[:, params.top_k :] = 0
    if params.top_p < 1:
        cdf = ranked.cumsum(-1) / ranked.sum(-1, keepdims=True)
        is_near = (_odds_shifted(cdf, -slack) <= params.top_p) & (params.top_p <= _odds_shifted(cdf, slack))
        ambiguous |= is_near.any(-1) | _cut_is_close(ranked, 1 + (cdf < params.top_p).sum(-1), slack)
    return ambiguous


def _cut_is_close(ranked: NDArray[np.float64], kept_counts: NDArray[np.int64], slack: float) -> Ambiguous:
    """Return where the last of the `kept` (B,) likeliest characters could change places with the next one, (B,)."""
    rows, ranked = np.arange(len(ranked)), np.pad(ranked, ((0, 0), (0, 1)))
    kept_counts = np.minimum(kept_counts, ranked.shape[-1] - 1)
    next_odds = ranked[rows, kept_counts]
    is_close: Ambiguous = (next_odds > 0) & (ranked[rows, kept_counts - 1] <= next_odds * np.exp(slack))
    return is_close


def _odds_shifted(probabilities: NDArray[np.float64], slack: float) -> NDArray[np.float64]:
    """Return probabilities whose odds are multiplied by e^slack."""
    scaled = probabilities * np.exp(slack)
    shifted: NDArray[np.float64] = scaled / (scaled + (1 - probabilities))
    return shifted
