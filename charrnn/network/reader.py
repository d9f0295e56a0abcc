"""Steps a trained model over text with every state and gate in sight; NumPy arrays, or torch tensors on a GPU.

The state is a value: it comes in, the next one goes out. Choosing and scoring characters is left to others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from charrnn.config import NetworkConfig
from charrnn.network.cells import CELLS, FULL, Array, CellState, CellStep, library, tanh
from charrnn.network.clamp import Clamp, Clamps
from charrnn.network.model_file import Model
from charrnn.network.softmax import Nats, target_nats

State = tuple[CellState, ...]
"""what every layer carries, the lowest first"""

NOTHING_HELD: Clamps = MappingProxyType({})

LARGEST_TABLE = 2_000_000
"""numbers in the table of what every character says to the first layer; larger ones are not laid out"""


class LayerWeights(NamedTuple):
    """A layer's weights, laid out for stepping: (in, G·H), so that a row of streams multiplies from the left."""

    weight_ih: Array
    bias_ih: Array
    """for LSTM and tanh RNN both biases, which are only ever added up"""
    weight_hh: Array
    bias_hh: Array | None
    """the GRU's alone: its reset gate acts on W_hn h + b_hn"""


@dataclass(frozen=True)
class LayerReading:
    """What one layer did over T characters of B streams; arrays are (T, B, H)."""

    steps: tuple[CellStep, ...]

    @cached_property
    def hidden(self) -> Array:
        """What the layer said: h."""
        return self._stacked(lambda step: step.state.hidden)

    @cached_property
    def memory(self) -> Array | None:
        """The LSTM's c; None for other cells."""
        if self.steps[0].state.memory is None:
            return None
        return self._stacked(lambda step: step.state.memory)

    @property
    def signal(self) -> Array:
        """What a cell is judged and drawn by: tanh(c) for the LSTM (Karpathy et al. 2015), h for the others."""
        return self.hidden if self.memory is None else tanh(self.memory)

    def gate(self, name: str) -> Array:
        """Give a gate's activations by its letter: i f g o, or r z n."""
        return self._stacked(lambda step: step.gates[name])

    def _stacked(self, part: Callable[[CellStep], Array]) -> Array:
        parts = [part(step) for step in self.steps]
        return library(parts[0]).stack(parts)


@dataclass(frozen=True)
class Reading:
    """A stretch of text as a model read it."""

    layers: tuple[LayerReading, ...]
    state: State
    """after the last character"""


class Reader:
    """A model ready to be stepped.

    >>> reader = Reader.of(model)                             # doctest: +SKIP
    >>> logits, state = reader.step(ids, reader.start(1))     # doctest: +SKIP
    """

    config: NetworkConfig
    weights: Mapping[str, Array]
    """by torch's names, as they came"""
    layers: tuple[LayerWeights, ...]
    """each layer's weights, the lowest first"""
    output_weight: Array
    """(H, V)"""
    end: int | None
    """the character that ends a document, after which the state is fresh; None: there are no documents"""

    def __init__(self, config: NetworkConfig, weights: Mapping[str, Array], *, end: int | None = None) -> None:
        assert (end is None) == (config.documents is None), "documents are ended by a character"
        self.config = config
        self.end = end
        self.weights = weights
        self._cell = CELLS[config.cell]
        self._embedding = weights.get("embedding.weight")
        self.layers = tuple(_lay_out(config.cell, weights, layer) for layer in range(config.layers))
        self.output_weight = _packed(weights["output.weight"].T)
        self._output_bias = weights["output.bias"]
        self.vocabulary_size = len(self._output_bias)

    @classmethod
    def of(cls, model: Model, *, arrays: Callable[[Any], Array] = np.asarray) -> "Reader":
        """Lay out a model; `arrays` puts each weight where the stepping is to happen, e.g. on a GPU."""
        return cls(model.config, {name: arrays(weight) for name, weight in model.weights.items()}, end=model.end)

    @property
    def signal_name(self) -> str:
        """How `LayerReading.signal` is written: tanh(c) or h."""
        return "tanh(c)" if self._cell.has_memory else "h"

    @property
    def gate_names(self) -> tuple[str, ...]:
        """The letters that `LayerReading.gate` knows: i f g o, or r z n, or none."""
        return self._cell.gates if len(self._cell.gates) > 1 else ()

    def start(self, streams: int) -> State:
        """Give the state before any text, for that many streams: zero, and before a document full."""
        like, value = self._output_bias, 0.0 if self.end is None else FULL
        memory = library(like).full((streams, self.config.hidden), value, dtype=like.dtype, device=like.device)
        state = CellState(tanh(memory), memory) if self._cell.has_memory else CellState(memory)
        return (state,) * self.config.layers

    def step(self, ids: Array, state: State, clamps: Clamps = NOTHING_HELD) -> tuple[Array, State]:
        """Read one character a stream: ids (B,), state -> logits of the next one (B, V), state."""
        state = self.advance(ids, state, clamps)
        return self.logits(state[-1].hidden), state

    def advance(self, ids: Array, state: State, clamps: Clamps = NOTHING_HELD) -> State:
        """Read one character a stream, ids (B,), of which only the state is wanted."""
        projected, ended = self._first_projection(ids), self._ended(ids)
        states: list[CellState] = []
        for number, (layer, carried) in enumerate(zip(self.layers, state, strict=True)):
            if number:
                projected = states[-1].hidden @ layer.weight_ih + layer.bias_ih
            states.append(self._step(layer, projected, carried, ended, clamps.get(number + 1)).state)
        return tuple(states)

    def read(self, ids: Array, state: State, clamps: Clamps = NOTHING_HELD) -> Reading:
        """Read T characters of B streams: ids (T, B) -> a Reading; one large product a layer for the input."""
        readings: list[LayerReading] = []
        projected, ended = self._first_projection(ids), [self._ended(row) for row in ids]
        for number, (layer, carried) in enumerate(zip(self.layers, state, strict=True)):
            if number:
                projected = readings[-1].hidden @ layer.weight_ih + layer.bias_ih
            readings.append(self._read_layer(layer, projected, carried, ended, clamps.get(number + 1)))
        return Reading(tuple(readings), tuple(reading.steps[-1].state for reading in readings))

    def hidden(self, ids: Array, state: State, clamps: Clamps = NOTHING_HELD) -> tuple[Array, State]:
        """Read T characters of B streams for what the top layer says alone: ids (T, B) -> (T, B, H), state."""
        said: list[Array] = []
        for row in ids:
            state = self.advance(row, state, clamps)
            said.append(state[-1].hidden)
        return library(said[0]).stack(said), state

    def costs(self, inputs: Array, targets: Array, state: State, clamps: Clamps = NOTHING_HELD) -> tuple[Nats, State]:
        """Read inputs (T, B) and say what each of the targets that follow them cost: nats (T, B), and the state."""
        hidden, state = self.hidden(inputs, state, clamps)
        return target_nats(self.logits(hidden), targets), state

    def logits(self, hidden: Array) -> Array:
        """Turn the top layer's output (…, H) into logits of the next character (…, V)."""
        return hidden @ self.output_weight + self._output_bias

    def _read_layer(
        self,
        layer: LayerWeights,
        projected: Array,
        state: CellState,
        ended: Sequence[Array | None],
        clamp: Clamp | None,
    ) -> LayerReading:
        steps: list[CellStep] = []
        for said, ends in zip(projected, ended, strict=True):
            steps.append(self._step(layer, said, state, ends, clamp))
            state = steps[-1].state
        return LayerReading(tuple(steps))

    def _step(
        self, layer: LayerWeights, projected: Array, state: CellState, ended: Array | None, clamp: Clamp | None
    ) -> CellStep:
        recurrent = state.hidden @ layer.weight_hh
        if layer.bias_hh is not None:
            recurrent = recurrent + layer.bias_hh
        step = self._cell.equations(projected, recurrent, state)
        if ended is not None:
            step = step._replace(state=_where(ended, self.start(1)[0], step.state))
        return clamp.applied(step) if clamp else step

    def _ended(self, ids: Array) -> Array | None:
        """Say which streams' documents end with these characters, (B, 1); None where none does."""
        ended = None if self.end is None else ids == self.end
        return ended[:, None] if ended is not None and ended.any() else None

    def _first_projection(self, ids: Array) -> Array:
        """Say what the characters ids (…) tell the first layer: (…, G·H)."""
        if self._table is not None:
            return _rows(self._table, ids)
        layer = self.layers[0]
        if self._embedding is None:
            return layer.weight_ih[ids] + layer.bias_ih
        return self._embedding[ids] @ layer.weight_ih + layer.bias_ih

    @cached_property
    def _table(self) -> Array | None:
        """What every character says to the first layer, (V, G·H), where that is small enough to lay out."""
        layer = self.layers[0]
        if self._output_bias.shape[0] * layer.bias_ih.shape[0] > LARGEST_TABLE:
            return None
        said = layer.weight_ih if self._embedding is None else self._embedding @ layer.weight_ih
        return said + layer.bias_ih


def _lay_out(cell: str, weights: Mapping[str, Array], layer: int) -> LayerWeights:
    """Turn torch's matrices (G·H, in) round and add up the biases that only ever act together."""
    bias_ih, bias_hh = weights[f"rnn.bias_ih_l{layer}"], weights[f"rnn.bias_hh_l{layer}"]
    apart = cell == "gru"
    return LayerWeights(
        weight_ih=_packed(weights[f"rnn.weight_ih_l{layer}"].T),
        bias_ih=bias_ih if apart else bias_ih + bias_hh,
        weight_hh=_packed(weights[f"rnn.weight_hh_l{layer}"].T),
        bias_hh=bias_hh if apart else None,
    )


def _where(places: Array, one: CellState, other: CellState) -> CellState:
    """Take the streams at some places (B, 1) from one state, all others from the other."""
    arrays = library(other.hidden)
    parts = zip(one, other, strict=True)
    return CellState(*(None if theirs is None else arrays.where(places, ours, theirs) for ours, theirs in parts))


def _rows(table: Array, ids: Array) -> Array:
    """Look up rows; for NumPy by the method that takes half the time of indexing."""
    return table.take(ids, 0) if isinstance(table, np.ndarray) else table[ids]


def _packed(array: Array) -> Array:
    return np.ascontiguousarray(array) if isinstance(array, np.ndarray) else array.contiguous()
