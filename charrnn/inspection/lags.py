"""How much a prediction hangs on the character so many places back: by its gradient, and by putting another there.

The gradient is the lectures' vanishing one, the norm of dℓ_t/de_{t-k}. It is blind to what a saturated cell keeps,
for a small change there changes nothing; occlusion is not. What all characters together gain is left to the reach.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.network.adjoint import input_gradients
from charrnn.network.cells import CellState
from charrnn.network.reader import Reader, Reading, State
from charrnn.network.softmax import log_probabilities
from charrnn.text.vocabulary import Ids

Numbers = NDArray[np.floating]

LONGEST = 256
"""lag"""
OCCLUDED = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""lags at which another character is put"""
ANCHORS = 128
"""predictions that are asked about"""
WARM_UP = 256
"""characters read before the longest lag"""
NUMBERS_AT_ONCE = 32_000_000
"""in the states and gates of all anchors at once; what bounds the memory"""
PER_UNIT = 8
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
class Lags:
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


class Window(NamedTuple):
    """What was read up to some anchors: T characters of each of B."""

    ids: Ids
    """(T, B), the last of them at lag 0"""
    told: Ids
    """the character that comes next (B,)"""
    before: State
    reading: Reading
    expected: Numbers
    """ln p of what comes next (B, V)"""


def lags(reader: Reader, ids: Ids, rng: np.random.Generator, *, anchors: int = ANCHORS) -> Lags:
    """Ask about predictions evenly spread over a text's ids (T,)."""
    longest = min(LONGEST, len(ids) // 4)
    warm_up = min(WARM_UP, len(ids) // 4)
    occluded = tuple(lag for lag in OCCLUDED if lag <= longest)
    first = warm_up + longest
    ends = first + np.arange(anchors) * (len(ids) - 1 - first) // anchors
    others = Others(ids, rng)
    norms, divergences = [], []
    for group in np.array_split(ends, -(-anchors // _at_once(reader, longest))):
        window = read_up_to(reader, ids, group, longest, warm_up)
        norms.append(gradient_norms(reader, window))
        divergences.append([_divergence(reader, window, lag, others) for lag in occluded])
    norm = np.concatenate(norms, axis=1).astype(np.float64)
    bits = np.concatenate(divergences, axis=1) / math.log(2)
    return Lags(
        gradient=Quartiles.of(_shares(norm)),
        occluded=occluded,
        occlusion=bits.mean(axis=1),
        divergence=Quartiles.of(bits),
        anchors=anchors,
    )


def _shares(norms: Numbers) -> Numbers:
    """Give norms (T, anchors) as shares of those at lag 0; anchors where that is none to rounding say nothing."""
    told = norms[:, norms[0] > 0]
    return told / told[0] if told.size else np.zeros_like(norms)


def _at_once(reader: Reader, longest: int) -> int:
    """Say how many anchors' readings fit into what is kept."""
    width = PER_UNIT * reader.config.hidden * reader.config.layers
    return max(1, NUMBERS_AT_ONCE // (width * (longest + 1)))


def read_up_to(reader: Reader, ids: Ids, ends: NDArray[np.int64], longest: int, warm_up: int) -> Window:
    """Read up to the anchors, warm up first."""
    begins = ends - longest
    before = reader.start(len(ends))
    if warm_up:
        before = reader.read(ids[begins - warm_up + np.arange(warm_up)[:, None]], before).state
    heard = ids[begins + np.arange(longest + 1)[:, None]]
    reading = reader.read(heard, before)
    expected = log_probabilities(reader.logits(reading.state[-1].hidden))
    return Window(heard, ids[ends + 1], before, reading, expected)


def gradient_norms(reader: Reader, window: Window) -> Numbers:
    """Give the norm of dℓ/de of each character read, the last first: (T, B)."""
    logits = np.exp(window.expected)
    logits[np.arange(len(window.told)), window.told] -= 1
    gradients = input_gradients(reader, window.ids, window.reading, window.before, logits)
    norms: Numbers = np.linalg.norm(gradients, axis=-1)[::-1]
    return norms


class Others:
    """Other characters than those that stand in a text, as often as they come in it."""

    def __init__(self, ids: Ids, rng: np.random.Generator) -> None:
        self.kinds, self.counts = np.unique(ids, return_counts=True)
        self.rng = rng

    def than(self, ids: Ids) -> Ids:
        """Draw another one for each of ids (B,); in a text of one character there is none."""
        if len(self.kinds) == 1:
            return ids.copy()
        own, ends = np.searchsorted(self.kinds, ids), self.counts.cumsum()
        # A place among those of all other characters; those beyond its own come so much later in the whole text.
        places = self.rng.integers(ends[-1] - self.counts[own])
        places += self.counts[own] * (places >= ends[own] - self.counts[own])
        drawn: Ids = self.kinds[np.searchsorted(ends, places, side="right")]
        return drawn


def _divergence(reader: Reader, window: Window, lag: int, others: Others) -> Numbers:
    """Put another character so many places back, and compare the odds of what comes next: D(p‖q) in nats (B,)."""
    place = len(window.ids) - 1 - lag
    changed = window.ids[place:].copy()
    changed[0] = others.than(changed[0])
    state = window.before if place == 0 else _state_after(window.reading, place - 1)
    expected = log_probabilities(reader.logits(reader.read(changed, state).state[-1].hidden))
    divergence: Numbers = (np.exp(window.expected) * (window.expected - expected)).sum(axis=-1, dtype=np.float64)
    return np.maximum(divergence, 0.0)


def _state_after(reading: Reading, step: int) -> tuple[CellState, ...]:
    return tuple(layer.steps[step].state for layer in reading.layers)
