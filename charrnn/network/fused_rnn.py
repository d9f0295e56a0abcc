"""Fused GRU and tanh RNN layers over a whole window on the CPU, where torch has a fused kernel for the LSTM only.

Only the products with the previous output and the gate activations are computed step by step. The input projections
and the gradients of the weights are computed for a chunk of steps at once, while the chunk is in the cache.

Shapes: T characters, B streams, I inputs, H units. The gates are stored in blocks of H columns. The blocks that
depend on the previous output are adjacent, so that one product writes all of them:
    GRU   r, z, a, n    a = W_hn h + b_hn is what the reset gate r passes to the candidate n
    RNN   h
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from charrnn.network.cells import DOCUMENT_START
from charrnn.network.fused_rnn_backward import (
    BackwardThroughTime,
    Blocks,
    Cast,
    WeightGradients,
    add_product,
    step_chunks,
)

FLOAT32_PRODUCT = 7_000_000
"""multiplications of a step's product up to which a CPU takes less time for it in float32 than in bfloat16, whose
product has a fixed cost of about 30 µs, in addition to those of two casts"""


class Casts(NamedTuple):
    """Casts of the factors of products; sums keep their type."""

    window: Cast
    """for products over many steps: of the inputs, and of the gradients of the weights"""
    recurrent: Cast
    """for the product of each step"""


def precision_casts(precision: str, hidden: Tensor, weight_hh: Tensor) -> Casts:
    """Return the casts for the products of a layer in `float32` or `bfloat16`: hidden (B, H), weight_hh (G·H, H)."""
    if precision == "float32":
        return Casts(_unchanged, _unchanged)
    is_small = hidden.is_cpu and len(hidden) * weight_hh.numel() <= FLOAT32_PRODUCT
    return Casts(torch.Tensor.bfloat16, _unchanged if is_small else torch.Tensor.bfloat16)


def _unchanged(factor: Tensor) -> Tensor:
    return factor


def autocast_precision(inputs: Tensor) -> str:
    """Return the precision of products that autocast asks for."""
    return "bfloat16" if torch.is_autocast_enabled(inputs.device.type) else "float32"


Resets = Tensor | None
"""bool (T, B, 1), true where a document ends and the next step begins with a fresh state; None: nowhere"""


class _Weights(NamedTuple):
    """The weights of a layer, in torch's shapes and order."""

    inputs: Tensor
    """W_ih, (gates·H, I)"""
    hidden: Tensor
    """W_hh, (gates·H, H)"""
    input_bias: Tensor
    hidden_bias: Tensor


class _FusedCell(NamedTuple):
    """A kind of cell: its forward pass, and the local gradients that its backward pass needs."""

    forward: Callable[[Tensor, Tensor, _Weights, Casts, Resets], tuple[Tensor, ...]]
    """inputs, hidden, weights, casts, resets -> states (T + 1, B, H), and the activations for `local_gradients`"""
    local_gradients: Callable[..., None]
    """writes the local gradients of a chunk, (t, B, blocks·H), from the states after its steps and the activations"""
    blocks: Blocks


def gru(
    inputs: Tensor, hidden: Tensor, *weights: Tensor, resets: Tensor | None = None, precision: str = "float32"
) -> Tensor:
    """Return the outputs (T, B, H) of a GRU layer over a window: inputs (T, B, I), hidden (B, H).

    The last output is the state after the window. The equations are those of `cells.gru_step`, and the weights are
    torch's: W_ih (3·H, I), W_hh (3·H, H), b_ih and b_hh (3·H). With the precision `bfloat16` the factors of large
    products are rounded to bfloat16, and sums stay in float32. Where `resets` (T, B) is true, the output is replaced
    by the state at the beginning of a document, from which the next step continues.
    """
    return _apply(_GRU, precision, resets, inputs, hidden, *weights)


def tanh_rnn(
    inputs: Tensor, hidden: Tensor, *weights: Tensor, resets: Tensor | None = None, precision: str = "float32"
) -> Tensor:
    """Return the outputs of a tanh layer, as `gru` does: the equations of `cells.rnn_step`, weights of H rows."""
    return _apply(_RNN, precision, resets, inputs, hidden, *weights)


def _apply(cell: _FusedCell, precision: str, resets: Tensor | None, inputs: Tensor, *tensors: Tensor) -> Tensor:
    resets = None if resets is None else resets.unsqueeze(-1)
    outputs: Tensor = _RNNWindow.apply(cell, precision, resets, inputs, *tensors)  # type: ignore[no-untyped-call]
    return outputs


def _gru_forward(
    inputs: Tensor, hidden: Tensor, weights: _Weights, casts: Casts, resets: Resets
) -> tuple[Tensor, ...]:
    """Return the states (T + 1, B, H), the gates r, z, a (T, B, 3·H) and the candidates n (T, B, H).

    The gates of a step are one row of a buffer, which all views below share. The product with the previous output
    adds to all three blocks at once; the activations then replace the sums in place:
        gates     |    r    |    z    |    a    |      candidates  |    n    |
        gates_rz  |<----------------->|
    """
    length, batch, width = inputs.shape
    size = hidden.shape[1]
    states = _allocate_states(inputs, hidden)
    gates, candidates = inputs.new_empty(length, batch, 3 * size), inputs.new_empty(length, batch, size)
    from_inputs, from_hidden = casts.window(weights.inputs).t(), casts.recurrent(weights.hidden).t().contiguous()
    bias = weights.hidden_bias.clone()
    bias[: 2 * size] += weights.input_bias[: 2 * size]
    gates_rz, (gates_r, gates_z, gates_a) = gates[..., : 2 * size], torch.split(gates, size, -1)
    views = (states[:-1], states[1:], gates, gates_rz, gates_r, gates_z, gates_a, candidates)
    steps = list(zip(*(view.unbind() for view in views), strict=True))  # views by step, made once: cheap in the loop
    for begin, end in step_chunks(length, batch):
        chunk_inputs = casts.window(inputs[begin:end].reshape(-1, width))
        sums = gates[begin:end].view(-1, 3 * size).copy_(bias)
        add_product(sums[:, : 2 * size], chunk_inputs, from_inputs[:, : 2 * size])
        sums = candidates[begin:end].view(-1, size).copy_(weights.input_bias[2 * size :])
        add_product(sums, chunk_inputs, from_inputs[:, 2 * size :])
        for step, (before, after, rza, rz, r, z, a, n) in enumerate(steps[begin:end], begin):
            add_product(rza, casts.recurrent(before), from_hidden)
            rz.sigmoid_()
            n.addcmul_(r, a).tanh_()
            torch.lerp(n, before, z, out=after)
            if resets is not None:
                after.masked_fill_(resets[step], DOCUMENT_START)
    return states, gates, candidates


def _gru_local_gradients(gradients: Tensor, after: Tensor, gates: Tensor, n: Tensor) -> None:
    """Write the local gradients of a chunk of GRU steps into the blocks r, z, a, n of `gradients`.

    n: (1-z)(1-n²);  a: r(1-z)(1-n²);  z: (h-n)z(1-z);  r: a·r(1-r)(1-z)(1-n²)
    """
    size = n.shape[-1]
    r, z, a = torch.split(gates, size, -1)
    d_r, d_z, d_a, d_n = torch.split(gradients, size, -1)
    torch.addcmul(n.new_ones(size), n, n, value=-1, out=d_n).addcmul_(d_n, z, value=-1)
    torch.mul(d_n, r, out=d_a)
    torch.mul(d_a, a, out=d_r)
    torch.sub(after, n, out=d_z)  # h' - n = z(h - n)
    d_rz = gradients[..., : 2 * size]
    d_rz.addcmul_(d_rz, gates[..., : 2 * size], value=-1)  # times 1 - r and 1 - z


def _rnn_forward(
    inputs: Tensor, hidden: Tensor, weights: _Weights, casts: Casts, resets: Resets
) -> tuple[Tensor, ...]:
    """Return the states, (T + 1, B, H)."""
    length, batch, width = inputs.shape
    states = _allocate_states(inputs, hidden)
    from_inputs, from_hidden = casts.window(weights.inputs).t(), casts.recurrent(weights.hidden).t().contiguous()
    bias = weights.input_bias + weights.hidden_bias
    steps = states.unbind()
    for begin, end in step_chunks(length, batch):
        sums = states[begin + 1 : end + 1].view(-1, hidden.shape[1]).copy_(bias)
        add_product(sums, casts.window(inputs[begin:end].reshape(-1, width)), from_inputs)
        for step in range(begin, end):
            after = steps[step + 1]
            add_product(after, casts.recurrent(steps[step]), from_hidden)
            after.tanh_()
            if resets is not None:
                after.masked_fill_(resets[step], DOCUMENT_START)
    return (states,)


def _rnn_local_gradients(gradients: Tensor, after: Tensor) -> None:
    """Write the local gradients of a chunk of tanh steps: 1 - h'²."""
    torch.addcmul(after.new_ones(after.shape[-1]), after, after, value=-1, out=gradients)


_GRU = _FusedCell(
    _gru_forward, _gru_local_gradients, Blocks(number=4, recurrent=3, input_blocks=((0, 2), (3, 4)), has_carry=True)
)
_RNN = _FusedCell(
    _rnn_forward, _rnn_local_gradients, Blocks(number=1, recurrent=1, input_blocks=((0, 1),), has_carry=False)
)


def _allocate_states(inputs: Tensor, hidden: Tensor) -> Tensor:
    """Return a buffer for the states before and after every step, (T + 1, B, H), with the first state written."""
    states = inputs.new_empty(inputs.shape[0] + 1, *hidden.shape)
    states[0] = hidden
    return states


class _RNNWindow(torch.autograd.Function):
    """The forward and backward pass of a layer over a window."""

    @staticmethod
    def forward(
        ctx: Any, cell: _FusedCell, precision: str, resets: Resets, inputs: Tensor, hidden: Tensor, *weights: Tensor
    ) -> Tensor:
        inputs = inputs.contiguous()
        casts = precision_casts(precision, hidden, weights[1])
        states, *activations = cell.forward(inputs, hidden, _Weights(*weights), casts, resets)
        ctx.cell, ctx.casts, ctx.resets = cell, casts, resets
        ctx.save_for_backward(inputs, *weights[:2], states, *activations)
        return states[1:]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight_ih, weight_hh, states, *activations = ctx.saved_tensors
        cell: _FusedCell = ctx.cell
        backward_pass = BackwardThroughTime(
            blocks=cell.blocks,
            cast=ctx.casts.recurrent,
            d_outputs=d_outputs.contiguous(),
            weight_hh=weight_hh,
            resets=ctx.resets,
            needs_initial_grad=ctx.needs_input_grad[4],
        )
        weight_gradients = WeightGradients(
            blocks=cell.blocks,
            cast=ctx.casts.window,
            inputs=inputs,
            weight_ih=weight_ih,
            weight_hh=weight_hh,
            needs_input_grad=ctx.needs_input_grad[3],
        )
        for begin, end in reversed(list(step_chunks(*inputs.shape[:2]))):
            gradients = backward_pass.gradients[: end - begin]
            cell.local_gradients(gradients, states[begin + 1 : end + 1], *(part[begin:end] for part in activations))
            backward_pass.backward_chunk(begin, end, activations)
            weight_gradients.add(gradients, states, begin, end)
        d_arguments = weight_gradients.d_inputs, backward_pass.d_initial
        return None, None, None, *d_arguments, *weight_gradients.weights()
