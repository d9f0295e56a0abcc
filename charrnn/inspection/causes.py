"""The causes: what it costs the network when a cell is held at its mean, at the edges of its concept and elsewhere.

The mean, for zero is where many a cell never is; the state, for everything that listens must hear it. What comes of
it is compared with holding other cells of the layer that move as much, and errors are taken over stretches of text.
What the next character becomes when a cell is held inside or outside is left to the doses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.finding import CausalEffect
from charrnn.inspection.holding import CellClamps, Nats, clamp_batches, clamped_nll
from charrnn.inspection.stages import HOLDING, Progress
from charrnn.inspection.stretches import AblationSegments, PositionMask
from charrnn.network.reader import InferenceRNN

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
