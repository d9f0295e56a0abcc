"""Mean ablation: the loss when a cell is clamped to its mean, at the edges of its concept and elsewhere.

The mean, because many cells are never near zero; the state, because everything that reads a cell must see the
clamped value. The cost is compared with that of other cells of the layer that change as much, and errors are taken
over segments of text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.measures.gate_saturation import KEEP_GATE
from charrnn.inspection.search.finding import CausalEffect
from charrnn.inspection.search.search_data import ABLATION_WARM_UP, CHUNK_STEPS, AblationSegments, PositionMask
from charrnn.inspection.search.splits import HOLDING, Progress
from charrnn.network.cells import Clamp, Clamps, select_rows
from charrnn.network.inference import InferenceRNN, LayerCache

# Natural activations of the cells in the segments: their means, and what changes them

Values = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class NaturalActivations:
    """What cells do in the stretches, at the characters that count."""

    cells: tuple[int, ...]
    """their numbers among all layers' cells"""
    values: Values
    """c of an LSTM's, h of the others (T, W, cells)"""
    deltas: Values
    """how much the signal changes at each character (T, W, cells)"""
    keep_gate: Values | None
    """how far the gate was open that keeps what there was; None for cells without one"""

    def of(self, cell: int) -> Values:
        """Pick out what a cell carries (T, W)."""
        values: Values = self.values[:, :, self.cells.index(cell)]
        return values

    def means(self) -> dict[int, float]:
        """Take the mean of each cell."""
        means = self.values.mean(axis=(0, 1), dtype=np.float64)
        return dict(zip(self.cells, means.tolist(), strict=True))

    def mean_where(self, cell: int, places: PositionMask) -> float:
        """Take a cell's mean over some places, of which there must be one."""
        return float(self.of(cell)[places].mean(dtype=np.float64))


def record_activations(rnn: InferenceRNN, segments: AblationSegments, cells: Sequence[int]) -> NaturalActivations:
    """Read the stretches as they are."""
    state, hidden = segments.state, rnn.config.hidden
    places = [(cell // hidden, cell % hidden) for cell in cells]
    gate = KEEP_GATE[rnn.config.cell]
    values, signals, gates = [], [], []
    for first in range(0, len(segments.ids), CHUNK_STEPS):
        cache = rnn.run_with_cache(segments.ids[first : first + CHUNK_STEPS], state)
        state = cache.state
        values.append(_of_cells([_stored_values(layer) for layer in cache.layers], places))
        signals.append(_of_cells([np.asarray(layer.signal) for layer in cache.layers], places))
        if gate:
            gates.append(_of_cells([np.asarray(layer.gate(gate)) for layer in cache.layers], places))
    signal = np.concatenate(signals)
    return NaturalActivations(
        cells=tuple(cells),
        values=np.concatenate(values)[ABLATION_WARM_UP:],
        deltas=np.diff(signal, axis=0)[ABLATION_WARM_UP - 1 :],
        keep_gate=np.concatenate(gates)[ABLATION_WARM_UP:] if gate else None,
    )


def _stored_values(layer: LayerCache) -> Values:
    return np.asarray(layer.hidden if layer.cell_state is None else layer.cell_state)


def _of_cells(layers: Sequence[Values], places: Sequence[tuple[int, int]]) -> Values:
    """Pick cells out of all layers (T, W, H): (T, W, cells)."""
    return np.stack([layers[layer][:, :, unit] for layer, unit in places], axis=2)


# Segments of text, read once for each of many sets of clamped cells, side by side

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


# Ablation against matched controls

MAX_ABLATED = 12
"""cells that are held still to see what they are for"""
MAX_CONTROLS = 8
"""cells of a layer that they are compared with"""
MIN_CONTROLS = 3
MIN_EDGES = 10
"""with fewer there is nothing to judge by"""
RESAMPLES = 400

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationQuery:
    """What is to be known of a cell and a concept."""

    cell: int
    """its number among all layers' cells"""
    edges: PositionMask
    """where in the stretches the concept should pay (T, W)"""
    partner: int | None = None
    """another cell that detects the concept"""
    doses: tuple[tuple[float, float], ...] = ()
    """what it was held at, outside, between and inside, and how probable that made the concept's ends"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Losses:
    """What the stretches' characters cost with cells held at their means, above what they cost otherwise."""

    costs: dict[frozenset[int], Nats]
    """by the cells that were held together (T, W)"""
    resamples: Numbers = field(repr=False)
    """how often each stretch came in each resampling of them (resamplings, W)"""

    def delta(self, cells: Iterable[int], places: PositionMask) -> tuple[float, float]:
        """Give what holding these cells costs a character in these places, and its error (block bootstrap)."""
        total = np.where(places, self.costs[frozenset(cells)], 0.0).sum(axis=0, dtype=np.float64)
        count = places.sum(axis=0)
        often = np.maximum(self.resamples @ count, 1.0)
        return float(total.sum() / max(count.sum(), 1)), float((self.resamples @ total / often).std())


def mean_ablate(
    rnn: InferenceRNN,
    segments: AblationSegments,
    sets: Sequence[frozenset[int]],
    means: dict[int, float],
    rng: np.random.Generator,
    progress: Progress,
) -> Losses:
    """Read the stretches once for each set of cells, those held at their means, and once with none."""
    holds: list[CellClamps] = [{}, *({cell: means[cell] for cell in sorted(cells)} for cells in sets)]
    parts = clamp_batches(rnn, segments, holds)
    costs = np.concatenate([clamped_nll(rnn, segments, holds[part]) for part in progress(parts, HOLDING, len(parts))])
    rates = np.full(segments.count, 1.0 / segments.count)
    return Losses(
        costs=dict(zip(sets, costs[1:] - costs[0], strict=True)),
        resamples=rng.multinomial(segments.count, rates, size=RESAMPLES).astype(np.float64),
    )


def matched_controls(
    cells: Sequence[int], variance: Numbers, allowed: NDArray[np.bool_], hidden: int
) -> dict[int, list[int]]:
    """Choose controls for cells: by layer, from 0, those whose variance is nearest to theirs, in turns.

    Variances and which cells may be controls are given for all layers' cells (L·H,).
    """
    chosen: dict[int, list[int]] = {}
    for layer in sorted({cell // hidden for cell in cells}):
        here = slice(layer * hidden, (layer + 1) * hidden)
        left = [int(cell) for cell in layer * hidden + np.flatnonzero(allowed[here]) if cell not in cells]
        wanted = [cell for cell in cells if cell // hidden == layer]
        controls = chosen.setdefault(layer, [])
        while left and len(controls) < MAX_CONTROLS:
            like = np.log(variance[wanted[len(controls) % len(wanted)]])
            nearest = min(left, key=lambda cell: (abs(float(np.log(variance[cell])) - float(like)), cell))
            left.remove(nearest)
            controls.append(nearest)
    return chosen


def causal_effect(query: AblationQuery, losses: Losses, controls: Sequence[int]) -> CausalEffect | None:
    """Answer a question from the losses; None where there are too few edges or controls to judge by."""
    edges = int(query.edges.sum())
    if edges < MIN_EDGES or len(controls) < MIN_CONTROLS:
        return None
    delta, error = losses.delta([query.cell], query.edges)
    elsewhere, elsewhere_error = losses.delta([query.cell], ~query.edges)
    control_losses = tuple(losses.delta([control], query.edges)[0] for control in controls)
    pair, added, pair_z = None, None, None
    if query.partner is not None:
        pair, pair_error = losses.delta([query.cell, query.partner], query.edges)
        added = pair - losses.delta([query.partner], query.edges)[0]
        pair_z = _z(added, pair_error, control_losses)
    probabilities = [probability for _, probability in query.doses]
    return CausalEffect(
        edges=edges,
        edge_delta=delta,
        edge_se=error,
        edge_z=_z(delta, error, control_losses),
        elsewhere_delta=elsewhere,
        elsewhere_se=elsewhere_error,
        controls=control_losses,
        doses=query.doses,
        monotone=len(probabilities) > 1 and bool((np.diff(probabilities) > 0).all()),
        pair_delta=pair,
        pair_added=added,
        pair_z=pair_z,
    )


def _z(delta: float, error: float, controls: Sequence[float]) -> float:
    """Say how far a loss lies from the controls', in units of their spread and its own error."""
    spread = float(np.hypot(np.std(controls, ddof=1), error))
    return (delta - float(np.mean(controls))) / max(spread, 1e-9)
