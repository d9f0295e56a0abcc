"""Holding: stretches of text read once for each of many sets of held cells, side by side.

Which cells are held at what, and what to conclude, is left to the causes.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.reading import SETTLING
from charrnn.inspection.stretches import Stretches
from charrnn.network.clamp import Clamp, Clamps
from charrnn.network.reader import Reader
from charrnn.network.side_by_side import picked

Hold = Mapping[int, float]
"""the value of each held cell, by its number among all layers' cells: c of an LSTM's, h of the others"""
Nats = NDArray[np.float32]

MOST_ROWS = 640
"""stretches read side by side: more would not fit the cache"""
MOST_NUMBERS = 4_000_000
"""logits at one step"""


def batches(reader: Reader, stretches: Stretches, holds: Sequence[Hold]) -> list[slice]:
    """Cut the holds into batches of as many as are read side by side at a time."""
    rows = min(MOST_ROWS, MOST_NUMBERS // len(reader.weights["output.bias"]))
    size = max(1, rows // stretches.count)
    return [slice(first, first + size) for first in range(0, len(holds), size)]


def predictions(reader: Reader, stretches: Stretches, holds: Sequence[Hold]) -> Iterator[tuple[Nats, Nats]]:
    """Read the stretches with cells held; yield, of each character that counts, exp(logits) and their sum.

    (N holds, W stretches, V) and (N, W, 1); the largest of each row is 1, so that nothing overflows.
    """
    count = stretches.count
    clamps = _clamps(reader, holds, count)
    state = picked(stretches.state, np.tile(np.arange(count), len(holds)))
    for step, ids in enumerate(stretches.ids):
        logits, state = reader.step(np.tile(ids, len(holds)), state, clamps)
        if step >= SETTLING:
            weights = np.exp(logits - logits.max(axis=1, keepdims=True)).reshape(len(holds), count, -1)
            yield weights, weights.sum(axis=2, keepdims=True)


def nats(reader: Reader, stretches: Stretches, holds: Sequence[Hold]) -> Nats:
    """Give what each character that counts costs with each set of cells held: (N, T, W)."""
    costs = np.empty((len(holds), *stretches.positions.shape), dtype=np.float32)
    targets = stretches.targets[SETTLING:]
    for step, (weights, total) in enumerate(predictions(reader, stretches, holds)):
        right = weights[:, np.arange(stretches.count), targets[step]]
        # a probability that has no single-precision number is as good as this one
        costs[:, step] = np.log(total[..., 0]) - np.log(np.maximum(right, np.float32(1e-37)))
    return costs


def _clamps(reader: Reader, holds: Sequence[Hold], count: int) -> Clamps:
    """Lay the holds out for the reader: each for all stretches, one hold after the other."""
    layers, hidden = reader.config.layers, reader.config.hidden
    held = np.zeros((layers, len(holds), hidden), dtype=np.bool_)
    values = np.zeros((layers, len(holds), hidden), dtype=np.float32)
    for number, hold in enumerate(holds):
        for cell, value in hold.items():
            held[cell // hidden, number, cell % hidden] = True
            values[cell // hidden, number, cell % hidden] = value
    return {
        layer + 1: Clamp(held=held[layer].repeat(count, axis=0), values=values[layer].repeat(count, axis=0))
        for layer in range(layers)
        if held[layer].any()
    }
