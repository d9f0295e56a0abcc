"""What chosen cells do over a stretch of text, read as one stream."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from charrnn.network.cell_name import see_that_there_is
from charrnn.network.reader import Reader

Ids = NDArray[np.integer]
Cell = tuple[int, int]
"""layer, from 1, and unit, from 0"""

WARM_UP = 400
"""characters read before a stretch within a text, so that the state is what it would be there"""
CHUNK = 128


def activity(reader: Reader, ids: Ids, cells: Sequence[Cell], stretch: slice) -> NDArray[np.float32]:
    """Give the signal of cells over a stretch of a text's ids (T,): (cells, characters of the stretch).

    The text before the stretch is read too, as far back as matters. Raise WrongUsageError for a cell that the
    model does not have.
    """
    for cell in cells:
        see_that_there_is(cell, layers=reader.config.layers, units=reader.config.hidden)
    begin, stop = max(0, stretch.start - WARM_UP), min(stretch.stop, len(ids))
    seen, state = [], reader.start(1)
    for start in range(begin, stop, CHUNK):
        reading = reader.read(ids[start : min(start + CHUNK, stop), None], state)
        state = reading.state
        seen.append(np.stack([reading.layers[layer - 1].signal[:, 0, unit] for layer, unit in cells]))
    return np.concatenate(seen, axis=1)[:, stretch.start - begin :]
