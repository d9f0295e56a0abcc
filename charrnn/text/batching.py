"""Batches of a text: windows of parallel streams for training, and rows for evaluation."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.text.corpus import Corpus
from charrnn.text.vocabulary import Ids

# Training windows. The text is a ring. Row r of a batch begins at r/B of the ring, and each window continues where
# the previous one of its row stopped, without end: after an epoch row r is where row r + 1 began. So the state can
# always be carried, and as the ring is seldom a whole number of windows long, each epoch cuts the text at other
# places.

STEPS_BETWEEN_RELEASES = 1024


def steps_for_epochs(epochs: float, *, characters: int, batch: int, length: int) -> int:
    """Count the steps in which so many characters are read so often.

    >>> steps_for_epochs(2, characters=1000, batch=10, length=30)
    7
    """
    return math.ceil(epochs * characters / (batch * length))


@dataclass(frozen=True, kw_only=True)
class TrainingBatches:
    """The first `characters` of a corpus, as windows for `batch` streams.

    >>> windows.read(7).shape                       # doctest: +SKIP
    (length + 1, batch)
    """

    corpus: Corpus
    characters: int
    batch: int
    length: int

    @property
    def steps_per_epoch(self) -> float:
        """How many steps it takes to read every character once."""
        return self.characters / (self.batch * self.length)

    def starts(self, step: int) -> NDArray[np.int64]:
        """Say where in the text each row's window begins at a step, (B,): a function of the step alone."""
        first = np.arange(self.batch) * self.characters // self.batch
        return (first + step * self.length) % self.characters

    def batch_ids(self, step: int) -> NDArray[np.int64]:
        """Read a step's windows, (T + 1, B): all but the last row goes in, all but the first is to be told."""
        if step % STEPS_BETWEEN_RELEASES == 0:
            self.corpus.release_pages()
        places = self.starts(step) + np.arange(self.length + 1)[:, None]
        return np.asarray(self.corpus.ids[places % self.characters], dtype=np.int64)


# Evaluation rows: parts of a text that are read side by side, so that every character is scored once. Each row but
# the first begins with a warm-up that the row before it scores; the first begins as the text does.

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
