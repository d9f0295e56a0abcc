"""Lag attribution: saliency and occlusion of the character k places before a prediction.

Saliency is the gradient norm of dℓ_t/de_{t-k}, which vanishes with k. It misses the information in a saturated cell,
where a small change has no effect. Occlusion replaces the character and measures the change of the prediction.
Gradients come from backpropagation through time (Werbos 1990) without torch; the gates come from the cache of the
forward pass, and no gradient of a weight is computed. Shapes: T characters, B streams, H units, G gates.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.measures.step_gradients import BACKWARD, Backward
from charrnn.network.cells import Array, CellState, State, array_module
from charrnn.network.inference import ActivationCache, InferenceRNN, InferenceWeights, LayerCache, log_softmax
from charrnn.text.vocabulary import Ids


def input_gradients(rnn: InferenceRNN, ids: Array, cache: ActivationCache, before: State, d_logits: Array) -> Array:
    """Return the gradient of a loss on the last prediction with respect to each character: ids (T, B) -> (T, B, E).

    `d_logits` (B, V) is dL/dlogits after the last character. `cache` and `before` are the activations of the forward
    pass and the state before it. E is the size of a character's embedding, or of its one-hot vector in a model
    without an embedding. The gradient is zero up to the end of the last document that ends in `ids`, since the state
    after it is fresh.
    """
    is_reset = None if rnn.end_id is None else (ids == rnn.end_id)[..., None]
    top = cache.layers[-1].hidden
    d_hidden = array_module(top).zeros_like(top)
    d_hidden[-1] = d_logits @ rnn.output_weight.T
    for weights, layer, state in reversed(list(zip(rnn.layers, cache.layers, before, strict=True))):
        d_hidden = _backward_layer(BACKWARD[rnn.config.cell], weights, layer, state, d_hidden, is_reset)
    return d_hidden


def _backward_layer(
    backward: Backward,
    weights: InferenceWeights,
    layer: LayerCache,
    before: CellState,
    d_outputs: Array,
    is_reset: Array | None,
) -> Array:
    """Return dL/d of the inputs of a layer, (T, B, I), from dL/dh of its outputs, (T, B, H).

    `is_reset` (T, B, 1) is true where a document ends.
    """
    states = (before, *(step.state for step in layer.steps))
    d_hidden = array_module(d_outputs).zeros_like(d_outputs[0])
    d_cell_state = None if before.cell_state is None else d_hidden
    d_projected: list[Array] = []
    for number in range(len(layer.steps) - 1, -1, -1):
        state = states[number]
        d_after = CellState(d_hidden + d_outputs[number], d_cell_state)
        if is_reset is not None:
            d_after = CellState(*(None if part is None else part * ~is_reset[number] for part in d_after))
        gradient = backward(layer.steps[number], state, d_after, weights)
        d_projected.append(gradient.projected)
        d_hidden = gradient.recurrent @ weights.weight_hh.T + gradient.hidden
        d_cell_state = gradient.cell_state
    return array_module(d_outputs).stack(d_projected[::-1]) @ weights.weight_ih.T


Numbers = NDArray[np.floating]

MAX_LAG = 256
"""longest lag in characters"""
OCCLUDED_LAGS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""lags at which the character is replaced"""
ANCHORS = 128
"""number of predictions that are attributed"""
LAG_WARM_UP = 256
"""characters read before the longest lag"""
MAX_NUMBERS = 32_000_000
"""numbers in the activations of the anchors of one batch; bounds the memory"""
NUMBERS_PER_UNIT = 8
"""numbers stored for each unit at each step, with temporaries"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Quartiles:
    """Quartiles of a quantity at each of K lags."""

    low: Numbers
    """lower quartile (K,)"""
    median: Numbers
    """median (K,)"""
    high: Numbers
    """upper quartile (K,)"""

    @classmethod
    def of(cls, numbers: Numbers) -> "Quartiles":
        """Return the quartiles over the anchors: (K, anchors) -> (K,)."""
        low, median, high = np.quantile(numbers, (0.25, 0.5, 0.75), axis=1)
        return cls(low=low, median=median, high=high)


@dataclass(frozen=True, kw_only=True, eq=False)
class LagAttribution:
    """Attribution of predictions to earlier characters by lag; the last character read has lag 0."""

    gradient: Quartiles
    """gradient norm at each lag from 0, relative to the norm at lag 0"""
    occluded: tuple[int, ...]
    """lags at which the character was replaced (K,)"""
    occlusion: Numbers
    """mean KL divergence of the prediction caused by the replacement, in bits (K,)"""
    divergence: Quartiles
    """quartiles of the KL divergence, in bits"""
    anchors: int
    """number of predictions that were attributed"""

    @property
    def occlusion_share(self) -> Numbers:
        """The mean KL divergence relative to that at lag 0 (K,)."""
        return self.occlusion / self.occlusion[0] if self.occlusion[0] > 0 else np.zeros_like(self.occlusion)


class ReadWindows(NamedTuple):
    """The T characters before each of B predictions, with their activations."""

    ids: Ids
    """characters read (T, B); the last of them has lag 0"""
    targets: Ids
    """predicted characters (B,)"""
    before: State
    """state before the first character"""
    cache: ActivationCache
    """activations after each character"""
    log_probs: Numbers
    """log-probabilities of the predictions, in nats (B, V)"""

    def state_before(self, step: int) -> State:
        """Return the state before the character at a step of the windows."""
        return tuple(layer.steps[step - 1].state for layer in self.cache.layers) if step else self.before


def attribute_by_lag(
    rnn: InferenceRNN, ids: Ids, rng: np.random.Generator, *, anchors: int = ANCHORS
) -> LagAttribution:
    """Return the attribution of predictions that are evenly spaced over a text's ids (T,)."""
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
    """Return norms (T, anchors) relative to those at lag 0, without the anchors whose norm there is zero."""
    nonzero = norms[:, norms[0] > 0]
    return nonzero / nonzero[0] if nonzero.size else np.zeros_like(norms)


def _anchors_per_batch(rnn: InferenceRNN, longest: int) -> int:
    """Return the number of anchors whose activations fit into MAX_NUMBERS."""
    width = NUMBERS_PER_UNIT * rnn.config.hidden * rnn.config.layers
    return max(1, MAX_NUMBERS // (width * (longest + 1)))


def read_windows(rnn: InferenceRNN, ids: Ids, ends: NDArray[np.int64], longest: int, warm_up: int) -> ReadWindows:
    """Return windows of `longest` + 1 characters that end at the given positions (B,), read after a warm-up."""
    begins = ends - longest
    before = rnn.initial_state(len(ends))
    if warm_up:
        before = rnn.run_with_cache(ids[begins - warm_up + np.arange(warm_up)[:, None]], before).state
    window_ids = ids[begins + np.arange(longest + 1)[:, None]]
    cache = rnn.run_with_cache(window_ids, before)
    log_probs = log_softmax(rnn.logits(cache.state[-1].hidden))
    return ReadWindows(window_ids, ids[ends + 1], before, cache, log_probs)


def loss_gradients(rnn: InferenceRNN, window: ReadWindows) -> Numbers:
    """Return dℓ/de for the embedding e of each character, in the order of the text: (T, B, E)."""
    d_logits = np.exp(window.log_probs)
    d_logits[np.arange(len(window.targets)), window.targets] -= 1
    gradients: Numbers = input_gradients(rnn, window.ids, window.cache, window.before, d_logits)
    return gradients


def gradient_norms(rnn: InferenceRNN, window: ReadWindows) -> Numbers:
    """Return the norm of dℓ/de for the embedding e of each character, by lag: (T, B).

    A gradient that exploded beyond the numbers of its type has the largest number of that type as its norm.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        gradients = loss_gradients(rnn, window)
        norms: Numbers = np.linalg.norm(gradients.astype(np.float64), axis=-1)[::-1]
    largest = float(np.finfo(gradients.dtype).max)
    return np.where(norms < largest, norms, largest)


class Replacements:
    """Random replacements of characters, drawn from the unigram distribution of a text."""

    def __init__(self, ids: Ids, rng: np.random.Generator) -> None:
        self.distinct_ids, self.counts = np.unique(ids, return_counts=True)
        self.rng = rng

    def different_from(self, ids: Ids) -> Ids:
        """Return a different character for each of ids (B,), or a copy if the text has only one character."""
        if len(self.distinct_ids) == 1:
            return ids.copy()
        index, ends = np.searchsorted(self.distinct_ids, ids), self.counts.cumsum()
        # Draw a rank in the sorted text without the occurrences of the character itself, then skip over these.
        ranks = self.rng.integers(ends[-1] - self.counts[index])
        ranks += self.counts[index] * (ranks >= ends[index] - self.counts[index])
        replacements: Ids = self.distinct_ids[np.searchsorted(ends, ranks, side="right")]
        return replacements


def _divergence(rnn: InferenceRNN, window: ReadWindows, lag: int, replacements: Replacements) -> Numbers:
    """Return the KL divergence D(p‖q) of the prediction q after the character at a lag is replaced, in nats (B,)."""
    step = len(window.ids) - 1 - lag
    occluded = window.ids[step:].copy()
    occluded[0] = replacements.different_from(occluded[0])
    after = rnn.run_with_cache(occluded, window.state_before(step)).state
    return kl_divergence(window.log_probs, log_softmax(rnn.logits(after[-1].hidden)))


def kl_divergence(log_probs: Numbers, other_log_probs: Numbers) -> Numbers:
    """Return the KL divergence D(p‖q) of distributions q from p, given as log-probabilities (…, V), in nats (…)."""
    divergence: Numbers = (np.exp(log_probs) * (log_probs - other_log_probs)).sum(axis=-1, dtype=np.float64)
    return np.maximum(divergence, 0.0)
