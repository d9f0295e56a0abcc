"""The equations of the recurrent cells, LSTM, GRU and tanh RNN: one step, pure functions, and clamps of cells.

Arrays are NumPy's or torch's, whichever are passed.

Shapes: B streams, H units. Every cell takes
    projected  (B, G·H)  W_ih x + b_ih   the input of each of the cell's G gates
    recurrent  (B, G·H)  W_hh h + b_hh   the recurrent input of each gate
with the gates in torch's order, and the previous state; it returns the next state and every gate.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

DOCUMENT_START = 1.0
"""what every cell holds where a document begins: c of an LSTM, h of the others.

Not zero, where the output's bias alone would have to tell the first character, though all characters share it: after
400 steps on 30,000 names of 1×192 cells that left 0.186 nats of those first characters to be learned, this 0.002.
"""

Array = Any  # a NumPy array or a torch tensor: the two share the operators and the names used below


class CellState(NamedTuple):
    """What a layer carries from one character to the next."""

    hidden: Array
    """h, (B, H): what the layer says to the next one, in [-1, 1]"""
    cell_state: Array | None = None
    """c, (B, H): the LSTM's own store, without bound; None for the other cells"""


class CellStep(NamedTuple):
    """One step of a layer: the state it leaves, and the gates that made it."""

    state: CellState
    gates: Mapping[str, Array]
    """each gate's activation, (B, H), under its usual letter"""


CellFunction = Callable[[Array, Array, CellState], CellStep]


class CellType(NamedTuple):
    """A kind of cell: its equations, and what a weight matrix made for it looks like."""

    equations: CellFunction
    gates: tuple[str, ...]
    """the gates in the order of torch's weight rows"""
    has_cell_state: bool


def lstm_step(projected: Array, recurrent: Array, state: CellState) -> CellStep:
    """Step an LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).

    i, f, o = σ(…), g = tanh(…);  c' = f·c + i·g;  h' = o·tanh(c')
    """
    size = state.hidden.shape[-1]
    gates = _lstm_activations(projected + recurrent, size)
    i, f = gates[..., :size], gates[..., size : 2 * size]
    g, o = gates[..., 2 * size : 3 * size], gates[..., 3 * size :]
    memory = f * state.cell_state + i * g
    return CellStep(CellState(o * tanh(memory), memory), {"i": i, "f": f, "g": g, "o": o})


def gru_step(projected: Array, recurrent: Array, state: CellState) -> CellStep:
    """Step a GRU (Cho et al. 2014, in cuDNN's form: the reset gate acts after the recurrent product).

    r, z = σ(…), n = tanh(W_in x + b_in + r·(W_hn h + b_hn));  h' = n + z·(h - n)
    """
    size = state.hidden.shape[-1]
    reset_update = sigmoid(projected[..., : 2 * size] + recurrent[..., : 2 * size])
    r, z = reset_update[..., :size], reset_update[..., size:]
    n = tanh(projected[..., 2 * size :] + r * recurrent[..., 2 * size :])
    return CellStep(CellState(n + z * (state.hidden - n)), {"r": r, "z": z, "n": n})


def rnn_step(projected: Array, recurrent: Array, state: CellState) -> CellStep:  # noqa: ARG001 - a tanh unit keeps nothing but its output, which is already in `recurrent`
    """Step a plain tanh network (Elman 1990): h' = tanh(W_ih x + b_ih + W_hh h + b_hh)."""
    return CellStep(CellState(tanh(projected + recurrent)), {})


CELLS: dict[str, CellType] = {
    "lstm": CellType(lstm_step, ("i", "f", "g", "o"), has_cell_state=True),
    "gru": CellType(gru_step, ("r", "z", "n"), has_cell_state=False),
    "rnn": CellType(rnn_step, ("h",), has_cell_state=False),
}


def tanh(x: Array) -> Array:
    """Take the hyperbolic tangent, in the library that the array comes from."""
    return array_module(x).tanh(x)


def sigmoid(x: Array) -> Array:
    """Take 1 / (1 + e^-x) as (1 + tanh(x/2)) / 2, which cannot overflow."""
    return 0.5 * array_module(x).tanh(0.5 * x) + 0.5


def _lstm_activations(total: Array, size: int) -> Array:
    """Take σ, σ, tanh, σ of the four blocks of an LSTM's sum at once: calls, not arithmetic, cost one stream's time.

    With slope a, a·tanh(a·x) + (1 - a) is tanh(x) for a = 1 and σ(x) for a = ½.
    """
    arrays = array_module(total)
    slope, rest = _activation_slopes(arrays, size, total.dtype, total.device)
    return slope * arrays.tanh(slope * total) + rest


@lru_cache(maxsize=8)
def _activation_slopes(arrays: Any, size: int, dtype: Any, device: Any) -> tuple[Array, Array]:
    """Give a of `_lstm_activations` for every unit, (4·H,), and 1 - a."""
    slope = arrays.full((4 * size,), 0.5, dtype=dtype, device=device)
    slope[2 * size : 3 * size] = 1
    return slope, 1 - slope


def array_module(x: Array) -> Any:
    """Find the module an array comes from; by its type's home, so that neither library is imported here."""
    return sys.modules[type(x).__module__.partition(".")[0]]


# Clamps: cells held at a value while a network reads. The state is clamped, so that everything that reads a cell sees
# the clamped value: its own layer at the next character, the layer above and the output at this one. Weights are
# never changed.


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


# States of several streams, (B, H) each

State = tuple[CellState, ...]
"""what every layer carries, the lowest first"""


def select_rows(state: State, streams: Any) -> State:
    """Take streams out of a state, by a slice or by their numbers, in that order; one may come more than once."""
    return tuple(CellState(*(None if part is None else part[streams] for part in layer)) for layer in state)


def concat_rows(states: Sequence[State]) -> State:
    """Put the streams of several states side by side."""
    return tuple(CellState(*map(_concat, zip(*layers, strict=True))) for layers in zip(*states, strict=True))


def _concat(parts: Sequence[Array | None]) -> Array | None:
    return None if parts[0] is None else array_module(parts[0]).concatenate(tuple(parts))
