"""Gradients of a loss with respect to each input character, by backpropagation through time (Werbos 1990).

The gates come from the cache of the forward pass; no gradient of a weight is computed. Shapes: T characters, B
streams, H units, G gates.
"""

from collections.abc import Callable
from typing import NamedTuple

from charrnn.network.cells import Array, CellState, CellStep, State, array_module, tanh
from charrnn.network.inference import ActivationCache, InferenceRNN, LayerCache, LayerWeights


class StepGradient(NamedTuple):
    """The gradients of a loss with respect to the inputs of one step."""

    projected: Array
    """dL/d of the input projection W_ih x + b_ih, (B, G·H)"""
    recurrent: Array
    """dL/d of the recurrent projection W_hh h + b_hh, (B, G·H)"""
    hidden: Array | float
    """dL/dh before the step, without the part that flows through `recurrent`"""
    cell_state: Array | None
    """dL/dc before the step; None for cells without c"""


def lstm_backward(step: CellStep, before: CellState, d_after: CellState, _: Array | None) -> StepGradient:
    """Return the gradients of `cells.lstm_step`; `d_after` is dL/dh and dL/dc after the step."""
    i, f, g, o = (step.gates[name] for name in "ifgo")
    tanh_c = tanh(step.state.cell_state)
    d_c = d_after.cell_state + d_after.hidden * o * (1 - tanh_c * tanh_c)
    d_gates = array_module(i).concatenate(
        [
            d_c * g * i * (1 - i),
            d_c * before.cell_state * f * (1 - f),
            d_c * i * (1 - g * g),
            d_after.hidden * tanh_c * o * (1 - o),
        ],
        -1,
    )
    return StepGradient(d_gates, d_gates, 0.0, d_c * f)


def gru_backward(step: CellStep, before: CellState, d_after: CellState, recurrent: Array | None) -> StepGradient:
    """Return the gradients of `cells.gru_step`; `recurrent` (B, 3·H) is W_hh h + b_hh of the step."""
    assert recurrent is not None
    r, z, n = (step.gates[name] for name in "rzn")
    d_n = d_after.hidden * (1 - z) * (1 - n * n)
    d_r = d_n * recurrent[..., 2 * n.shape[-1] :] * r * (1 - r)
    d_z = d_after.hidden * (before.hidden - n) * z * (1 - z)
    concatenate = array_module(n).concatenate
    return StepGradient(
        concatenate([d_r, d_z, d_n], -1), concatenate([d_r, d_z, d_n * r], -1), d_after.hidden * z, None
    )


def rnn_backward(step: CellStep, _before: CellState, d_after: CellState, _: Array | None) -> StepGradient:
    """Return the gradients of `cells.rnn_step`: dL/dh·(1 - h²)."""
    d_sum = d_after.hidden * (1 - step.state.hidden * step.state.hidden)
    return StepGradient(d_sum, d_sum, 0.0, None)


BACKWARD: dict[str, Callable[[CellStep, CellState, CellState, Array | None], StepGradient]] = {
    "lstm": lstm_backward,
    "gru": gru_backward,
    "rnn": rnn_backward,
}


def input_gradients(rnn: InferenceRNN, ids: Array, cache: ActivationCache, before: State, d_logits: Array) -> Array:
    """Return the gradient of a loss on the last prediction with respect to each character: ids (T, B) -> (T, B, E).

    `d_logits` (B, V) is dL/dlogits after the last character. `cache` and `before` are the activations of the forward
    pass and the state before it. E is the size of a character's embedding, or of its one-hot vector in a model
    without an embedding. The gradient is zero up to the end of the last document that ends in `ids`, since the state
    after it is fresh.
    """
    is_reset = None if rnn.end is None else (ids == rnn.end)[..., None]
    top = cache.layers[-1].hidden
    d_hidden = array_module(top).zeros_like(top)
    d_hidden[-1] = d_logits @ rnn.output_weight.T
    for weights, layer, state in reversed(list(zip(rnn.layers, cache.layers, before, strict=True))):
        d_hidden = _backward_layer(BACKWARD[rnn.config.cell], weights, layer, state, d_hidden, is_reset)
    return d_hidden


def _backward_layer(
    backward: Callable[..., StepGradient],
    weights: LayerWeights,
    layer: LayerCache,
    before: CellState,
    d_outputs: Array,
    is_reset: Array | None,
) -> Array:
    """Return dL/d of the inputs of a layer, (T, B, I), from dL/dh of its outputs, (T, B, H).

    `is_reset` (T, B, 1) is true where a document ends.
    """
    states = (before, *(step.state for step in layer.steps))
    d_hidden = array_module(d_outputs).zeros_like(d_outputs[0])
    d_cell_state = None if before.cell_state is None else d_hidden
    d_projected: list[Array] = []
    for number in range(len(layer.steps) - 1, -1, -1):
        state = states[number]
        recurrent = None if weights.bias_hh is None else state.hidden @ weights.weight_hh + weights.bias_hh
        d_after = CellState(d_hidden + d_outputs[number], d_cell_state)
        if is_reset is not None:
            d_after = CellState(*(None if part is None else part * ~is_reset[number] for part in d_after))
        gradient = backward(layer.steps[number], state, d_after, recurrent)
        d_projected.append(gradient.projected)
        d_hidden = gradient.recurrent @ weights.weight_hh.T + gradient.hidden
        d_cell_state = gradient.cell_state
    return array_module(d_outputs).stack(d_projected[::-1]) @ weights.weight_ih.T
