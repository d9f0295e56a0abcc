"""A text read once, all of it, in rows side by side: what every layer did at which of its characters.

Nothing is kept of a chunk when the next one is read. What is counted or looked for is left to others.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.network.reader import Reader, Reading
from charrnn.text.rows import cut
from charrnn.text.vocabulary import Ids

WARM_UP = 256
"""characters that each row but the first reads before it counts"""
MOST_ROWS = 16
"""beyond it a row more gains little on a few cores"""
CHUNK = 256
"""characters of each row at once"""
NUMBERS_AT_ONCE = 16_000_000
"""in one chunk's states and gates; what bounds the memory, whatever the text and the network"""
PER_UNIT = 10
"""numbers that a reading keeps of each unit at each step, and what went into them"""


class Watched(NamedTuple):
    """T characters of each of B rows, as they were read."""

    reading: Reading
    places: NDArray[np.int64]
    """where in the text each of them stands, (T, B)"""
    counted: NDArray[np.bool_]
    """whether it is this row that counts it, (T, B)"""


def watch(reader: Reader, ids: Ids) -> Iterator[Watched]:
    """Read a text's ids (T,); every character is counted once, in some row of some chunk."""
    # Rows are cut for what comes next to be told: one character more has every one of the text come before another.
    longer = np.append(ids, ids[-1:])
    layout = cut(len(longer), rows=min(MOST_ROWS, len(ids) // (4 * WARM_UP)), warm_up=WARM_UP)
    state = reader.start(layout.count)
    for chunk in layout.chunks(longer, chunk_length(reader, layout.count)):
        reading = reader.read(chunk.inputs, state)
        state = reading.state
        yield Watched(reading, chunk.places - 1, chunk.scored)


def chunk_length(reader: Reader, rows: int) -> int:
    """Say how many characters of so many rows fit into what is kept at once."""
    width = PER_UNIT * reader.config.hidden * reader.config.layers
    return max(1, min(CHUNK, NUMBERS_AT_ONCE // (rows * width)))
