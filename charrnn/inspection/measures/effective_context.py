"""Effective context of a model: what more context gains, and what each earlier character contributes.

Khandelwal et al. 2018 (arXiv:1805.04623) measured the loss of language models of words by context length.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.inspection.measures.activations import chunk_length
from charrnn.inspection.measures.lag_attribution import LagAttribution, Quartiles, attribute_by_lag
from charrnn.network.cells import CellState
from charrnn.network.inference import InferenceRNN, target_nll
from charrnn.scoring import char_nll
from charrnn.text.vocabulary import Ids

# Loss by context: only the last k characters are read

Numbers = NDArray[np.floating]

CONTEXTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""characters read"""
POSITIONS = 1024
"""characters told after each length of context"""
LONG_CONTEXT_CHARS = 64
"""contexts beyond this matter so little that a share of the positions tells as much"""
LONG_CONTEXT_DIVISOR = 4
"""one in so many"""
FULL_TOLERANCE = 0.01
"""a cost that is above the full one by less than this share of it is as good as full"""


@dataclass(frozen=True, kw_only=True, eq=False)
class LossByContext:
    """What a character costs after K lengths of context."""

    contexts: tuple[int, ...]
    """characters read before it, from the zero state (K,)"""
    bits: Numbers
    """what a character cost (K,)"""
    errors: Numbers
    """standard error of what it cost more than with all that was before it (K,)"""
    full_bits: float
    """what a character of the text costs after all that was before it"""
    positions: tuple[int, ...]
    """characters that each cost is the mean over (K,)"""

    @property
    def sufficient_context(self) -> int | None:
        """The shortest context from which on the cost stays within 1 % of the full one; None if none is so long."""
        close = self.bits <= self.full_bits * (1 + FULL_TOLERANCE)
        far = np.flatnonzero(~close)
        first = int(far[-1]) + 1 if len(far) else 0
        return self.contexts[first] if first < len(self.contexts) else None


def loss_by_context(rnn: InferenceRNN, ids: Ids, *, positions: int = POSITIONS) -> LossByContext:
    """Read many stretches of a text's ids (T,) from the zero state, each as long as the longest context.

    The k-th character of a stretch is told with a context of k. It is compared with its own cost after all of the
    text before it, so that it matters little that each length of context tells other characters.
    """
    contexts = tuple(context for context in CONTEXTS if context <= max(1, len(ids) // 4))
    starts = np.arange(positions) * (len(ids) - contexts[-1]) // positions
    full = char_nll(rnn, ids).astype(np.float64)
    losses = list(nll_after(rnn, ids, starts, contexts))
    dearer = [nats - full[places - 1] for places, nats in losses]
    bit = math.log(2)
    return LossByContext(
        contexts=contexts,
        bits=(full.mean() + np.array([more.mean() for more in dearer])) / bit,
        errors=np.array([more.std() / math.sqrt(len(more)) for more in dearer]) / bit,
        full_bits=float(full.mean()) / bit,
        positions=tuple(len(more) for more in dearer),
    )


def nll_after(
    rnn: InferenceRNN, ids: Ids, starts: NDArray[np.int64], contexts: tuple[int, ...]
) -> Iterator[tuple[NDArray[np.int64], Numbers]]:
    """Begin to read at the starts; after each number of characters yield the places of the next ones and their nats.

    Beyond LONG, only one in SHARE of the starts is read on.
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


# The measure

SHORTEST_TEXT = 2_000
SHARES = 0.1, 0.01, 0.001
"""of what is at lag 0, below which it is said from where on it stays"""
DIGITS = 4
"""of bits, in JSON"""
SIGNIFICANT = 4
"""digits of a share that may be next to nothing"""


@dataclass(frozen=True, kw_only=True)
class EffectiveContext:
    """How far back one model reaches in a text."""

    model: str
    """the path of the model's file"""
    text: str
    """the text's name"""
    start: int = 0
    """where in it was begun to read"""
    characters: int
    """how long the text is"""
    cell: str
    """lstm, gru or rnn"""
    layers: int
    """how many"""
    hidden: int
    """units in each"""
    reach: LossByContext
    """what more context gains"""
    lags: LagAttribution
    """what each earlier character does"""

    def gradient_below(self, share: float) -> int | None:
        """Give the lag from which on the median gradient is below a share of that at lag 0; None if none is."""
        return _below(range(len(self.lags.gradient.median)), self.lags.gradient.median, share)

    def occlusion_below(self, share: float) -> int | None:
        """Give the lag from which on occlusion does less than a share of what it does at lag 0; None if none is."""
        return _below(self.lags.occluded, self.lags.occlusion_share, share)

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        return {
            "view": "memory",
            "model": self.model,
            "text": self.text,
            "start": self.start,
            "characters": self.characters,
            "cell": self.cell,
            "layers": self.layers,
            "hidden": self.hidden,
            "full_bits": round(self.reach.full_bits, DIGITS),
            "positions": list(self.reach.positions),
            "contexts": list(self.reach.contexts),
            "bits": self.reach.bits.round(DIGITS).tolist(),
            "errors": self.reach.errors.round(DIGITS).tolist(),
            "enough": self.reach.sufficient_context,
            "anchors": self.lags.anchors,
            "gradient_below": {f"{share:g}": self.gradient_below(share) for share in SHARES},
            "occlusion_below": {f"{share:g}": self.occlusion_below(share) for share in SHARES},
            "gradient": _quartiles(self.lags.gradient),
            "occluded": list(self.lags.occluded),
            "occlusion_bits": _significant(self.lags.occlusion),
            "divergence_bits": _quartiles(self.lags.divergence),
        }


def measure_context(
    rnn: InferenceRNN, ids: Ids, rng: np.random.Generator, *, model: str = "", text: str = "", start: int = 0
) -> EffectiveContext:
    """Measure a model over a text's ids (T,); raise CharrnnError where that is too short."""
    if len(ids) < SHORTEST_TEXT:
        raise CharrnnError(
            f"{len(ids):,} characters do not show how far a model reaches: at least {SHORTEST_TEXT:,} are needed",
            hint="`--text FILE` with more that the model knows, or a higher `--chars`",
        )
    return EffectiveContext(
        model=model,
        text=text,
        start=start,
        characters=len(ids),
        cell=rnn.config.cell,
        layers=rnn.config.layers,
        hidden=rnn.config.hidden,
        reach=loss_by_context(rnn, ids),
        lags=attribute_by_lag(rnn, ids, rng),
    )


def _below(lags: Sequence[int], values: NDArray[np.floating], share: float) -> int | None:
    """Find the lag after the last one that has the share or more."""
    after = int(np.flatnonzero(values >= share).max(initial=-1)) + 1
    return lags[after] if after < len(lags) else None


def _quartiles(of: Quartiles) -> dict[str, list[float]]:
    return {"low": _significant(of.low), "median": _significant(of.median), "high": _significant(of.high)}


def _significant(values: NDArray[np.floating]) -> list[float]:
    return [float(f"{value:.{SIGNIFICANT}g}") for value in values.tolist()]
