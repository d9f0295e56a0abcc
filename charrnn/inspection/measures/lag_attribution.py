"""Attribution of a prediction to the character k places back, by gradient and by occlusion.

The gradient is the norm of dℓ_t/de_{t-k}, which vanishes with k. It misses what a saturated cell keeps, because a
small change there has no effect; occlusion does not.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.network.cells import CellState, State
from charrnn.network.inference import ActivationCache, InferenceRNN, log_softmax
from charrnn.network.input_gradients import input_gradients
from charrnn.text.vocabulary import Ids

Numbers = NDArray[np.floating]

MAX_LAG = 256
"""lag"""
OCCLUDED_LAGS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""lags at which another character is put"""
ANCHORS = 128
"""predictions that are asked about"""
LAG_WARM_UP = 256
"""characters read before the longest lag"""
MAX_NUMBERS = 32_000_000
"""in the states and gates of all anchors at once; what bounds the memory"""
NUMBERS_PER_UNIT = 8
"""numbers that a reading keeps of each unit at each step, and what lies beside them"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Quartiles:
    """Of many numbers at each of K lags, the middle half."""

    low: Numbers
    """the lower quartile (K,)"""
    median: Numbers
    """(K,)"""
    high: Numbers
    """the upper quartile (K,)"""

    @classmethod
    def of(cls, numbers: Numbers) -> "Quartiles":
        """Take them of numbers (K, anchors)."""
        low, median, high = np.quantile(numbers, (0.25, 0.5, 0.75), axis=1)
        return cls(low=low, median=median, high=high)


@dataclass(frozen=True, kw_only=True, eq=False)
class LagAttribution:
    """How much predictions hang on what stands so many places before the last character read, which is at lag 0."""

    gradient: Quartiles
    """the gradient's norm at each lag from 0 on, as a share of its norm at lag 0"""
    occluded: tuple[int, ...]
    """the lags at which another character was put (K,)"""
    occlusion: Numbers
    """the mean divergence of the next character's odds that this makes, in bits (K,)"""
    divergence: Quartiles
    """quartiles of the same, in bits"""
    anchors: int
    """predictions that were asked about"""

    @property
    def occlusion_share(self) -> Numbers:
        """The mean divergence as a share of that at lag 0 (K,)."""
        return self.occlusion / self.occlusion[0] if self.occlusion[0] > 0 else np.zeros_like(self.occlusion)


class ReadWindows(NamedTuple):
    """What was read up to some anchors: T characters of each of B."""

    ids: Ids
    """(T, B), the last of them at lag 0"""
    targets: Ids
    """the character that comes next (B,)"""
    before: State
    cache: ActivationCache
    log_probs: Numbers
    """ln p of what comes next (B, V)"""


def attribute_by_lag(
    rnn: InferenceRNN, ids: Ids, rng: np.random.Generator, *, anchors: int = ANCHORS
) -> LagAttribution:
    """Ask about predictions evenly spread over a text's ids (T,)."""
    longest = min(MAX_LAG, len(ids) // 4)
    warm_up = min(LAG_WARM_UP, len(ids) // 4)
    occluded = tuple(lag for lag in OCCLUDED_LAGS if lag <= longest)
    first = warm_up + longest
    ends = first + np.arange(anchors) * (len(ids) - 1 - first) // anchors
    replacements = Replacements(ids, rng)
    norms, divergences = [], []
    for group in np.array_split(ends, -(-anchors // _anchors_per_batch(rnn, longest))):
        window = read_windows(rnn, ids, group, longest, warm_up)
        norms.append(gradient_norms(rnn, window))
        divergences.append([_divergence(rnn, window, lag, replacements) for lag in occluded])
    norm = np.concatenate(norms, axis=1).astype(np.float64)
    bits = np.concatenate(divergences, axis=1) / math.log(2)
    return LagAttribution(
        gradient=Quartiles.of(_relative_norms(norm)),
        occluded=occluded,
        occlusion=bits.mean(axis=1),
        divergence=Quartiles.of(bits),
        anchors=anchors,
    )


def _relative_norms(norms: Numbers) -> Numbers:
    """Give norms (T, anchors) as shares of those at lag 0; anchors where that is none to rounding say nothing."""
    nonzero = norms[:, norms[0] > 0]
    return nonzero / nonzero[0] if nonzero.size else np.zeros_like(norms)


def _anchors_per_batch(rnn: InferenceRNN, longest: int) -> int:
    """Say how many anchors' readings fit into what is kept."""
    width = NUMBERS_PER_UNIT * rnn.config.hidden * rnn.config.layers
    return max(1, MAX_NUMBERS // (width * (longest + 1)))


def read_windows(rnn: InferenceRNN, ids: Ids, ends: NDArray[np.int64], longest: int, warm_up: int) -> ReadWindows:
    """Read up to the anchors, warm up first."""
    begins = ends - longest
    before = rnn.initial_state(len(ends))
    if warm_up:
        before = rnn.run_with_cache(ids[begins - warm_up + np.arange(warm_up)[:, None]], before).state
    window_ids = ids[begins + np.arange(longest + 1)[:, None]]
    cache = rnn.run_with_cache(window_ids, before)
    log_probs = log_softmax(rnn.logits(cache.state[-1].hidden))
    return ReadWindows(window_ids, ids[ends + 1], before, cache, log_probs)


def gradient_norms(rnn: InferenceRNN, window: ReadWindows) -> Numbers:
    """Give the norm of dℓ/de of each character read, the last first: (T, B)."""
    d_logits = np.exp(window.log_probs)
    d_logits[np.arange(len(window.targets)), window.targets] -= 1
    gradients = input_gradients(rnn, window.ids, window.cache, window.before, d_logits)
    norms: Numbers = np.linalg.norm(gradients, axis=-1)[::-1]
    return norms


class Replacements:
    """Other characters than those that stand in a text, as often as they come in it."""

    def __init__(self, ids: Ids, rng: np.random.Generator) -> None:
        self.kinds, self.counts = np.unique(ids, return_counts=True)
        self.rng = rng

    def different_from(self, ids: Ids) -> Ids:
        """Draw another one for each of ids (B,); in a text of one character there is none."""
        if len(self.kinds) == 1:
            return ids.copy()
        own, ends = np.searchsorted(self.kinds, ids), self.counts.cumsum()
        # A place among those of all other characters; those beyond its own come so much later in the whole text.
        places = self.rng.integers(ends[-1] - self.counts[own])
        places += self.counts[own] * (places >= ends[own] - self.counts[own])
        drawn: Ids = self.kinds[np.searchsorted(ends, places, side="right")]
        return drawn


def _divergence(rnn: InferenceRNN, window: ReadWindows, lag: int, replacements: Replacements) -> Numbers:
    """Put another character so many places back, and compare the odds of what comes next: D(p‖q) in nats (B,)."""
    place = len(window.ids) - 1 - lag
    changed = window.ids[place:].copy()
    changed[0] = replacements.different_from(changed[0])
    state = window.before if place == 0 else _state_after(window.cache, place - 1)
    log_probs = log_softmax(rnn.logits(rnn.run_with_cache(changed, state).state[-1].hidden))
    divergence: Numbers = (np.exp(window.log_probs) * (window.log_probs - log_probs)).sum(axis=-1, dtype=np.float64)
    return np.maximum(divergence, 0.0)


def _state_after(cache: ActivationCache, step: int) -> tuple[CellState, ...]:
    return tuple(layer.steps[step].state for layer in cache.layers)
