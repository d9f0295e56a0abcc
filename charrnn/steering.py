"""Cells held by what they are drawn by, their signal in [-1, 1], while a model reads and writes.

What holding does to the network is `network.clamp`'s.
"""

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from charrnn.arguments import number
from charrnn.errors import WrongUsageError
from charrnn.network.cell_name import cell_named, see_that_there_is
from charrnn.network.clamp import Clamp, Clamps
from charrnn.network.reader import Reader
from charrnn.network.side_by_side import put

FULLEST = 0.9999
"""the furthest from 0 that tanh(c) is held: 1 itself would take a memory without end"""

Signals = Mapping[tuple[int, int], float]
"""by layer, from 1, and unit, from 0: tanh(c) of an LSTM's cell, h of the others"""


def signals_named(clamps: Mapping[str, float]) -> Signals:
    """Read the names of cells that are to be held (WrongUsageError).

    >>> signals_named({"1.7": 1.0, "2.31": -0.5})
    {CellName(layer=1, unit=7): 1.0, CellName(layer=2, unit=31): -0.5}
    """
    if not isinstance(clamps, Mapping):
        raise WrongUsageError("clamps must be a dictionary", hint='`{"1.7": 1.0}` holds a cell at 1')
    return {cell_named(name): number(signal, f"clamps[{name!r}]", low=-1, high=1) for name, signal in clamps.items()}


def held_at(reader: Reader, signals: Signals) -> Clamps:
    """Hold cells at these signals in every stream; raise WrongUsageError for a cell or a signal that cannot be."""
    config = reader.config
    for (layer, unit), signal in signals.items():
        see_that_there_is((layer, unit), layers=config.layers, units=config.hidden)
        if not -1 <= signal <= 1:
            raise WrongUsageError(f"{layer}.{unit} cannot be held at {signal:g}: it must be a number from -1 to 1")
    return {
        layer: _clamp(reader, {unit: signal for (among, unit), signal in signals.items() if among == layer})
        for layer in sorted({layer for layer, _ in signals})
    }


class Held:
    """A reader with cells held, which tells what characters cost then."""

    def __init__(self, reader: Reader, clamps: Clamps) -> None:
        self.config, self.vocabulary_size, self.end = reader.config, reader.vocabulary_size, reader.end
        self.start = reader.start
        self.costs = partial(reader.costs, clamps=clamps)


def _clamp(reader: Reader, signals: Mapping[int, float]) -> Clamp:
    held = np.zeros((1, reader.config.hidden), dtype=np.bool_)
    values = np.zeros((1, reader.config.hidden), dtype=np.float32)
    for unit, signal in signals.items():
        held[0, unit] = True
        has_memory = reader.signal_name != "h"
        values[0, unit] = math.atanh(max(-FULLEST, min(FULLEST, signal))) if has_memory else signal
    return Clamp(held=put(held, reader), values=put(values, reader))
