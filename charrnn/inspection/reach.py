"""How much a model's predictions gain from context: what characters cost with only the last k characters read.

Khandelwal et al. 2018 (arXiv:1805.04623) asked so of language models of words. What a single earlier character does
is left to the lags.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.watch import chunk_length
from charrnn.network.cells import CellState
from charrnn.network.reader import InferenceRNN
from charrnn.network.softmax import target_nll
from charrnn.scoring import char_nll
from charrnn.text.vocabulary import Ids

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
