"""Work in several threads at once, each piece of it a generator of its own.

NumPy lets go of the interpreter while it multiplies, so threads that multiply for themselves take no turns; a
product that is shared out among threads has them all wait for the slowest, and does the rest in one.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any


def run_generators(work: Sequence[Callable[[], Iterator[Any]]], *, threads: int = 1) -> None:
    """Begin every generator and go through all that it yields, so many at a time; what they raise is raised.

    What fails, or an interruption, ends the others at what they yield next.

    >>> seen = []
    >>> run_generators([lambda: map(seen.append, "ab"), lambda: map(seen.append, "cd")])
    >>> seen
    ['a', 'b', 'c', 'd']
    """
    stopped = Event()

    def run(begin: Callable[[], Iterator[Any]]) -> None:
        try:
            for _ in begin():
                if stopped.is_set():
                    return
        except BaseException:
            stopped.set()
            raise

    if threads == 1 or len(work) <= 1:
        for begin in work:
            run(begin)
        return
    with ThreadPoolExecutor(min(threads, len(work))) as pool:
        try:
            for done in [pool.submit(run, begin) for begin in work]:
                done.result()
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
