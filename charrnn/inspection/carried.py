"""What chosen cells carry through the stretches when nothing is held: their means, and what makes them change.

What it is held at, and what that does, is left to the causes and doses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.gates import KEEPING
from charrnn.inspection.reading import CHUNK, SETTLING
from charrnn.inspection.stretches import Places, Stretches
from charrnn.network.reader import LayerReading, Reader

Values = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Carried:
    """What cells do in the stretches, at the characters that count."""

    cells: tuple[int, ...]
    """their numbers among all layers' cells"""
    values: Values
    """c of an LSTM's, h of the others (T, W, cells)"""
    changes: Values
    """how much the signal changes at each character (T, W, cells)"""
    kept: Values | None
    """how far the gate was open that keeps what there was; None for cells without one"""

    def of(self, cell: int) -> Values:
        """Pick out what a cell carries (T, W)."""
        values: Values = self.values[:, :, self.cells.index(cell)]
        return values

    def means(self) -> dict[int, float]:
        """Take the mean of each cell."""
        means = self.values.mean(axis=(0, 1), dtype=np.float64)
        return dict(zip(self.cells, means.tolist(), strict=True))

    def mean_where(self, cell: int, places: Places) -> float:
        """Take a cell's mean over some places, of which there must be one."""
        return float(self.of(cell)[places].mean(dtype=np.float64))


def carried(reader: Reader, stretches: Stretches, cells: Sequence[int]) -> Carried:
    """Read the stretches as they are."""
    state, hidden = stretches.state, reader.config.hidden
    places = [(cell // hidden, cell % hidden) for cell in cells]
    gate = KEEPING[reader.config.cell]
    values, signals, gates = [], [], []
    for first in range(0, len(stretches.ids), CHUNK):
        reading = reader.read(stretches.ids[first : first + CHUNK], state)
        state = reading.state
        values.append(_of_cells([_store(layer) for layer in reading.layers], places))
        signals.append(_of_cells([np.asarray(layer.signal) for layer in reading.layers], places))
        if gate:
            gates.append(_of_cells([np.asarray(layer.gate(gate)) for layer in reading.layers], places))
    signal = np.concatenate(signals)
    return Carried(
        cells=tuple(cells),
        values=np.concatenate(values)[SETTLING:],
        changes=np.diff(signal, axis=0)[SETTLING - 1 :],
        kept=np.concatenate(gates)[SETTLING:] if gate else None,
    )


def _store(layer: LayerReading) -> Values:
    return np.asarray(layer.hidden if layer.memory is None else layer.memory)


def _of_cells(layers: Sequence[Values], places: Sequence[tuple[int, int]]) -> Values:
    """Pick cells out of all layers (T, W, H): (T, W, cells)."""
    return np.stack([layers[layer][:, :, unit] for layer, unit in places], axis=2)
