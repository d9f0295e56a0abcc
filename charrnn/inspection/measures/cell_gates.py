"""Gates and states of one cell over a text, recorded in one pass: i, f, g, o, tanh(c) and h of an LSTM."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.measures.activations import STREAM_CHUNK, CellIndex, signal_values
from charrnn.inspection.measures.provenance import DIGITS, Provenance, SourceNames
from charrnn.network.cell_id import check_cell
from charrnn.network.inference import InferenceRNN
from charrnn.text.vocabulary import Ids

CANDIDATES = "gn"
"""letters of the gates with values in [-1, 1]: the candidates of an LSTM and of a GRU; other gates are in [0, 1]"""


@dataclass(frozen=True, kw_only=True, eq=False)
class CellGates(Provenance):
    """The gates and states of one cell after each of T characters."""

    cell: str
    """name of the cell, such as 1.34"""
    content: str
    """characters that the model read"""
    signals: Mapping[str, NDArray[np.float32]]
    """values (T,) by name: the gates in the order of the network, then tanh(c) of a cell with c, then h"""

    def to_json(self) -> dict[str, Any]:
        """Return the rounded values in JSON."""
        signals = {name: _rounded(values) for name, values in self.signals.items()}
        return {
            "view": "cell_gates",
            **self.provenance(),
            "cell": self.cell,
            "content": self.content,
            "signals": signals,
        }


def record_gates(
    rnn: InferenceRNN, ids: Ids, cell: CellIndex, content: str, **source: Unpack[SourceNames]
) -> CellGates:
    """Return the gates and states of a cell over a text's ids (T,), read in one stream from the initial state.

    Raise WrongUsageError if the model does not have the cell.
    """
    check_cell(cell, layers=rnn.config.layers, units=rnn.config.hidden)
    layer, unit = cell
    names = tuple(dict.fromkeys((*rnn.gate_names, rnn.signal_name, "h")))
    values = {name: np.empty(len(ids), np.float32) for name in names}
    state = rnn.initial_state(1)
    for start in range(0, len(ids), STREAM_CHUNK):
        cache = rnn.run_with_cache(ids[start : start + STREAM_CHUNK, None], state)
        state = cache.state
        for name in names:
            values[name][start : start + STREAM_CHUNK] = signal_values(cache.layers[layer - 1], name)[:, 0, unit]
    return CellGates(**source, characters=len(ids), cell=f"{layer}.{unit}", content=content, signals=values)


def lowest_value(signal: str) -> int:
    """Return the lowest possible value of a signal: 0 of a gate with a sigmoid, -1 of a state or a candidate.

    >>> lowest_value("f"), lowest_value("g"), lowest_value("tanh(c)"), lowest_value("h")
    (0, -1, -1, -1)
    """
    return -1 if signal in (*CANDIDATES, "tanh(c)", "h") else 0


def _rounded(values: NDArray[np.float32]) -> list[float]:
    rounded: list[float] = np.asarray(values, np.float64).round(DIGITS).tolist()
    return rounded
