"""What cells do at each character of a text as it streams by, and at the characters around it.

Which characters are worth keeping is left to the contexts.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.activity import CellIndex
from charrnn.inspection.watch import run_over_text
from charrnn.network.reader import InferenceRNN
from charrnn.text.vocabulary import Ids

Values = NDArray[np.floating]
Places = NDArray[np.int64]

CONTEXT_CHARS = 40
"""characters on each side of a place"""


class ContextChunk(NamedTuple):
    """T characters of B rows, and what the cells did there and AROUND characters further on both sides."""

    positions: Places
    """(T, B)"""
    is_counted: NDArray[np.bool_]
    """(T, B)"""
    values: Values
    """(cells, T + 2·AROUND, B); nan beyond the text"""

    def complete(self) -> "ContextChunk":
        """Leave out the characters whose surroundings are still to come."""
        count = self.values.shape[1] - 2 * CONTEXT_CHARS
        return ContextChunk(self.positions[:count], self.is_counted[:count], self.values)


def with_context(rnn: InferenceRNN, ids: Ids, cells: Sequence[CellIndex]) -> Iterator[ContextChunk]:
    """Read a text; what a character's surroundings lack is waited for, so all come AROUND characters late."""
    late: ContextChunk | None = None
    for cache, places, counted in run_over_text(rnn, ids):
        signals = {layer: cache.layers[layer - 1].signal for layer, _ in cells}
        values = np.stack([signals[layer][:, :, unit] for layer, unit in cells])
        late = late or _padding(len(cells), places.shape[1], before=2 * CONTEXT_CHARS)
        here = _concat(late, ContextChunk(places, counted, values))
        yield here.complete()
        late = ContextChunk(
            here.positions[-CONTEXT_CHARS:], here.is_counted[-CONTEXT_CHARS:], here.values[:, -2 * CONTEXT_CHARS :]
        )
    if late is not None:
        yield _concat(late, _padding(len(cells), late.positions.shape[1], before=CONTEXT_CHARS)).complete()


def _padding(cells: int, rows: int, *, before: int) -> ContextChunk:
    """Stand for AROUND characters beyond the text, with so many values."""
    nowhere = np.zeros((CONTEXT_CHARS, rows), np.int64)
    return ContextChunk(nowhere, nowhere > 0, np.full((cells, before, rows), np.nan))


def _concat(first: ContextChunk, second: ContextChunk) -> ContextChunk:
    return ContextChunk(
        np.concatenate([first.positions, second.positions]),
        np.concatenate([first.is_counted, second.is_counted]),
        np.concatenate([first.values, second.values], axis=1),
    )
