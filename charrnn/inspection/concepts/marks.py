"""Marks from events: values that hold until the next event, distances since the last one, spans.

The events are left to the concepts.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.int64]
Hits = NDArray[np.bool_]


def hold(length: int, positions: Sequence[int], values: Sequence[int]) -> Marks:
    """Let each value hold from its position to the next one's; 0 before the first: (length,).

    >>> hold(6, [1, 4], [7, 2]).tolist()
    [0, 7, 7, 7, 2, 2]
    """
    edges = np.array([0, *positions, length], dtype=np.int64)
    return np.repeat(np.array([0, *values], dtype=np.int64), edges[1:] - edges[:-1])


def since(last: Hits) -> Marks:
    """Count the characters since the last true one, 0 on it, as if one stood before the text: (T,) -> (T,).

    >>> since(np.array([False, False, True, False])).tolist()
    [1, 2, 0, 1]
    """
    here = np.arange(len(last))
    return here - np.maximum.accumulate(np.where(last, here, -1))


def inside(length: int, starts: Sequence[int], stops: Sequence[int]) -> Marks:
    """Mark spans that do not overlap, each from its start up to its stop: (length,).

    >>> inside(5, [1, 3], [3, 4]).tolist()
    [0, 1, 1, 1, 0]
    """
    changes = np.bincount(starts, minlength=length + 1) - np.bincount(stops, minlength=length + 1)
    return np.cumsum(changes)[:length].astype(np.int64)


def earlier(hits: Hits) -> Hits:
    """Say for each character whether it was so of the one before it: (T,) -> (T,)."""
    return np.concatenate([[False], hits])[:-1] if len(hits) else hits


def later(hits: Hits) -> Hits:
    """Say for each character whether it will be so of the next one: (T,) -> (T,)."""
    return np.concatenate([hits, [False]])[1:]


def code_points(text: str) -> NDArray[np.uint32]:
    """Turn a text into its code points (T,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
