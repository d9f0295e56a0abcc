"""Marks from events: values held until the next event, distances since the last one, and spans."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.int64]
Mask = NDArray[np.bool_]


Positions = Sequence[int] | Marks


def forward_fill(length: int, positions: Positions, values: Positions) -> Marks:
    """Let each value hold from its position to the next one's; 0 before the first: (length,).

    >>> forward_fill(6, [1, 4], [7, 2]).tolist()
    [0, 7, 7, 7, 2, 2]
    """
    edges = np.concatenate([[0], positions, [length]]).astype(np.int64)
    return np.repeat(np.concatenate([[0], values]).astype(np.int64), np.diff(edges))


def as_marks(hits: Mask) -> Marks:
    """Mark the hits with 1, all else with 0: (T,) -> (T,)."""
    return hits.astype(np.int64)


def distance_since(last: Mask) -> Marks:
    """Count the characters since the last true one, 0 on it, as if one stood before the text: (T,) -> (T,).

    >>> distance_since(np.array([False, False, True, False])).tolist()
    [1, 2, 0, 1]
    """
    here = np.arange(len(last))
    return here - np.maximum.accumulate(np.where(last, here, -1))


def count_since(hits: Mask, last: Mask) -> Marks:
    """Count the hits since the last true one of the others, 0 on it: (T,), (T,) -> (T,).

    >>> count_since(np.array([True, True, True, True]), np.array([False, False, True, False])).tolist()
    [1, 2, 0, 1]
    """
    met = np.cumsum(hits)
    return met - np.maximum.accumulate(np.where(last, met, 0))


def mark_spans(length: int, starts: Positions, stops: Positions) -> Marks:
    """Mark spans, which may overlap, each from its start up to its stop: (length,).

    >>> mark_spans(5, [1, 3], [3, 4]).tolist()
    [0, 1, 1, 1, 0]
    """
    starting, stopping = (np.bincount(np.array(at, dtype=np.int64), minlength=length + 1) for at in (starts, stops))
    return as_marks(np.cumsum(starting - stopping)[:length] > 0)


def shifted_right(hits: Mask) -> Mask:
    """Say for each character whether it was so of the one before it: (T,) -> (T,)."""
    return np.concatenate([[False], hits])[:-1] if len(hits) else hits


def shifted_left(hits: Mask) -> Mask:
    """Say for each character whether it will be so of the next one: (T,) -> (T,)."""
    return np.concatenate([hits, [False]])[1:]


def code_points(text: str) -> NDArray[np.uint32]:
    """Turn a text into its code points (T,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
