"""Causal tests of a search: which cells, groups of cells or directions carry the concepts of the shortlist."""

from dataclasses import replace

import numpy as np

from charrnn.inspection.search.ablation import MAX_ABLATED
from charrnn.inspection.search.ablation_targets import AblationRequest, AblationTarget
from charrnn.inspection.search.causal_effects import CausalEffects, measure_effects
from charrnn.inspection.search.cell_summary import (
    best_concept_of_cell,
    findable_concepts,
    unexplained_candidates,
    unexplained_cells,
)
from charrnn.inspection.search.direction_erasure import ErasureTarget, erase_directions
from charrnn.inspection.search.findings import UnexplainedCell
from charrnn.inspection.search.group_ablation import GROUP_SIZES
from charrnn.inspection.search.probes import group_r2
from charrnn.inspection.search.scores import format_cell
from charrnn.inspection.search.screening import Candidate, Screening
from charrnn.inspection.search.search_data import SearchData
from charrnn.inspection.search.splits import Progress
from charrnn.inspection.search.verdicts import THRESHOLDS, is_learned, judge
from charrnn.network.inference import InferenceRNN

MIN_MEMBER_SCORE = 0.04
"""minimum selection score, the sum of two explained variances, of a member of a group"""
SHARED_REASON = "the cell is a member of the group that carries the concept"


def test_causally(
    candidates: list[Candidate],
    rnn: InferenceRNN,
    search_data: SearchData,
    screening: Screening,
    rng: np.random.Generator,
    progress: Progress,
    *,
    only_carriers: bool,
) -> tuple[list[Candidate], tuple[UnexplainedCell, ...]]:
    """Return the shortlist with causal verdicts, and the unexplained cells that the network needs."""
    targets = finalists(candidates)
    best_fit = screening.scores.fit[findable_concepts(screening)].max(axis=0)
    # cells that follow the last character are no neutral controls, either
    searched_fit = screening.scores.fit[: screening.concept_count].max(axis=0)
    unexplained = [] if only_carriers else unexplained_candidates(screening, best_concept_of_cell(screening))
    request = AblationRequest(
        targets=_ablation_targets(targets, screening, rnn.config.hidden),
        unexplained=unexplained,
        variance=screening.statistics.of_concept(0).variance(search_data.streams.confirmation),
        allowed=screening.statistics.alive & (best_fit < THRESHOLDS.detector_fit),
        unrelated=screening.statistics.alive & (searched_fit < THRESHOLDS.weak_fit),
        only_carriers=only_carriers,
    )
    results = measure_effects(rnn, search_data, screening.states, request, rng, progress)
    if results is None:
        return candidates, ()
    with_effects = _with_effects(candidates, targets, results, rnn.config.hidden)
    with_directions = _with_directions(with_effects, targets, rnn, screening, results, rng, progress)
    return _one_carrier(with_directions), unexplained_cells(
        unexplained, results, search_data, screening, rnn.config.hidden
    )


def _ablation_targets(candidates: list[Candidate], screening: Screening, hidden: int) -> list[AblationTarget]:
    """Return the cells to ablate; the best cell of each concept is ablated with the next best cells of its layer."""
    targets: list[AblationTarget] = []
    for candidate in candidates:
        target = AblationTarget(cell=candidate.cell, coding=candidate.coding, partner=candidate.partner)
        ranked = screening.scores.ranked(candidate.number).tolist()
        if candidate.cell != ranked[0]:
            targets.append(target)
            continue
        layer = candidate.cell // hidden
        selection = screening.scores.selection[candidate.number]
        followers = [cell for cell in ranked if cell // hidden == layer and selection[cell] >= MIN_MEMBER_SCORE]
        members = (followers or [candidate.cell])[: GROUP_SIZES[-1]]
        units = [[cell % hidden for cell in members[:size]] for size in GROUP_SIZES]
        queries = [(candidate.number, group) for group in units]
        r2 = group_r2(screening.statistics, screening.products, layer, queries)
        is_detector = candidate.finding.verdict == "detector"
        represents = tuple(is_detector or is_learned(candidate.finding, each) for each in r2)
        targets.append(
            replace(target, members=tuple(members), r2=tuple(r2), represents=represents, is_detector=is_detector)
        )
    return targets


def finalists(candidates: list[Candidate]) -> list[Candidate]:
    """Return the candidates to ablate: detectors, partial detectors, then distributed concepts.

    They have at most MAX_ABLATED cells in total.

    Only the first of several near-duplicate concepts is chosen. The partner of a candidate counts as a cell.
    """
    chosen: list[Candidate] = []
    cells: set[int] = set()
    for candidate in candidates:
        finding = candidate.finding
        chosen_concepts = {other.finding.concept for other in chosen} - {finding.concept}
        eligible = finding.verdict in ("detector", "partial", "distributed") and finding.family != "local"
        if not eligible or chosen_concepts & set(finding.near):
            continue
        new_cells = cells | {candidate.cell} | ({candidate.partner} if candidate.partner is not None else set())
        if len(new_cells) <= MAX_ABLATED:
            chosen.append(candidate)
            cells = new_cells
    return chosen


def _with_effects(
    candidates: list[Candidate], targets: list[Candidate], results: CausalEffects, hidden: int
) -> list[Candidate]:
    """Return the candidates with the effects of their cell and groups for their concept or a near duplicate."""
    measured = {
        (target.finding.concept, target.cell): effects
        for target, effects in zip(targets, zip(results.effects, results.groups, strict=True), strict=True)
    }
    updated = []
    for candidate in candidates:
        concepts = (candidate.finding.concept, *candidate.finding.near)
        keys = ((concept, candidate.cell) for concept in concepts)
        effect, groups = next((measured[key] for key in keys if key in measured), (None, ()))
        if effect and candidate.partner is not None:
            effect = replace(effect, partner=format_cell(candidate.partner, hidden))
        updated.append(replace(candidate, finding=judge(replace(candidate.finding, cause=effect, groups=groups))))
    return updated


def _with_directions(
    candidates: list[Candidate],
    targets: list[Candidate],
    rnn: InferenceRNN,
    screening: Screening,
    results: CausalEffects,
    rng: np.random.Generator,
    progress: Progress,
) -> list[Candidate]:
    """Return the candidates with the direction of each concept that a layer has learned and no group carries."""
    edges = {target.number: mask for target, mask in zip(targets, results.edges, strict=True)}
    carried = {candidate.number for candidate in candidates if candidate.finding.carriers}
    erased = {
        candidate.number: ErasureTarget(
            coding=candidate.coding,
            layer=candidate.finding.linear_layer,
            r2=candidate.finding.linear or 0.0,
            edges=edges[candidate.number],
        )
        for candidate in candidates
        if candidate.finding.groups
        and candidate.number in edges.keys() - carried
        and is_learned(candidate.finding, candidate.finding.linear or 0.0)
    }
    if not erased or screening.memory is None:
        return candidates
    placebos = screening.statistics.codings[screening.concept_count :]
    carriers = erase_directions(rnn, list(erased.values()), placebos, screening.memory, results, rng, progress)
    directions = dict(zip(erased, carriers, strict=True))
    return [
        replace(each, finding=judge(replace(each.finding, direction=directions.get(each.number))))
        if each.finding.groups
        else each
        for each in candidates
    ]


def _one_carrier(candidates: list[Candidate]) -> list[Candidate]:
    """Return the candidates with one carrier per concept: a causal cell or, if there is none, a group."""
    causal = {candidate.number for candidate in candidates if candidate.finding.verdict == "causal"}
    shared = {each.number: each.finding.carriers for each in candidates if each.finding.verdict == "shared"}
    updated = []
    for candidate in candidates:
        finding = candidate.finding
        if candidate.number in causal and finding.verdict == "shared":
            finding = judge(replace(finding, groups=()))
        elif finding.verdict == "unused" and finding.cell in shared.get(candidate.number, ()):
            finding = replace(finding, verdict="redundant", reason=SHARED_REASON)
        updated.append(replace(candidate, finding=finding))
    return updated
