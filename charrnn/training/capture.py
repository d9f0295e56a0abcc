"""Work that is done again and again on the same memory: a few times as it is, then recorded once and replayed.

A CUDA graph has the device do all of it at one word of the host, which otherwise takes longer to say what is to be
done than the device to do it. What cannot be recorded goes on as it is, and why is kept to be told.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch

WARM_UP_RUNS = 3
"""times that the work is done before it is recorded, while libraries choose their kernels and take their memory"""

Work = Callable[[], None]


class GraphBackend(NamedTuple):
    """How a device has work done that will be recorded, and how it is."""

    warm_up: Callable[[Work], None]
    """does work where what it leaves behind is not in a recording's way"""
    capture: Callable[[Work], Work]
    """does nothing but note what is to be done, and gives what does it; may raise RuntimeError"""


class CapturedGraph:
    """Work that is recorded after a few times; calling it does it once, one way or the other."""

    def __init__(self, work: Work, backend: GraphBackend, *, undo: Work) -> None:
        """Take the work, how it is recorded, and what undoes that half of it which a failure leaves done."""
        self._work, self._recorder, self._put_back = work, backend, undo
        self._done = 0
        self._replay: Work | None = None
        self.capture_error: str | None = None
        """why it could not be recorded, in a line; None while nothing is known against it"""

    def __call__(self) -> None:
        """Do the work."""
        if self._replay is None and self.capture_error is None and self._done == WARM_UP_RUNS:
            self._try_to_capture()
        if self._replay is not None:
            self._replay()
        elif self.capture_error is not None:
            self._work()
        else:
            self._recorder.warm_up(self._work)
            self._done += 1

    def _try_to_capture(self) -> None:
        try:
            self._replay = self._recorder.capture(self._work)
        except RuntimeError as error:
            self.capture_error = next(iter(str(error).splitlines()), type(error).__name__)
            self._put_back()


def cuda_graph_backend() -> GraphBackend:
    """Give the recorder of the GPU: until work is a graph it has a stream of its own, on which it is recorded too."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def warm_up(work: Work) -> None:
        here = torch.cuda.current_stream()
        side.wait_stream(here)
        with torch.cuda.stream(side):
            work()
        here.wait_stream(side)

    def capture(work: Work) -> Work:
        graph = torch.cuda.CUDAGraph()
        # A graph that fails leaves its own stream to be the current one.
        with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph, stream=side):
            work()
        return graph.replay

    return GraphBackend(warm_up, capture)
