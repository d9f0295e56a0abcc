"""The GRU and the tanh RNN over a whole window on the CPU, where torch has a fused kernel for the LSTM only.

Only the products with the previous output and the gate activations are computed step by step. All else, the input
projections and the gradients of the weights, is computed for a chunk of steps at once, while the chunk is in the
cache.

Shapes: T characters, B streams, I inputs, H units. The gates are stored in blocks of H columns, so that one product
writes those that depend on the previous output, and they are adjacent:
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
"""how a product's factors are cast; what is summed keeps its type"""

Resets = Tensor | None
"""where a document ends, and the next one's state begins, (T, B, 1); None: nowhere"""


class _Weights(NamedTuple):
    """A layer's weights, in torch's shapes and order."""

    inputs: Tensor
    """W_ih, (gates·H, I)"""
    hidden: Tensor
    """W_hh, (gates·H, H)"""
    input_bias: Tensor
    hidden_bias: Tensor


class _FusedCell(NamedTuple):
    """A kind of cell: its way through a window, and what its gradient's way back needs."""

    forward: Callable[[Tensor, Tensor, _Weights, Cast, Resets], tuple[Tensor, ...]]
    """inputs, hidden, weights, cast, ended -> states (T + 1, B, H) and what else `local_gradients` needs"""
    local_gradients: Callable[..., None]
    """writes the slopes of a chunk, (t, B, blocks·H), from the states after its steps and the rest of the above"""
    blocks: Blocks


def gru(
    inputs: Tensor, hidden: Tensor, *weights: Tensor, resets: Tensor | None = None, precision: str = "float32"
) -> Tensor:
    """Take a GRU layer through a window: inputs (T, B, I), hidden (B, H) -> outputs (T, B, H), the last its state.

    The equations are `cells.gru_step`'s; weights are torch's W_ih (3·H, I), W_hh (3·H, H), b_ih and b_hh (3·H). In
    the precision `bfloat16` the factors of every product are rounded to it, all else stays; `float32` casts nothing.
    Where `resets` (T, B) is true the output is that with which a document begins, and the next step goes on from it.
    """
    return _apply(_GRU, precision, resets, inputs, hidden, *weights)


def tanh_rnn(
    inputs: Tensor, hidden: Tensor, *weights: Tensor, resets: Tensor | None = None, precision: str = "float32"
) -> Tensor:
    """Take a tanh layer through a window, like `gru`; the equations are `cells.rnn_step`'s, weights of H rows."""
    return _apply(_RNN, precision, resets, inputs, hidden, *weights)


def _apply(cell: _FusedCell, precision: str, resets: Tensor | None, inputs: Tensor, *tensors: Tensor) -> Tensor:
    places = None if resets is None else resets.unsqueeze(-1)
    outputs: Tensor = _RNNWindow.apply(cell, precision, places, inputs, *tensors)  # type: ignore[no-untyped-call]
    return outputs


def _gru_forward(inputs: Tensor, hidden: Tensor, weights: _Weights, cast: Cast, resets: Resets) -> tuple[Tensor, ...]:
    """Give the states (T + 1, B, H), the gates r, z, a (T, B, 3·H) and the candidates n (T, B, H)."""
    length, batch, width = inputs.shape
    size = hidden.shape[1]
    states = _allocate_states(inputs, hidden)
    gates, candidates = inputs.new_empty(length, batch, 3 * size), inputs.new_empty(length, batch, size)
    from_inputs, from_hidden = cast(weights.inputs).t(), cast(weights.hidden).t().contiguous()
    bias = weights.hidden_bias.clone()
    bias[: 2 * size] += weights.input_bias[: 2 * size]
    halves = (gates[..., : 2 * size], *torch.split(gates, size, -1))
    steps = list(zip(*(part.unbind() for part in (states[:-1], states[1:], gates, *halves, candidates)), strict=True))
    for begin, end in step_chunks(length, batch):
        chunk_inputs = cast(inputs[begin:end].reshape(-1, width))
        sums = gates[begin:end].view(-1, 3 * size).copy_(bias)
        add_product(sums[:, : 2 * size], chunk_inputs, from_inputs[:, : 2 * size])
        sums = candidates[begin:end].view(-1, size).copy_(weights.input_bias[2 * size :])
        add_product(sums, chunk_inputs, from_inputs[:, 2 * size :])
        for step, (before, after, total, reset_update, r, z, a, n) in enumerate(steps[begin:end], begin):
            add_product(total, cast(before), from_hidden)
            reset_update.sigmoid_()
            n.addcmul_(r, a).tanh_()
            torch.lerp(n, before, z, out=after)
            if resets is not None:
                after.masked_fill_(resets[step], DOCUMENT_START)
    return states, gates, candidates


def _gru_local_gradients(gradients: Tensor, after: Tensor, gates: Tensor, n: Tensor) -> None:
    """Write, for n, a, z and r, (1-z)(1-n²), r times it, (h-n)z(1-z) and a·r(1-r) times the first."""
    size = n.shape[-1]
    r, z, a = torch.split(gates, size, -1)
    slope_r, slope_z, slope_a, slope_n = torch.split(gradients, size, -1)
    torch.addcmul(n.new_ones(size), n, n, value=-1, out=slope_n).addcmul_(slope_n, z, value=-1)
    torch.mul(slope_n, r, out=slope_a)
    torch.mul(slope_a, a, out=slope_r)
    torch.sub(after, n, out=slope_z)  # h' - n = z(h - n)
    both = gradients[..., : 2 * size]
    both.addcmul_(both, gates[..., : 2 * size], value=-1)


def _rnn_forward(inputs: Tensor, hidden: Tensor, weights: _Weights, cast: Cast, resets: Resets) -> tuple[Tensor, ...]:
    """Give the states, (T + 1, B, H)."""
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
    """Write 1 - h'²."""
    torch.addcmul(after.new_ones(after.shape[-1]), after, after, value=-1, out=gradients)


_GRU = _FusedCell(
    _gru_forward, _gru_local_gradients, Blocks(number=4, recurrent=3, input_blocks=((0, 2), (3, 4)), has_carry=True)
)
_RNN = _FusedCell(
    _rnn_forward, _rnn_local_gradients, Blocks(number=1, recurrent=1, input_blocks=((0, 1),), has_carry=False)
)


def _allocate_states(inputs: Tensor, hidden: Tensor) -> Tensor:
    """Make room for the states before and after every step, (T + 1, B, H), and write the first."""
    states = inputs.new_empty(inputs.shape[0] + 1, *hidden.shape)
    states[0] = hidden
    return states


class _RNNWindow(torch.autograd.Function):
    """A layer's way through a window and its gradient's way back, the streams shared out among threads."""

    @staticmethod
    def forward(
        ctx: Any, cell: _FusedCell, precision: str, resets: Resets, inputs: Tensor, hidden: Tensor, *weights: Tensor
    ) -> Tensor:
        cast = PRECISIONS[precision]

        def forward_shard(shard: slice) -> tuple[Tensor, ...]:
            places = None if resets is None else resets[:, shard]
            return cell.forward(inputs[:, shard].contiguous(), hidden[shard], _Weights(*weights), cast, places)

        ctx.cell, ctx.cast, ctx.resets, ctx.shards = cell, cast, resets, batch_shards(hidden)
        shard_results = map_in_threads(forward_shard, ctx.shards)
        ctx.save_for_backward(inputs, *weights[:2], *itertools.chain(*shard_results))
        return _concat_shards([states[1:] for states, *_ in shard_results], dimension=1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outputs: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight_ih, weight_hh, *saved = ctx.saved_tensors
        cell, each = ctx.cell, len(saved) // len(ctx.shards)

        def backward_shard(number: int) -> tuple[Tensor | None, Tensor | None, tuple[Tensor, ...]]:
            shard = ctx.shards[number]
            states, *rest = saved[number * each : (number + 1) * each]
            shard_inputs, places = inputs[:, shard].contiguous(), None if ctx.resets is None else ctx.resets[:, shard]
            d_outputs = outputs[:, shard].contiguous()
            backward_pass = BackwardThroughTime(
                cell.blocks, ctx.cast, d_outputs, weight_hh, places, ctx.needs_input_grad[4]
            )
            weight_gradients = WeightGradients(
                cell.blocks, ctx.cast, shard_inputs, weight_ih, weight_hh, ctx.needs_input_grad[3]
            )
            for begin, end in reversed(list(step_chunks(*shard_inputs.shape[:2]))):
                gradients = backward_pass.gradients[: end - begin]
                cell.local_gradients(gradients, states[begin + 1 : end + 1], *(part[begin:end] for part in rest))
                backward_pass.backward_chunk(begin, end, rest)
                weight_gradients.add(gradients, states, begin, end)
            return weight_gradients.inputs, backward_pass.hidden, weight_gradients.weights()

        shard_results = map_in_threads(backward_shard, range(len(ctx.shards)))
        d_inputs, before, weight_gradients = zip(*shard_results, strict=True)
        given = (
            _concat_shards(d_inputs, dimension=1) if ctx.needs_input_grad[3] else None,
            _concat_shards(before, dimension=0) if ctx.needs_input_grad[4] else None,
        )
        return None, None, None, *given, *(reduce(torch.add, parts) for parts in zip(*weight_gradients, strict=True))


def _concat_shards(shares: Sequence[Tensor], *, dimension: int) -> Tensor:
    """Put the streams' shares side by side again."""
    return torch.cat(tuple(shares), dimension) if len(shares) > 1 else shares[0]


# Shards: the streams of a window are divided among threads, each of which computes all steps of its shard. A single
# step is little work, so threads that share every operation would wait for each other about as long as they work; a
# shard is work for a whole window.

Part = TypeVar("Part")
Result = TypeVar("Result")

MIN_SHARD_STREAMS = 16
"""of a thread: with fewer rows a product is slower than with two threads to it"""
MIN_SHARD_NUMBERS = 16 * 320
"""likewise, in the state of its streams: below, threads of Python cost more than they bring"""


def batch_shards(hidden: Tensor) -> list[slice]:
    """Say which streams of a state (B, H) each thread takes; a single share where it is not worth more."""
    streams, threads = len(hidden), torch.get_num_threads()
    if not hidden.is_cpu or streams < threads * MIN_SHARD_STREAMS or hidden.numel() < threads * MIN_SHARD_NUMBERS:
        return [slice(0, streams)]
    ends = [streams * number // threads for number in range(threads + 1)]
    return [slice(begin, end) for begin, end in pairwise(ends)]


def map_in_threads(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """Do the work on every part, each in a thread whose operations are all its own, and without a gradient."""
    if len(parts) == 1:
        return [work(parts[0])]
    work_without_grad = torch.no_grad()(work)
    futures: list[Future[Result]] = []
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        futures += [_pool(len(parts) - 1).submit(work_without_grad, part) for part in parts[1:]]
        return [work_without_grad(parts[0]), *(future.result() for future in futures)]
    finally:
        # A thread asks for the number once, when it first needs it, which may be late.
        wait(futures)
        torch.set_num_threads(threads)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="streams")
