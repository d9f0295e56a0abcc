"""Mean ablation: the increase in loss when a cell is clamped to its mean, at the edges of a concept and elsewhere.

Cells are set to their mean because many cells are never near zero. The state itself is clamped, so that everything
computed from the cell uses the mean. The increase is compared with that of matched controls: cells of the same
layer with a similar variance. Standard errors are bootstrapped over segments of text.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.measures.gate_saturation import KEEP_GATE
from charrnn.inspection.search.clamped_reading import Intervention, Nats, clamped_nll
from charrnn.inspection.search.finding import CausalEffect
from charrnn.inspection.search.search_data import ABLATION_WARM_UP, CHUNK_STEPS, AblationSegments, PositionMask
from charrnn.inspection.search.splits import ABLATION, Progress
from charrnn.inspection.search.statistics import Numbers
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
    means: Numbers
    """mean value of every cell of all layers (L·H,)"""

    def of(self, cell: int) -> Values:
        """Return the values of one cell (T, W)."""
        values: Values = self.values[:, :, self.cells.index(cell)]
        return values

    def mean_where(self, cell: int, positions: PositionMask) -> float:
        """Return a cell's mean over the positions of a mask, which must not be empty."""
        return float(self.of(cell)[positions].mean(dtype=np.float64))


def record_activations(rnn: InferenceRNN, segments: AblationSegments, cells: Sequence[int]) -> NaturalActivations:
    """Return the activations of cells while the network reads the segments."""
    state, hidden = segments.state, rnn.config.hidden
    units = [(cell // hidden, cell % hidden) for cell in cells]
    gate = KEEP_GATE[rnn.config.cell]
    values, signals, gates = [], [], []
    sums = np.zeros(rnn.config.layers * hidden)
    for first in range(0, len(segments.ids), CHUNK_STEPS):
        cache = rnn.run_with_cache(segments.ids[first : first + CHUNK_STEPS], state)
        state = cache.state
        layer_values = [_state_values(layer) for layer in cache.layers]
        values.append(_select_cells(layer_values, units))
        if first >= ABLATION_WARM_UP:
            sums += np.concatenate([layer.sum(axis=(0, 1), dtype=np.float64) for layer in layer_values])
        signals.append(_select_cells([np.asarray(layer.signal) for layer in cache.layers], units))
        if gate:
            gates.append(_select_cells([np.asarray(layer.gate(gate)) for layer in cache.layers], units))
    signal = np.concatenate(signals)
    return NaturalActivations(
        cells=tuple(cells),
        values=np.concatenate(values)[ABLATION_WARM_UP:],
        deltas=np.diff(signal, axis=0)[ABLATION_WARM_UP - 1 :],
        keep_gate=np.concatenate(gates)[ABLATION_WARM_UP:] if gate else None,
        means=sums / segments.positions.size,
    )


def _state_values(layer: LayerCache) -> Values:
    return np.asarray(layer.hidden if layer.cell_state is None else layer.cell_state)


def _select_cells(layers: Sequence[Values], units: Sequence[tuple[int, int]]) -> Values:
    """Return the values of cells from the layers' arrays: (T, W, H) each -> (T, W, cells)."""
    return np.stack([layers[layer][:, :, unit] for layer, unit in units], axis=2)


# Ablation against matched controls

Doses = tuple[tuple[float, float], ...]
"""clamped value and resulting probability of the concept's end: its mean outside, between, its mean inside"""

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


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationLosses:
    """Increase in loss of the segments' characters under mean ablation of sets of cells."""

    delta_nll: dict[frozenset[int], Nats]
    """increase in nats by ablated set (T, W)"""
    resamples: Numbers = field(repr=False)
    """count of each segment in each bootstrap resample (resamples, W)"""

    baseline: Nats = field(repr=False)
    """loss without ablation (T, W)"""

    def delta(self, cells: Iterable[int], positions: PositionMask) -> tuple[float, float]:
        """Return the mean increase over the positions of a mask and its standard error (block bootstrap), in nats."""
        return self.mean_increase(self.delta_nll[frozenset(cells)], positions)

    def mean_increase(self, delta_nll: Nats, positions: PositionMask) -> tuple[float, float]:
        """Return the mean of increases (T, W) over the positions of a mask and its standard error, in nats.

        Increases may cover the first segments only.
        """
        total = np.where(positions, delta_nll, 0.0).sum(axis=0, dtype=np.float64)
        count = positions.sum(axis=0)
        resamples = self.resamples[:, : len(count)]
        resampled_count = np.maximum(resamples @ count, 1.0)
        return float(total.sum() / max(count.sum(), 1)), float((resamples @ total / resampled_count).std())


def mean_ablate(
    rnn: InferenceRNN,
    segments: AblationSegments,
    sets: Sequence[frozenset[int]],
    means: Numbers,
    rng: np.random.Generator,
    progress: Progress,
    stage: str = ABLATION,
) -> AblationLosses:
    """Return the losses with each set of cells clamped to their means, relative to no ablation."""
    clamp_sets: list[Intervention] = [{}, *({cell: float(means[cell]) for cell in sorted(cells)} for cells in sets)]
    nll = clamped_nll(rnn, segments, clamp_sets, progress, stage)
    probabilities = np.full(segments.count, 1.0 / segments.count)
    return AblationLosses(
        delta_nll=dict(zip(sets, nll[1:] - nll[0], strict=True)),
        baseline=nll[0],
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
    control_losses = tuple(losses.delta([control], query.edges)[0] for control in controls)
    effect = effect_of(losses.delta_nll[frozenset([query.cell])], query.edges, losses, control_losses)
    if query.partner is None:
        return effect
    pair_nll = losses.delta_nll[frozenset([query.cell, query.partner])]
    partner_nll = losses.delta_nll[frozenset([query.partner])]
    pair_delta, _ = losses.mean_increase(pair_nll, query.edges)
    pair_added = pair_delta - losses.mean_increase(partner_nll, query.edges)[0]
    # both terms are measured on the same characters, so that their errors are correlated
    _, added_error = losses.mean_increase(pair_nll - partner_nll, query.edges)
    pair_z = z_score(pair_added, added_error, control_losses)
    return replace(effect, pair_delta=pair_delta, pair_added=pair_added, pair_z=pair_z)


def effect_of(
    delta_nll: Nats,
    edges: PositionMask,
    losses: AblationLosses,
    controls: Sequence[float],
    elsewhere_controls: Sequence[float] | None = None,
) -> CausalEffect:
    """Return the effect of increases in loss (T, W), given those of the controls at the edges and elsewhere.

    The dose-response is measured later.
    """
    delta, error = losses.mean_increase(delta_nll, edges)
    elsewhere, elsewhere_error = losses.mean_increase(delta_nll, ~edges)
    return CausalEffect(
        edges=int(edges.sum()),
        edge_delta=delta,
        edge_se=error,
        edge_z=z_score(delta, error, controls),
        elsewhere_delta=elsewhere,
        elsewhere_se=elsewhere_error,
        elsewhere_z=z_score(elsewhere, elsewhere_error, elsewhere_controls) if elsewhere_controls else None,
        controls=tuple(controls),
        doses=(),
        monotone=False,
    )


def with_doses(effect: CausalEffect, doses: Doses) -> CausalEffect:
    """Return an effect with its dose-response."""
    return replace(effect, doses=doses, monotone=is_monotone(doses))


def is_monotone(doses: Doses) -> bool:
    """Return whether the probability of an end increases with the dose."""
    return len(doses) > 1 and bool((np.diff([probability for _, probability in doses]) > 0).all())


def z_score(delta: float, error: float, controls: Sequence[float]) -> float:
    """Return the z-score of the hypothesis that a loss is that of one more control, measured with a standard error.

    The null distribution is Student's t, because few controls estimate their own standard deviation; its degrees of
    freedom are those of Welch and Satterthwaite, and it is converted to a normal score (Wallace 1959).
    """
    count = len(controls)
    control_variance = float(np.var(controls, ddof=1)) * (1.0 + 1.0 / count)
    variance = max(control_variance + error**2, 1e-18)
    t = (delta - float(np.mean(controls))) / math.sqrt(variance)
    freedom = (count - 1) * (variance / max(control_variance, 1e-6 * variance)) ** 2
    normal_score = (8 * freedom + 1) / (8 * freedom + 3) * math.sqrt(freedom * math.log1p(t * t / freedom))
    return math.copysign(normal_score, t)
