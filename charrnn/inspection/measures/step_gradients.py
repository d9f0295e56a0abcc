"""Gradients of one step of each cell, from the gates that the forward pass recorded, without torch.

Shapes: B streams, H units, G gates.
"""

from collections.abc import Callable
from typing import NamedTuple

from charrnn.network.cells import RESET_BEFORE, Array, CellState, CellStep, array_module, tanh
from charrnn.network.inference import InferenceWeights


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


Backward = Callable[[CellStep, CellState, CellState, InferenceWeights], StepGradient]
"""step, state before it, dL/dh and dL/dc after it, weights of the layer -> gradients"""


def lstm_backward(step: CellStep, before: CellState, d_after: CellState, _: InferenceWeights) -> StepGradient:
    """Return the gradients of `cells.lstm_step`."""
    i, f, g = (step.gates[name] for name in "ifg")
    d_c, d_o = _output_gradients(step, d_after)
    d_i, d_f = d_c * g * i * (1 - i), d_c * before.cell_state * f * (1 - f)
    return _lstm_gradient([d_i, d_f, d_c * i * (1 - g * g), d_o], d_c * f)


def peephole_backward(
    step: CellStep, before: CellState, d_after: CellState, weights: InferenceWeights
) -> StepGradient:
    """Return the gradients of `cells.peephole_step`."""
    i, f, g, o = (step.gates[name] for name in "ifgo")
    (peepholes,), size = weights.extra, o.shape[-1]
    d_c, d_o = _output_gradients(step, d_after)
    d_c = d_c + d_o * peepholes[2 * size :]
    d_i, d_f = d_c * g * i * (1 - i), d_c * before.cell_state * f * (1 - f)
    d_cell_state = d_c * f + d_i * peepholes[:size] + d_f * peepholes[size : 2 * size]
    return _lstm_gradient([d_i, d_f, d_c * i * (1 - g * g), d_o], d_cell_state)


def cifg_backward(step: CellStep, before: CellState, d_after: CellState, _: InferenceWeights) -> StepGradient:
    """Return the gradients of `cells.cifg_step`."""
    f, g = step.gates["f"], step.gates["g"]
    d_c, d_o = _output_gradients(step, d_after)
    return _lstm_gradient([d_c * (before.cell_state - g) * f * (1 - f), d_c * (1 - f) * (1 - g * g), d_o], d_c * f)


def capped_backward(step: CellStep, before: CellState, d_after: CellState, _: InferenceWeights) -> StepGradient:
    """Return the gradients of `cells.capped_step`; at the cap, that of the input gate is zero."""
    i, f, g = (step.gates[name] for name in "ifg")
    uncapped_g = (i < 1 - f) * g
    d_c, d_o = _output_gradients(step, d_after)
    d_i, d_f = d_c * uncapped_g * i * (1 - i), d_c * (before.cell_state - g + uncapped_g) * f * (1 - f)
    return _lstm_gradient([d_i, d_f, d_c * i * (1 - g * g), d_o], d_c * f)


def _output_gradients(step: CellStep, d_after: CellState) -> tuple[Array, Array]:
    """Return dL/dc of an LSTM after a step, and the gradient of the sum within the output gate."""
    o, tanh_c = step.gates["o"], tanh(step.state.cell_state)
    d_c = d_after.cell_state + d_after.hidden * o * (1 - tanh_c * tanh_c)
    return d_c, d_after.hidden * tanh_c * o * (1 - o)


def _lstm_gradient(d_gates: list[Array], d_cell_state: Array) -> StepGradient:
    """Return the gradients from those of the sums within the gates, (B, H) each, and dL/dc before the step."""
    d_sums = array_module(d_cell_state).concatenate(d_gates, -1)
    return StepGradient(d_sums, d_sums, 0.0, d_cell_state)


def gru_backward(step: CellStep, before: CellState, d_after: CellState, weights: InferenceWeights) -> StepGradient:
    """Return the gradients of `cells.gru_step`."""
    recurrent = before.hidden @ weights.weight_hh + weights.bias_hh
    r, z, n = (step.gates[name] for name in "rzn")
    d_n = d_after.hidden * (1 - z) * (1 - n * n)
    d_r = d_n * recurrent[..., 2 * n.shape[-1] :] * r * (1 - r)
    d_z = d_after.hidden * (before.hidden - n) * z * (1 - z)
    concatenate = array_module(n).concatenate
    return StepGradient(
        concatenate([d_r, d_z, d_n], -1), concatenate([d_r, d_z, d_n * r], -1), d_after.hidden * z, None
    )


def reset_before_backward(
    step: CellStep, before: CellState, d_after: CellState, weights: InferenceWeights
) -> StepGradient:
    """Return the gradients of `cells.reset_before_step`; the one through W_hn (r·h) is a part of `hidden`."""
    (weight_hn,), (r, z, n) = weights.extra, (step.gates[name] for name in "rzn")
    d_n = d_after.hidden * (1 - z) * (1 - n * n)
    d_reset_hidden = d_n @ weight_hn.T
    d_r = d_reset_hidden * before.hidden * r * (1 - r)
    d_z = d_after.hidden * (before.hidden - n) * z * (1 - z)
    concatenate = array_module(n).concatenate
    return StepGradient(
        concatenate([d_r, d_z, d_n], -1),
        concatenate([d_r, d_z, 0 * d_n], -1),
        d_after.hidden * z + d_reset_hidden * r,
        None,
    )


def rnn_backward(step: CellStep, _before: CellState, d_after: CellState, _: InferenceWeights) -> StepGradient:
    """Return the gradients of `cells.rnn_step`: dL/dh·(1 - h²)."""
    d_sum = d_after.hidden * (1 - step.state.hidden * step.state.hidden)
    return StepGradient(d_sum, d_sum, 0.0, None)


BACKWARD: dict[str, Backward] = {
    "lstm": lstm_backward,
    "gru": gru_backward,
    RESET_BEFORE: reset_before_backward,
    "rnn": rnn_backward,
    "peephole": peephole_backward,
    "cifg": cifg_backward,
    "capped": capped_backward,
}
