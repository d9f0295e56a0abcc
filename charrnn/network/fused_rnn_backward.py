"""Backpropagation through time for the fused layers: gradients through a window, and gradients of the weights.

The gradient with respect to the sum within a gate is the local gradient of the gate times the gradient D of the
layer's output, (B, H). The local gradient is known from the forward pass alone. D is propagated backward through the
steps (Werbos 1990): D' = dL/dh + D·z + d W_hh, where d is the gradient of the recurrent sums. Only D is computed step
by step; the local gradients and the gradients of the weights are computed for a chunk of steps at once, while the
chunk is in the cache.

Shapes: T characters, B streams, I inputs, H units; t steps in a chunk. The gates are stored in blocks of H columns.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

CHUNK_ROWS = 512
"""rows of a chunk, all streams together: enough for a fast product, few enough for the cache"""

Cast = Callable[[Tensor], Tensor]
"""a function that rounds a factor of a product"""


class Blocks(NamedTuple):
    """The layout of the gate blocks of a cell."""

    number: int
    """number of blocks"""
    recurrent: int
    """number of blocks that depend on the previous output; these come first"""
    input_blocks: tuple[tuple[int, int], ...]
    """ranges of blocks that depend on the inputs, in the order of the rows of W_ih"""
    has_carry: bool
    """whether a gate z, the second block, carries the previous output over"""


class BackwardThroughTime:
    """The backward pass of a layer, from the last step of a window to the first.

    `d_outputs` (T, B, H) is dL/dh of the outputs. `resets` (T, B, 1) is true where a step leaves a fresh state; no
    gradient flows through it. `needs_initial_grad` asks for the gradient of the state before the window.
    """

    def __init__(
        self,
        *,
        blocks: Blocks,
        cast: Cast,
        d_outputs: Tensor,
        weight_hh: Tensor,
        resets: Tensor | None,
        needs_initial_grad: bool,
    ) -> None:
        length, batch, size = d_outputs.shape
        self.blocks, self.cast, self.weight = blocks, cast, cast(weight_hh)
        self.resets = resets
        self.needs_initial_grad = needs_initial_grad
        self.d_outputs = (d_outputs.new_zeros(batch, size), *d_outputs.unbind())
        """dL/dh of the state before the window, which is no output, and of each output"""
        self.gradients = d_outputs.new_empty(min(length, _chunk_steps(batch)), batch, blocks.number * size)
        """buffer of one chunk, (t, B, blocks·H): local gradients, which `backward_chunk` turns into gradients"""
        self.by_block = self.gradients.view(-1, batch, blocks.number, size).unbind()
        self.recurrent = self.gradients[..., : blocks.recurrent * size].unbind()
        # D of the current step and of the step before it; the two buffers are swapped after each step.
        self.d_hidden, self.d_before = d_outputs.new_empty(2, batch, size).unbind()
        self.d_hidden.copy_(d_outputs[-1])

    @property
    def d_initial(self) -> Tensor | None:
        """dL/dh of the state before the window, (B, H), after the last call of `backward_chunk`."""
        return self.d_hidden if self.needs_initial_grad else None

    def backward_chunk(self, begin: int, end: int, saved: Sequence[Tensor]) -> None:
        """Multiply the local gradients of a chunk by D, last step first, and propagate D to the step before it.

        `saved` are the activations of the whole window, the gates first.
        """
        size = self.d_hidden.shape[-1]
        carry_gates = saved[0][begin:end, :, size : 2 * size].unbind() if self.blocks.has_carry else ()
        for step in range(end - 1, begin - 1, -1):
            if self.resets is not None:
                self.d_hidden.masked_fill_(self.resets[step], 0)
            self.by_block[step - begin].mul_(self.d_hidden.unsqueeze(1))
            if step or self.needs_initial_grad:
                if carry_gates:
                    torch.addcmul(self.d_outputs[step], self.d_hidden, carry_gates[step - begin], out=self.d_before)
                else:
                    self.d_before.copy_(self.d_outputs[step])
                add_product(self.d_before, self.cast(self.recurrent[step - begin]), self.weight)
                self.d_hidden, self.d_before = self.d_before, self.d_hidden


class WeightGradients:
    """The gradients of the weights and inputs, summed chunk by chunk."""

    def __init__(
        self,
        *,
        blocks: Blocks,
        cast: Cast,
        inputs: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        needs_input_grad: bool,
    ) -> None:
        self.blocks, self.cast, self.size = blocks, cast, weight_hh.shape[1]
        self.layer_inputs, self.weight = inputs, cast(weight_ih)
        self.d_inputs = inputs.new_zeros(inputs.shape) if needs_input_grad else None
        self.weight_ih, self.weight_hh = torch.zeros_like(weight_ih), torch.zeros_like(weight_hh)
        self.bias = weight_ih.new_zeros(blocks.number * self.size)

    def add(self, gradients: Tensor, states: Tensor, begin: int, end: int) -> None:
        """Add the part of a chunk: gradients (t, B, blocks·H) of the sums, states (T + 1, B, H) of the window."""
        flat, size = gradients.flatten(0, 1), self.size
        self.bias += flat.sum(0)
        flat, row = self.cast(flat), 0
        layer_inputs = self.cast(self.layer_inputs[begin:end].reshape(flat.shape[0], -1))
        before = self.cast(states[begin:end].flatten(0, 1))
        add_product(self.weight_hh, flat[:, : self.blocks.recurrent * size].t(), before)
        for first, last in self.blocks.input_blocks:
            part, rows = flat[:, first * size : last * size], slice(row, row + (last - first) * size)
            add_product(self.weight_ih[rows], part.t(), layer_inputs)
            if self.d_inputs is not None:
                add_product(self.d_inputs[begin:end].flatten(0, 1), part, self.weight[rows])
            row = rows.stop

    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the gradients of W_ih, W_hh and both biases."""
        blocks = torch.split(self.bias, self.size)
        input_bias = torch.cat([block for first, last in self.blocks.input_blocks for block in blocks[first:last]])
        return self.weight_ih, self.weight_hh, input_bias, torch.cat(blocks[: self.blocks.recurrent])


def add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add left @ right to `total` in place; the product has the precision of the factors, the sum keeps its own."""
    if left.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total.add_(left @ right)


def _chunk_steps(batch: int) -> int:
    """Return the number of steps in a chunk."""
    return max(1, CHUNK_ROWS // batch)


def step_chunks(length: int, batch: int) -> Iterator[tuple[int, int]]:
    """Yield the first step of each chunk of a window, and the step after its last one."""
    for begin in range(0, length, _chunk_steps(batch)):
        yield begin, min(length, begin + _chunk_steps(batch))
