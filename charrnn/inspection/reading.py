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

CHUNK = 64
"""steps read at a time: all gates of all layers are in memory for so long"""
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

    The states before each chunk are put into `states`, of the confirmation streams alone.
    """
    state = reader.start(streams.count)
    for first in range(0, streams.length, CHUNK):
        if states is not None:
            states[first] = picked(state, np.flatnonzero(streams.confirmation))
        reading = reader.read(ids[streams.positions(first, first + CHUNK)], state)
        state = reading.state
        yield np.concatenate([_signal(layer, signal) for layer in reading.layers], axis=2)


def _signal(layer: LayerReading, signal: str) -> Activations:
    if signal == USUAL:
        return np.asarray(layer.signal)
    return np.asarray(layer.hidden if signal == "h" else layer.gate(signal))
