"""The streams of a text as a network reads them, side by side: what its cells do, and the states it passes through.

What is made of it is left to the evidence and to the causes.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import WrongUsageError
from charrnn.inspection.evidence import Activations
from charrnn.inspection.streams import Streams
from charrnn.network.reader import LayerReading, Reader, State
from charrnn.network.side_by_side import picked

Ids = NDArray[np.integer]
States = dict[int, State]
"""what the confirmation streams' layers carried when so many characters were read"""

CHUNK = 32
"""steps read at a time: all gates of all layers are in memory for so long"""
SETTLING = 2 * CHUNK
"""characters of a stretch that are read with cells held before what comes of it is counted"""
STRETCH = 12 * CHUNK
"""characters of a stretch, where the streams are so long"""
USUAL = "c"
"""the signal that is searched unless another is named: tanh(c), or h where there is no c"""


def signal_name(reader: Reader, signal: str = USUAL) -> str:
    """Say how a signal is written; raise WrongUsageError for one that these cells do not have."""
    if signal == USUAL:
        return reader.signal_name
    there = ["h", *reader.gate_names]
    if signal not in there:
        raise WrongUsageError(
            f"cells of kind {reader.config.cell} have no signal {signal!r}", hint=f"one of {', '.join(['c', *there])}"
        )
    return signal


def activations(
    reader: Reader, ids: Ids, streams: Streams, *, signal: str = USUAL, states: States | None = None
) -> Iterator[Activations]:
    """Read the streams of a text's ids (T,) side by side; yield all layers' cells, (up to CHUNK, B, L·H).

    The states before each stretch are put into `states`, of the confirmation streams alone.
    """
    wanted = stretch_starts(streams) if states is not None else range(0)
    state = reader.start(streams.count)
    for first in range(0, streams.length, CHUNK):
        if states is not None and first in wanted:
            states[first] = picked(state, np.flatnonzero(streams.confirmation))
        reading = reader.read(ids[streams.positions(first, first + CHUNK)], state)
        state = reading.state
        yield np.concatenate([_signal(layer, signal) for layer in reading.layers], axis=2)


def stretch_length(streams: Streams) -> int:
    """Give the characters of the stretches that these streams can be cut into; 0 where they are too short."""
    length = min(STRETCH, (streams.length - 1 - _first_stretch(streams)) // CHUNK * CHUNK)
    return length if length > SETTLING else 0


def stretch_starts(streams: Streams) -> range:
    """List where in their stream the stretches begin."""
    length = stretch_length(streams)
    return range(_first_stretch(streams), streams.length - length, length) if length else range(0)


def _first_stretch(streams: Streams) -> int:
    """Find the first chunk that is scored from its beginning on."""
    return -(-streams.warm_up // CHUNK) * CHUNK


def _signal(layer: LayerReading, signal: str) -> Activations:
    if signal == USUAL:
        return np.asarray(layer.signal)
    return np.asarray(layer.hidden if signal == "h" else layer.gate(signal))
