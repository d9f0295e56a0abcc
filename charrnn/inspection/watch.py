"""A text read once, all of it, in rows side by side: what every layer did at which of its characters.

Nothing is kept of a chunk when the next one is read. What is counted or looked for is left to others.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.network.reader import ActivationCache, InferenceRNN
from charrnn.text.rows import split_into_rows
from charrnn.text.vocabulary import Ids

ROW_WARM_UP = 256
"""characters that each row but the first reads before it counts"""
MAX_ROWS = 16
"""beyond it a row more gains little on a few cores"""
MAX_CHUNK_CHARS = 256
"""characters of each row at once"""
MAX_NUMBERS = 16_000_000
"""in one chunk's states and gates; what bounds the memory, whatever the text and the network"""
NUMBERS_PER_UNIT = 10
"""numbers that a reading keeps of each unit at each step, and what went into them"""


class ActivationChunk(NamedTuple):
    """T characters of each of B rows, as they were read."""

    cache: ActivationCache
    positions: NDArray[np.int64]
    """where in the text each of them stands, (T, B)"""
    is_counted: NDArray[np.bool_]
    """whether it is this row that counts it, (T, B)"""


def run_over_text(rnn: InferenceRNN, ids: Ids) -> Iterator[ActivationChunk]:
    """Read a text's ids (T,); every character is counted once, in some row of some chunk."""
    # Rows are cut for what comes next to be told: one character more has every one of the text come before another.
    longer = np.append(ids, ids[-1:])
    layout = split_into_rows(len(longer), rows=min(MAX_ROWS, len(ids) // (4 * ROW_WARM_UP)), warm_up=ROW_WARM_UP)
    state = rnn.initial_state(layout.count)
    for chunk in layout.chunks(longer, chunk_length(rnn, layout.count)):
        cache = rnn.run_with_cache(chunk.inputs, state)
        state = cache.state
        yield ActivationChunk(cache, chunk.positions - 1, chunk.is_scored)


def chunk_length(rnn: InferenceRNN, rows: int) -> int:
    """Say how many characters of so many rows fit into what is kept at once."""
    width = NUMBERS_PER_UNIT * rnn.config.hidden * rnn.config.layers
    return max(1, min(MAX_CHUNK_CHARS, MAX_NUMBERS // (rows * width)))
