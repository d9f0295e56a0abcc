"""Marks: arrays of one label per character, made from events by forward filling, counting and spans."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.int64]
"""one whole number ≥ 0 per character (T,)"""
Mask = NDArray[np.bool_]
"""one truth value per character (T,)"""
Positions = Sequence[int] | Marks
"""positions in a text, or values at these positions"""


def forward_fill(length: int, positions: Positions, values: Positions) -> Marks:
    """Return each value from its position up to the next position, and 0 before the first (length,).

    >>> forward_fill(6, [1, 4], [7, 2]).tolist()
    [0, 7, 7, 7, 2, 2]
    """
    edges = np.concatenate([[0], positions, [length]]).astype(np.int64)
    return np.repeat(np.concatenate([[0], values]).astype(np.int64), np.diff(edges))


def as_marks(hits: Mask) -> Marks:
    """Return 1 where a mask is true, otherwise 0: (T,) -> (T,)."""
    return hits.astype(np.int64)


def distance_since(resets: Mask) -> Marks:
    """Return the distance to the last reset, or to the position -1 before the first one: (T,) -> (T,).

    >>> distance_since(np.array([False, False, True, False])).tolist()
    [1, 2, 0, 1]
    """
    positions = np.arange(len(resets))
    return positions - np.maximum.accumulate(np.where(resets, positions, -1))


def count_since(hits: Mask, resets: Mask) -> Marks:
    """Return the number of hits after the last reset: (T,), (T,) -> (T,).

    >>> count_since(np.array([True, True, True, True]), np.array([False, False, True, False])).tolist()
    [1, 2, 0, 1]
    """
    counts = np.cumsum(hits)
    return counts - np.maximum.accumulate(np.where(resets, counts, 0))


def mark_spans(length: int, starts: Positions, stops: Positions) -> Marks:
    """Return 1 inside the spans from each start up to its stop, which may overlap, otherwise 0 (length,).

    >>> mark_spans(5, [1, 3], [3, 4]).tolist()
    [0, 1, 1, 1, 0]
    """
    started, stopped = (
        np.bincount(np.array(positions, dtype=np.int64), minlength=length + 1) for positions in (starts, stops)
    )
    return as_marks(np.cumsum(started - stopped)[:length] > 0)


def shifted_right(hits: Mask) -> Mask:
    """Return the value of the character before each one, false for the first: (T,) -> (T,)."""
    return np.concatenate([[False], hits])[:-1] if len(hits) else hits


def shifted_left(hits: Mask) -> Mask:
    """Return the value of the character after each one, false for the last: (T,) -> (T,)."""
    return np.concatenate([hits, [False]])[1:]


def to_code_points(text: str) -> NDArray[np.uint32]:
    """Return the code points of a text (T,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
