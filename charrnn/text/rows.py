"""Rows: a text cut into stretches that are read side by side, so that all of it is scored, once, and quickly.

Each row but the first begins with a warm-up that the row before scores; the first begins as the text does. Reading
and scoring them is left to others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.text.vocabulary import Ids

ALL = slice(None)


class Chunk(NamedTuple):
    """A few characters of every row, T of B rows; each row's next chunk goes on where this one stopped."""

    inputs: NDArray[np.int64]
    """ids to read, (T, B)"""
    targets: NDArray[np.int64]
    """the id that follows each of them, (T, B)"""
    positions: NDArray[np.int64]
    """where in the text each target stands, (T, B)"""
    is_scored: NDArray[np.bool_]
    """whether this row is the one to score it, (T, B)"""


@dataclass(frozen=True, kw_only=True)
class EvalRows:
    """How a text is cut: row r begins at r·stride, and every row is stride + warm_up characters long.

    Eleven characters in two rows with a warm-up of two: the first row reads 0 to 5 and is scored on 1 to 6, the
    second reads 4 to 9 and is scored on 7 to 10. The very first character is predicted by nothing.

    >>> rows = split_into_rows(11, rows=2, warm_up=2)
    >>> rows.starts.tolist(), rows.length
    ([0, 4], 6)
    """

    characters: int
    """in the text"""
    count: int
    """how many rows"""
    stride: int
    """characters from one row's start to the next one's"""
    warm_up: int
    """characters that a row reads before it is scored, the first row aside"""

    @property
    def length(self) -> int:
        """Characters that each row reads."""
        return self.stride + self.warm_up

    @property
    def starts(self) -> NDArray[np.int64]:
        """Say where in the text each row begins, (B,)."""
        return np.arange(self.count, dtype=np.int64) * self.stride

    def chunks(self, ids: Ids, length: int, rows: slice = ALL) -> Iterator[Chunk]:
        """Read the rows of a text, or some of them, ids (characters,), that many characters of each at a time.

        Where the last rows reach beyond the end of the text they repeat its last character, unscored.
        """
        starts = self.starts[rows]
        first_scored = np.where(starts == 0, 0, self.warm_up)
        for begin in range(0, self.length, length):
            times = np.arange(begin, min(begin + length, self.length) + 1)[:, None]
            places = starts + times
            read = np.asarray(ids[places.clip(max=self.characters - 1)], dtype=np.int64)
            scored = (times[:-1] >= first_scored) & (places[1:] < self.characters)
            yield Chunk(read[:-1], read[1:], places[1:], scored)


def split_into_rows(characters: int, *, rows: int, warm_up: int, stride_multiple: int = 1) -> EvalRows:
    """Cut a text of at least two characters into that many rows, or fewer where it is too short for them.

    From one row's start to the next one's are a `stride_multiple` of so many characters.
    """
    scored = characters - 1 - warm_up
    fitting = max(1, min(rows, scored))
    if fitting == 1:
        return EvalRows(characters=characters, count=1, stride=characters - 1, warm_up=0)
    # Rows of whole characters may need fewer of them: none is left without something to score.
    stride = -(-scored // (fitting * stride_multiple)) * stride_multiple
    return EvalRows(characters=characters, count=-(-scored // stride), stride=stride, warm_up=warm_up)
