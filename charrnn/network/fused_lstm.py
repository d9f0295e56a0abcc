"""Fused layers of the LSTM variants over a whole window on the CPU, as in `fused_rnn` but with a cell state c.

Shapes: T characters, B streams, I inputs, H units, G gates; t steps in a chunk. The gates are stored in blocks of H
columns in the order of the weights, in which the output gate o is the last one. The gradient of the window propagates
through h, as D_h, and through c, as D_c:
    D_c = D_c' + D_h·dh/dc;  D_c before the step = D_c·K, with the carry K = dc'/dc
The gradients of the sums within the gates are D_h times the local gradient of o, and D_c times those of other gates.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from charrnn.network.cells import CELLS, DOCUMENT_START
from charrnn.network.fused_rnn import Casts, precision_casts
from charrnn.network.fused_rnn_backward import Blocks, Cast, WeightGradients, add_product, step_chunks
from charrnn.network.lstm_variant_steps import (
    VARIANTS,
    Chunk,
    VariantSteps,
    WindowBuffers,
    sigmoid_gradient,
    tanh_gradient,
)

FRESH_HIDDEN = math.tanh(DOCUMENT_START)
"""h at the beginning of a document, where c is `DOCUMENT_START`"""


def fused_lstm(
    cell: str,
    inputs: Tensor,
    hidden: Tensor,
    cell_state: Tensor,
    *weights: Tensor | None,
    resets: Tensor | None = None,
    precision: str = "float32",
) -> tuple[Tensor, Tensor]:
    """Return the outputs (T, B, H) of a layer over a window, and c after it: inputs (T, B, I), h and c (B, H).

    The last output is h after the window. The equations are those of the cell in `cells`, and the weights are W_ih,
    W_hh, b_ih, b_hh and, for the peephole LSTM, the peephole weights (3·H,). With the precision `bfloat16` the
    factors of large products are rounded to bfloat16, and sums stay in float32. Where `resets` (T, B) is true, the
    state is replaced by that at the beginning of a document, from which the next step continues.
    """
    mask = None if resets is None else resets.unsqueeze(-1)
    weights = (*weights, None)[:5]
    outputs: tuple[Tensor, Tensor] = _LSTMWindow.apply(cell, precision, mask, inputs, hidden, cell_state, *weights)  # type: ignore[no-untyped-call]
    return outputs


def _forward(
    variant: VariantSteps,
    inputs: Tensor,
    state: tuple[Tensor, Tensor],
    weights: Sequence[Tensor],
    peepholes: Tensor | None,
    casts: Casts,
    resets: Tensor | None,
) -> WindowBuffers:
    """Return the states and activations of a window."""
    (length, batch, width), rows = inputs.shape, len(weights[2])
    hidden, cell_state = (inputs.new_empty(length + 1, *part.shape) for part in state)
    hidden[0], cell_state[0] = state
    buffers = WindowBuffers(hidden, cell_state, torch.empty_like(hidden[1:]), inputs.new_empty(length, batch, rows))
    from_inputs, from_hidden = casts.window(weights[0]).t(), casts.recurrent(weights[1]).t().contiguous()
    bias, advance = weights[2] + weights[3], variant.stepper(buffers, peepholes)
    outputs, states, tanh_cells, sums = (buffer.unbind() for buffer in buffers)
    output_gates = buffers.gates[..., -hidden.shape[-1] :].unbind()
    for begin, end in step_chunks(length, batch):
        chunk_sums = buffers.gates[begin:end].view(-1, rows).copy_(bias)
        add_product(chunk_sums, casts.window(inputs[begin:end].reshape(-1, width)), from_inputs)
        for step in range(begin, end):
            add_product(sums[step], casts.recurrent(outputs[step]), from_hidden)
            advance(step)
            torch.tanh(states[step + 1], out=tanh_cells[step])
            torch.mul(output_gates[step], tanh_cells[step], out=outputs[step + 1])
            if resets is not None:
                outputs[step + 1].masked_fill_(resets[step], FRESH_HIDDEN)
                states[step + 1].masked_fill_(resets[step], DOCUMENT_START)
    return buffers


class _Gradients(NamedTuple):
    """The gradients of a window."""

    inputs: Tensor | None
    hidden: Tensor
    """dL/dh before the window, (B, H)"""
    cell_state: Tensor
    """dL/dc before the window, (B, H)"""
    weights: tuple[Tensor, ...]
    """gradients of W_ih, W_hh, both biases and, for the peephole LSTM, of its peephole weights"""


class _Backward:
    """The backward pass of a window, from its last step to the first.

    `resets` (T, B, 1) is true where a step leaves a fresh state. `needs_initial_grad` asks for the gradient of h
    before the window.
    """

    def __init__(
        self,
        variant: VariantSteps,
        buffers: WindowBuffers,
        weight_gradients: WeightGradients,
        peepholes: Tensor | None,
        resets: Tensor | None,
        *,
        needs_initial_grad: bool,
    ) -> None:
        self.variant, self.buffers, self.weights, self.resets = variant, buffers, weight_gradients, resets
        self.peepholes, self.needs_initial_grad = peepholes, needs_initial_grad
        self.d_peepholes = None if peepholes is None else torch.zeros_like(peepholes)

    def run(self, d_outputs: Tensor, d_cell: Tensor, weight_hh: Tensor, cast: Cast) -> _Gradients:
        """Return all gradients from dL/dh of the outputs (T, B, H) and dL/dc after the window (B, H).

        `cast` is applied to the factors of the product of each step.
        """
        self.cast, weight, chunks = cast, cast(weight_hh), list(step_chunks(*d_outputs.shape[:2]))
        self.d_hidden, self.d_cell = d_outputs[-1].clone(), d_cell.clone()
        by_step = (torch.zeros_like(d_cell), *d_outputs.unbind())
        buffer = d_outputs.new_empty(chunks[0][1], *self.buffers.gates.shape[1:])
        for begin, end in reversed(chunks):
            gradients = buffer[: end - begin]
            through, carry = self._local_gradients(gradients, begin, end)
            self._propagate(begin, gradients, (through, carry), by_step, weight)
            self.weights.add(gradients, self.buffers.hidden, begin, end)
            self._add_peepholes(gradients, begin, end)
        of_peepholes = () if self.d_peepholes is None else (self.d_peepholes,)
        return _Gradients(self.weights.d_inputs, self.d_hidden, self.d_cell, (*self.weights.weights(), *of_peepholes))

    def _propagate(
        self,
        begin: int,
        gradients: Tensor,
        local: tuple[Tensor, Tensor],
        d_outputs: Sequence[Tensor],
        weight: Tensor,
    ) -> None:
        """Multiply the local gradients of a chunk by D_h and D_c, and propagate these to the step before it.

        `local` are dh/dc and the carry; `d_outputs` is dL/dh of the state before the window and of each output.
        """
        d_hidden, d_cell = self.d_hidden, self.d_cell
        by_block = gradients.view(*gradients.shape[:2], -1, d_cell.shape[-1])
        cell_gates, output_gate = by_block[..., :-1, :].unbind(), by_block[..., -1, :].unbind()
        sums, through, carry = (part.unbind() for part in (gradients, *local))
        for number in range(len(sums) - 1, -1, -1):
            if self.resets is not None:
                d_hidden.masked_fill_(self.resets[begin + number], 0)
                d_cell.masked_fill_(self.resets[begin + number], 0)
            d_cell.addcmul_(d_hidden, through[number])
            output_gate[number].mul_(d_hidden)
            cell_gates[number].mul_(d_cell.unsqueeze(1))
            d_cell.mul_(carry[number])
            if begin + number or self.needs_initial_grad:
                d_hidden.copy_(d_outputs[begin + number])
                add_product(d_hidden, self.cast(sums[number]), weight)

    def _local_gradients(self, gradients: Tensor, begin: int, end: int) -> tuple[Tensor, Tensor]:
        """Write the local gradients of a chunk (t, B, G·H); return dh/dc and the carry, (t, B, H) each."""
        size, steps = self.buffers.hidden.shape[-1], slice(begin, end)
        gates, by_gate = (torch.split(part, size, -1) for part in (self.buffers.gates[steps], gradients))
        tanh_cell = self.buffers.tanh_cell[steps]
        chunk = Chunk(self.buffers.cell_state[steps], gates, by_gate, self.peepholes)
        carry = self.variant.local_gradients(chunk)
        through = torch.empty_like(carry)
        sigmoid_gradient(gates[-1], tanh_cell, by_gate[-1])
        tanh_gradient(tanh_cell, gates[-1], through)
        if self.peepholes is not None:
            through.addcmul_(by_gate[-1], self.peepholes[-size:])
        return through, carry

    def _add_peepholes(self, gradients: Tensor, begin: int, end: int) -> None:
        """Add the gradients of the peephole weights of a chunk: those of the sums times c."""
        if self.d_peepholes is None:
            return
        d_i, d_f, _, d_o = torch.split(gradients, self.buffers.hidden.shape[-1], -1)
        states = self.buffers.cell_state
        before, after = states[begin:end], states[begin + 1 : end + 1]
        parts = (d_i * before, d_f * before, d_o * after)
        self.d_peepholes += torch.cat([part.sum((0, 1)) for part in parts])


class _LSTMWindow(torch.autograd.Function):
    """The forward and backward pass of a layer over a window."""

    @staticmethod
    def forward(
        ctx: Any,
        cell: str,
        precision: str,
        resets: Tensor | None,
        inputs: Tensor,
        hidden: Tensor,
        cell_state: Tensor,
        *weights: Tensor,
    ) -> tuple[Tensor, Tensor]:
        casts, inputs = precision_casts(precision, hidden, weights[1]), inputs.contiguous()
        *matrices, peepholes = weights
        buffers = _forward(VARIANTS[cell], inputs, (hidden, cell_state), matrices, peepholes, casts, resets)
        ctx.cell, ctx.casts, ctx.resets = cell, casts, resets
        ctx.save_for_backward(inputs, *weights[:2], peepholes, *buffers)
        return buffers.hidden[1:], buffers.cell_state[-1].clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_cell: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight_ih, weight_hh, peepholes, *buffers = ctx.saved_tensors
        count = len(CELLS[ctx.cell].gates)
        weight_gradients = WeightGradients(
            blocks=Blocks(number=count, recurrent=count, input_blocks=((0, count),), has_carry=False),
            cast=ctx.casts.window,
            inputs=inputs,
            weight_ih=weight_ih,
            weight_hh=weight_hh,
            needs_input_grad=ctx.needs_input_grad[3],
        )
        backward_pass = _Backward(
            *(VARIANTS[ctx.cell], WindowBuffers(*buffers), weight_gradients, peepholes, ctx.resets),
            needs_initial_grad=ctx.needs_input_grad[4],
        )
        gradients = backward_pass.run(d_outputs.contiguous(), d_cell, weight_hh, ctx.casts.recurrent)
        return (
            *(None, None, None, gradients.inputs),
            gradients.hidden if ctx.needs_input_grad[4] else None,
            gradients.cell_state if ctx.needs_input_grad[5] else None,
            *(*gradients.weights, None)[:5],
        )
