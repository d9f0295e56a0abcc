"""What chosen cells do over a stretch of text, read as one stream."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from charrnn.network.cell_name import check_cell
from charrnn.network.reader import InferenceRNN

Ids = NDArray[np.integer]
CellIndex = tuple[int, int]
"""layer, from 1, and unit, from 0"""

CELL_WARM_UP = 400
"""characters read before a stretch within a text, so that the state is what it would be there"""
CHUNK = 128


def record_cells(rnn: InferenceRNN, ids: Ids, cells: Sequence[CellIndex], stretch: slice) -> NDArray[np.float32]:
    """Give the signal of cells over a stretch of a text's ids (T,): (cells, characters of the stretch).

    The text before the stretch is read too, as far back as matters. Raise WrongUsageError for a cell that the
    model does not have.
    """
    for cell in cells:
        check_cell(cell, layers=rnn.config.layers, units=rnn.config.hidden)
    begin, stop = max(0, stretch.start - CELL_WARM_UP), min(stretch.stop, len(ids))
    chunks, state = [], rnn.initial_state(1)
    for start in range(begin, stop, CHUNK):
        cache = rnn.run_with_cache(ids[start : min(start + CHUNK, stop), None], state)
        state = cache.state
        chunks.append(np.stack([cache.layers[layer - 1].signal[:, 0, unit] for layer, unit in cells]))
    return np.concatenate(chunks, axis=1)[:, stretch.start - begin :]
