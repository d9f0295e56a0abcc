"""Threads of NumPy: parts of a computation in several threads, and a reading that runs ahead of its use."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from charrnn import threads
from charrnn.threads import map_in_threads, one_numpy_thread, read_ahead


def set_threads(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let NumPy seem to have a number of threads."""

    @contextmanager
    def fewer(_fewer: int) -> Iterator[int]:
        yield number

    monkeypatch.setattr(threads, "fewer_numpy_threads", fewer)


def test_the_threads_of_other_libraries_than_numpy_do_not_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SciPy's OpenBLAS lacks the functions of NumPy's."""
    maps = tmp_path / "maps"
    maps.write_text("7f00-7f01 r-xp 0 08:01 42   /scipy.libs/libscipy_openblas-6cdc3b4a.so", encoding="utf-8")
    monkeypatch.setattr(threads, "MAPS", maps)
    with one_numpy_thread() as number:
        assert number == 1


@pytest.mark.parametrize("number", [1, 2, 4])
def test_results_and_items_keep_their_order(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With any number of threads; nothing is computed for no parts."""
    set_threads(monkeypatch, number)
    assert map_in_threads(lambda part, _stopped: -part, range(20)) == [-part for part in range(20)]
    assert map_in_threads(lambda part, _stopped: part, []) == []
    assert list(read_ahead(range(20))) == list(range(20))
    assert list(read_ahead([])) == []


def test_several_parts_are_computed_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two parts waits until the other one has begun."""
    set_threads(monkeypatch, 2)
    barrier = threading.Barrier(2, timeout=10)
    assert sorted(map_in_threads(lambda _part, _stopped: barrier.wait(), "ab")) == [0, 1]


def test_an_error_ends_the_other_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The part that waits for the event ends, and the error reaches the caller."""
    set_threads(monkeypatch, 2)

    def compute(part: int, stopped: Event) -> bool:
        if part == 0:
            raise ValueError("the first part")
        return stopped.wait(10)

    with pytest.raises(ValueError, match="the first part"):
        map_in_threads(compute, range(9))


@pytest.mark.parametrize("number", [1, 2])
def test_an_error_of_a_reading_reaches_its_user_after_the_items_before(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The items before the error are used."""
    set_threads(monkeypatch, number)

    def items() -> Iterator[int]:
        yield 7
        raise ValueError("no more")

    reading = read_ahead(items())
    assert next(reading) == 7
    with pytest.raises(ValueError, match="no more"):
        next(reading)
