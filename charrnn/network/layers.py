"""One recurrent layer over a window while it learns, by the fastest way there is for each cell and device.

Shapes: T characters, B streams, I inputs, H units, G gates in torch's order. Weights and state come in, outputs and
the next state go out; nothing is kept here. Where `ended` (T, B) says so, what a step leaves is the state that a
document begins with.
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from charrnn.network import recurrence

LayerState = tuple[Tensor, ...]
"""(B, H) each: hidden, and for the LSTM memory"""


class LayerWeights(NamedTuple):
    """What a layer has learned."""

    weight_ih: Tensor
    """(G·H, I)"""
    weight_hh: Tensor
    """(G·H, H)"""
    bias_ih: Tensor
    """(G·H,)"""
    bias_hh: Tensor
    """(G·H,)"""


Layer = Callable[[Tensor, LayerState, LayerWeights, Tensor | None], tuple[Tensor, LayerState]]
"""inputs (T, B, I), state, weights, ended -> outputs (T, B, H), state after the last character"""

Kernel = Callable[..., tuple[Tensor, ...]]
"""one of torch's own layers"""

SATURATING = 1e4
"""what settles a gate, whatever else it hears: σ and tanh of it are 1, σ of its negative is 0"""


def lstm_layer(
    inputs: Tensor, state: LayerState, weights: LayerWeights, resets: Tensor | None = None
) -> tuple[Tensor, LayerState]:
    """Run an LSTM: oneDNN's on the CPU, cuDNN's on a GPU."""
    if resets is not None:
        inputs, weights = _with_reset_input(inputs, weights, resets)
    return _torch_layer(torch.lstm, inputs, [part.unsqueeze(0) for part in state], weights)


def gru_layer(
    inputs: Tensor, state: LayerState, weights: LayerWeights, resets: Tensor | None = None
) -> tuple[Tensor, LayerState]:
    """Run a GRU in cuDNN's form, where the reset gate acts after the recurrent product.

    It is ours on the CPU, and where documents end, which no kernel of torch's knows of.
    """
    if inputs.is_cpu or resets is not None:
        outputs = recurrence.gru(inputs, *state, *weights, resets=resets, precision=_precision(inputs))
        return outputs, (outputs[-1],)
    return _torch_layer(torch.gru, inputs, state[0].unsqueeze(0), weights)


def rnn_layer(
    inputs: Tensor, state: LayerState, weights: LayerWeights, resets: Tensor | None = None
) -> tuple[Tensor, LayerState]:
    """Run a plain tanh network: ours on the CPU, and where documents end."""
    if inputs.is_cpu or resets is not None:
        outputs = recurrence.tanh_rnn(inputs, *state, *weights, resets=resets, precision=_precision(inputs))
        return outputs, (outputs[-1],)
    return _torch_layer(torch.rnn_tanh, inputs, state[0].unsqueeze(0), weights)


def _torch_layer(
    kernel: Kernel, inputs: Tensor, before: Tensor | list[Tensor], weights: LayerWeights
) -> tuple[Tensor, LayerState]:
    """Run one of torch's layers: with biases, one layer, no dropout, one direction, time first."""
    if inputs.is_cuda and torch.is_autocast_enabled("cuda"):
        return _in_bfloat16(kernel, inputs, before, weights)
    with warnings.catch_warnings():
        # cuDNN would have all weights in one piece of memory; those of one layer of several, or masked, are not, and
        # are copied each time. No user can do anything about it.
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")
        outputs, *after = kernel(inputs, before, weights, True, 1, 0.0, torch.is_grad_enabled(), False, False)
    return outputs, tuple(part[0] for part in after)


def _in_bfloat16(
    kernel: Kernel, inputs: Tensor, before: Tensor | list[Tensor], weights: LayerWeights
) -> tuple[Tensor, LayerState]:
    """Run a layer of which all is rounded to bfloat16.

    torch's autocast would have cuDNN work in float16, whatever it is asked for; gradients are too small for that.
    """
    states = [part.bfloat16() for part in before] if isinstance(before, list) else before.bfloat16()
    rounded = LayerWeights(*(weight.bfloat16() for weight in weights))
    with torch.autocast(inputs.device.type, enabled=False):
        return _torch_layer(kernel, inputs.bfloat16(), states, rounded)


def _with_reset_input(inputs: Tensor, weights: LayerWeights, resets: Tensor) -> tuple[Tensor, LayerWeights]:
    """Have an LSTM's gates forget all where a document ends, by one more input that settles them.

    With f = 0 and i = g = o = 1 its state is c' = f·c + i·g = 1 and h' = tanh(1), whatever was there, and no gradient
    comes back: an exact reset within a window, by the kernels as they are.
    """
    size = weights.weight_hh.shape[1]
    reset_weights = weights.weight_ih.new_full((4 * size, 1), SATURATING)
    reset_weights[size : 2 * size] = -SATURATING
    inputs = torch.cat([inputs, resets.unsqueeze(-1).to(inputs.dtype)], -1)
    return inputs, weights._replace(weight_ih=torch.cat([weights.weight_ih, reset_weights], 1))


def _precision(inputs: Tensor) -> str:
    """Say what products are made in here, as autocast has it."""
    return "bfloat16" if torch.is_autocast_enabled(inputs.device.type) else "float32"


LAYERS: dict[str, Layer] = {"lstm": lstm_layer, "gru": gru_layer, "rnn": rnn_layer}
