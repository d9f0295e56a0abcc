"""Causal effects of cells: ablation, and the dose response of the concept's end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.ablation import (
    AblationQuery,
    CellClamps,
    Losses,
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

# Dose response: the probability of a concept's end with its cell clamped outside, between and inside. A cell that the
# network uses moves this probability in its own direction.

DOSE_SEGMENTS = 16
"""how many are read at each dose"""
COVERED_FRACTION = 0.9
"""the share of a concept's ends that the characters must bring about whose probability is watched"""

Doses = tuple[tuple[float, float], ...]
CharacterMask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class DosePlan:
    """The doses to be tried on a cell."""

    cell: int
    """its number among all layers' cells"""
    values: tuple[float, ...]
    """what it is held at: outside, between, inside"""
    ends: CharacterMask
    """which characters bring the concept's end about (V,)"""


def plan_doses(
    cell: int,
    coding: ConceptCodes,
    edges: PositionMask,
    segments: AblationSegments,
    carried: NaturalActivations,
    vocabulary_size: int,
) -> DosePlan | None:
    """Choose a cell's doses: what it carries where its concept is off and where it is on, and what lies between.

    Between is zero, if it does. None where the stretches do not have both, or no edge (T, W) of the concept.
    """
    outside, inside = concept_sides(coding, segments.of_scored(coding.codes))
    if not outside.any() or not inside.any() or not edges.any():
        return None
    low, high = (carried.mean_where(cell, places) for places in (outside, inside))
    between = 0.0 if min(low, high) < 0.0 < max(low, high) else (low + high) / 2.0
    return DosePlan(cell=cell, values=(low, between, high), ends=end_characters(segments, edges, vocabulary_size))


def concept_sides(coding: ConceptCodes, codes: NDArray[np.uint8]) -> tuple[PositionMask, PositionMask]:
    """Say where a concept is off and where it is on: of a number, in its lowest and in its highest third."""
    if coding.concept.kind == "binary":
        return codes == 0, codes > 0
    low, high = np.quantile(codes, [1 / 3, 2 / 3], method="inverted_cdf")
    return codes <= low, (codes >= high) & (codes > low)


def end_characters(segments: AblationSegments, edges: PositionMask, vocabulary_size: int) -> CharacterMask:
    """List the commonest characters that follow edges, of those that come there more often than elsewhere (V,)."""
    targets = segments.targets[ABLATION_WARM_UP:]
    there = np.bincount(targets[edges], minlength=vocabulary_size) / max(edges.sum(), 1)
    everywhere = np.bincount(targets.ravel(), minlength=vocabulary_size) / targets.size
    ranked = np.argsort(-there, kind="stable")
    before = np.cumsum(there[ranked]) - there[ranked]
    chosen = np.zeros(vocabulary_size, dtype=np.bool_)
    chosen[ranked[before < COVERED_FRACTION]] = True
    over: CharacterMask = chosen & (there > everywhere)
    return over


def run_doses(
    rnn: InferenceRNN, all_segments: AblationSegments, plans: Sequence[DosePlan], progress: Progress
) -> list[Doses]:
    """Hold each course's cell at each dose; give the doses with the mean probability of the concept's ends."""
    segments = all_segments.first_segments(min(DOSE_SEGMENTS, all_segments.count))
    holds: list[tuple[CellClamps, CharacterMask]] = [
        ({plan.cell: value}, plan.ends) for plan in plans for value in plan.values
    ]
    means: list[float] = []
    parts = clamp_batches(rnn, segments, [hold for hold, _ in holds])
    for part in progress(parts, DOSES, len(parts)):
        characters = np.array([those for _, those in holds[part]], dtype=np.float32)[:, :, None]
        total = np.zeros(len(characters))
        for weights, normalizer in softmax_terms(rnn, segments, [hold for hold, _ in holds[part]]):
            total += ((weights @ characters) / normalizer).sum(axis=(1, 2), dtype=np.float64)
        means += (total / segments.positions.size).tolist()
    each = iter(means)
    return [tuple((value, next(each)) for value in plan.values) for plan in plans]


# Ablation and dose response of the cells that the search selects


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationTarget:
    """A cell and the concept that it follows."""

    cell: int
    """its number among all layers' cells"""
    coding: ConceptCodes
    """the concept"""
    partner: int | None = None
    """another cell that detects the concept, a suspect too"""


@dataclass(frozen=True, kw_only=True, eq=False)
class CausalEffects:
    """What was learnt by holding cells still."""

    causes: tuple[CausalEffect | None, ...]
    """of each suspect; None where there was too little to judge by"""
    segments: AblationSegments
    """where"""
    losses: Losses
    """what it cost"""
    carried: NaturalActivations
    """what the cells did when nothing was held"""


def measure_effects(
    rnn: InferenceRNN,
    search_data: SearchData,
    states: States,
    targets: Sequence[AblationTarget],
    unexplained: Sequence[int],
    rng: np.random.Generator,
    progress: Progress,
    *,
    variance: Numbers,
    allowed: NDArray[np.bool_],
) -> CausalEffects | None:
    """Hold suspects, controls and others still, each at its mean; None without any, or without text for it.

    Controls are chosen by the variance of all layers' cells (L·H,) from those that are allowed.
    """
    if not targets and not unexplained:
        return None
    edges = [search_data.edges(target.coding.concept) for target in targets]
    segments = choose_segments(search_data.ids, search_data.streams, states, edges)
    if segments is None:
        return None
    cells = list(dict.fromkeys(target.cell for target in targets))
    controls = matched_controls(cells, variance, allowed, rnn.config.hidden)
    held = list(
        dict.fromkeys(
            [*cells, *(cell for layer_controls in controls.values() for cell in layer_controls), *unexplained]
        )
    )
    activations = record_activations(rnn, segments, held)
    pairs = {frozenset([target.cell, target.partner]) for target in targets if target.partner is not None}
    sets = [frozenset([cell]) for cell in held] + sorted(pairs, key=sorted)
    losses = mean_ablate(rnn, segments, sets, activations.means(), rng, progress)
    there = [hits[segments.positions] for hits in edges]
    plans = [
        plan_doses(target.cell, target.coding, places, segments, activations, len(rnn.weights["output.bias"]))
        for target, places in zip(targets, there, strict=True)
    ]
    doses = iter(run_doses(rnn, segments, [plan for plan in plans if plan], progress))
    queries = [
        AblationQuery(cell=target.cell, edges=places, partner=target.partner, doses=next(doses) if planned else ())
        for target, places, planned in zip(targets, there, plans, strict=True)
    ]
    effects = [causal_effect(query, losses, controls[query.cell // rnn.config.hidden]) for query in queries]
    return CausalEffects(causes=tuple(effects), segments=segments, losses=losses, carried=activations)
