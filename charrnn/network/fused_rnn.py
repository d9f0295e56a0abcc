"""Fused GRU and tanh RNN layers over a whole window on the CPU, where torch has a fused kernel for the LSTM only.

Only the products with the previous output and the gate activations are computed step by step. The input projections
and the gradients of the weights are computed for a chunk of steps at once, while the chunk is in the cache.

Shapes: T characters, B streams, I inputs, H units. The gates are stored in blocks of H columns. The blocks that
depend on the previous output are adjacent, so that one product writes all of them:
    GRU   r, z, a, n    a = W_hn h + b_hn is what the reset gate r passes to the candidate n
    RNN   h
"""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache, reduce
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

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

PRECISIONS: dict[str, Cast] = {"float32": lambda x: x, "bfloat16": torch.Tensor.bfloat16}
"""casts of the factors of a product; sums keep their type"""


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

    forward: Callable[[Tensor, Tensor, _Weights, Cast, Resets], tuple[Tensor, ...]]
    """inputs, hidden, weights, cast, resets -> states (T + 1, B, H), and the activations for `local_gradients`"""
    local_gradients: Callable[..., None]
    """writes the local gradients of a chunk, (t, B, blocks·H), from the states after its steps and the activations"""
    blocks: Blocks


def gru(
    inputs: Tensor, hidden: Tensor, *weights: Tensor, resets: Tensor | None = None, precision: str = "float32"
) -> Tensor:
    """Return the outputs (T, B, H) of a GRU layer over a window: inputs (T, B, I), hidden (B, H).

    The last output is the state after the window. The equations are those of `cells.gru_step`, and the weights are
    torch's: W_ih (3·H, I), W_hh (3·H, H), b_ih and b_hh (3·H). With the precision `bfloat16` the factors of each
    product are rounded to bfloat16, and sums stay in float32. Where `resets` (T, B) is true, the output is replaced
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


def _gru_forward(inputs: Tensor, hidden: Tensor, weights: _Weights, cast: Cast, resets: Resets) -> tuple[Tensor, ...]:
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
    from_inputs, from_hidden = cast(weights.inputs).t(), cast(weights.hidden).t().contiguous()
    bias = weights.hidden_bias.clone()
    bias[: 2 * size] += weights.input_bias[: 2 * size]
    gates_rz, (gates_r, gates_z, gates_a) = gates[..., : 2 * size], torch.split(gates, size, -1)
    views = (states[:-1], states[1:], gates, gates_rz, gates_r, gates_z, gates_a, candidates)
    steps = list(zip(*(view.unbind() for view in views), strict=True))  # views by step, made once: cheap in the loop
    for begin, end in step_chunks(length, batch):
        chunk_inputs = cast(inputs[begin:end].reshape(-1, width))
        sums = gates[begin:end].view(-1, 3 * size).copy_(bias)
        add_product(sums[:, : 2 * size], chunk_inputs, from_inputs[:, : 2 * size])
        sums = candidates[begin:end].view(-1, size).copy_(weights.input_bias[2 * size :])
        add_product(sums, chunk_inputs, from_inputs[:, 2 * size :])
        for step, (before, after, rza, rz, r, z, a, n) in enumerate(steps[begin:end], begin):
            add_product(rza, cast(before), from_hidden)
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


def _rnn_forward(inputs: Tensor, hidden: Tensor, weights: _Weights, cast: Cast, resets: Resets) -> tuple[Tensor, ...]:
    """Return the states, (T + 1, B, H)."""
    length, batch, width = inputs.shape
    states = _allocate_states(inputs, hidden)
    from_inputs, from_hidden = cast(weights.inputs).t(), cast(weights.hidden).t().contiguous()
    bias = weights.input_bias + weights.hidden_bias
    steps = states.unbind()
    for begin, end in step_chunks(length, batch):
        sums = states[begin + 1 : end + 1].view(-1, hidden.shape[1]).copy_(bias)
        add_product(sums, cast(inputs[begin:end].reshape(-1, width)), from_inputs)
        for step in range(begin, end):
            after = steps[step + 1]
            add_product(after, cast(steps[step]), from_hidden)
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
    """The forward and backward pass of a layer over a window, with the streams divided among threads."""

    @staticmethod
    def forward(
        ctx: Any, cell: _FusedCell, precision: str, resets: Resets, inputs: Tensor, hidden: Tensor, *weights: Tensor
    ) -> Tensor:
        cast = PRECISIONS[precision]

        def forward_shard(shard: slice) -> tuple[Tensor, ...]:
            shard_resets = None if resets is None else resets[:, shard]
            return cell.forward(inputs[:, shard].contiguous(), hidden[shard], _Weights(*weights), cast, shard_resets)

        ctx.cell, ctx.cast, ctx.resets, ctx.shards = cell, cast, resets, batch_shards(hidden)
        shard_results = map_in_threads(forward_shard, ctx.shards)
        ctx.save_for_backward(inputs, *weights[:2], *itertools.chain(*shard_results))
        return concat_shards([states[1:] for states, *_ in shard_results], dimension=1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight_ih, weight_hh, *saved = ctx.saved_tensors
        cell, saved_per_shard = ctx.cell, len(saved) // len(ctx.shards)

        def backward_shard(number: int) -> tuple[Tensor | None, Tensor | None, tuple[Tensor, ...]]:
            shard = ctx.shards[number]
            states, *activations = saved[number * saved_per_shard : (number + 1) * saved_per_shard]
            shard_inputs = inputs[:, shard].contiguous()
            backward_pass = BackwardThroughTime(
                blocks=cell.blocks,
                cast=ctx.cast,
                d_outputs=d_outputs[:, shard].contiguous(),
                weight_hh=weight_hh,
                resets=None if ctx.resets is None else ctx.resets[:, shard],
                needs_initial_grad=ctx.needs_input_grad[4],
            )
            weight_gradients = WeightGradients(
                blocks=cell.blocks,
                cast=ctx.cast,
                inputs=shard_inputs,
                weight_ih=weight_ih,
                weight_hh=weight_hh,
                needs_input_grad=ctx.needs_input_grad[3],
            )
            for begin, end in reversed(list(step_chunks(*shard_inputs.shape[:2]))):
                gradients = backward_pass.gradients[: end - begin]
                cell.local_gradients(
                    gradients, states[begin + 1 : end + 1], *(part[begin:end] for part in activations)
                )
                backward_pass.backward_chunk(begin, end, activations)
                weight_gradients.add(gradients, states, begin, end)
            return weight_gradients.d_inputs, backward_pass.d_initial, weight_gradients.weights()

        shard_results = map_in_threads(backward_shard, range(len(ctx.shards)))
        d_inputs, d_initial, weight_gradients = zip(*shard_results, strict=True)
        d_arguments = (
            concat_shards(d_inputs, dimension=1) if ctx.needs_input_grad[3] else None,
            concat_shards(d_initial, dimension=0) if ctx.needs_input_grad[4] else None,
        )
        d_weights = (reduce(torch.add, parts) for parts in zip(*weight_gradients, strict=True))
        return None, None, None, *d_arguments, *d_weights


def concat_shards(shards: Sequence[Tensor], *, dimension: int) -> Tensor:
    """Return the streams of all shards in one tensor."""
    return torch.cat(tuple(shards), dimension) if len(shards) > 1 else shards[0]


# Shards: the streams of a window are divided among threads, each of which computes all steps of its shard. A single
# step is little work, so threads that share every operation would wait for each other about as long as they work; a
# shard is work for a whole window.

Part = TypeVar("Part")
Result = TypeVar("Result")

MIN_SHARD_STREAMS = 16
"""streams of a shard: a product of fewer rows is slower than the whole product on two threads"""
MIN_SHARD_NUMBERS = 16 * 320
"""numbers in the state of a shard; below this, switching between Python threads costs more than it saves"""


def batch_shards(hidden: Tensor) -> list[slice]:
    """Return the slice of streams for each thread: state (B, H); a single one where threads would not save time."""
    streams, threads = len(hidden), torch.get_num_threads()
    if not hidden.is_cpu or streams < threads * MIN_SHARD_STREAMS or hidden.numel() < threads * MIN_SHARD_NUMBERS:
        return [slice(0, streams)]
    ends = [streams * number // threads for number in range(threads + 1)]
    return [slice(begin, end) for begin, end in pairwise(ends)]


def map_in_threads(function: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """Return the results of `function` for all parts, each computed without gradients in its own thread."""
    if len(parts) == 1:
        return [function(parts[0])]
    function_without_grad = torch.no_grad()(function)
    futures: list[Future[Result]] = []
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        futures += [_pool(len(parts) - 1).submit(function_without_grad, part) for part in parts[1:]]
        return [function_without_grad(parts[0]), *(future.result() for future in futures)]
    finally:
        # A thread reads the number of threads at its first operation, so all must end before the number changes.
        wait(futures)
        torch.set_num_threads(threads)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="streams")
