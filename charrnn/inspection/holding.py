"""Holding: stretches of text read once for each of many sets of held cells, side by side.

Which cells are held at what, and what to conclude, is left to the causes.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.reading import ABLATION_WARM_UP
from charrnn.inspection.stretches import AblationSegments
from charrnn.network.clamp import Clamp, Clamps
from charrnn.network.reader import InferenceRNN
from charrnn.network.side_by_side import select_rows

CellClamps = Mapping[int, float]
"""the value of each held cell, by its number among all layers' cells: c of an LSTM's, h of the others"""
Nats = NDArray[np.float32]

MAX_CLAMPED_ROWS = 640
"""stretches read side by side: more would not fit the cache"""
MAX_LOGITS = 4_000_000
"""logits at one step"""


def clamp_batches(rnn: InferenceRNN, segments: AblationSegments, holds: Sequence[CellClamps]) -> list[slice]:
    """Cut the holds into batches of as many as are read side by side at a time."""
    rows = min(MAX_CLAMPED_ROWS, MAX_LOGITS // len(rnn.weights["output.bias"]))
    size = max(1, rows // segments.count)
    return [slice(first, first + size) for first in range(0, len(holds), size)]


def softmax_terms(
    rnn: InferenceRNN, segments: AblationSegments, holds: Sequence[CellClamps]
) -> Iterator[tuple[Nats, Nats]]:
    """Read the stretches with cells held; yield, of each character that counts, exp(logits) and their sum.

    (N holds, W stretches, V) and (N, W, 1); the largest of each row is 1, so that nothing overflows.
    """
    count = segments.count
    clamps = _reader_clamps(rnn, holds, count)
    state = select_rows(segments.state, np.tile(np.arange(count), len(holds)))
    for step, ids in enumerate(segments.ids):
        logits, state = rnn.step(np.tile(ids, len(holds)), state, clamps)
        if step >= ABLATION_WARM_UP:
            weights = np.exp(logits - logits.max(axis=1, keepdims=True)).reshape(len(holds), count, -1)
            yield weights, weights.sum(axis=2, keepdims=True)


def clamped_nll(rnn: InferenceRNN, segments: AblationSegments, holds: Sequence[CellClamps]) -> Nats:
    """Give what each character that counts costs with each set of cells held: (N, T, W)."""
    costs = np.empty((len(holds), *segments.positions.shape), dtype=np.float32)
    targets = segments.targets[ABLATION_WARM_UP:]
    for step, (weights, total) in enumerate(softmax_terms(rnn, segments, holds)):
        right = weights[:, np.arange(segments.count), targets[step]]
        # a probability that has no single-precision number is as good as this one
        costs[:, step] = np.log(total[..., 0]) - np.log(np.maximum(right, np.float32(1e-37)))
    return costs


def _reader_clamps(rnn: InferenceRNN, holds: Sequence[CellClamps], count: int) -> Clamps:
    """Lay the holds out for the reader: each for all stretches, one hold after the other."""
    layers, hidden = rnn.config.layers, rnn.config.hidden
    held = np.zeros((layers, len(holds), hidden), dtype=np.bool_)
    values = np.zeros((layers, len(holds), hidden), dtype=np.float32)
    for number, hold in enumerate(holds):
        for cell, value in hold.items():
            held[cell // hidden, number, cell % hidden] = True
            values[cell // hidden, number, cell % hidden] = value
    return {
        layer + 1: Clamp(mask=held[layer].repeat(count, axis=0), values=values[layer].repeat(count, axis=0))
        for layer in range(layers)
        if held[layer].any()
    }
