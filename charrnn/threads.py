"""Threads of NumPy: independent parts of a computation in several threads, and a reading that runs ahead of its use.

NumPy's matrix products use several threads, all other operations a single one. Threads of Python that compute whole
parts, each with products in one thread, use all cores all the time. The results do not depend on the number of
threads.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")

MAPS = Path("/proc/self/maps")
"""list of the libraries of this process"""
MANY_THREADS = 10_000
"""more threads than NumPy has"""
MAX_WORKERS = 16
"""maximum number of parts computed at the same time, which limits the memory"""
ITEMS_AHEAD = 8
"""maximum number of items that are computed before they are needed"""


@contextmanager
def fewer_numpy_threads(fewer: int) -> Iterator[int]:
    """Let NumPy use fewer threads in the block, at least one; yield the number of threads before.

    This needs Linux and NumPy's own OpenBLAS, also if NumPy is loaded already; elsewhere the number is 1.
    """
    import ctypes  # not needed by the help

    maps = ""
    with suppress(OSError):
        maps = MAPS.read_text(encoding="utf-8", errors="surrogateescape")
    # SciPy has an OpenBLAS of its own, with 32-bit indices and other names of functions.
    paths = {line.split(maxsplit=5)[-1] for line in maps.splitlines() if "scipy_openblas64_" in line}
    libraries = [ctypes.CDLL(path) for path in paths]
    threads = [library.scipy_openblas_get_num_threads64_() for library in libraries]
    try:
        for library, number in zip(libraries, threads, strict=True):
            library.scipy_openblas_set_num_threads64_(max(1, number - fewer))
        yield max(threads, default=1)
    finally:
        for library, number in zip(libraries, threads, strict=True):
            library.scipy_openblas_set_num_threads64_(number)


def one_numpy_thread() -> AbstractContextManager[int]:
    """Let NumPy use one thread in the block; yield the number of threads before, as `fewer_numpy_threads` does."""
    return fewer_numpy_threads(MANY_THREADS)


def map_in_threads(function: Callable[[Part, Event], Result], parts: Iterable[Part]) -> list[Result]:
    """Return the results of a function for all parts, several of which are computed at the same time.

    A part is taken when its computation begins. The function receives an event that is set after an exception or an
    interrupt, so that the other computations can end early.

    >>> map_in_threads(lambda part, stopped: part + 1, [1, 2])
    [2, 3]
    """
    stopped = Event()
    with one_numpy_thread() as threads:
        if threads == 1:
            return [function(part, stopped) for part in parts]
        workers = min(threads, MAX_WORKERS)
        futures: list[Future[Result]] = []
        with ThreadPoolExecutor(workers) as pool:
            try:
                for part in parts:
                    futures.append(pool.submit(function, part, stopped))
                    if len(futures) >= workers:
                        futures[-workers].result()
                return [future.result() for future in futures]
            except BaseException:
                stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def read_ahead(items: Iterable[Part]) -> Iterator[Part]:
    """Yield items, the next of which are computed in another thread while the caller uses an item.

    >>> list(read_ahead(range(3)))
    [0, 1, 2]
    """
    with fewer_numpy_threads(1) as threads:
        if threads == 1:
            yield from items
            return
        iterator, end = iter(items), object()
        with ThreadPoolExecutor(1) as pool:
            try:
                ahead = deque(pool.submit(next, iterator, end) for _ in range(ITEMS_AHEAD))
                while (item := ahead.popleft().result()) is not end:
                    ahead.append(pool.submit(next, iterator, end))
                    yield item  # type: ignore[misc]  # the item is no end
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
