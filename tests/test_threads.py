"""Work in several threads, each a generator."""

import threading
from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest

from charrnn.scoring import run_generators


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_piece_is_gone_through_to_its_end(threads: int) -> None:
    """Whatever the number of threads; each piece in its own order."""
    seen: list[list[int]] = [[], [], [], []]
    run_generators([partial(map, one.append, range(20)) for one in seen], threads=threads)
    assert seen == [list(range(20))] * 4


def test_pieces_are_done_at_the_same_time() -> None:
    """Each waits for the other, which no single thread could do."""
    meeting = threading.Barrier(2, timeout=10)

    def meet() -> Iterator[None]:
        meeting.wait()
        yield

    run_generators([meet, meet], threads=2)
    assert not meeting.broken


@pytest.mark.parametrize("threads", [1, 2])
def test_what_fails_is_raised_and_ends_the_rest(threads: int) -> None:
    """A piece without an end ends too, and so does an interruption: what raises may be any exception."""
    begun = threading.Event()

    def endless() -> Iterator[int]:
        for number in count():
            begun.set()
            yield number

    def failing() -> Iterator[None]:
        begun.wait(0 if threads == 1 else 10)
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        run_generators([failing, endless], threads=threads)


def test_what_fails_ends_what_was_begun_before_it() -> None:
    """However long that would have gone on."""

    def failing() -> Iterator[None]:
        raise ArithmeticError
        yield

    with pytest.raises(ArithmeticError):
        run_generators([count, failing], threads=2)


def test_nothing_to_do_is_done() -> None:
    """No piece, no thread."""
    run_generators([], threads=3)
