"""The cells' equations backwards: how a loss hangs on each character that was read before it.

Nothing is learned here; of which loss, and what it says of a model, is left to others. Backpropagation through time
(Werbos 1990), with the gates that a Reading has kept. Shapes: T characters, B streams, H units, G gates.
"""

from collections.abc import Callable
from typing import NamedTuple

from charrnn.network.cells import Array, CellState, CellStep, library, tanh
from charrnn.network.reader import LayerReading, LayerWeights, Reader, Reading, State


class StepGradient(NamedTuple):
    """How a loss hangs on what a step was made of."""

    projected: Array
    """dL/d of what the input said, (B, G·H)"""
    recurrent: Array
    """dL/d of what the last output said, (B, G·H)"""
    hidden: Array | float
    """dL/dh before the step, what went through `recurrent` left out"""
    memory: Array | None
    """dL/dc before the step"""


def lstm(step: CellStep, before: CellState, ahead: CellState, _: Array | None) -> StepGradient:
    """Go back through `cells.lstm`: ahead is dL/dh and dL/dc after the step."""
    i, f, g, o = (step.gates[name] for name in "ifgo")
    squashed = tanh(step.state.memory)
    memory = ahead.memory + ahead.hidden * o * (1 - squashed * squashed)
    total = library(i).concatenate(
        [
            memory * g * i * (1 - i),
            memory * before.memory * f * (1 - f),
            memory * i * (1 - g * g),
            ahead.hidden * squashed * o * (1 - o),
        ],
        -1,
    )
    return StepGradient(total, total, 0.0, memory * f)


def gru(step: CellStep, before: CellState, ahead: CellState, recurrent: Array | None) -> StepGradient:
    """Go back through `cells.gru`: `recurrent` (B, 3·H) is what the reset gate let through."""
    assert recurrent is not None
    r, z, n = (step.gates[name] for name in "rzn")
    inside = ahead.hidden * (1 - z) * (1 - n * n)
    reset = inside * recurrent[..., 2 * n.shape[-1] :] * r * (1 - r)
    update = ahead.hidden * (before.hidden - n) * z * (1 - z)
    joined = library(n).concatenate
    return StepGradient(
        joined([reset, update, inside], -1), joined([reset, update, inside * r], -1), ahead.hidden * z, None
    )


def rnn(step: CellStep, _before: CellState, ahead: CellState, _: Array | None) -> StepGradient:
    """Go back through `cells.rnn`: dL/dh·(1 - h²)."""
    total = ahead.hidden * (1 - step.state.hidden * step.state.hidden)
    return StepGradient(total, total, 0.0, None)


ADJOINTS: dict[str, Callable[[CellStep, CellState, CellState, Array | None], StepGradient]] = {
    "lstm": lstm,
    "gru": gru,
    "rnn": rnn,
}


def input_gradients(reader: Reader, ids: Array, reading: Reading, before: State, logits: Array) -> Array:
    """Say how a loss on the last prediction of a reading of ids (T, B) hangs on each character read: (T, B, E).

    logits (B, V): dL/d of those after the last character; before: the state that the reading began with. E are the
    numbers of a character's embedding, or of its one-hot vector where the model has none. On what stands before the
    end of a document, the end included, nothing hangs: after it the state is fresh.
    """
    ended = None if reader.end is None else (ids == reader.end)[..., None]
    top = reading.layers[-1].hidden
    ahead = library(top).zeros_like(top)
    ahead[-1] = logits @ reader.output_weight.T
    for weights, layer, state in reversed(list(zip(reader.layers, reading.layers, before, strict=True))):
        ahead = _through_layer(ADJOINTS[reader.config.cell], weights, layer, state, ahead, ended)
    return ahead


def _through_layer(
    adjoint: Callable[..., StepGradient],
    weights: LayerWeights,
    layer: LayerReading,
    before: CellState,
    ahead: Array,
    ended: Array | None,
) -> Array:
    """Take dL/dh after each step, (T, B, H), to dL/d of each step's input, (T, B, I); ended (T, B, 1): documents."""
    states = (before, *(step.state for step in layer.steps))
    hidden = library(ahead).zeros_like(ahead[0])
    memory = None if before.memory is None else hidden
    projected: list[Array] = []
    for number in range(len(layer.steps) - 1, -1, -1):
        past = states[number]
        recurrent = None if weights.bias_hh is None else past.hidden @ weights.weight_hh + weights.bias_hh
        flow = CellState(hidden + ahead[number], memory)
        if ended is not None:
            flow = CellState(*(None if part is None else part * ~ended[number] for part in flow))
        gradient = adjoint(layer.steps[number], past, flow, recurrent)
        projected.append(gradient.projected)
        hidden = gradient.recurrent @ weights.weight_hh.T + gradient.hidden
        memory = gradient.memory
    return library(ahead).stack(projected[::-1]) @ weights.weight_ih.T
