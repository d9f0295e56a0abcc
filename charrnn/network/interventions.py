"""Interventions: cells clamped at values in [-1, 1] while a model reads and generates text."""

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from charrnn.arguments import number
from charrnn.errors import WrongUsageError
from charrnn.network.cell_id import check_cell, parse_cell
from charrnn.network.cells import CELLS, Clamp, Clamps
from charrnn.network.inference import InferenceRNN, to_device

MAX_TANH = 0.9999
"""largest |tanh(c)| at which an unbounded cell can be clamped; 1 would need an infinite c"""

CellValues = Mapping[tuple[int, int], float]
"""values by cell, as (layer from 1, unit from 0): tanh(c) where a cell has c, h of other cells"""


def parse_clamps(clamps: Mapping[str, float]) -> CellValues:
    """Return the values of clamped cells by cell id, from a dictionary with cell names (WrongUsageError).

    >>> parse_clamps({"1.7": 1.0, "2.31": -0.5})
    {CellId(layer=1, unit=7): 1.0, CellId(layer=2, unit=31): -0.5}
    """
    if not isinstance(clamps, Mapping):
        raise WrongUsageError("clamps must be a dictionary", hint='`{"1.7": 1.0}` clamps a cell at 1')
    return {parse_cell(name): number(value, f"clamps[{name!r}]", low=-1, high=1) for name, value in clamps.items()}


def make_clamps(rnn: InferenceRNN, cell_values: CellValues) -> Clamps:
    """Return the clamps of a whole batch; raise WrongUsageError for a missing cell or an impossible value."""
    config = rnn.config
    for (layer, unit), value in cell_values.items():
        check_cell((layer, unit), layers=config.layers, units=config.hidden)
        if not -1 <= value <= 1:
            raise WrongUsageError(f"{layer}.{unit} cannot be clamped at {value:g}: it must be a number from -1 to 1")
    return {
        layer: _layer_clamp(
            rnn, {unit: value for (other_layer, unit), value in cell_values.items() if other_layer == layer}
        )
        for layer in sorted({layer for layer, _ in cell_values})
    }


class ClampedPredictor:
    """A predictor whose network has clamped cells, for scoring."""

    def __init__(self, rnn: InferenceRNN, clamps: Clamps) -> None:
        self.config, self.vocabulary_size, self.end_id = rnn.config, rnn.vocabulary_size, rnn.end_id
        self.initial_state = rnn.initial_state
        self.nll = partial(rnn.nll, clamps=clamps)


def _layer_clamp(rnn: InferenceRNN, unit_values: Mapping[int, float]) -> Clamp:
    """Return the clamp of one layer from the values of its units.

    A bounded c is clamped in [-1, 1], the values that it can reach, so that tanh(c) is at most 0.76.
    """
    cell = CELLS[rnn.config.cell]
    largest = math.tanh(1) if cell.is_bounded else MAX_TANH
    mask = np.zeros((1, rnn.config.hidden), dtype=np.bool_)
    values = np.zeros((1, rnn.config.hidden), dtype=np.float32)
    for unit, value in unit_values.items():
        mask[0, unit] = True
        values[0, unit] = math.atanh(max(-largest, min(largest, value))) if cell.has_cell_state else value
    return Clamp(mask=to_device(mask, rnn), values=to_device(values, rnn))
