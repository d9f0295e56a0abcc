"""A window's streams shared out among threads, each of which goes through all the steps of its share by itself.

What is done at one step is little, so threads that share out every operation wait for each other about as long as
they work; a share of the streams is work for a whole window, and nobody waits before its end.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor

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
