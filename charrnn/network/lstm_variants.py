"""Layers of LSTM and GRU variants, for which torch has no kernel: fused or step by step; their weights.

On a GPU, and for the reset-before GRU, a window is a differentiable loop over the equations of `cells`, without any
synchronization with the host, so that a CUDA graph can capture it.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from charrnn.network.cells import CELLS, DOCUMENT_START, RESET_BEFORE, CellState
from charrnn.network.fused_lstm import FRESH_HIDDEN, fused_lstm
from charrnn.network.fused_rnn import autocast_precision, precision_casts
from charrnn.network.lstm_variant_steps import VARIANTS
from charrnn.network.model_file import layer_shapes


class VariantWeights(NamedTuple):
    """The weights of a layer, named as in torch where torch has them."""

    weight_ih: Tensor
    """(G·H, I)"""
    weight_hh: Tensor
    """(G·H, H)"""
    bias_ih: Tensor
    """(G·H,)"""
    bias_hh: Tensor
    """(G·H,)"""
    weight_peephole: Tensor | None = None
    """p_i, p_f and p_o of the peephole LSTM, (3·H,)"""

    def further(self, cell: str) -> tuple[Tensor, ...]:
        """Return the further weights that the equations of a cell need."""
        if cell == RESET_BEFORE:
            return (self.weight_hh[2 * self.weight_hh.shape[1] :].t(),)
        return () if self.weight_peephole is None else (self.weight_peephole,)


class VariantModule(nn.Module):
    """The weights of the layers of a variant, named as those of torch's recurrent modules."""

    def __init__(self, cell: str, width: int, hidden: int, layers: int) -> None:
        super().__init__()
        for layer in range(layers):
            for name, shape in layer_shapes(cell, hidden if layer else width, hidden).items():
                self.register_parameter(f"{name}_l{layer}", nn.Parameter(torch.zeros(shape)))


def variant_layer(
    cell: str,
    inputs: Tensor,
    state: tuple[Tensor, ...],
    weights: VariantWeights,
    resets: Tensor | None = None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run a layer of a variant: inputs (T, B, I), h and c (B, H) -> outputs (T, B, H), h and c after the window."""
    precision = autocast_precision(inputs)
    if not inputs.is_cpu:
        return stepped_layer(cell, inputs, state, weights, resets, precision=precision)
    outputs, cell_state = fused_lstm(cell, inputs, *state, *weights, resets=resets, precision=precision)
    return outputs, (outputs[-1], cell_state)


def stepped_layer(
    cell: str,
    inputs: Tensor,
    state: tuple[Tensor, ...],
    weights: VariantWeights,
    resets: Tensor | None = None,
    *,
    precision: str = "float32",
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run a layer step by step with autograd, as `variant_layer` does on a GPU."""
    casts, equations = precision_casts(precision, state[0], weights.weight_hh), CELLS[cell].equations
    extra, fresh = weights.further(cell), FRESH_HIDDEN if CELLS[cell].has_cell_state else DOCUMENT_START
    from_hidden = casts.recurrent(weights.weight_hh).t()
    projected = (casts.window(inputs) @ casts.window(weights.weight_ih).t()).to(inputs.dtype)
    projected = projected + (weights.bias_ih + weights.bias_hh)
    current, outputs = CellState(*state), []
    for step, projection in enumerate(projected.unbind()):
        recurrent = (casts.recurrent(current.hidden) @ from_hidden).to(inputs.dtype)
        current = equations(projection, recurrent, current, *extra).state
        if resets is not None:
            mask = resets[step].unsqueeze(-1)
            cell_state = current.cell_state
            cell_state = None if cell_state is None else cell_state.masked_fill(mask, DOCUMENT_START)
            current = CellState(current.hidden.masked_fill(mask, fresh), cell_state)
        outputs.append(current.hidden)
    return torch.stack(outputs), tuple(part for part in current if part is not None)


def reset_before_layer(
    inputs: Tensor, state: tuple[Tensor, ...], weights: VariantWeights, resets: Tensor | None = None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run a layer of the reset-before GRU, step by step on every device."""
    return stepped_layer(RESET_BEFORE, inputs, state, weights, resets, precision=autocast_precision(inputs))


LAYERS: dict[str, Callable[..., tuple[Tensor, tuple[Tensor, ...]]]] = {
    RESET_BEFORE: reset_before_layer,
    **{cell: partial(variant_layer, cell) for cell in VARIANTS},
}
WEIGHT_MODULES: dict[str, Callable[[int, int, int], nn.Module]] = {
    cell: partial(VariantModule, cell) for cell in LAYERS
}
