"""Backpropagation through time for the fused layers: gradients through a window, and gradients of the weights.

The gradient with respect to the sum within a gate is the local gradient of the gate, known from the forward pass
alone, times the gradient D of the layer's output, (B, H), which is propagated through the steps (Werbos 1990): D' =
dL/dh + D·z + d W_hh. Only that is computed step by step; local gradients and weights are computed for a chunk of
steps at once, while the chunk is in the cache.

Shapes: T characters, B streams, I inputs, H units; t steps in a chunk. The gates are stored in blocks of H columns.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

CHUNK_ROWS = 512
"""characters of all streams in a chunk: enough for a fast product, few enough for the cache"""

Cast = Callable[[Tensor], Tensor]
"""rounds a factor of a product"""


class Blocks(NamedTuple):
    """How the blocks of a cell stand: how many, and what each hears."""

    number: int
    recurrent: int
    """so many blocks, the first ones, hear the last output"""
    input_blocks: tuple[tuple[int, int], ...]
    """which blocks, from and to, hear the inputs, in the order of W_ih's rows"""
    has_carry: bool
    """whether a gate z, the second block, carries the last output on"""


class BackwardThroughTime:
    """The gradient of a layer's output on its way back from step to step."""

    def __init__(
        self,
        blocks: Blocks,
        cast: Cast,
        outputs: Tensor,
        weight_hh: Tensor,
        resets: Tensor | None,
        needs_hidden: bool,
    ) -> None:
        length, batch, size = outputs.shape
        self.blocks, self.cast, self.weight = blocks, cast, cast(weight_hh)
        self.resets = resets
        """where a step's output is that of a fresh state, which learns from nothing, (T, B, 1); None: nowhere"""
        self.needs_hidden = needs_hidden
        """whether the state before the window wants its gradient too"""
        self.outputs = (outputs.new_zeros(batch, size), *outputs.unbind())
        """dL/dh after every step, and before the first"""
        self.gradients = outputs.new_empty(min(length, _steps(batch)), batch, blocks.number * size)
        """slopes that become gradients, (t, B, blocks·H), of one chunk after the other"""
        self.by_block = self.gradients.view(-1, batch, blocks.number, size).unbind()
        self.recurrent = self.gradients[..., : blocks.recurrent * size].unbind()
        self.flow, self.next = outputs.new_empty(2, batch, size).unbind()
        self.flow.copy_(outputs[-1])

    @property
    def hidden(self) -> Tensor | None:
        """dL/dh before the window, (B, H), once all steps are done."""
        return self.flow if self.needs_hidden else None

    def backward_chunk(self, begin: int, end: int, saved: Sequence[Tensor]) -> None:
        """Turn a chunk's slopes into gradients, last step first, and take the flow to the step before it."""
        size = self.flow.shape[-1]
        carried = saved[0][begin:end, :, size : 2 * size].unbind() if self.blocks.has_carry else ()
        for step in range(end - 1, begin - 1, -1):
            if self.resets is not None:
                self.flow.masked_fill_(self.resets[step], 0)
            self.by_block[step - begin].mul_(self.flow.unsqueeze(1))
            if step or self.needs_hidden:
                if carried:
                    torch.addcmul(self.outputs[step], self.flow, carried[step - begin], out=self.next)
                else:
                    self.next.copy_(self.outputs[step])
                add_product(self.next, self.cast(self.recurrent[step - begin]), self.weight)
                self.flow, self.next = self.next, self.flow


class WeightGradients:
    """The gradients of the weights and inputs, summed chunk by chunk."""

    def __init__(
        self, blocks: Blocks, cast: Cast, inputs: Tensor, weight_ih: Tensor, weight_hh: Tensor, needs_inputs: bool
    ) -> None:
        self.blocks, self.cast, self.size = blocks, cast, weight_hh.shape[1]
        self.layer_inputs, self.weight = inputs, cast(weight_ih)
        self.inputs = inputs.new_zeros(inputs.shape) if needs_inputs else None
        self.weight_ih, self.weight_hh = torch.zeros_like(weight_ih), torch.zeros_like(weight_hh)
        self.bias = weight_ih.new_zeros(blocks.number * self.size)

    def add(self, gradients: Tensor, states: Tensor, begin: int, end: int) -> None:
        """Add what a chunk says: gradients (t, B, blocks·H) of its sums."""
        flat, size = gradients.flatten(0, 1), self.size
        self.bias += flat.sum(0)
        flat, row = self.cast(flat), 0
        layer_inputs = self.cast(self.layer_inputs[begin:end].reshape(flat.shape[0], -1))
        before = self.cast(states[begin:end].flatten(0, 1))
        add_product(self.weight_hh, flat[:, : self.blocks.recurrent * size].t(), before)
        for first, last in self.blocks.input_blocks:
            part, rows = flat[:, first * size : last * size], slice(row, row + (last - first) * size)
            add_product(self.weight_ih[rows], part.t(), layer_inputs)
            if self.inputs is not None:
                add_product(self.inputs[begin:end].flatten(0, 1), part, self.weight[rows])
            row = rows.stop

    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give the gradients of W_ih, W_hh and both biases."""
        blocks = torch.split(self.bias, self.size)
        input_bias = torch.cat([block for first, last in self.blocks.input_blocks for block in blocks[first:last]])
        return self.weight_ih, self.weight_hh, input_bias, torch.cat(blocks[: self.blocks.recurrent])


def add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add left @ right to a sum in place, in the factors' precision; the sum stays in its own."""
    if left.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total.add_(left @ right)


def _steps(batch: int) -> int:
    """Say how many steps make a chunk."""
    return max(1, CHUNK_ROWS // batch)


def step_chunks(length: int, batch: int) -> Iterator[tuple[int, int]]:
    """Cut a window into chunks of steps, from and to."""
    for begin in range(0, length, _steps(batch)):
        yield begin, min(length, begin + _steps(batch))
