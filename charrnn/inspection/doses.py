"""The doses: how probable a concept's end becomes when its cell is held outside, between, and inside.

A cell that the network uses moves that probability its own way. What the cell is needed for is left to the causes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.carried import NaturalActivations
from charrnn.inspection.coding import ConceptCodes
from charrnn.inspection.holding import CellClamps, clamp_batches, softmax_terms
from charrnn.inspection.reading import ABLATION_WARM_UP
from charrnn.inspection.stages import DOSES, Progress
from charrnn.inspection.stretches import AblationSegments, PositionMask
from charrnn.network.reader import InferenceRNN

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
