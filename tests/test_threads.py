"""Generators that are run in several threads."""

import threading
from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest

from charrnn.scoring import run_generators


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_generator_is_exhausted(threads: int) -> None:
    """For any number of threads; each generator yields in order."""
    observed: list[list[int]] = [[], [], [], []]
    run_generators([partial(map, entry.append, range(20)) for entry in observed], threads=threads)
    assert observed == [list(range(20))] * 4


def test_generators_run_at_the_same_time() -> None:
    """Each waits for the other one, which is impossible in a single thread."""
    meeting = threading.Barrier(2, timeout=10)

    def meet() -> Iterator[None]:
        meeting.wait()
        yield

    run_generators([meet, meet], threads=2)
    assert not meeting.broken


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_is_raised_and_ends_the_other_generators(threads: int) -> None:
    """An endless generator ends too, also after an interrupt."""
    started = threading.Event()

    def endless() -> Iterator[int]:
        for number in count():
            started.set()
            yield number

    def failing() -> Iterator[None]:
        started.wait(0 if threads == 1 else 10)
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        run_generators([failing, endless], threads=threads)


def test_an_exception_ends_the_generators_that_started_earlier() -> None:
    """However long they would have run."""

    def failing() -> Iterator[None]:
        raise ArithmeticError
        yield

    with pytest.raises(ArithmeticError):
        run_generators([count, failing], threads=2)


def test_an_empty_list_of_generators_needs_no_thread() -> None:
    """The call returns at once."""
    run_generators([], threads=3)
