"""Reading of text segments with interventions: sets of clamped cells and clamped directions, many in one batch."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from threading import Event

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.search_data import ABLATION_WARM_UP, AblationSegments
from charrnn.inspection.search.splits import ABLATION, Progress, no_progress
from charrnn.network.cells import select_rows
from charrnn.network.clamps import Clamp, Clamps, DirectionClamp
from charrnn.network.inference import InferenceRNN
from charrnn.network.interventions import Direction
from charrnn.threads import map_in_threads

CellClamps = Mapping[int, float]
"""value of each clamped cell, by its flat index: c of LSTM cells, h of other cells"""
Nats = NDArray[np.float32]
Intervention = CellClamps | Direction

MAX_CLAMPED_ROWS = 320
"""maximum number of rows in a batch; more rows would not fit the CPU cache"""
MAX_LOGITS = 4_000_000
"""maximum number of logits computed at one step"""


def clamp_batches(rnn: InferenceRNN, segments: AblationSegments, clamp_sets: Sequence[Intervention]) -> list[slice]:
    """Return slices of the clamp sets, each of which is one batch: an even number of batches of nearly equal size.

    Two threads, which compute half of the batches each, thus end at the same time.
    """
    rows = min(MAX_CLAMPED_ROWS, MAX_LOGITS // len(rnn.weights["output.bias"]))
    pairs = math.ceil(len(clamp_sets) / max(1, rows // segments.count) / 2)
    bounds = [len(clamp_sets) * number // (2 * pairs) for number in range(2 * pairs + 1)] if pairs else []
    return [slice(first, stop) for first, stop in pairwise(bounds) if first < stop]


def softmax_terms(
    rnn: InferenceRNN, segments: AblationSegments, clamp_sets: Sequence[Intervention], stopped: Event
) -> Iterator[tuple[Nats, Nats]]:
    """Yield exp(logits) and their sum at each scored character, with each set of cells or each direction clamped.

    (N sets, W segments, V) and (N, W, 1). The largest logit of each row is subtracted, so that exp does not overflow.
    The reading ends early when `stopped` is set.
    """
    count = segments.count
    clamps = _batch_clamps(rnn, clamp_sets, count)
    state = select_rows(segments.state, np.tile(np.arange(count), len(clamp_sets)))
    for step, ids in enumerate(segments.ids):
        if stopped.is_set():
            return
        logits, state = rnn.step(np.tile(ids, len(clamp_sets)), state, clamps)
        if step >= ABLATION_WARM_UP:
            terms = np.exp(logits - logits.max(axis=1, keepdims=True)).reshape(len(clamp_sets), count, -1)
            yield terms, terms.sum(axis=2, keepdims=True)


def clamped_nll(
    rnn: InferenceRNN,
    segments: AblationSegments,
    clamp_sets: Sequence[Intervention],
    progress: Progress = no_progress,
    stage: str = ABLATION,
) -> Nats:
    """Return the loss at each scored position in nats, with each set of cells or direction clamped: (N, T, W)."""

    def read(batch: slice, stopped: Event) -> Nats:
        return _batch_nll(rnn, segments, clamp_sets[batch], stopped)

    batches = clamp_batches(rnn, segments, clamp_sets)
    return np.concatenate(map_in_threads(read, progress(batches, stage, len(batches))))


def _batch_nll(
    rnn: InferenceRNN, segments: AblationSegments, clamp_sets: Sequence[Intervention], stopped: Event
) -> Nats:
    nll = np.empty((len(clamp_sets), *segments.positions.shape), dtype=np.float32)
    targets = segments.targets[ABLATION_WARM_UP:]
    for step, (terms, total) in enumerate(softmax_terms(rnn, segments, clamp_sets, stopped)):
        target_terms = terms[:, np.arange(segments.count), targets[step]]
        # the minimum avoids the logarithm of a probability that underflows to zero in float32
        nll[:, step] = np.log(total[..., 0]) - np.log(np.maximum(target_terms, np.float32(1e-37)))
    return nll


def _batch_clamps(rnn: InferenceRNN, clamp_sets: Sequence[Intervention], count: int) -> Clamps:
    """Return the network's clamps for all rows: the segments of the first clamp set, then of the second set, etc.

    All of them are sets of cells, or all of them are directions.
    """
    directions = [clamps for clamps in clamp_sets if isinstance(clamps, Direction)]
    if directions:
        return {layer: _direction_clamp(directions, layer, count) for layer in {each.layer for each in directions}}
    layers, hidden = rnn.config.layers, rnn.config.hidden
    mask = np.zeros((layers, len(clamp_sets), hidden), dtype=np.bool_)
    values = np.zeros((layers, len(clamp_sets), hidden), dtype=np.float32)
    for row, clamps in enumerate(clamp_sets):
        for cell, value in clamps.items() if isinstance(clamps, Mapping) else ():
            mask[cell // hidden, row, cell % hidden] = True
            values[cell // hidden, row, cell % hidden] = value
    return {
        layer + 1: Clamp(mask=mask[layer].repeat(count, axis=0), values=values[layer].repeat(count, axis=0))
        for layer in range(layers)
        if mask[layer].any()
    }


def _direction_clamp(directions: Sequence[Direction], layer: int, count: int) -> DirectionClamp:
    """Return one layer's clamp for all rows; rows whose direction is in another layer are not clamped."""
    is_here = np.array([each.layer == layer for each in directions], dtype=np.float32)[:, None]
    return DirectionClamp(
        read=(is_here * np.stack([each.read for each in directions])).repeat(count, axis=0),
        write=(is_here * np.stack([each.write for each in directions])).repeat(count, axis=0),
        value=(is_here * np.array([[each.value] for each in directions], dtype=np.float32)).repeat(count, axis=0),
    )
