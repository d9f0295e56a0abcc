"""Windows: a text as continuing streams read side by side, cut into windows that follow each other.

The text is a ring. Row r of a batch begins r/B of the way round, and each window goes on where the row's last one
stopped, for ever: after an epoch row r has come to where row r + 1 began. So the state can always be carried, and
as the ring is seldom a whole number of windows long, each epoch cuts the text at other places.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.text.corpus import Corpus

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
