"""Effective context length of a model: the loss as a function of context, and the attribution to earlier characters.

After Khandelwal et al. 2018 (arXiv:1805.04623), who measured the loss of word-level models by context length.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.inspection.measures.activations import chunk_length
from charrnn.inspection.measures.lag_attribution import LagAttribution, Quartiles, attribute_by_lag
from charrnn.inspection.measures.provenance import DIGITS, Provenance, SourceNames
from charrnn.inspection.notebook import NotebookRecord
from charrnn.network.cells import CellState
from charrnn.network.inference import InferenceRNN, target_nll
from charrnn.scoring import char_nll
from charrnn.text.vocabulary import Ids

# Loss by context length: only the last k characters are read, from the zero state

Numbers = NDArray[np.floating]

CONTEXTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""context lengths in characters"""
POSITIONS = 1024
"""predictions per context length"""
LONG_CONTEXT_CHARS = 64
"""context length beyond which fewer predictions are made, because the excess loss varies little there"""
LONG_CONTEXT_DIVISOR = 4
"""divisor of the number of predictions for long contexts"""
FULL_TOLERANCE = 0.01
"""relative excess over the loss with full context below which a context is sufficient"""


@dataclass(frozen=True, kw_only=True, eq=False)
class LossByContext:
    """The loss per character after each of K context lengths."""

    contexts: tuple[int, ...]
    """context lengths: characters read from the zero state before the prediction (K,)"""
    bits: Numbers
    """mean loss in bits per character (K,)"""
    errors: Numbers
    """standard error of the excess over the loss with full context, in bits (K,)"""
    full_bits: float
    """mean loss in bits per character when the whole text before is read"""
    positions: tuple[int, ...]
    """number of predictions in each mean (K,)"""

    @property
    def sufficient_context(self) -> int | None:
        """The shortest context from which the loss stays within 1 % of that with full context, or None."""
        is_close = self.bits <= self.full_bits * (1 + FULL_TOLERANCE)
        worse_contexts = np.flatnonzero(~is_close)
        first = int(worse_contexts[-1]) + 1 if len(worse_contexts) else 0
        return self.contexts[first] if first < len(self.contexts) else None


def loss_by_context(rnn: InferenceRNN, ids: Ids, *, positions: int = POSITIONS) -> LossByContext:
    """Return the loss of a model over a text's ids (T,) by context length.

    Windows are read from the zero state. The loss of a character after k characters of a window is compared with the
    loss of the same character after the whole text, which reduces the variance between context lengths.
    """
    contexts = tuple(context for context in CONTEXTS if context <= max(1, len(ids) // 4))
    starts = np.arange(positions) * (len(ids) - contexts[-1]) // positions
    full = char_nll(rnn, ids).astype(np.float64)
    losses = list(nll_after(rnn, ids, starts, contexts))
    excesses = [nats - full[targets - 1] for targets, nats in losses]
    nats_per_bit = math.log(2)
    return LossByContext(
        contexts=contexts,
        bits=(full.mean() + np.array([excess.mean() for excess in excesses])) / nats_per_bit,
        errors=np.array([excess.std() / math.sqrt(len(excess)) for excess in excesses]) / nats_per_bit,
        full_bits=float(full.mean()) / nats_per_bit,
        positions=tuple(len(excess) for excess in excesses),
    )


def nll_after(
    rnn: InferenceRNN, ids: Ids, starts: NDArray[np.int64], contexts: tuple[int, ...]
) -> Iterator[tuple[NDArray[np.int64], Numbers]]:
    """Yield the positions of the predicted characters and their loss in nats, for each context length.

    Reading begins at the starts (B,). Beyond LONG_CONTEXT_CHARS only every LONG_CONTEXT_DIVISOR-th row continues.
    """
    state, read = rnn.initial_state(len(starts)), 0
    length = chunk_length(rnn, len(starts))
    for context in contexts:
        if read <= LONG_CONTEXT_CHARS < context:
            starts, state = starts[::LONG_CONTEXT_DIVISOR], tuple(_subsample_state(layer) for layer in state)
        while read < context:
            steps = np.arange(read, min(read + length, context))
            cache = rnn.run_with_cache(ids[starts + steps[:, None]], state)
            state, read = cache.state, read + len(steps)
        yield starts + context, target_nll(rnn.logits(state[-1].hidden), ids[starts + context])


def _subsample_state(state: CellState) -> CellState:
    return CellState(
        state.hidden[::LONG_CONTEXT_DIVISOR],
        None if state.cell_state is None else state.cell_state[::LONG_CONTEXT_DIVISOR],
    )


# Effective context: the loss by context length and the attribution by lag

MEMORY_CHARS = 100_000
"""default number of characters that are read"""
MIN_CHARS = 2_000
"""shortest text that is measured, in characters"""
THRESHOLDS = 0.1, 0.01, 0.001
"""fractions of the value at lag 0; the JSON has the lag from which the attribution stays below each"""
SIGNIFICANT_DIGITS = 4
"""significant digits in JSON of attributions, which span many orders of magnitude"""


@dataclass(frozen=True, kw_only=True)
class EffectiveContext(Provenance):
    """The effective context of one model on a text."""

    cell: str
    """cell type: lstm, gru or rnn"""
    layers: int
    """number of layers"""
    hidden: int
    """units per layer"""
    untrained: str = ""
    """specification of the untrained network that was measured, such as lstm,bias=0; empty for a trained model"""
    losses: LossByContext
    """loss by context length"""
    attribution: LagAttribution
    """attribution of predictions to earlier characters"""

    def gradient_below(self, share: float) -> int | None:
        """Return the lag from which the median gradient stays below a fraction of that at lag 0, or None."""
        return _below(range(len(self.attribution.gradient.median)), self.attribution.gradient.median, share)

    def occlusion_below(self, share: float) -> int | None:
        """Return the lag from which the effect of occlusion stays below a fraction of that at lag 0, or None."""
        return _below(self.attribution.occluded, self.attribution.occlusion_share, share)

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON."""
        return {
            "view": "memory",
            **self.provenance(),
            "cell": self.cell,
            "layers": self.layers,
            "hidden": self.hidden,
            "untrained": self.untrained or None,
            "full_bits": round(self.losses.full_bits, DIGITS),
            "positions": list(self.losses.positions),
            "contexts": list(self.losses.contexts),
            "bits": self.losses.bits.round(DIGITS).tolist(),
            "errors": self.losses.errors.round(DIGITS).tolist(),
            "enough": self.losses.sufficient_context,
            "anchors": self.attribution.anchors,
            "gradient_below": {f"{share:g}": self.gradient_below(share) for share in THRESHOLDS},
            "occlusion_below": {f"{share:g}": self.occlusion_below(share) for share in THRESHOLDS},
            "gradient": _quartiles(self.attribution.gradient),
            "occluded": list(self.attribution.occluded),
            "occlusion_bits": _significant(self.attribution.occlusion),
            "divergence_bits": _quartiles(self.attribution.divergence),
        }


@dataclass(frozen=True, kw_only=True)
class ContextComparison(NotebookRecord):
    """The effective contexts of a model and of other networks on one text."""

    contexts: tuple[EffectiveContext, ...]
    """effective context of the model, then of the others"""


def measure_context(
    rnn: InferenceRNN, ids: Ids, rng: np.random.Generator, *, untrained: str = "", **source: Unpack[SourceNames]
) -> EffectiveContext:
    """Return the effective context of a model, or of an `untrained` network, on a text's ids (T,).

    Raise CharrnnError if the text is shorter than MIN_CHARS.
    """
    if len(ids) < MIN_CHARS:
        raise CharrnnError(
            f"{len(ids):,} characters do not show how far a model reaches: at least {MIN_CHARS:,} are needed",
            hint="`--text FILE` with more that the model knows, or a higher `--chars`",
        )
    return EffectiveContext(
        **source,
        characters=len(ids),
        cell=rnn.config.cell,
        layers=rnn.config.layers,
        hidden=rnn.config.hidden,
        untrained=untrained,
        losses=loss_by_context(rnn, ids),
        attribution=attribute_by_lag(rnn, ids, rng),
    )


def _below(lags: Sequence[int], values: NDArray[np.floating], share: float) -> int | None:
    """Return the lag after the last one whose value is at least the given share, or None if there is no such lag."""
    after = int(np.flatnonzero(values >= share).max(initial=-1)) + 1
    return lags[after] if after < len(lags) else None


def _quartiles(quartiles: Quartiles) -> dict[str, list[float]]:
    return {
        "low": _significant(quartiles.low),
        "median": _significant(quartiles.median),
        "high": _significant(quartiles.high),
    }


def _significant(values: NDArray[np.floating]) -> list[float]:
    return [float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in values.tolist()]
