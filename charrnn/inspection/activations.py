"""What every cell did at every character of a text: one array, its axes named.

Which cells are worth looking at is left to the search, drawing them to the views.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import whole_number
from charrnn.inspection.activity import CHUNK, CellIndex, Ids
from charrnn.network.cell_name import check_cell, parse_cell
from charrnn.network.reader import InferenceRNN

Values = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Activations:
    """What cells did: after each character, in each layer, each unit; an array wherever NumPy wants one.

    >>> did = Activations(values=np.linspace(-1, 1, 12).reshape(2, 2, 3), text="ab", signal="tanh(c)")
    >>> did
    Activations(characters=2, layers=2, units=3, signal='tanh(c)')
    >>> did.cell("2.1").round(2)
    array([-0.27,  0.82])
    >>> np.asarray(did)[0, 1, 1].round(2)
    np.float64(-0.27)
    """

    axes: ClassVar[tuple[str, str, str]] = ("characters", "layers", "units")
    """what the dimensions of the values are"""

    values: Values
    """in [-1, 1], (characters, layers, units); what a cell is after it has read the character"""
    text: str
    """the characters, as the model read them"""
    signal: str
    """what of a cell it is: tanh(c) of an LSTM, h of the others"""

    def __repr__(self) -> str:
        sizes = ", ".join(f"{axis}={size}" for axis, size in zip(self.axes, self.shape, strict=True))
        return f"Activations({sizes}, signal={self.signal!r})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype=dtype, copy=copy)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many characters, layers and units there are."""
        return self.values.shape

    def cell(self, cell: str | CellIndex) -> Values:
        """Give what one cell did, by its name, layer.unit: (characters,). WrongUsageError if there is none such."""
        layer, unit = cell_id = _place(cell) if isinstance(cell, tuple) and len(cell) == 2 else parse_cell(cell)
        check_cell(cell_id, layers=self.shape[1], units=self.shape[2])
        values: Values = self.values[:, layer - 1, unit]
        return values


def _place(cell: CellIndex) -> CellIndex:
    """Return layer and unit as plain whole numbers (WrongUsageError)."""
    layer, unit = cell
    return whole_number(layer, "the layer of a cell"), whole_number(unit, "the unit of a cell")


def record_all(rnn: InferenceRNN, ids: Ids, text: str) -> Activations:
    """Read a text and its ids (T,) as one stream from the zero state, and keep what every cell did."""
    config = rnn.config
    values = np.empty((len(ids), config.layers, config.hidden), dtype=np.float32)
    state = rnn.initial_state(1)
    for start in range(0, len(ids), CHUNK):
        cache = rnn.run_with_cache(ids[start : start + CHUNK, None], state)
        state = cache.state
        for number, layer in enumerate(cache.layers):
            values[start : start + CHUNK, number] = layer.signal[:, 0]
    return Activations(values=values, text=text, signal=rnn.signal_name)
