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
Made = TypeVar("Made")

FEWEST_STREAMS = 16
"""of a thread: with fewer rows a product is slower than with two threads to it"""
FEWEST_NUMBERS = 16 * 320
"""likewise, in the state of its streams: below, threads of Python cost more than they bring"""


def shares(hidden: Tensor) -> list[slice]:
    """Say which streams of a state (B, H) each thread takes; a single share where it is not worth more."""
    streams, threads = len(hidden), torch.get_num_threads()
    if not hidden.is_cpu or streams < threads * FEWEST_STREAMS or hidden.numel() < threads * FEWEST_NUMBERS:
        return [slice(0, streams)]
    ends = [streams * number // threads for number in range(threads + 1)]
    return [slice(begin, end) for begin, end in pairwise(ends)]


def in_threads(work: Callable[[Part], Made], parts: Sequence[Part]) -> list[Made]:
    """Do the work on every part, each in a thread whose operations are all its own, and without a gradient."""
    if len(parts) == 1:
        return [work(parts[0])]
    quietly = torch.no_grad()(work)
    others: list[Future[Made]] = []
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        others += [_pool(len(parts) - 1).submit(quietly, part) for part in parts[1:]]
        return [quietly(parts[0]), *(other.result() for other in others)]
    finally:
        # A thread asks for the number once, when it first needs it, which may be late.
        wait(others)
        torch.set_num_threads(threads)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="streams")
