"""Gradients of a loss with respect to each input character, by backpropagation through time (Werbos 1990).

The gates are those that the forward pass has kept; no weight is trained. Shapes: T characters, B streams, H units,
G gates.
"""

from collections.abc import Callable
from typing import NamedTuple

from charrnn.network.cells import Array, CellState, CellStep, State, array_module, tanh
from charrnn.network.inference import ActivationCache, InferenceRNN, LayerCache, LayerWeights


class StepGradient(NamedTuple):
    """How a loss hangs on what a step was made of."""

    projected: Array
    """dL/d of what the input said, (B, G·H)"""
    recurrent: Array
    """dL/d of what the last output said, (B, G·H)"""
    hidden: Array | float
    """dL/dh before the step, what went through `recurrent` left out"""
    cell_state: Array | None
    """dL/dc before the step"""


def lstm_backward(step: CellStep, before: CellState, ahead: CellState, _: Array | None) -> StepGradient:
    """Go back through `cells.lstm_step`: ahead is dL/dh and dL/dc after the step."""
    i, f, g, o = (step.gates[name] for name in "ifgo")
    squashed = tanh(step.state.cell_state)
    memory = ahead.cell_state + ahead.hidden * o * (1 - squashed * squashed)
    total = array_module(i).concatenate(
        [
            memory * g * i * (1 - i),
            memory * before.cell_state * f * (1 - f),
            memory * i * (1 - g * g),
            ahead.hidden * squashed * o * (1 - o),
        ],
        -1,
    )
    return StepGradient(total, total, 0.0, memory * f)


def gru_backward(step: CellStep, before: CellState, ahead: CellState, recurrent: Array | None) -> StepGradient:
    """Go back through `cells.gru_step`: `recurrent` (B, 3·H) is what the reset gate let through."""
    assert recurrent is not None
    r, z, n = (step.gates[name] for name in "rzn")
    inside = ahead.hidden * (1 - z) * (1 - n * n)
    reset = inside * recurrent[..., 2 * n.shape[-1] :] * r * (1 - r)
    update = ahead.hidden * (before.hidden - n) * z * (1 - z)
    joined = array_module(n).concatenate
    return StepGradient(
        joined([reset, update, inside], -1), joined([reset, update, inside * r], -1), ahead.hidden * z, None
    )


def rnn_backward(step: CellStep, _before: CellState, ahead: CellState, _: Array | None) -> StepGradient:
    """Go back through `cells.rnn_step`: dL/dh·(1 - h²)."""
    total = ahead.hidden * (1 - step.state.hidden * step.state.hidden)
    return StepGradient(total, total, 0.0, None)


BACKWARD: dict[str, Callable[[CellStep, CellState, CellState, Array | None], StepGradient]] = {
    "lstm": lstm_backward,
    "gru": gru_backward,
    "rnn": rnn_backward,
}


def input_gradients(rnn: InferenceRNN, ids: Array, cache: ActivationCache, before: State, d_logits: Array) -> Array:
    """Say how a loss on the last prediction of a reading of ids (T, B) hangs on each character read: (T, B, E).

    logits (B, V): dL/d of those after the last character; before: the state that the reading began with. E are the
    numbers of a character's embedding, or of its one-hot vector where the model has none. On what stands before the
    end of a document, the end included, nothing hangs: after it the state is fresh.
    """
    ended = None if rnn.end is None else (ids == rnn.end)[..., None]
    top = cache.layers[-1].hidden
    ahead = array_module(top).zeros_like(top)
    ahead[-1] = d_logits @ rnn.output_weight.T
    for weights, layer, state in reversed(list(zip(rnn.layers, cache.layers, before, strict=True))):
        ahead = _backward_layer(BACKWARD[rnn.config.cell], weights, layer, state, ahead, ended)
    return ahead


def _backward_layer(
    backward: Callable[..., StepGradient],
    weights: LayerWeights,
    layer: LayerCache,
    before: CellState,
    d_outputs: Array,
    ended: Array | None,
) -> Array:
    """Take dL/dh after each step, (T, B, H), to dL/d of each step's input, (T, B, I); ended (T, B, 1): documents."""
    states = (before, *(step.state for step in layer.steps))
    hidden = array_module(d_outputs).zeros_like(d_outputs[0])
    memory = None if before.cell_state is None else hidden
    projected: list[Array] = []
    for number in range(len(layer.steps) - 1, -1, -1):
        past = states[number]
        recurrent = None if weights.bias_hh is None else past.hidden @ weights.weight_hh + weights.bias_hh
        flow = CellState(hidden + d_outputs[number], memory)
        if ended is not None:
            flow = CellState(*(None if part is None else part * ~ended[number] for part in flow))
        gradient = backward(layer.steps[number], past, flow, recurrent)
        projected.append(gradient.projected)
        hidden = gradient.recurrent @ weights.weight_hh.T + gradient.hidden
        memory = gradient.cell_state
    return array_module(d_outputs).stack(projected[::-1]) @ weights.weight_ih.T
