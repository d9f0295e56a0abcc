"""Recording of activations over a text: of all cells as one array, of chosen cells, or in chunks with context.

The recorded signal is the state of a cell or one of its gates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn import arguments
from charrnn.arguments import shown, whole_number
from charrnn.errors import WrongUsageError
from charrnn.network.cell_id import check_cell, parse_cell
from charrnn.network.inference import ActivationCache, InferenceRNN, LayerCache
from charrnn.text.batching import split_into_rows
from charrnn.text.vocabulary import Ids

# Signals

DEFAULT_SIGNAL = "c"
"""signal that is searched and drawn by default: tanh(c), or h for cells without c"""


def signal_name(rnn: InferenceRNN, signal: str = DEFAULT_SIGNAL) -> str:
    """Return the display name of a signal; raise WrongUsageError if the network's cells do not have this signal."""
    if arguments.text(signal, "signal") in (DEFAULT_SIGNAL, rnn.signal_name):
        return rnn.signal_name
    signals = [*([] if rnn.signal_name == "h" else [DEFAULT_SIGNAL]), "h", *rnn.gate_names]
    if signal not in signals:
        raise WrongUsageError(
            f"cells of kind {rnn.config.cell} have no signal {shown(signal)}", hint=f"one of {', '.join(signals)}"
        )
    return signal


def signal_values(layer: LayerCache, signal: str = DEFAULT_SIGNAL) -> NDArray[np.floating]:
    """Return a signal of the cells of a layer by its letter or its display name, (T, B, H)."""
    if signal in (DEFAULT_SIGNAL, "tanh(c)"):
        return np.asarray(layer.signal)
    return np.asarray(layer.hidden if signal == "h" else layer.gate(signal))


# Chosen cells over a part of a text, in one stream

CellIndex = tuple[int, int]
"""layer, from 1, and unit, from 0"""

CELL_WARM_UP = 400
"""characters read before a range of a text, after which the state hardly depends on the text before them"""
STREAM_CHUNK = 128
"""characters per step of the computation; bounds the memory of the gates"""


def record_cells(
    rnn: InferenceRNN, ids: Ids, cells: Sequence[CellIndex], text_range: slice, *, signal: str = DEFAULT_SIGNAL
) -> NDArray[np.float32]:
    """Return a signal of cells over a range of a text's ids (T,): (cells, characters of the range).

    Up to CELL_WARM_UP characters before the range are read first. Raise WrongUsageError if the model does not have
    a cell or the signal.
    """
    signal_name(rnn, signal)
    for cell in cells:
        check_cell(cell, layers=rnn.config.layers, units=rnn.config.hidden)
    begin, stop = max(0, text_range.start - CELL_WARM_UP), min(text_range.stop, len(ids))
    chunks, state = [], rnn.initial_state(1)
    for start in range(begin, stop, STREAM_CHUNK):
        cache = rnn.run_with_cache(ids[start : min(start + STREAM_CHUNK, stop), None], state)
        state = cache.state
        values = {layer: signal_values(cache.layers[layer - 1], signal)[:, 0] for layer, _ in cells}
        chunks.append(np.stack([values[layer][:, unit] for layer, unit in cells]))
    return np.concatenate(chunks, axis=1)[:, text_range.start - begin :]


def first_component(activations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the first principal component of cells (cells, T), in [-1, 1], with the sign of the first cell."""
    centered = activations - activations.mean(axis=1, keepdims=True)
    weights = np.linalg.eigh(centered @ centered.T)[1][:, -1]
    component: NDArray[np.float32] = (weights if weights[0] >= 0 else -weights) @ centered
    return component / max(float(np.abs(component).max()), 1e-9)


# All cells at every character

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Activations:
    """A signal of every cell at each character of a text; NumPy functions accept it as an array.

    >>> activations = Activations(values=np.linspace(-1, 1, 12).reshape(2, 2, 3), text="ab", signal="tanh(c)")
    >>> activations
    Activations(characters=2, layers=2, units=3, signal='tanh(c)')
    >>> activations.cell("2.1").round(2)
    array([-0.27,  0.82])
    >>> np.asarray(activations)[0, 1, 1].round(2)
    np.float64(-0.27)
    """

    axes: ClassVar[tuple[str, str, str]] = ("characters", "layers", "units")
    """names of the dimensions of the values"""

    values: Float32Array
    """values of the signal at each character, in [-1, 1] (characters, layers, units)"""
    text: str
    """characters as the model read them"""
    signal: str
    """name of the signal: tanh(c), h or a gate"""

    def __repr__(self) -> str:
        sizes = ", ".join(f"{axis}={size}" for axis, size in zip(self.axes, self.shape, strict=True))
        return f"Activations({sizes}, signal={self.signal!r})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype=dtype, copy=copy)

    @property
    def shape(self) -> tuple[int, ...]:
        """The numbers of characters, layers and units."""
        return self.values.shape

    def cell(self, cell: str | CellIndex) -> Float32Array:
        """Return the activations of one cell (characters,), given as "layer.unit" or a tuple.

        Raise WrongUsageError if the cell is not in the model.
        """
        layer, unit = cell_id = _checked(cell) if isinstance(cell, tuple) and len(cell) == 2 else parse_cell(cell)
        check_cell(cell_id, layers=self.shape[1], units=self.shape[2])
        values: Float32Array = self.values[:, layer - 1, unit]
        return values


def _checked(cell: CellIndex) -> CellIndex:
    """Return layer and unit as Python integers (WrongUsageError)."""
    layer, unit = cell
    return whole_number(layer, "the layer of a cell"), whole_number(unit, "the unit of a cell")


def record_all(rnn: InferenceRNN, ids: Ids, text: str, *, signal: str = DEFAULT_SIGNAL) -> Activations:
    """Return a signal of all cells over a text and its ids (T,), read in one stream from the initial state.

    Raise WrongUsageError if the model's cells do not have the signal.
    """
    config, name = rnn.config, signal_name(rnn, signal)
    values = np.empty((len(ids), config.layers, config.hidden), dtype=np.float32)
    state = rnn.initial_state(1)
    for start in range(0, len(ids), STREAM_CHUNK):
        cache = rnn.run_with_cache(ids[start : start + STREAM_CHUNK, None], state)
        state = cache.state
        for number, layer in enumerate(cache.layers):
            values[start : start + STREAM_CHUNK, number] = signal_values(layer, signal)[:, 0]
    return Activations(values=values, text=text, signal=name)


# All states and gates of all cells, in chunks that are not kept


def state_arrays(rnn: InferenceRNN) -> list[str]:
    """Return the names of the arrays of `record_states`: "layer1_h", the other signals, the other layers."""
    states = ("h", "c") if rnn.signal_name != "h" else ("h",)
    layers = range(1, rnn.config.layers + 1)
    return [f"layer{layer}_{signal}" for layer in layers for signal in (*states, *rnn.gate_names)]


def record_states(rnn: InferenceRNN, ids: Ids) -> Iterator[list[Float32Array]]:
    """Yield all states and gates over a text's ids (T,), in one stream: arrays (chunk, H) as in `state_arrays`.

    The state c of an LSTM is the cell state itself, not its hyperbolic tangent.
    """
    state = rnn.initial_state(1)
    for start in range(0, len(ids), STREAM_CHUNK):
        cache = rnn.run_with_cache(ids[start : start + STREAM_CHUNK, None], state)
        state = cache.state
        yield [
            np.ascontiguousarray(values[:, 0], dtype=np.float32)
            for layer in cache.layers
            for values in (
                layer.hidden,
                *(() if layer.cell_state is None else (layer.cell_state,)),
                *map(layer.gate, rnn.gate_names),
            )
        ]


# A whole text in one pass, split into parallel rows; chunks are not kept

ROW_WARM_UP = 256
"""characters that each row but the first reads before its first counted character"""
MAX_ROWS = 16
"""number of rows beyond which the speed hardly increases on a few cores"""
MAX_CHUNK_CHARS = 256
"""longest chunk, in characters of each row"""
MAX_NUMBERS = 16_000_000
"""numbers in the states and gates of one chunk; bounds the memory"""
NUMBERS_PER_UNIT = 10
"""numbers stored for each unit at each step, with temporaries"""


class ActivationChunk(NamedTuple):
    """Activations of T characters of each of B rows."""

    cache: ActivationCache
    """states and gates after each character"""
    positions: NDArray[np.int64]
    """position in the text of each character (T, B)"""
    is_counted: NDArray[np.bool_]
    """whether the character belongs to this row, rather than to its warm-up (T, B)"""


def run_over_text(rnn: InferenceRNN, ids: Ids) -> Iterator[ActivationChunk]:
    """Yield the activations over a text's ids (T,); every character is counted in exactly one row and chunk."""
    # The layout of rows is made for predictions, of which a text has one less than characters: add a character.
    extended = np.append(ids, ids[-1:])
    layout = split_into_rows(len(extended), rows=min(MAX_ROWS, len(ids) // (4 * ROW_WARM_UP)), warm_up=ROW_WARM_UP)
    state = rnn.initial_state(layout.count)
    for chunk in layout.chunks(extended, chunk_length(rnn, layout.count)):
        cache = rnn.run_with_cache(chunk.inputs, state)
        state = cache.state
        yield ActivationChunk(cache, chunk.positions - 1, chunk.is_scored)


def chunk_length(rnn: InferenceRNN, rows: int) -> int:
    """Return the number of characters of each row whose activations fit into MAX_NUMBERS."""
    width = NUMBERS_PER_UNIT * rnn.config.hidden * rnn.config.layers
    return max(1, min(MAX_CHUNK_CHARS, MAX_NUMBERS // (rows * width)))


# Each character with the activations around it

Values = NDArray[np.floating]
Places = NDArray[np.int64]

CONTEXT_CHARS = 40
"""characters of context on each side of a character"""


class ContextChunk(NamedTuple):
    """T characters of B rows, with the activations of cells up to CONTEXT_CHARS characters before and after."""

    positions: Places
    """position in the text of each character (T, B)"""
    is_counted: NDArray[np.bool_]
    """whether the character belongs to this row, rather than to its warm-up (T, B)"""
    values: Values
    """activations (cells, T + 2·CONTEXT_CHARS, B); nan outside the text"""

    def complete(self) -> "ContextChunk":
        """Return the chunk without the last characters, whose context has not been read yet."""
        count = self.values.shape[1] - 2 * CONTEXT_CHARS
        return ContextChunk(self.positions[:count], self.is_counted[:count], self.values)


def with_context(rnn: InferenceRNN, ids: Ids, cells: Sequence[CellIndex]) -> Iterator[ContextChunk]:
    """Yield the activations of cells over a text's ids (T,), delayed until the context after them has been read."""
    pending: ContextChunk | None = None
    for cache, places, counted in run_over_text(rnn, ids):
        signals = {layer: cache.layers[layer - 1].signal for layer, _ in cells}
        values = np.stack([signals[layer][:, :, unit] for layer, unit in cells])
        pending = pending or _padding(len(cells), places.shape[1], value_count=2 * CONTEXT_CHARS)
        joined = _concat(pending, ContextChunk(places, counted, values))
        yield joined.complete()
        pending = ContextChunk(
            joined.positions[-CONTEXT_CHARS:],
            joined.is_counted[-CONTEXT_CHARS:],
            joined.values[:, -2 * CONTEXT_CHARS :],
        )
    if pending is not None:
        end = _padding(len(cells), pending.positions.shape[1], value_count=CONTEXT_CHARS)
        yield _concat(pending, end).complete()


def _padding(cells: int, rows: int, *, value_count: int) -> ContextChunk:
    """Return CONTEXT_CHARS characters that do not count, with nan for the given number of activations."""
    positions = np.zeros((CONTEXT_CHARS, rows), np.int64)
    return ContextChunk(positions, np.zeros(positions.shape, np.bool_), np.full((cells, value_count, rows), np.nan))


def _concat(first: ContextChunk, second: ContextChunk) -> ContextChunk:
    return ContextChunk(
        np.concatenate([first.positions, second.positions]),
        np.concatenate([first.is_counted, second.is_counted]),
        np.concatenate([first.values, second.values], axis=1),
    )
