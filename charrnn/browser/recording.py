"""Recording of a browsed text: all signals of all cells at each character, and the predictions computed from them."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts import ParsedText
from charrnn.inspection.measures.activations import run_over_text, signal_values
from charrnn.network.cell_id import CellId
from charrnn.network.inference import InferenceRNN, log_softmax
from charrnn.text.vocabulary import Ids, Vocabulary

Values = NDArray[np.float32]

MAX_BYTES = 1_000_000_000
"""bytes of a recording, which has two for each signal of each cell at each character"""
GUESSES = 8
"""number of likeliest characters of a prediction"""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The prediction of the next character: the likeliest characters, and the probability of the actual one."""

    guesses: tuple[tuple[str, float], ...]
    """likeliest characters with their probabilities, in descending order"""
    bits: float = 0.0
    """surprisal of the actual character"""
    rank: int = 0
    """rank of the actual character, 1 for the likeliest; 0 if the text ends here"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """All signals of all cells of a network over a text of T characters."""

    rnn: InferenceRNN
    vocabulary: Vocabulary
    parsed: ParsedText
    ids: Ids
    """character ids of the text (T,)"""
    signals: tuple[str, ...]
    """names of the signals: tanh(c) where cells have it, h, and the gates"""
    values: NDArray[np.float16]
    """each signal of each cell after each character, layer by layer (signals, T, cells)"""

    @property
    def cells(self) -> int:
        """The number of cells of all layers."""
        return int(self.values.shape[2])

    def __len__(self) -> int:
        return len(self.ids)

    def cell_id(self, number: int) -> CellId:
        """Return the id of a cell from its number among the cells of all layers."""
        layer, unit = divmod(number, self.rnn.config.hidden)
        return CellId(layer + 1, unit)

    def number_of(self, cell: tuple[int, int]) -> int:
        """Return the number of a cell among the cells of all layers."""
        return (cell[0] - 1) * self.rnn.config.hidden + cell[1]

    def cell_values(self, signal: int, cell: int) -> Values:
        """Return a signal of a cell after each character (T,)."""
        return self.values[signal, :, cell].astype(np.float32)

    @cached_property
    def variances(self) -> Values:
        """The variance of the first signal, tanh(c) or h, of each cell over the text (cells,)."""
        return np.concatenate(
            [part.astype(np.float32).var(axis=0) for part in np.array_split(self.values[0], 8, axis=1)]
        )

    def prediction_after(self, position: int) -> Prediction:
        """Return the prediction of the character after a position, and how well it fits the actual one."""
        hidden = self.values[self.signals.index("h"), position, -self.rnn.config.hidden :].astype(np.float32)
        log_probs = log_softmax(self.rnn.logits(hidden)).astype(np.float64)
        order = np.argsort(-log_probs, kind="stable")
        guesses = tuple((self.vocabulary.characters[best], math.exp(log_probs[best])) for best in order[:GUESSES])
        if position + 1 >= len(self):
            return Prediction(guesses=guesses)
        target = int(self.ids[position + 1])
        rank = 1 + int(np.flatnonzero(order == target)[0])
        return Prediction(guesses=guesses, bits=abs(float(log_probs[target])) / math.log(2), rank=rank)


def signal_names(rnn: InferenceRNN) -> tuple[str, ...]:
    """Return the names of the signals of a network's cells, the one that is searched first."""
    return tuple(dict.fromkeys((rnn.signal_name, "h", *rnn.gate_names)))


def max_characters(rnn: InferenceRNN) -> int:
    """Return the length of the longest text whose recording has at most MAX_BYTES."""
    return max(1, MAX_BYTES // (2 * len(signal_names(rnn)) * rnn.config.layers * rnn.config.hidden))


def record(rnn: InferenceRNN, vocabulary: Vocabulary, parsed: ParsedText, ids: Ids) -> Recording:
    """Return the recording of a text and its ids (T,), read in parallel rows."""
    signals, hidden = signal_names(rnn), rnn.config.hidden
    values = np.empty((len(signals), len(ids), rnn.config.layers * hidden), np.float16)
    for chunk in run_over_text(rnn, ids):
        positions = chunk.positions[chunk.is_counted]
        for number, layer in enumerate(chunk.cache.layers):
            columns = slice(number * hidden, (number + 1) * hidden)
            for row, signal in enumerate(signals):
                values[row, positions, columns] = signal_values(layer, signal)[chunk.is_counted]
    return Recording(rnn=rnn, vocabulary=vocabulary, parsed=parsed, ids=ids, signals=signals, values=values)
