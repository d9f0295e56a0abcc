"""The equations of the recurrent cells, LSTM and its variants, GRU and tanh RNN: one step, and the states of layers.

Arrays are NumPy arrays or torch tensors.

Shapes: B streams, H units. Every cell takes
    projected  (B, G·H)  W_ih x + b_ih   the input of each of the cell's G gates
    recurrent  (B, G·H)  W_hh h + b_hh   the recurrent input of each gate
with the gates in torch's order, and the previous state; it returns the next state and every gate. The peephole LSTM
also takes its peephole weights, (3·H,), and the reset-before GRU the recurrent matrix of its candidate, (H, H).
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

DOCUMENT_START = 1.0
"""value of every cell at the beginning of a document: c where a cell has it, h of other cells.

With zero, only the bias of the output could predict the first character, and all characters share that bias. After
400 steps on 30,000 names with 1×192 cells, the loss of first characters was 0.186 nats above its minimum with zero,
and 0.002 with this value.
"""

RESET_BEFORE = "gru-reset-before"
"""name of the GRU whose reset gate acts before the recurrent product"""

Array = Any  # a NumPy array or a torch tensor; both have the operators and methods used below


class CellState(NamedTuple):
    """The recurrent state of a layer."""

    hidden: Array
    """h, (B, H), in [-1, 1]; the output of the layer"""
    cell_state: Array | None = None
    """c, (B, H), of an LSTM and its variants; None for other cells"""

    @property
    def memory(self) -> Array:
        """The values that clamps set: c of an LSTM and its variants, h of other cells."""
        return self.hidden if self.cell_state is None else self.cell_state


class CellStep(NamedTuple):
    """The result of one step of a layer: the next state and the gates."""

    state: CellState
    gates: Mapping[str, Array]
    """activation of each gate, (B, H), by its letter"""


class MemoryClamp(Protocol):
    """A clamp of cells in the memory of a layer, see `clamps`."""

    def clamped(self, memory: Array, /) -> Array:
        """Return the memory, (B, H), with clamped values replaced."""


CellFunction = Callable[..., CellStep]
"""projected, recurrent, state and, for a cell with further weights, these and a clamp or None -> step"""


class CellType(NamedTuple):
    """A kind of cell: its equations, and the layout of its weights."""

    equations: CellFunction
    gates: tuple[str, ...]
    """letters of the gates, in the order of torch's weight rows"""
    has_cell_state: bool
    is_bounded: bool = True
    """whether the state, c where a cell has it, stays in [-1, 1]"""
    peepholes: int = 0
    """number of gates with a peephole weight for c"""


def lstm_step(projected: Array, recurrent: Array, state: CellState) -> CellStep:
    """Return one step of an LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).

    i, f, o = σ(…), g = tanh(…);  c' = f·c + i·g;  h' = o·tanh(c')
    """
    size = state.hidden.shape[-1]
    gates = _lstm_activations(projected + recurrent, size)
    i, f = gates[..., :size], gates[..., size : 2 * size]
    g, o = gates[..., 2 * size : 3 * size], gates[..., 3 * size :]
    c = f * state.cell_state + i * g
    return CellStep(CellState(o * tanh(c), c), {"i": i, "f": f, "g": g, "o": o})


def peephole_step(
    projected: Array, recurrent: Array, state: CellState, peepholes: Array, clamp: "MemoryClamp | None" = None
) -> CellStep:
    """Return one step of an LSTM with peepholes (Gers and Schmidhuber 2000, in the form of Graves 2013).

    i, f = σ(… + p·c), g = tanh(…);  c' = f·c + i·g;  o = σ(… + p_o·c');  h' = o·tanh(c')

    `peepholes` (3·H,) are the weights p_i, p_f and p_o. The output gate reads c' after the clamp.
    """
    size = state.hidden.shape[-1]
    total, c = projected + recurrent, state.cell_state
    i = sigmoid(total[..., :size] + peepholes[:size] * c)
    f = sigmoid(total[..., size : 2 * size] + peepholes[size : 2 * size] * c)
    g = tanh(total[..., 2 * size : 3 * size])
    c = f * c + i * g
    c = clamp.clamped(c) if clamp else c
    o = sigmoid(total[..., 3 * size :] + peepholes[2 * size :] * c)
    return CellStep(CellState(o * tanh(c), c), {"i": i, "f": f, "g": g, "o": o})


def cifg_step(projected: Array, recurrent: Array, state: CellState) -> CellStep:
    """Return one step of an LSTM with coupled input and forget gates, i = 1 - f (Greff et al. 2015).

    f, o = σ(…), g = tanh(…);  c' = f·c + (1 - f)·g;  h' = o·tanh(c')
    """
    size = state.hidden.shape[-1]
    total = projected + recurrent
    f, g, o = sigmoid(total[..., :size]), tanh(total[..., size : 2 * size]), sigmoid(total[..., 2 * size :])
    c = g + f * (state.cell_state - g)
    return CellStep(CellState(o * tanh(c), c), {"f": f, "g": g, "o": o})


def capped_step(projected: Array, recurrent: Array, state: CellState) -> CellStep:
    """Return one step of an LSTM with a capped input gate, i ≤ 1 - f, so that c stays in [-1, 1] (Melis et al. 2020).

    f, o = σ(…), g = tanh(…), i = min(σ(…), 1 - f);  c' = f·c + i·g;  h' = o·tanh(c')

    The gate i of the result is the capped one. Where it equals 1 - f, its gradient flows to f only.
    """
    size = state.hidden.shape[-1]
    total = projected + recurrent
    input_forget = sigmoid(total[..., : 2 * size])
    i, f = input_forget[..., :size], input_forget[..., size:]
    i = array_module(f).where(i < 1 - f, i, 1 - f)
    g, o = tanh(total[..., 2 * size : 3 * size]), sigmoid(total[..., 3 * size :])
    c = f * state.cell_state + i * g
    return CellStep(CellState(o * tanh(c), c), {"i": i, "f": f, "g": g, "o": o})


def gru_step(projected: Array, recurrent: Array, state: CellState) -> CellStep:
    """Return one step of a GRU (Cho et al. 2014, in cuDNN's form: the reset gate acts after the recurrent product).

    r, z = σ(…), n = tanh(W_in x + b_in + r·(W_hn h + b_hn));  h' = n + z·(h - n)
    """
    size = state.hidden.shape[-1]
    reset_update = sigmoid(projected[..., : 2 * size] + recurrent[..., : 2 * size])
    r, z = reset_update[..., :size], reset_update[..., size:]
    n = tanh(projected[..., 2 * size :] + r * recurrent[..., 2 * size :])
    return CellStep(CellState(n + z * (state.hidden - n)), {"r": r, "z": z, "n": n})


def reset_before_step(
    projected: Array,
    recurrent: Array,
    state: CellState,
    weight_hn: Array,
    clamp: "MemoryClamp | None" = None,  # noqa: ARG001 - no gate reads the next state
) -> CellStep:
    """Return one step of a GRU in its original form (Cho et al. 2014): the reset gate acts before the product.

    r, z = σ(…), n = tanh(W_in x + b_in + W_hn (r·h) + b_hn);  h' = n + z·(h - n)

    `weight_hn` is W_hn as an (in, out) matrix (H, H); `projected` has both biases, and of `recurrent` only the
    blocks of r and z are used. Keras calls this form reset_after=False, ONNX linear_before_reset=0.
    """
    size, hidden = state.hidden.shape[-1], state.hidden
    reset_update = sigmoid(projected[..., : 2 * size] + recurrent[..., : 2 * size])
    r, z = reset_update[..., :size], reset_update[..., size:]
    n = tanh(projected[..., 2 * size :] + (r * hidden) @ weight_hn)
    return CellStep(CellState(n + z * (hidden - n)), {"r": r, "z": z, "n": n})


def rnn_step(projected: Array, recurrent: Array, state: CellState) -> CellStep:  # noqa: ARG001 - the state is only its output, which is in `recurrent`
    """Return one step of a tanh RNN (Elman 1990): h' = tanh(W_ih x + b_ih + W_hh h + b_hh)."""
    return CellStep(CellState(tanh(projected + recurrent)), {})


CELLS: dict[str, CellType] = {
    "lstm": CellType(lstm_step, tuple("ifgo"), True, is_bounded=False),
    "gru": CellType(gru_step, tuple("rzn"), False),
    RESET_BEFORE: CellType(reset_before_step, tuple("rzn"), False),
    "rnn": CellType(rnn_step, ("h",), False),
    "peephole": CellType(peephole_step, tuple("ifgo"), True, is_bounded=False, peepholes=3),
    "cifg": CellType(cifg_step, tuple("fgo"), True),
    "capped": CellType(capped_step, tuple("ifgo"), True),
}


def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent, computed by the library of the array."""
    return array_module(x).tanh(x)


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + e^-x), computed as (1 + tanh(x/2)) / 2, which cannot overflow."""
    return 0.5 * array_module(x).tanh(0.5 * x) + 0.5


def _lstm_activations(total: Array, size: int) -> Array:
    """Return σ, σ, tanh, σ of the four blocks of an LSTM's sums: total (B, 4·H), which is overwritten -> (B, 4·H).

    a·tanh(a·x) + (1 - a) is tanh(x) for the slope a = 1 and σ(x) for a = ½, so one call computes all blocks. For a
    single stream the number of calls determines the time.
    """
    arrays = array_module(total)
    slope, offset = _activation_slopes(arrays, size, total.dtype, total.device)
    if arrays.__name__ != "numpy":
        return slope * arrays.tanh(slope * total) + offset
    # in place, because new arrays for hundreds of streams would not fit the CPU cache
    total *= slope
    arrays.tanh(total, out=total)
    total *= slope
    total += offset
    return total


@lru_cache(maxsize=8)
def _activation_slopes(arrays: Any, size: int, dtype: Any, device: Any) -> tuple[Array, Array]:
    """Return the slopes a of `_lstm_activations`, (4·H,), and 1 - a."""
    slope = arrays.full((4 * size,), 0.5, dtype=dtype, device=device)
    slope[2 * size : 3 * size] = 1
    return slope, 1 - slope


def array_module(x: Array) -> Any:
    """Return the module that an array belongs to, numpy or torch, without importing either."""
    return sys.modules[type(x).__module__.partition(".")[0]]


# The state of a network, for several streams

State = tuple[CellState, ...]
"""states of the layers, the lowest first"""


def select_rows(state: State, streams: Any) -> State:
    """Return some streams of a state, by a slice or by indices in any order, which may repeat."""
    return tuple(CellState(*(None if part is None else part[streams] for part in layer)) for layer in state)


def concat_rows(states: Sequence[State]) -> State:
    """Return one state with the streams of several states."""
    return tuple(CellState(*map(_concat, zip(*layers, strict=True))) for layers in zip(*states, strict=True))


def _concat(parts: Sequence[Array | None]) -> Array | None:
    return None if parts[0] is None else array_module(parts[0]).concatenate(tuple(parts))
