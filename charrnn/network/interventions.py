"""Interventions: cells clamped at values of their signal, in [-1, 1], while a model reads and generates."""

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from charrnn.arguments import number
from charrnn.errors import WrongUsageError
from charrnn.network.cell_id import check_cell, parse_cell
from charrnn.network.cells import Clamp, Clamps
from charrnn.network.inference import InferenceRNN, to_device

MAX_TANH = 0.9999
"""the furthest from 0 that tanh(c) is held: 1 itself would take a memory without end"""

CellValues = Mapping[tuple[int, int], float]
"""by layer, from 1, and unit, from 0: tanh(c) of an LSTM's cell, h of the others"""


def parse_clamps(clamps: Mapping[str, float]) -> CellValues:
    """Read the names of cells that are to be held (WrongUsageError).

    >>> parse_clamps({"1.7": 1.0, "2.31": -0.5})
    {CellId(layer=1, unit=7): 1.0, CellId(layer=2, unit=31): -0.5}
    """
    if not isinstance(clamps, Mapping):
        raise WrongUsageError("clamps must be a dictionary", hint='`{"1.7": 1.0}` holds a cell at 1')
    return {parse_cell(name): number(signal, f"clamps[{name!r}]", low=-1, high=1) for name, signal in clamps.items()}


def make_clamps(rnn: InferenceRNN, signals: CellValues) -> Clamps:
    """Hold cells at these signals in every stream; raise WrongUsageError for a cell or a signal that cannot be."""
    config = rnn.config
    for (layer, unit), signal in signals.items():
        check_cell((layer, unit), layers=config.layers, units=config.hidden)
        if not -1 <= signal <= 1:
            raise WrongUsageError(f"{layer}.{unit} cannot be held at {signal:g}: it must be a number from -1 to 1")
    return {
        layer: _layer_clamp(rnn, {unit: signal for (among, unit), signal in signals.items() if among == layer})
        for layer in sorted({layer for layer, _ in signals})
    }


class ClampedPredictor:
    """A reader with cells held, which tells what characters cost then."""

    def __init__(self, rnn: InferenceRNN, clamps: Clamps) -> None:
        self.config, self.vocabulary_size, self.end = rnn.config, rnn.vocabulary_size, rnn.end
        self.initial_state = rnn.initial_state
        self.nll = partial(rnn.nll, clamps=clamps)


def _layer_clamp(rnn: InferenceRNN, signals: Mapping[int, float]) -> Clamp:
    mask = np.zeros((1, rnn.config.hidden), dtype=np.bool_)
    values = np.zeros((1, rnn.config.hidden), dtype=np.float32)
    for unit, signal in signals.items():
        mask[0, unit] = True
        has_memory = rnn.signal_name != "h"
        values[0, unit] = math.atanh(max(-MAX_TANH, min(MAX_TANH, signal))) if has_memory else signal
    return Clamp(mask=to_device(mask, rnn), values=to_device(values, rnn))
