"""Causal effects of cells: mean ablation, and the dose-response of the probability of a concept's end."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.ablation import (
    AblationLosses,
    AblationQuery,
    CellClamps,
    NaturalActivations,
    causal_effect,
    clamp_batches,
    matched_controls,
    mean_ablate,
    record_activations,
    softmax_terms,
)
from charrnn.inspection.search.finding import CausalEffect
from charrnn.inspection.search.search_data import (
    ABLATION_WARM_UP,
    AblationSegments,
    PositionMask,
    SearchData,
    States,
    choose_segments,
)
from charrnn.inspection.search.splits import DOSES, ConceptCodes, Progress
from charrnn.inspection.search.statistics import Numbers
from charrnn.network.inference import InferenceRNN

# Dose-response: the probability of a concept's end with the cell clamped to its mean outside, to a value between, and
# to its mean inside. If the network uses the cell, the probability increases with the dose.

DOSE_SEGMENTS = 16
"""maximum number of segments read at each dose"""
COVERED_FRACTION = 0.9
"""fraction of a concept's ends that the selected end characters must cover"""

Doses = tuple[tuple[float, float], ...]
CharacterMask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class DosePlan:
    """Values to which a cell is clamped, and the characters whose probability is measured."""

    cell: int
    """number of the cell among all layers' cells"""
    values: tuple[float, ...]
    """clamped values: the cell's mean outside the concept, a value between, its mean inside"""
    ends: CharacterMask
    """mask of the characters that end the concept (V,)"""


def plan_doses(
    cell: int,
    coding: ConceptCodes,
    edges: PositionMask,
    segments: AblationSegments,
    activations: NaturalActivations,
    vocabulary_size: int,
) -> DosePlan | None:
    """Return a cell's doses: its mean outside the concept, a value between, and its mean inside.

    The value between is zero if the means have opposite signs. Return None if the segments do not contain the
    concept's outside, inside and edges (T, W).
    """
    outside, inside = concept_sides(coding, segments.of_scored(coding.codes))
    if not outside.any() or not inside.any() or not edges.any():
        return None
    low, high = activations.mean_where(cell, outside), activations.mean_where(cell, inside)
    between = 0.0 if min(low, high) < 0.0 < max(low, high) else (low + high) / 2.0
    return DosePlan(cell=cell, values=(low, between, high), ends=end_characters(segments, edges, vocabulary_size))


def concept_sides(coding: ConceptCodes, codes: NDArray[np.uint8]) -> tuple[PositionMask, PositionMask]:
    """Return the masks of a concept's outside and inside; of a counter or depth, the lowest and highest third."""
    if coding.concept.kind == "binary":
        return codes == 0, codes > 0
    low, high = np.quantile(codes, [1 / 3, 2 / 3], method="inverted_cdf")
    return codes <= low, (codes >= high) & (codes > low)


def end_characters(segments: AblationSegments, edges: PositionMask, vocabulary_size: int) -> CharacterMask:
    """Return a mask of the most frequent characters after edges that are more frequent there than elsewhere (V,)."""
    targets = segments.targets[ABLATION_WARM_UP:]
    at_edges = np.bincount(targets[edges], minlength=vocabulary_size) / max(edges.sum(), 1)
    everywhere = np.bincount(targets.ravel(), minlength=vocabulary_size) / targets.size
    ranked = np.argsort(-at_edges, kind="stable")
    covered = np.cumsum(at_edges[ranked]) - at_edges[ranked]
    frequent = np.zeros(vocabulary_size, dtype=np.bool_)
    frequent[ranked[covered < COVERED_FRACTION]] = True
    ends: CharacterMask = frequent & (at_edges > everywhere)
    return ends


def run_doses(
    rnn: InferenceRNN, all_segments: AblationSegments, plans: Sequence[DosePlan | None], progress: Progress
) -> list[Doses]:
    """Return, for each plan, the doses with the mean probability of the concept's end characters; () for no plan."""
    segments = all_segments.first_segments(min(DOSE_SEGMENTS, all_segments.count))
    doses = [(plan, value) for plan in plans if plan for value in plan.values]
    clamp_sets: list[CellClamps] = [{plan.cell: value} for plan, value in doses]
    ends = np.array([plan.ends for plan, _ in doses], dtype=np.float32)
    probabilities: list[float] = []
    batches = clamp_batches(rnn, segments, clamp_sets)
    for batch in progress(batches, DOSES, len(batches)):
        end_mask = ends[batch][:, :, None]
        total = np.zeros(len(end_mask))
        for weights, normalizer in softmax_terms(rnn, segments, clamp_sets[batch]):
            total += ((weights @ end_mask) / normalizer).sum(axis=(1, 2), dtype=np.float64)
        probabilities += (total / segments.positions.size).tolist()
    curves: list[Doses] = []
    first = 0
    for plan in plans:
        values = plan.values if plan else ()
        stop = first + len(values)
        curves.append(tuple(zip(values, probabilities[first:stop], strict=True)))
        first = stop
    return curves


# Mean ablation and dose-response of the cells that the search selects


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationTarget:
    """A cell to ablate and the concept that it follows."""

    cell: int
    """number of the cell among all layers' cells"""
    coding: ConceptCodes
    """marks of the concept"""
    partner: int | None = None
    """another cell that detects the concept and is a target, too"""


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationRequest:
    """Cells to ablate, and the cells that may be controls."""

    targets: Sequence[AblationTarget]
    """cells that follow a concept"""
    unexplained: Sequence[int]
    """cells that no concept explains"""
    variance: Numbers
    """variance of all layers' cells, by which controls are matched (L·H,)"""
    allowed: NDArray[np.bool_]
    """mask of possible controls (L·H,)"""


@dataclass(frozen=True, kw_only=True, eq=False)
class CausalEffects:
    """Results of the ablation of all target cells and unexplained cells."""

    effects: tuple[CausalEffect | None, ...]
    """effect of each target; None if there are too few edges or controls"""
    segments: AblationSegments
    """segments on which the losses were measured"""
    losses: AblationLosses
    """increases in loss by ablated set"""
    activations: NaturalActivations
    """activations without ablation"""


def measure_effects(
    rnn: InferenceRNN,
    search_data: SearchData,
    states: States,
    request: AblationRequest,
    rng: np.random.Generator,
    progress: Progress,
) -> CausalEffects | None:
    """Return the effects of mean ablation and the dose-responses of the targets.

    Return None if there is no cell to ablate, or if the streams are too short for segments.
    """
    targets, hidden = request.targets, rnn.config.hidden
    if not targets and not request.unexplained:
        return None
    text_edges = [search_data.edges(target.coding.concept) for target in targets]
    segments = choose_segments(search_data.ids, search_data.streams, states, text_edges)
    if segments is None:
        return None
    edges = [mask[segments.positions] for mask in text_edges]
    target_cells = list(dict.fromkeys(target.cell for target in targets))
    controls = matched_controls(target_cells, request.variance, request.allowed, hidden)
    cells = list(dict.fromkeys([*target_cells, *chain.from_iterable(controls.values()), *request.unexplained]))
    activations = record_activations(rnn, segments, cells)
    sets = [frozenset([cell]) for cell in cells] + _pairs(targets)
    losses = mean_ablate(rnn, segments, sets, activations.means(), rng, progress)
    plans = [
        plan_doses(target.cell, target.coding, mask, segments, activations, len(rnn.weights["output.bias"]))
        for target, mask in zip(targets, edges, strict=True)
    ]
    effects = [
        causal_effect(
            AblationQuery(cell=target.cell, edges=mask, partner=target.partner, doses=doses),
            losses,
            controls[target.cell // hidden],
        )
        for target, mask, doses in zip(targets, edges, run_doses(rnn, segments, plans, progress), strict=True)
    ]
    return CausalEffects(effects=tuple(effects), segments=segments, losses=losses, activations=activations)


def _pairs(targets: Sequence[AblationTarget]) -> list[frozenset[int]]:
    """Return the distinct pairs of a target and its partner, in ascending order."""
    pairs = {frozenset([target.cell, target.partner]) for target in targets if target.partner is not None}
    return sorted(pairs, key=sorted)
