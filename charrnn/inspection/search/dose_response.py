"""Dose-response: the probability of a concept's end with its cells, or its direction, clamped at different values.

Clamped values are the mean outside the concept, a value between, and the mean inside. If the network uses the cells,
the probability increases with the dose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.ablation import Doses, NaturalActivations
from charrnn.inspection.search.clamped_reading import Intervention, clamp_batches, softmax_terms
from charrnn.inspection.search.search_data import ABLATION_WARM_UP, AblationSegments, PositionMask
from charrnn.inspection.search.splits import DOSES, ConceptCodes, Progress
from charrnn.inspection.search.statistics import Numbers
from charrnn.network.inference import InferenceRNN
from charrnn.threads import map_in_threads

DOSE_SEGMENTS = 12
"""maximum number of segments read at each dose"""
COVERED_FRACTION = 0.9
"""fraction of a concept's ends that the selected end characters must cover"""

CharacterMask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class DosePlan:
    """Interventions of increasing dose, and the characters whose probability is measured."""

    values: tuple[float, ...]
    """clamped values of the best cell, or of a direction's readout: outside the concept, between, inside"""
    interventions: tuple[Intervention, ...]
    """intervention of each dose"""
    ends: CharacterMask
    """mask of the characters that end the concept (V,)"""


def plan_doses(
    cells: Sequence[int],
    coding: ConceptCodes,
    edges: PositionMask,
    segments: AblationSegments,
    activations: NaturalActivations,
    vocabulary_size: int,
) -> DosePlan | None:
    """Return the doses of cells: their means outside the concept, values between, and their means inside.

    The value between is zero if the means have opposite signs. Return None if the segments do not contain the
    concept's outside, inside and edges (T, W).
    """
    outside, inside = concept_sides(coding, segments.of_scored(coding.codes))
    if not outside.any() or not inside.any() or not edges.any():
        return None
    low = {cell: activations.mean_where(cell, outside) for cell in cells}
    high = {cell: activations.mean_where(cell, inside) for cell in cells}
    doses = (low, {cell: _between(low[cell], high[cell]) for cell in cells}, high)
    return DosePlan(
        values=tuple(dose[cells[0]] for dose in doses),
        interventions=doses,
        ends=end_characters(segments, edges, vocabulary_size),
    )


def _between(low: float, high: float) -> float:
    return 0.0 if min(low, high) < 0.0 < max(low, high) else (low + high) / 2.0


def concept_sides(coding: ConceptCodes, codes: NDArray[np.uint8]) -> tuple[PositionMask, PositionMask]:
    """Return the masks of a concept's outside and inside; of a counter or depth, the lowest and highest third.

    If more than two thirds of the characters have the highest code, the outside is all lower codes. A concept with
    a single code has no inside or no outside.
    """
    if coding.concept.kind == "binary":
        return codes == 0, codes > 0
    low, high = np.quantile(codes, [1 / 3, 2 / 3], method="inverted_cdf")
    if low == codes.max():
        return codes < low, codes == low
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
    rnn: InferenceRNN,
    all_segments: AblationSegments,
    plans: Sequence[DosePlan | None],
    progress: Progress,
    stage: str = DOSES,
) -> list[Doses]:
    """Return, for each plan, the doses with the mean probability of the concept's end characters; () for no plan."""
    segments = all_segments.first_segments(min(DOSE_SEGMENTS, all_segments.count))
    doses = [(plan, intervention) for plan in plans if plan for intervention in plan.interventions]
    if not doses:
        return [()] * len(plans)
    clamp_sets = [intervention for _, intervention in doses]
    ends = np.array([plan.ends for plan, _ in doses], dtype=np.float32)

    def read(batch: slice, stopped: Event) -> Numbers:
        end_mask = ends[batch][:, :, None]
        total = np.zeros(len(end_mask))
        for weights, normalizer in softmax_terms(rnn, segments, clamp_sets[batch], stopped):
            total += ((weights @ end_mask) / normalizer).sum(axis=(1, 2), dtype=np.float64)
        return total / segments.positions.size

    batches = clamp_batches(rnn, segments, clamp_sets)
    by_batch = map_in_threads(read, progress(batches, stage, len(batches)))
    probabilities: list[float] = np.concatenate(by_batch).tolist()
    curves: list[Doses] = []
    first = 0
    for plan in plans:
        values = plan.values if plan else ()
        stop = first + len(values)
        curves.append(tuple(zip(values, probabilities[first:stop], strict=True)))
        first = stop
    return curves
