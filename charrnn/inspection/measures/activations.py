"""Activations of cells over a text: all of them as one array, or chosen cells, read in chunks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import whole_number
from charrnn.network.cell_id import check_cell, parse_cell
from charrnn.network.inference import ActivationCache, InferenceRNN
from charrnn.text.batching import split_into_rows
from charrnn.text.vocabulary import Ids

# Chosen cells over a part of a text, read as one stream

CellIndex = tuple[int, int]
"""layer, from 1, and unit, from 0"""

CELL_WARM_UP = 400
"""characters read before a stretch within a text, so that the state is what it would be there"""
STREAM_CHUNK = 128


def record_cells(rnn: InferenceRNN, ids: Ids, cells: Sequence[CellIndex], stretch: slice) -> NDArray[np.float32]:
    """Give the signal of cells over a stretch of a text's ids (T,): (cells, characters of the stretch).

    The text before the stretch is read too, as far back as matters. Raise WrongUsageError for a cell that the
    model does not have.
    """
    for cell in cells:
        check_cell(cell, layers=rnn.config.layers, units=rnn.config.hidden)
    begin, stop = max(0, stretch.start - CELL_WARM_UP), min(stretch.stop, len(ids))
    chunks, state = [], rnn.initial_state(1)
    for start in range(begin, stop, STREAM_CHUNK):
        cache = rnn.run_with_cache(ids[start : min(start + STREAM_CHUNK, stop), None], state)
        state = cache.state
        chunks.append(np.stack([cache.layers[layer - 1].signal[:, 0, unit] for layer, unit in cells]))
    return np.concatenate(chunks, axis=1)[:, stretch.start - begin :]


# All cells at every character

Float32Array = NDArray[np.float32]


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

    values: Float32Array
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

    def cell(self, cell: str | CellIndex) -> Float32Array:
        """Give what one cell did, by its name, layer.unit: (characters,). WrongUsageError if there is none such."""
        layer, unit = cell_id = _place(cell) if isinstance(cell, tuple) and len(cell) == 2 else parse_cell(cell)
        check_cell(cell_id, layers=self.shape[1], units=self.shape[2])
        values: Float32Array = self.values[:, layer - 1, unit]
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
    for start in range(0, len(ids), STREAM_CHUNK):
        cache = rnn.run_with_cache(ids[start : start + STREAM_CHUNK, None], state)
        state = cache.state
        for number, layer in enumerate(cache.layers):
            values[start : start + STREAM_CHUNK, number] = layer.signal[:, 0]
    return Activations(values=values, text=text, signal=rnn.signal_name)


# A whole text, read once in rows side by side; no chunk is kept when the next one is read

ROW_WARM_UP = 256
"""characters that each row but the first reads before it counts"""
MAX_ROWS = 16
"""beyond it a row more gains little on a few cores"""
MAX_CHUNK_CHARS = 256
"""characters of each row at once"""
MAX_NUMBERS = 16_000_000
"""in one chunk's states and gates; what bounds the memory, whatever the text and the network"""
NUMBERS_PER_UNIT = 10
"""numbers that a reading keeps of each unit at each step, and what went into them"""


class ActivationChunk(NamedTuple):
    """T characters of each of B rows, as they were read."""

    cache: ActivationCache
    positions: NDArray[np.int64]
    """where in the text each of them stands, (T, B)"""
    is_counted: NDArray[np.bool_]
    """whether it is this row that counts it, (T, B)"""


def run_over_text(rnn: InferenceRNN, ids: Ids) -> Iterator[ActivationChunk]:
    """Read a text's ids (T,); every character is counted once, in some row of some chunk."""
    # Rows are cut for what comes next to be told: one character more has every one of the text come before another.
    longer = np.append(ids, ids[-1:])
    layout = split_into_rows(len(longer), rows=min(MAX_ROWS, len(ids) // (4 * ROW_WARM_UP)), warm_up=ROW_WARM_UP)
    state = rnn.initial_state(layout.count)
    for chunk in layout.chunks(longer, chunk_length(rnn, layout.count)):
        cache = rnn.run_with_cache(chunk.inputs, state)
        state = cache.state
        yield ActivationChunk(cache, chunk.positions - 1, chunk.is_scored)


def chunk_length(rnn: InferenceRNN, rows: int) -> int:
    """Say how many characters of so many rows fit into what is kept at once."""
    width = NUMBERS_PER_UNIT * rnn.config.hidden * rnn.config.layers
    return max(1, min(MAX_CHUNK_CHARS, MAX_NUMBERS // (rows * width)))


# Each character with the characters around it

Values = NDArray[np.floating]
Places = NDArray[np.int64]

CONTEXT_CHARS = 40
"""characters on each side of a place"""


class ContextChunk(NamedTuple):
    """T characters of B rows, and what the cells did there and AROUND characters further on both sides."""

    positions: Places
    """(T, B)"""
    is_counted: NDArray[np.bool_]
    """(T, B)"""
    values: Values
    """(cells, T + 2·AROUND, B); nan beyond the text"""

    def complete(self) -> "ContextChunk":
        """Leave out the characters whose surroundings are still to come."""
        count = self.values.shape[1] - 2 * CONTEXT_CHARS
        return ContextChunk(self.positions[:count], self.is_counted[:count], self.values)


def with_context(rnn: InferenceRNN, ids: Ids, cells: Sequence[CellIndex]) -> Iterator[ContextChunk]:
    """Read a text; what a character's surroundings lack is waited for, so all come AROUND characters late."""
    late: ContextChunk | None = None
    for cache, places, counted in run_over_text(rnn, ids):
        signals = {layer: cache.layers[layer - 1].signal for layer, _ in cells}
        values = np.stack([signals[layer][:, :, unit] for layer, unit in cells])
        late = late or _padding(len(cells), places.shape[1], before=2 * CONTEXT_CHARS)
        here = _concat(late, ContextChunk(places, counted, values))
        yield here.complete()
        late = ContextChunk(
            here.positions[-CONTEXT_CHARS:], here.is_counted[-CONTEXT_CHARS:], here.values[:, -2 * CONTEXT_CHARS :]
        )
    if late is not None:
        yield _concat(late, _padding(len(cells), late.positions.shape[1], before=CONTEXT_CHARS)).complete()


def _padding(cells: int, rows: int, *, before: int) -> ContextChunk:
    """Stand for AROUND characters beyond the text, with so many values."""
    nowhere = np.zeros((CONTEXT_CHARS, rows), np.int64)
    return ContextChunk(nowhere, nowhere > 0, np.full((cells, before, rows), np.nan))


def _concat(first: ContextChunk, second: ContextChunk) -> ContextChunk:
    return ContextChunk(
        np.concatenate([first.positions, second.positions]),
        np.concatenate([first.is_counted, second.is_counted]),
        np.concatenate([first.values, second.values], axis=1),
    )
