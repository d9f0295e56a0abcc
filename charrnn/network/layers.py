"""One recurrent layer over a window while it learns, by the fastest way there is for each cell and device.

Shapes: T characters, B streams, I inputs, H units, G gates in torch's order. Weights and state come in, outputs and
the next state go out; nothing is kept here.
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


Layer = Callable[[Tensor, LayerState, LayerWeights], tuple[Tensor, LayerState]]
"""inputs (T, B, I), state, weights -> outputs (T, B, H), state after the last character"""


def lstm(inputs: Tensor, state: LayerState, weights: LayerWeights) -> tuple[Tensor, LayerState]:
    """Run an LSTM: oneDNN's on the CPU, cuDNN's on a GPU."""
    return _torchs(torch.lstm, inputs, [part.unsqueeze(0) for part in state], weights)


def gru(inputs: Tensor, state: LayerState, weights: LayerWeights) -> tuple[Tensor, LayerState]:
    """Run a GRU in cuDNN's form, where the reset gate acts after the recurrent product: ours on the CPU."""
    if inputs.is_cpu:
        outputs = recurrence.gru(inputs, *state, *weights, precision=_precision())
        return outputs, (outputs[-1],)
    return _torchs(torch.gru, inputs, state[0].unsqueeze(0), weights)


def rnn(inputs: Tensor, state: LayerState, weights: LayerWeights) -> tuple[Tensor, LayerState]:
    """Run a plain tanh network: ours on the CPU."""
    if inputs.is_cpu:
        outputs = recurrence.tanh_rnn(inputs, *state, *weights, precision=_precision())
        return outputs, (outputs[-1],)
    return _torchs(torch.rnn_tanh, inputs, state[0].unsqueeze(0), weights)


def _torchs(
    kernel: Callable[..., tuple[Tensor, ...]], inputs: Tensor, before: Tensor | list[Tensor], weights: LayerWeights
) -> tuple[Tensor, LayerState]:
    """Run one of torch's layers: with biases, one layer, no dropout, one direction, time first."""
    with warnings.catch_warnings():
        # cuDNN would have all weights in one piece of memory; those of one layer of several, or masked, are not, and
        # are copied each time. No user can do anything about it.
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")
        outputs, *after = kernel(inputs, before, weights, True, 1, 0.0, torch.is_grad_enabled(), False, False)
    return outputs, tuple(part[0] for part in after)


def _precision() -> str:
    """Say what products are made in here, as autocast has it."""
    return "bfloat16" if torch.is_autocast_enabled("cpu") else "float32"


LAYERS: dict[str, Layer] = {"lstm": lstm, "gru": gru, "rnn": rnn}
