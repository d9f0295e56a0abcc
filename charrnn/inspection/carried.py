"""What chosen cells carry through the stretches when nothing is held: their means, and what makes them change.

What it is held at, and what that does, is left to the causes and doses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.gates import KEEP_GATE
from charrnn.inspection.reading import ABLATION_WARM_UP, CHUNK_STEPS
from charrnn.inspection.stretches import AblationSegments, PositionMask
from charrnn.network.reader import InferenceRNN, LayerCache

Values = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class NaturalActivations:
    """What cells do in the stretches, at the characters that count."""

    cells: tuple[int, ...]
    """their numbers among all layers' cells"""
    values: Values
    """c of an LSTM's, h of the others (T, W, cells)"""
    deltas: Values
    """how much the signal changes at each character (T, W, cells)"""
    keep_gate: Values | None
    """how far the gate was open that keeps what there was; None for cells without one"""

    def of(self, cell: int) -> Values:
        """Pick out what a cell carries (T, W)."""
        values: Values = self.values[:, :, self.cells.index(cell)]
        return values

    def means(self) -> dict[int, float]:
        """Take the mean of each cell."""
        means = self.values.mean(axis=(0, 1), dtype=np.float64)
        return dict(zip(self.cells, means.tolist(), strict=True))

    def mean_where(self, cell: int, places: PositionMask) -> float:
        """Take a cell's mean over some places, of which there must be one."""
        return float(self.of(cell)[places].mean(dtype=np.float64))


def record_activations(rnn: InferenceRNN, segments: AblationSegments, cells: Sequence[int]) -> NaturalActivations:
    """Read the stretches as they are."""
    state, hidden = segments.state, rnn.config.hidden
    places = [(cell // hidden, cell % hidden) for cell in cells]
    gate = KEEP_GATE[rnn.config.cell]
    values, signals, gates = [], [], []
    for first in range(0, len(segments.ids), CHUNK_STEPS):
        cache = rnn.run_with_cache(segments.ids[first : first + CHUNK_STEPS], state)
        state = cache.state
        values.append(_of_cells([_stored_values(layer) for layer in cache.layers], places))
        signals.append(_of_cells([np.asarray(layer.signal) for layer in cache.layers], places))
        if gate:
            gates.append(_of_cells([np.asarray(layer.gate(gate)) for layer in cache.layers], places))
    signal = np.concatenate(signals)
    return NaturalActivations(
        cells=tuple(cells),
        values=np.concatenate(values)[ABLATION_WARM_UP:],
        deltas=np.diff(signal, axis=0)[ABLATION_WARM_UP - 1 :],
        keep_gate=np.concatenate(gates)[ABLATION_WARM_UP:] if gate else None,
    )


def _stored_values(layer: LayerCache) -> Values:
    return np.asarray(layer.hidden if layer.cell_state is None else layer.cell_state)


def _of_cells(layers: Sequence[Values], places: Sequence[tuple[int, int]]) -> Values:
    """Pick cells out of all layers (T, W, H): (T, W, cells)."""
    return np.stack([layers[layer][:, :, unit] for layer, unit in places], axis=2)
