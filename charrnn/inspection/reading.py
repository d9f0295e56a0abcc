"""The streams of a text as a network reads them, side by side: what its cells do, and the states it passes through.

What is made of it is left to the evidence and to the causes.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import WrongUsageError
from charrnn.inspection.evidence import Activations
from charrnn.inspection.streams import SplitStreams
from charrnn.network.reader import InferenceRNN, LayerCache, State
from charrnn.network.side_by_side import select_rows

Ids = NDArray[np.integer]
States = dict[int, State]
"""what the confirmation streams' layers carried when so many characters were read"""

CHUNK_STEPS = 32
"""steps read at a time: all gates of all layers are in memory for so long"""
ABLATION_WARM_UP = 2 * CHUNK_STEPS
"""characters of a stretch that are read with cells held before what comes of it is counted"""
SEGMENT_CHARS = 12 * CHUNK_STEPS
"""characters of a stretch, where the streams are so long"""
DEFAULT_SIGNAL = "c"
"""the signal that is searched unless another is named: tanh(c), or h where there is no c"""


def signal_name(rnn: InferenceRNN, signal: str = DEFAULT_SIGNAL) -> str:
    """Say how a signal is written; raise WrongUsageError for one that these cells do not have."""
    if signal == DEFAULT_SIGNAL:
        return rnn.signal_name
    there = ["h", *rnn.gate_names]
    if signal not in there:
        raise WrongUsageError(
            f"cells of kind {rnn.config.cell} have no signal {signal!r}", hint=f"one of {', '.join(['c', *there])}"
        )
    return signal


def stream_activations(
    rnn: InferenceRNN, ids: Ids, streams: SplitStreams, *, signal: str = DEFAULT_SIGNAL, states: States | None = None
) -> Iterator[Activations]:
    """Read the streams of a text's ids (T,) side by side; yield all layers' cells, (up to CHUNK, B, L·H).

    The states before each stretch are put into `states`, of the confirmation streams alone.
    """
    wanted = segment_starts(streams) if states is not None else range(0)
    state = rnn.initial_state(streams.count)
    for first in range(0, streams.length, CHUNK_STEPS):
        if states is not None and first in wanted:
            states[first] = select_rows(state, np.flatnonzero(streams.confirmation))
        cache = rnn.run_with_cache(ids[streams.positions(first, first + CHUNK_STEPS)], state)
        state = cache.state
        yield np.concatenate([_signal(layer, signal) for layer in cache.layers], axis=2)


def segment_length(streams: SplitStreams) -> int:
    """Give the characters of the stretches that these streams can be cut into; 0 where they are too short."""
    length = min(SEGMENT_CHARS, (streams.length - 1 - _first_segment(streams)) // CHUNK_STEPS * CHUNK_STEPS)
    return length if length > ABLATION_WARM_UP else 0


def segment_starts(streams: SplitStreams) -> range:
    """List where in their stream the stretches begin."""
    length = segment_length(streams)
    return range(_first_segment(streams), streams.length - length, length) if length else range(0)


def _first_segment(streams: SplitStreams) -> int:
    """Find the first chunk that is scored from its beginning on."""
    return -(-streams.warm_up // CHUNK_STEPS) * CHUNK_STEPS


def _signal(layer: LayerCache, signal: str) -> Activations:
    if signal == DEFAULT_SIGNAL:
        return np.asarray(layer.signal)
    return np.asarray(layer.hidden if signal == "h" else layer.gate(signal))
