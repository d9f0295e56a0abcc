"""What cells do at each character of a text as it streams by, and at the characters around it.

Which characters are worth keeping is left to the contexts.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.activity import Cell
from charrnn.inspection.watch import watch
from charrnn.network.reader import Reader
from charrnn.text.vocabulary import Ids

Values = NDArray[np.floating]
Places = NDArray[np.int64]

AROUND = 40
"""characters on each side of a place"""


class Stretch(NamedTuple):
    """T characters of B rows, and what the cells did there and AROUND characters further on both sides."""

    places: Places
    """(T, B)"""
    counted: NDArray[np.bool_]
    """(T, B)"""
    values: Values
    """(cells, T + 2·AROUND, B); nan beyond the text"""

    def surrounded(self) -> "Stretch":
        """Leave out the characters whose surroundings are still to come."""
        count = self.values.shape[1] - 2 * AROUND
        return Stretch(self.places[:count], self.counted[:count], self.values)


def stretches(reader: Reader, ids: Ids, cells: Sequence[Cell]) -> Iterator[Stretch]:
    """Read a text; what a character's surroundings lack is waited for, so all come AROUND characters late."""
    late: Stretch | None = None
    for reading, places, counted in watch(reader, ids):
        signals = {layer: reading.layers[layer - 1].signal for layer, _ in cells}
        values = np.stack([signals[layer][:, :, unit] for layer, unit in cells])
        late = late or _nothing(len(cells), places.shape[1], before=2 * AROUND)
        here = _joined(late, Stretch(places, counted, values))
        yield here.surrounded()
        late = Stretch(here.places[-AROUND:], here.counted[-AROUND:], here.values[:, -2 * AROUND :])
    if late is not None:
        yield _joined(late, _nothing(len(cells), late.places.shape[1], before=AROUND)).surrounded()


def _nothing(cells: int, rows: int, *, before: int) -> Stretch:
    """Stand for AROUND characters beyond the text, with so many values."""
    nowhere = np.zeros((AROUND, rows), np.int64)
    return Stretch(nowhere, nowhere > 0, np.full((cells, before, rows), np.nan))


def _joined(first: Stretch, second: Stretch) -> Stretch:
    return Stretch(
        np.concatenate([first.places, second.places]),
        np.concatenate([first.counted, second.counted]),
        np.concatenate([first.values, second.values], axis=1),
    )
