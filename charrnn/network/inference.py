"""Inference with trained weights, step by step, with every state and gate; NumPy arrays, or torch tensors on a GPU.

The state is a value: it is passed in, and the next state is returned.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.config import NetworkConfig
from charrnn.network.cells import (
    CELLS,
    DOCUMENT_START,
    Array,
    CellState,
    CellStep,
    Clamp,
    Clamps,
    State,
    array_module,
    tanh,
)
from charrnn.network.model_file import Model
from charrnn.text.vocabulary import Ids

# Log-softmax and negative log-likelihood

Logits = NDArray[np.float32]
Nats = NDArray[np.float32]


def log_softmax(logits: Logits) -> Nats:
    """Give ln softmax(logits) of every character: (…, V) -> (…, V)."""
    shifted = logits - logits.max(-1, keepdims=True)
    log_probs: Nats = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return log_probs


def target_nll(logits: Logits, targets: Ids) -> Nats:
    """Give −ln softmax(logits)[target]: logits (…, V), targets (…) -> (…)."""
    shifted = logits - logits.max(-1, keepdims=True)
    target_logits = np.take_along_axis(shifted, targets[..., None], -1)[..., 0]
    nats: Nats = np.log(np.exp(shifted).sum(-1)) - target_logits
    return nats


# The network

NO_CLAMPS: Clamps = MappingProxyType({})

MAX_TABLE = 2_000_000
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
class LayerCache:
    """What one layer did over T characters of B streams; arrays are (T, B, H)."""

    steps: tuple[CellStep, ...]

    @cached_property
    def hidden(self) -> Array:
        """What the layer said: h."""
        return self._stacked(lambda step: step.state.hidden)

    @cached_property
    def cell_state(self) -> Array | None:
        """The LSTM's c; None for other cells."""
        if self.steps[0].state.cell_state is None:
            return None
        return self._stacked(lambda step: step.state.cell_state)

    @property
    def signal(self) -> Array:
        """What a cell is judged and drawn by: tanh(c) for the LSTM (Karpathy et al. 2015), h for the others."""
        return self.hidden if self.cell_state is None else tanh(self.cell_state)

    def gate(self, name: str) -> Array:
        """Give a gate's activations by its letter: i f g o, or r z n."""
        return self._stacked(lambda step: step.gates[name])

    def _stacked(self, part: Callable[[CellStep], Array]) -> Array:
        parts = [part(step) for step in self.steps]
        return array_module(parts[0]).stack(parts)


@dataclass(frozen=True)
class ActivationCache:
    """A stretch of text as a model read it."""

    layers: tuple[LayerCache, ...]
    state: State
    """after the last character"""


class InferenceRNN:
    """A model ready to be stepped.

    >>> reader = InferenceRNN.from_model(model)                             # doctest: +SKIP
    >>> logits, state = reader.step(ids, reader.initial_state(1))     # doctest: +SKIP
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
        self.layers = tuple(_layer_weights(config.cell, weights, layer) for layer in range(config.layers))
        self.output_weight = _contiguous(weights["output.weight"].T)
        self._output_bias = weights["output.bias"]
        self.vocabulary_size = len(self._output_bias)

    @classmethod
    def from_model(cls, model: Model, *, arrays: Callable[[Any], Array] = np.asarray) -> "InferenceRNN":
        """Lay out a model; `arrays` puts each weight where the stepping is to happen, e.g. on a GPU."""
        return cls(model.config, {name: arrays(weight) for name, weight in model.weights.items()}, end=model.end)

    @property
    def signal_name(self) -> str:
        """How `LayerCache.signal` is written: tanh(c) or h."""
        return "tanh(c)" if self._cell.has_cell_state else "h"

    @property
    def gate_names(self) -> tuple[str, ...]:
        """The letters that `LayerCache.gate` knows: i f g o, or r z n, or none."""
        return self._cell.gates if len(self._cell.gates) > 1 else ()

    def initial_state(self, streams: int) -> State:
        """Give the state before any text, for that many streams: zero, and before a document full."""
        like, value = self._output_bias, 0.0 if self.end is None else DOCUMENT_START
        memory = array_module(like).full((streams, self.config.hidden), value, dtype=like.dtype, device=like.device)
        state = CellState(tanh(memory), memory) if self._cell.has_cell_state else CellState(memory)
        return (state,) * self.config.layers

    def step(self, ids: Array, state: State, clamps: Clamps = NO_CLAMPS) -> tuple[Array, State]:
        """Read one character a stream: ids (B,), state -> logits of the next one (B, V), state."""
        state = self.step_state(ids, state, clamps)
        return self.logits(state[-1].hidden), state

    def step_state(self, ids: Array, state: State, clamps: Clamps = NO_CLAMPS) -> State:
        """Read one character a stream, ids (B,), of which only the state is wanted."""
        projected, ended = self._input_projection(ids), self._resets(ids)
        states: list[CellState] = []
        for number, (layer, carried) in enumerate(zip(self.layers, state, strict=True)):
            if number:
                projected = states[-1].hidden @ layer.weight_ih + layer.bias_ih
            states.append(self._step(layer, projected, carried, ended, clamps.get(number + 1)).state)
        return tuple(states)

    def run_with_cache(self, ids: Array, state: State, clamps: Clamps = NO_CLAMPS) -> ActivationCache:
        """Read T characters of B streams: ids (T, B) -> a Reading; one large product a layer for the input."""
        readings: list[LayerCache] = []
        projected, ended = self._input_projection(ids), [self._resets(row) for row in ids]
        for number, (layer, carried) in enumerate(zip(self.layers, state, strict=True)):
            if number:
                projected = readings[-1].hidden @ layer.weight_ih + layer.bias_ih
            readings.append(self._run_layer(layer, projected, carried, ended, clamps.get(number + 1)))
        return ActivationCache(tuple(readings), tuple(reading.steps[-1].state for reading in readings))

    def top_hidden(self, ids: Array, state: State, clamps: Clamps = NO_CLAMPS) -> tuple[Array, State]:
        """Read T characters of B streams for what the top layer says alone: ids (T, B) -> (T, B, H), state."""
        outputs: list[Array] = []
        for row in ids:
            state = self.step_state(row, state, clamps)
            outputs.append(state[-1].hidden)
        return array_module(outputs[0]).stack(outputs), state

    def nll(self, inputs: Array, targets: Array, state: State, clamps: Clamps = NO_CLAMPS) -> tuple[Nats, State]:
        """Read inputs (T, B) and say what each of the targets that follow them cost: nats (T, B), and the state."""
        hidden, state = self.top_hidden(inputs, state, clamps)
        return target_nll(self.logits(hidden), targets), state

    def logits(self, hidden: Array) -> Array:
        """Turn the top layer's output (…, H) into logits of the next character (…, V)."""
        return hidden @ self.output_weight + self._output_bias

    def _run_layer(
        self,
        layer: LayerWeights,
        projected: Array,
        state: CellState,
        resets: Sequence[Array | None],
        clamp: Clamp | None,
    ) -> LayerCache:
        steps: list[CellStep] = []
        for projection, is_reset in zip(projected, resets, strict=True):
            steps.append(self._step(layer, projection, state, is_reset, clamp))
            state = steps[-1].state
        return LayerCache(tuple(steps))

    def _step(
        self, layer: LayerWeights, projected: Array, state: CellState, is_reset: Array | None, clamp: Clamp | None
    ) -> CellStep:
        recurrent = state.hidden @ layer.weight_hh
        if layer.bias_hh is not None:
            recurrent = recurrent + layer.bias_hh
        step = self._cell.equations(projected, recurrent, state)
        if is_reset is not None:
            step = step._replace(state=_select_state(is_reset, self.initial_state(1)[0], step.state))
        return clamp.apply(step) if clamp else step

    def _resets(self, ids: Array) -> Array | None:
        """Say which streams' documents end with these characters, (B, 1); None where none does."""
        ended = None if self.end is None else ids == self.end
        return ended[:, None] if ended is not None and ended.any() else None

    def _input_projection(self, ids: Array) -> Array:
        """Say what the characters ids (…) tell the first layer: (…, G·H)."""
        if self._input_table is not None:
            return _take_rows(self._input_table, ids)
        layer = self.layers[0]
        if self._embedding is None:
            return layer.weight_ih[ids] + layer.bias_ih
        return self._embedding[ids] @ layer.weight_ih + layer.bias_ih

    @cached_property
    def _input_table(self) -> Array | None:
        """What every character says to the first layer, (V, G·H), where that is small enough to lay out."""
        layer = self.layers[0]
        if self._output_bias.shape[0] * layer.bias_ih.shape[0] > MAX_TABLE:
            return None
        table = layer.weight_ih if self._embedding is None else self._embedding @ layer.weight_ih
        return table + layer.bias_ih


def _layer_weights(cell: str, weights: Mapping[str, Array], layer: int) -> LayerWeights:
    """Turn torch's matrices (G·H, in) round and add up the biases that only ever act together."""
    bias_ih, bias_hh = weights[f"rnn.bias_ih_l{layer}"], weights[f"rnn.bias_hh_l{layer}"]
    keep_separate = cell == "gru"
    return LayerWeights(
        weight_ih=_contiguous(weights[f"rnn.weight_ih_l{layer}"].T),
        bias_ih=bias_ih if keep_separate else bias_ih + bias_hh,
        weight_hh=_contiguous(weights[f"rnn.weight_hh_l{layer}"].T),
        bias_hh=bias_hh if keep_separate else None,
    )


def _select_state(is_selected: Array, selected: CellState, other: CellState) -> CellState:
    """Take the streams at some places (B, 1) from one state, all others from the other."""
    arrays = array_module(other.hidden)
    parts = zip(selected, other, strict=True)
    return CellState(
        *(
            None if other_part is None else arrays.where(is_selected, selected_part, other_part)
            for selected_part, other_part in parts
        )
    )


def _take_rows(table: Array, ids: Array) -> Array:
    """Look up rows; for NumPy by the method that takes half the time of indexing."""
    return table.take(ids, 0) if isinstance(table, np.ndarray) else table[ids]


def _contiguous(array: Array) -> Array:
    return np.ascontiguousarray(array) if isinstance(array, np.ndarray) else array.contiguous()


# Transfer between NumPy and the network's device


def to_device(values: NDArray[Any], rnn: InferenceRNN) -> Array:
    """Put an array where a reader's stepping happens."""
    like = rnn.output_weight
    return values if isinstance(like, np.ndarray) else array_module(like).as_tensor(values, device=like.device)


def to_numpy(array: Array) -> NDArray[Any]:
    """Fetch an array from wherever it is."""
    return array if isinstance(array, np.ndarray) else np.asarray(array.cpu())
