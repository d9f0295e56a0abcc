"""Mean ablation: the increase in loss when a cell is clamped to its mean, at the edges of a concept and elsewhere.

Cells are set to their mean because many cells are never near zero. The state itself is clamped, so that everything
computed from the cell uses the mean. The increase is compared with that of matched controls: cells of the same
layer with a similar variance. Standard errors are bootstrapped over segments of text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.measures.gate_saturation import KEEP_GATE
from charrnn.inspection.search.finding import CausalEffect
from charrnn.inspection.search.search_data import ABLATION_WARM_UP, CHUNK_STEPS, AblationSegments, PositionMask
from charrnn.inspection.search.splits import ABLATION, Progress
from charrnn.inspection.search.statistics import Numbers
from charrnn.network.cells import Clamp, Clamps, select_rows
from charrnn.network.inference import InferenceRNN, LayerCache

# Natural activations of the cells in the segments

Values = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class NaturalActivations:
    """Activations of cells at the segments' scored characters, without ablation."""

    cells: tuple[int, ...]
    """flat indices of the cells: layer (from 0) · H + unit"""
    values: Values
    """c of LSTM cells, h of other cells (T, W, cells)"""
    deltas: Values
    """change of the signal at each character (T, W, cells)"""
    keep_gate: Values | None
    """activation of the gate that keeps the old state (T, W, cells); None for cells without such a gate"""

    def of(self, cell: int) -> Values:
        """Return the values of one cell (T, W)."""
        values: Values = self.values[:, :, self.cells.index(cell)]
        return values

    def means(self) -> dict[int, float]:
        """Return the mean value of each cell."""
        means = self.values.mean(axis=(0, 1), dtype=np.float64)
        return dict(zip(self.cells, means.tolist(), strict=True))

    def mean_where(self, cell: int, positions: PositionMask) -> float:
        """Return a cell's mean over the positions of a mask, which must not be empty."""
        return float(self.of(cell)[positions].mean(dtype=np.float64))


def record_activations(rnn: InferenceRNN, segments: AblationSegments, cells: Sequence[int]) -> NaturalActivations:
    """Return the activations of cells while the network reads the segments."""
    state, hidden = segments.state, rnn.config.hidden
    units = [(cell // hidden, cell % hidden) for cell in cells]
    gate = KEEP_GATE[rnn.config.cell]
    values, signals, gates = [], [], []
    for first in range(0, len(segments.ids), CHUNK_STEPS):
        cache = rnn.run_with_cache(segments.ids[first : first + CHUNK_STEPS], state)
        state = cache.state
        values.append(_select_cells([_state_values(layer) for layer in cache.layers], units))
        signals.append(_select_cells([np.asarray(layer.signal) for layer in cache.layers], units))
        if gate:
            gates.append(_select_cells([np.asarray(layer.gate(gate)) for layer in cache.layers], units))
    signal = np.concatenate(signals)
    return NaturalActivations(
        cells=tuple(cells),
        values=np.concatenate(values)[ABLATION_WARM_UP:],
        deltas=np.diff(signal, axis=0)[ABLATION_WARM_UP - 1 :],
        keep_gate=np.concatenate(gates)[ABLATION_WARM_UP:] if gate else None,
    )


def _state_values(layer: LayerCache) -> Values:
    return np.asarray(layer.hidden if layer.cell_state is None else layer.cell_state)


def _select_cells(layers: Sequence[Values], units: Sequence[tuple[int, int]]) -> Values:
    """Return the values of cells from the layers' arrays: (T, W, H) each -> (T, W, cells)."""
    return np.stack([layers[layer][:, :, unit] for layer, unit in units], axis=2)


# Segments of text, read in one batch with different sets of clamped cells

CellClamps = Mapping[int, float]
"""value of each clamped cell, by its flat index: c of LSTM cells, h of other cells"""
Nats = NDArray[np.float32]

MAX_CLAMPED_ROWS = 640
"""maximum number of rows in a batch; more rows would not fit the CPU cache"""
MAX_LOGITS = 4_000_000
"""maximum number of logits computed at one step"""


def clamp_batches(rnn: InferenceRNN, segments: AblationSegments, clamp_sets: Sequence[CellClamps]) -> list[slice]:
    """Return slices of the clamp sets, each of which is one batch."""
    rows = min(MAX_CLAMPED_ROWS, MAX_LOGITS // len(rnn.weights["output.bias"]))
    size = max(1, rows // segments.count)
    return [slice(first, first + size) for first in range(0, len(clamp_sets), size)]


def softmax_terms(
    rnn: InferenceRNN, segments: AblationSegments, clamp_sets: Sequence[CellClamps]
) -> Iterator[tuple[Nats, Nats]]:
    """Yield exp(logits) and their sum at each scored character, with each set of cells clamped.

    (N sets, W segments, V) and (N, W, 1). The largest logit of each row is subtracted, so that exp does not overflow.
    """
    count = segments.count
    clamps = _batch_clamps(rnn, clamp_sets, count)
    state = select_rows(segments.state, np.tile(np.arange(count), len(clamp_sets)))
    for step, ids in enumerate(segments.ids):
        logits, state = rnn.step(np.tile(ids, len(clamp_sets)), state, clamps)
        if step >= ABLATION_WARM_UP:
            terms = np.exp(logits - logits.max(axis=1, keepdims=True)).reshape(len(clamp_sets), count, -1)
            yield terms, terms.sum(axis=2, keepdims=True)


def clamped_nll(rnn: InferenceRNN, segments: AblationSegments, clamp_sets: Sequence[CellClamps]) -> Nats:
    """Return the loss at each scored position in nats, with each set of cells clamped: (N, T, W)."""
    nll = np.empty((len(clamp_sets), *segments.positions.shape), dtype=np.float32)
    targets = segments.targets[ABLATION_WARM_UP:]
    for step, (terms, total) in enumerate(softmax_terms(rnn, segments, clamp_sets)):
        target_terms = terms[:, np.arange(segments.count), targets[step]]
        # the minimum avoids the logarithm of a probability that underflows to zero in float32
        nll[:, step] = np.log(total[..., 0]) - np.log(np.maximum(target_terms, np.float32(1e-37)))
    return nll


def _batch_clamps(rnn: InferenceRNN, clamp_sets: Sequence[CellClamps], count: int) -> Clamps:
    """Return the network's clamps for all rows: the segments of the first clamp set, then of the second set, etc."""
    layers, hidden = rnn.config.layers, rnn.config.hidden
    mask = np.zeros((layers, len(clamp_sets), hidden), dtype=np.bool_)
    values = np.zeros((layers, len(clamp_sets), hidden), dtype=np.float32)
    for row, clamps in enumerate(clamp_sets):
        for cell, value in clamps.items():
            mask[cell // hidden, row, cell % hidden] = True
            values[cell // hidden, row, cell % hidden] = value
    return {
        layer + 1: Clamp(mask=mask[layer].repeat(count, axis=0), values=values[layer].repeat(count, axis=0))
        for layer in range(layers)
        if mask[layer].any()
    }


# Ablation against matched controls

MAX_ABLATED = 12
"""maximum number of candidate cells to ablate"""
MAX_CONTROLS = 8
"""maximum number of matched controls in each layer"""
MIN_CONTROLS = 3
"""minimum number of matched controls for an estimate of their standard deviation"""
MIN_EDGES = 10
"""minimum number of edges for a causal effect"""
RESAMPLES = 400
"""number of bootstrap resamples of the segments"""


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationQuery:
    """A cell and the positions at which its ablation should increase the loss."""

    cell: int
    """flat index of the cell: layer (from 0) · H + unit"""
    edges: PositionMask
    """positions in the segments whose next character the concept helps to predict (T, W)"""
    partner: int | None = None
    """another cell that detects the concept"""
    doses: tuple[tuple[float, float], ...] = ()
    """clamped value and resulting probability of the concept's end: its mean outside, between, its mean inside"""


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationLosses:
    """Increase in loss of the segments' characters under mean ablation of sets of cells."""

    delta_nll: dict[frozenset[int], Nats]
    """increase in nats by ablated set (T, W)"""
    resamples: Numbers = field(repr=False)
    """count of each segment in each bootstrap resample (resamples, W)"""

    def delta(self, cells: Iterable[int], positions: PositionMask) -> tuple[float, float]:
        """Return the mean increase over the positions of a mask and its standard error (block bootstrap), in nats."""
        total = np.where(positions, self.delta_nll[frozenset(cells)], 0.0).sum(axis=0, dtype=np.float64)
        count = positions.sum(axis=0)
        resampled_count = np.maximum(self.resamples @ count, 1.0)
        return float(total.sum() / max(count.sum(), 1)), float((self.resamples @ total / resampled_count).std())


def mean_ablate(
    rnn: InferenceRNN,
    segments: AblationSegments,
    sets: Sequence[frozenset[int]],
    means: dict[int, float],
    rng: np.random.Generator,
    progress: Progress,
) -> AblationLosses:
    """Return the losses with each set of cells clamped to their means, relative to no ablation."""
    clamp_sets: list[CellClamps] = [{}, *({cell: means[cell] for cell in sorted(cells)} for cells in sets)]
    batches = clamp_batches(rnn, segments, clamp_sets)
    steps = progress(batches, ABLATION, len(batches))
    nll = np.concatenate([clamped_nll(rnn, segments, clamp_sets[batch]) for batch in steps])
    probabilities = np.full(segments.count, 1.0 / segments.count)
    return AblationLosses(
        delta_nll=dict(zip(sets, nll[1:] - nll[0], strict=True)),
        resamples=rng.multinomial(segments.count, probabilities, size=RESAMPLES).astype(np.float64),
    )


def matched_controls(
    cells: Sequence[int], variance: Numbers, allowed: NDArray[np.bool_], hidden: int
) -> dict[int, list[int]]:
    """Return the controls of each layer (from 0), matched by variance with each of the ablated cells in turn.

    `variance` and `allowed`, the mask of possible controls, cover all layers' cells (L·H,).
    """
    controls_by_layer: dict[int, list[int]] = {}
    for layer in sorted({cell // hidden for cell in cells}):
        in_layer = slice(layer * hidden, (layer + 1) * hidden)
        available = [int(cell) for cell in layer * hidden + np.flatnonzero(allowed[in_layer]) if cell not in cells]
        ablated = [cell for cell in cells if cell // hidden == layer]
        controls = controls_by_layer.setdefault(layer, [])
        while available and len(controls) < MAX_CONTROLS:
            log_variance = float(np.log(variance[ablated[len(controls) % len(ablated)]]))
            nearest = min(available, key=lambda cell: (abs(float(np.log(variance[cell])) - log_variance), cell))
            available.remove(nearest)
            controls.append(nearest)
    return controls_by_layer


def causal_effect(query: AblationQuery, losses: AblationLosses, controls: Sequence[int]) -> CausalEffect | None:
    """Return the effect of a cell's ablation, or None if there are too few edges or controls."""
    edges = int(query.edges.sum())
    if edges < MIN_EDGES or len(controls) < MIN_CONTROLS:
        return None
    delta, error = losses.delta([query.cell], query.edges)
    elsewhere, elsewhere_error = losses.delta([query.cell], ~query.edges)
    control_losses = tuple(losses.delta([control], query.edges)[0] for control in controls)
    pair_delta, partner_added, pair_z = None, None, None
    if query.partner is not None:
        pair_delta, pair_error = losses.delta([query.cell, query.partner], query.edges)
        partner_added = pair_delta - losses.delta([query.partner], query.edges)[0]
        pair_z = _z_score(partner_added, pair_error, control_losses)
    probabilities = [probability for _, probability in query.doses]
    return CausalEffect(
        edges=edges,
        edge_delta=delta,
        edge_se=error,
        edge_z=_z_score(delta, error, control_losses),
        elsewhere_delta=elsewhere,
        elsewhere_se=elsewhere_error,
        controls=control_losses,
        doses=query.doses,
        monotone=len(probabilities) > 1 and bool((np.diff(probabilities) > 0).all()),
        pair_delta=pair_delta,
        pair_added=partner_added,
        pair_z=pair_z,
    )


def _z_score(delta: float, error: float, controls: Sequence[float]) -> float:
    """Return the z-score against the controls, with their standard deviation and the standard error combined."""
    combined_error = float(np.hypot(np.std(controls, ddof=1), error))
    return (delta - float(np.mean(controls))) / max(combined_error, 1e-9)
