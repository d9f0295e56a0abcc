"""Inference with trained weights, step by step, with a cache of all states and gates.

Arrays are NumPy arrays, or torch tensors on a GPU. The state is passed in, and the next state is returned.
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
    RESET_BEFORE,
    Array,
    CellState,
    CellStep,
    State,
    array_module,
    tanh,
)
from charrnn.network.clamps import Clamps, LayerClamp
from charrnn.network.model_file import Model
from charrnn.text.vocabulary import Ids

# Log-softmax and negative log-likelihood

Logits = NDArray[np.float32]
Nats = NDArray[np.float32]


def log_softmax(logits: Logits) -> Nats:
    """Return ln softmax(logits): (…, V) -> (…, V)."""
    shifted = logits - logits.max(-1, keepdims=True)
    log_probs: Nats = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return log_probs


def target_nll(logits: Logits, targets: Ids) -> Nats:
    """Return the negative log-likelihood −ln softmax(logits)[target]: logits (…, V), targets (…) -> nats (…)."""
    shifted = logits - logits.max(-1, keepdims=True)
    nats: Nats = np.log(np.exp(shifted).sum(-1)) - np.take_along_axis(shifted, targets[..., None], -1)[..., 0]
    return nats


# The network

NO_CLAMPS: Clamps = MappingProxyType({})

MAX_TABLE = 2_000_000
"""numbers in the table of input projections by character; a larger table is not computed"""


class InferenceWeights(NamedTuple):
    """The weights of a layer as (in, G·H) matrices, so that a row of each stream multiplies from the left."""

    weight_ih: Array
    bias_ih: Array
    """for cells other than the GRU the sum of both biases"""
    weight_hh: Array
    bias_hh: Array | None
    """only for the GRU, whose reset gate acts on W_hn h + b_hn"""
    extra: tuple[Array, ...] = ()
    """further weights of the equations: peephole weights (3·H,), or W_hn (H, H) of the reset-before GRU"""


@dataclass(frozen=True)
class LayerCache:
    """The activations of one layer over T characters of B streams; arrays are (T, B, H)."""

    steps: tuple[CellStep, ...]

    @cached_property
    def hidden(self) -> Array:
        """The output h."""
        return self._stacked(lambda step: step.state.hidden)

    @cached_property
    def cell_state(self) -> Array | None:
        """The cell state c of an LSTM or a variant; None for other cells."""
        if self.steps[0].state.cell_state is None:
            return None
        return self._stacked(lambda step: step.state.cell_state)

    @property
    def signal(self) -> Array:
        """The activation that is inspected and drawn: tanh(c) where there is c (Karpathy et al. 2015), else h."""
        return self.hidden if self.cell_state is None else tanh(self.cell_state)

    def gate(self, name: str) -> Array:
        """Return the activations of a gate by its letter."""
        return self._stacked(lambda step: step.gates[name])

    def _stacked(self, part: Callable[[CellStep], Array]) -> Array:
        parts = [part(step) for step in self.steps]
        return array_module(parts[0]).stack(parts)


@dataclass(frozen=True)
class ActivationCache:
    """The activations of all layers over a text, and the state after it."""

    layers: tuple[LayerCache, ...]
    state: State
    """after the last character"""


class InferenceRNN:
    """A trained network for inference.

    >>> rnn = InferenceRNN.from_model(model)                    # doctest: +SKIP
    >>> logits, state = rnn.step(ids, rnn.initial_state(1))     # doctest: +SKIP
    """

    config: NetworkConfig
    weights: Mapping[str, Array]
    """weights as in the model file, by torch's names"""
    layers: tuple[InferenceWeights, ...]
    """weights of the layers, the lowest first"""
    output_weight: Array
    """(H, V)"""
    end_id: int | None
    """id of the character that ends a document, after which the state is fresh; None: there are no documents"""

    def __init__(self, config: NetworkConfig, weights: Mapping[str, Array], *, end_id: int | None = None) -> None:
        assert (end_id is None) == (config.documents is None), "documents are ended by a character"
        self.config = config
        self.end_id = end_id
        self.weights = weights
        self._cell = CELLS[config.cell]
        self._embedding = weights.get("embedding.weight")
        self.layers = tuple(_layer_weights(config.cell, weights, layer) for layer in range(config.layers))
        self.output_weight = _contiguous(weights["output.weight"].T)
        self._output_bias = weights["output.bias"]
        self.vocabulary_size = len(self._output_bias)

    @classmethod
    def from_model(cls, model: Model, *, arrays: Callable[[Any], Array] = np.asarray) -> "InferenceRNN":
        """Return the network of a model; `arrays` converts each weight, for example to a tensor on a GPU."""
        return cls(
            model.config, {name: arrays(weight) for name, weight in model.weights.items()}, end_id=model.end_id
        )

    @property
    def signal_name(self) -> str:
        """The formula of `LayerCache.signal`: tanh(c) or h."""
        return "tanh(c)" if self._cell.has_cell_state else "h"

    @property
    def gate_names(self) -> tuple[str, ...]:
        """The letters of the gates for `LayerCache.gate`, such as i f g o; none for a tanh RNN."""
        return self._cell.gates if len(self._cell.gates) > 1 else ()

    def initial_state(self, streams: int) -> State:
        """Return the state before any text: zero, or `DOCUMENT_START` if the text consists of documents."""
        like, value = self._output_bias, 0.0 if self.end_id is None else DOCUMENT_START
        start = array_module(like).full((streams, self.config.hidden), value, dtype=like.dtype, device=like.device)
        state = CellState(tanh(start), start) if self._cell.has_cell_state else CellState(start)
        return (state,) * self.config.layers

    def step(self, ids: Array, state: State, clamps: Clamps = NO_CLAMPS) -> tuple[Array, State]:
        """Read one character per stream: ids (B,), state -> logits of the next one (B, V), next state."""
        state = self.step_state(ids, state, clamps)
        return self.logits(state[-1].hidden), state

    def step_state(self, ids: Array, state: State, clamps: Clamps = NO_CLAMPS) -> State:
        """Return the state after one more character per stream, ids (B,), without computing logits."""
        projected, is_reset = self._input_projection(ids), self._resets(ids)
        states: list[CellState] = []
        for number, (layer, layer_state) in enumerate(zip(self.layers, state, strict=True)):
            if number:
                projected = states[-1].hidden @ layer.weight_ih + layer.bias_ih
            states.append(self._step(layer, projected, layer_state, is_reset, clamps.get(number + 1)).state)
        return tuple(states)

    def run_with_cache(self, ids: Array, state: State, clamps: Clamps = NO_CLAMPS) -> ActivationCache:
        """Return all activations over T characters of B streams, ids (T, B); inputs take one product per layer."""
        layers: list[LayerCache] = []
        projected, resets = self._input_projection(ids), [self._resets(row) for row in ids]
        for number, (layer, layer_state) in enumerate(zip(self.layers, state, strict=True)):
            if number:
                projected = layers[-1].hidden @ layer.weight_ih + layer.bias_ih
            layers.append(self._run_layer(layer, projected, layer_state, resets, clamps.get(number + 1)))
        return ActivationCache(tuple(layers), tuple(cache.steps[-1].state for cache in layers))

    def top_hidden(self, ids: Array, state: State, clamps: Clamps = NO_CLAMPS) -> tuple[Array, State]:
        """Return the outputs of the top layer over T characters of B streams: ids (T, B) -> (T, B, H), state."""
        outputs: list[Array] = []
        for row in ids:
            state = self.step_state(row, state, clamps)
            outputs.append(state[-1].hidden)
        return array_module(outputs[0]).stack(outputs), state

    def nll(self, inputs: Array, targets: Array, state: State, clamps: Clamps = NO_CLAMPS) -> tuple[Nats, State]:
        """Return the negative log-likelihood of targets (T, B) after inputs (T, B), in nats (T, B), and the state."""
        hidden, state = self.top_hidden(inputs, state, clamps)
        return target_nll(self.logits(hidden), targets), state

    def logits(self, hidden: Array) -> Array:
        """Return the logits of the next character (…, V) from outputs of the top layer (…, H)."""
        return hidden @ self.output_weight + self._output_bias

    def _run_layer(
        self,
        layer: InferenceWeights,
        projected: Array,
        state: CellState,
        resets: Sequence[Array | None],
        clamp: LayerClamp | None,
    ) -> LayerCache:
        steps: list[CellStep] = []
        for projection, is_reset in zip(projected, resets, strict=True):
            steps.append(self._step(layer, projection, state, is_reset, clamp))
            state = steps[-1].state
        return LayerCache(tuple(steps))

    def _step(
        self, layer: InferenceWeights, inputs: Array, state: CellState, reset: Array | None, clamp: LayerClamp | None
    ) -> CellStep:
        recurrent = state.hidden @ layer.weight_hh
        if layer.bias_hh is not None:
            recurrent = recurrent + layer.bias_hh
        extra = (*layer.extra, clamp) if layer.extra else ()
        step = self._cell.equations(inputs, recurrent, state, *extra)
        if reset is not None:
            step = step._replace(state=_select_state(reset, self.initial_state(1)[0], step.state))
        return clamp.apply(step) if clamp else step

    def _resets(self, ids: Array) -> Array | None:
        """Return a mask (B, 1) of the streams in which a document ends with ids (B,), or None if there are none."""
        is_end = None if self.end_id is None else ids == self.end_id
        return is_end[:, None] if is_end is not None and is_end.any() else None

    def _input_projection(self, ids: Array) -> Array:
        """Return the input projections of the first layer: ids (…) -> (…, G·H)."""
        if self._input_table is not None:
            return _take_rows(self._input_table, ids)
        layer = self.layers[0]
        if self._embedding is None:
            return layer.weight_ih[ids] + layer.bias_ih
        return self._embedding[ids] @ layer.weight_ih + layer.bias_ih

    @cached_property
    def _input_table(self) -> Array | None:
        """The input projection of every character, (V, G·H); None if the table would be too large."""
        layer = self.layers[0]
        if self._output_bias.shape[0] * layer.bias_ih.shape[0] > MAX_TABLE:
            return None
        table = layer.weight_ih if self._embedding is None else self._embedding @ layer.weight_ih
        return table + layer.bias_ih


def _layer_weights(cell: str, weights: Mapping[str, Array], layer: int) -> InferenceWeights:
    """Return the weights of a layer, with torch's matrices (G·H, in) transposed and biases added where possible."""
    bias_ih, bias_hh = weights[f"rnn.bias_ih_l{layer}"], weights[f"rnn.bias_hh_l{layer}"]
    keep_separate, extra = cell == "gru", weights.get(f"rnn.weight_peephole_l{layer}")
    weight_hh = _contiguous(weights[f"rnn.weight_hh_l{layer}"].T)
    return InferenceWeights(
        weight_ih=_contiguous(weights[f"rnn.weight_ih_l{layer}"].T),
        bias_ih=bias_ih if keep_separate else bias_ih + bias_hh,
        weight_hh=weight_hh,
        bias_hh=bias_hh if keep_separate else None,
        extra=(weight_hh[:, -len(weight_hh) :],) if cell == RESET_BEFORE else () if extra is None else (extra,),
    )


def _select_state(is_selected: Array, selected: CellState, other: CellState) -> CellState:
    """Return a state with some streams, `is_selected` (B, 1), of one state and the others of another state."""
    where, parts = array_module(other.hidden).where, zip(selected, other, strict=True)
    return CellState(*(None if part is None else where(is_selected, chosen, part) for chosen, part in parts))


def _take_rows(table: Array, ids: Array) -> Array:
    """Return rows of a table; `take` needs half the time of indexing in NumPy."""
    return table.take(ids, 0) if isinstance(table, np.ndarray) else table[ids]


def _contiguous(array: Array) -> Array:
    return np.ascontiguousarray(array) if isinstance(array, np.ndarray) else array.contiguous()


# Transfer between NumPy and the network's device


def to_device(values: NDArray[Any], rnn: InferenceRNN) -> Array:
    """Return an array on the device of a network."""
    like = rnn.output_weight
    return values if isinstance(like, np.ndarray) else array_module(like).as_tensor(values, device=like.device)


def to_numpy(array: Array) -> NDArray[Any]:
    """Return an array as a NumPy array, copied from the device where needed."""
    return array if isinstance(array, np.ndarray) else np.asarray(array.cpu())
