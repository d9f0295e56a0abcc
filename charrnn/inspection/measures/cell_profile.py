"""Profile of a cell: the characters that it promotes and suppresses, and a histogram of its activations.

A cell of the last layer adds h·W to the logits, where W is its column of the output weights. Softmax ignores a
constant that is added to all logits, so the column is centered: a weight is the logit that the cell adds to a
character, above the mean of all characters, in nats, at h = 1. The weights do not depend on a text. For an LSTM
h = o·tanh(c), so a weight is the effect at tanh(c) = 1 while the output gate is open; for c < 0 it is reversed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.measures.activations import CellIndex
from charrnn.inspection.measures.provenance import DIGITS
from charrnn.inspection.notebook import NotebookRecord
from charrnn.network.cell_id import check_cell
from charrnn.network.inference import InferenceRNN, to_numpy
from charrnn.text.vocabulary import Vocabulary

MAX_CHARACTERS = 5
"""number of characters that are listed as promoted, and as suppressed"""
BINS = 20
"""number of bins of the histogram of activations over [-1, 1]"""


class CharacterWeight(NamedTuple):
    """A character and the centered output weight of a cell."""

    character: str
    nats: float
    """logit of the character minus the mean of all logits, at h = 1"""


@dataclass(frozen=True, kw_only=True)
class CellProfile(NotebookRecord):
    """The characters that a cell promotes and suppresses, and a histogram of its activations."""

    cell: str
    """identifier of the cell, layer.unit"""
    signal: str
    """signal of the histogram, such as tanh(c) or h"""
    is_output: bool
    """whether the cell is in the last layer, whose cells write to the output directly"""
    promotes: tuple[CharacterWeight, ...]
    """characters of the highest positive weights, in descending order; empty below the last layer"""
    suppresses: tuple[CharacterWeight, ...]
    """characters of the lowest negative weights, in ascending order; empty below the last layer"""
    histogram: tuple[int, ...]
    """number of activations in each of BINS bins of equal width over [-1, 1]"""
    state: str
    """formula of the state of the model's cells: tanh(c) or h"""

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON; characters are null for cells below the last layer."""
        weights = {"promotes": self.promotes, "suppresses": self.suppresses}
        return {
            "cell": self.cell,
            **{
                name: [[weight.character, round(weight.nats, DIGITS)] for weight in listed]
                if self.is_output
                else None
                for name, listed in weights.items()
            },
            "histogram": list(self.histogram),
        }


def profile_cell(
    rnn: InferenceRNN, vocabulary: Vocabulary, cell: CellIndex, histogram: Sequence[int], *, signal: str
) -> CellProfile:
    """Return the profile of a cell with a histogram of its signal (WrongUsageError if it is not in the model)."""
    check_cell(cell, layers=rnn.config.layers, units=rnn.config.hidden)
    layer, unit = cell
    is_output = layer == rnn.config.layers
    weights = centered_output_weights(rnn, unit) if is_output else np.zeros(0)
    order = np.argsort(-weights, kind="stable")
    return CellProfile(
        cell=f"{layer}.{unit}",
        signal=signal,
        is_output=is_output,
        promotes=_listed(vocabulary, weights, order[weights[order] > 0]),
        suppresses=_listed(vocabulary, weights, order[weights[order] < 0][::-1]),
        histogram=tuple(histogram),
        state=rnn.signal_name,
    )


def centered_output_weights(rnn: InferenceRNN, unit: int) -> NDArray[np.float64]:
    """Return the output weights of a unit of the last layer, minus their mean (V,)."""
    weights = to_numpy(rnn.output_weight)[unit].astype(np.float64)
    centered: NDArray[np.float64] = weights - weights.mean()
    return centered


def activation_histogram(values: NDArray[np.floating]) -> tuple[int, ...]:
    """Return the number of activations in each bin.

    >>> activation_histogram(np.array([-1, -0.98, 0.0, 1.0]))
    (2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    """
    return tuple(np.histogram(values.clip(-1, 1), bins=BINS, range=(-1, 1))[0].tolist())


def _listed(
    vocabulary: Vocabulary, weights: NDArray[np.float64], char_ids: NDArray[np.int64]
) -> tuple[CharacterWeight, ...]:
    """Return the first characters with their weights."""
    first = char_ids[:MAX_CHARACTERS].tolist()
    return tuple(CharacterWeight(vocabulary.characters[char_id], float(weights[char_id])) for char_id in first)
