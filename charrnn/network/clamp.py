"""Clamps: cells held at a value while a network reads, to see what the network does without them.

What is held is the state, so that everything that listens to a cell hears the held value: its own layer at the next
character, the layer above and the output at this one. Weights are never touched.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from charrnn.network.cells import Array, CellState, CellStep, array_module, tanh


@dataclass(frozen=True, kw_only=True, eq=False)
class Clamp:
    """Cells of one layer that are held; each stream may have others, and other values.

    The value is that of the tensor that carries the cell's memory: c of an LSTM, h of the other cells.
    """

    mask: Array
    """which cells, bool (B, H), or (1, H) for all streams alike"""
    values: Array
    """what they are held at (B, H) or (1, H); of cells that are not held, anything"""

    def apply(self, step: CellStep) -> CellStep:
        """Give the step as it is with the cells held; what the gates said is left as it was."""
        arrays, state = array_module(step.state.hidden), step.state
        if state.cell_state is None:
            return step._replace(state=CellState(arrays.where(self.mask, self.values, state.hidden)))
        memory = arrays.where(self.mask, self.values, state.cell_state)
        hidden = arrays.where(self.mask, step.gates["o"] * tanh(memory), state.hidden)
        return step._replace(state=CellState(hidden, memory))


Clamps = Mapping[int, Clamp]
"""by layer, from 1"""
