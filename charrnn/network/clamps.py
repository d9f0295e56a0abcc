"""Clamps: cells of a layer, or directions of its memory, held at values while a network reads.

The state is clamped, so the clamped value reaches the layer itself at the next character, and the layer above and the
output at this character. Weights are never changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from charrnn.network.cells import Array, CellState, CellStep, array_module, tanh


@dataclass(frozen=True, kw_only=True, eq=False)
class Clamp:
    """The clamped cells of one layer and their values: c where a cell has it, else h; streams may differ."""

    mask: Array
    """clamped cells, bool (B, H), or (1, H) for all streams"""
    values: Array
    """values of the clamped cells, (B, H) or (1, H); those of other cells are ignored"""

    def apply(self, step: CellStep) -> CellStep:
        """Return a step with the cells clamped; the gates stay as they were computed."""
        state = step.state
        if state.cell_state is None:
            return step._replace(state=CellState(self.clamped(state.hidden)))
        cell_state = self.clamped(state.cell_state)
        hidden = array_module(cell_state).where(self.mask, step.gates["o"] * tanh(cell_state), state.hidden)
        return step._replace(state=CellState(hidden, cell_state))

    def clamped(self, values: Array) -> Array:
        """Return the values of all cells (B, H) with those of the clamped cells replaced."""
        return array_module(values).where(self.mask, self.values, values)


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectionClamp:
    """A linear readout of one layer's memory held at a value: c of an LSTM, h of other cells; streams may differ.

    The memory x becomes x - (read·x - value)·write with read·write = 1, after which read·x = value.
    """

    read: Array
    """weights of the readout (B, H), or (1, H) for all streams; 0 for a stream without a clamp"""
    write: Array
    """change of the memory that changes the readout by 1, of the same shape"""
    value: Array
    """value of the readout (B, 1) or (1, 1)"""

    def apply(self, step: CellStep) -> CellStep:
        """Return a step with the readout clamped; the gates stay as they were computed."""
        state = step.state
        if state.cell_state is None:
            return step._replace(state=CellState(self.clamped(state.hidden)))
        cell_state = self.clamped(state.cell_state)
        return step._replace(state=CellState(step.gates["o"] * tanh(cell_state), cell_state))

    def clamped(self, memory: Array) -> Array:
        """Return the memory (B, H) with the readout at its value."""
        return memory - ((memory * self.read).sum(-1)[:, None] - self.value) * self.write


@dataclass(frozen=True, kw_only=True, eq=False)
class CombinedClamp:
    """Several clamps of one layer, applied one after the other, none of which changes what another one holds."""

    parts: tuple[Clamp | DirectionClamp, ...]

    def apply(self, step: CellStep) -> CellStep:
        """Return a step with all clamps applied; the gates stay as they were computed."""
        for part in self.parts:
            step = part.apply(step)
        return step

    def clamped(self, memory: Array) -> Array:
        """Return the memory (B, H) with all clamps applied."""
        for part in self.parts:
            memory = part.clamped(memory)
        return memory


LayerClamp = Clamp | DirectionClamp | CombinedClamp
Clamps = Mapping[int, LayerClamp]
"""the clamps by layer, counted from 1"""
