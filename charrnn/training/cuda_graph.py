"""CUDA graphs: work that is repeated on the same memory, captured after a few runs and replayed from then on.

A replay needs one command of the host, which otherwise takes longer to issue all commands than the device to execute
them. Work that cannot be captured keeps running uncaptured, and the reason is kept for a message.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import torch

WARM_UP_RUNS = 3
"""uncaptured runs before the capture, in which libraries choose their kernels and allocate their memory"""

Work = Callable[[], None]


class GraphBackend(NamedTuple):
    """The two ways in which a device runs work: before its capture, and captured."""

    warm_up: Callable[[Work], None]
    """runs work on a side stream, as the capture requires"""
    capture: Callable[[Work], Work]
    """records work without running it, and returns a function that replays it; may raise RuntimeError"""


class CapturedGraph:
    """Work that is captured after a few runs; each call runs it once, captured or not.

    The work is an argument of each call, so that no reference cycle between the graph and the owner of the work keeps
    both alive until a garbage collection.
    """

    def __init__(self, backend: GraphBackend, all_agree: Callable[[bool], bool] = bool) -> None:
        """`all_agree` returns whether a value is true in all processes, which capture the same work."""
        self._backend, self._all_agree = backend, all_agree
        self._runs = 0
        self._replay: Work | None = None
        self.capture_error: str | None = None
        """reason why the capture failed, in one line; None before a capture and after a successful one"""

    def __call__(self, work: Work, undo: Work) -> None:
        """Run the work once; `undo` reverts the part of it that a failed capture leaves behind."""
        if self._replay is None and self.capture_error is None and self._runs == WARM_UP_RUNS:
            self._try_to_capture(work, undo)
        if self._replay is not None:
            self._replay()
        elif self.capture_error is not None:
            work()
        else:
            self._backend.warm_up(work)
            self._runs += 1

    def _try_to_capture(self, work: Work, undo: Work) -> None:
        replay = None
        try:
            with _garbage_collection_paused():
                replay = self._backend.capture(work)
        except RuntimeError as error:
            self.capture_error = next(iter(str(error).splitlines()), type(error).__name__)
        # A process that replays a graph and one that does not would call different collectives.
        if self._all_agree(replay is not None):
            self._replay = replay
        else:
            self.capture_error = self.capture_error or "the capture failed in another process"
            undo()


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Collect garbage before the block and not during it: destroying another graph would end a capture."""
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def cuda_graph_backend(*, is_distributed: bool = False) -> GraphBackend:
    """Return the backend of CUDA: warm-up runs and the capture use the same side stream.

    In a distributed training, a thread of NCCL calls CUDA too, which would invalidate a capture in the default mode.
    """
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def warm_up(work: Work) -> None:
        current = torch.cuda.current_stream()
        side.wait_stream(current)
        with torch.cuda.stream(side):
            work()
        current.wait_stream(side)

    mode = "thread_local" if is_distributed else "global"

    def capture(work: Work) -> Work:
        graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
        try:
            # A failed capture leaves its stream as the current one; the outer context restores it.
            capture = torch.cuda.graph(graph, pool=pool, stream=side, capture_error_mode=mode)
            with torch.cuda.stream(torch.cuda.current_stream()), capture:
                work()
        except RuntimeError:
            _clean_up_failed_capture(pool)
            raise
        return graph.replay

    return GraphBackend(warm_up, capture)


def _clean_up_failed_capture(pool: tuple[int, int]) -> None:
    """Make random numbers and allocations possible again after CUDA has invalidated a capture.

    Up to torch 2.12 the generator still expects the capture (fixed in PyTorch by pull request 173421), and up to 2.13
    the allocator still allocates to the pool of the graph (190348). Drawing random numbers and `empty_cache` would
    raise.
    """
    device = torch.cuda.current_device()
    new_state = torch.Generator(torch.device("cuda", device)).graphsafe_get_state()
    torch.cuda.default_generators[device].graphsafe_set_state(new_state)
    with suppress(AttributeError, RuntimeError):
        torch._C._cuda_endAllocateToPool(device, pool)
