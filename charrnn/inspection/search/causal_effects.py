"""Causal effects of cells and groups of cells: mean ablation, and the dose-response of a concept's end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.ablation import (
    MAX_ABLATED,
    MAX_CONTROLS,
    MIN_EDGES,
    AblationLosses,
    AblationQuery,
    NaturalActivations,
    causal_effect,
    effect_of,
    matched_controls,
    mean_ablate,
    record_activations,
    with_doses,
)
from charrnn.inspection.search.ablation_targets import AblationRequest, AblationTarget, GroupControls
from charrnn.inspection.search.dose_response import plan_doses, run_doses
from charrnn.inspection.search.finding import Carrier, CausalEffect
from charrnn.inspection.search.group_ablation import GROUP_SIZES, ControlCells, required_z
from charrnn.inspection.search.scores import format_cell
from charrnn.inspection.search.search_data import (
    MAX_COUNTED_CHARS,
    AblationSegments,
    PositionMask,
    SearchData,
    States,
    choose_segments,
)
from charrnn.inspection.search.splits import DOSES, GROUP_DOSES, GROUPS_ABLATION, ConceptCodes, Progress
from charrnn.inspection.search.verdicts import has_specific_cost
from charrnn.network.inference import InferenceRNN

# Mean ablation and dose-response of the cells that the search selects

GROUP_SEGMENTS = 12
"""maximum number of segments on which groups of several cells are ablated"""
CARRIER_CHARS = 3_840
"""number of scored characters that are read to find the carrier of one concept"""
MAX_DOSED_GROUPS = 2
"""maximum number of groups of a concept whose dose-response is measured, the smallest first"""


@dataclass(frozen=True, kw_only=True, eq=False)
class CausalEffects:
    """Results of the ablation of all target cells and unexplained cells."""

    effects: tuple[CausalEffect | None, ...]
    """effect of each target; None if there are too few edges or controls"""
    groups: tuple[tuple[Carrier, ...], ...]
    """groups of each target by ascending size"""
    edges: tuple[PositionMask, ...]
    """edges of each target's concept (T, W)"""
    required_z: float
    """z-score that is significant among all tests of the search"""
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
    counted = CARRIER_CHARS if request.only_carriers else MAX_COUNTED_CHARS
    segments = choose_segments(search_data.ids, search_data.streams, states, text_edges, counted=counted)
    if segments is None:
        return None
    edges = [mask[segments.positions] for mask in text_edges]
    target_cells = list(dict.fromkeys(target.cell for target in targets))
    neutral = _neutral_controls(request, hidden)
    controls = matched_controls(target_cells, request.variance, neutral, hidden)
    pool = ControlCells(
        variance=request.variance, allowed=request.allowed, unrelated=request.unrelated, hidden=hidden
    )
    group_controls: GroupControls = pool.groups([target.members for target in targets], rng)
    members = chain.from_iterable(target.members for target in targets)
    cells = list(dict.fromkeys([*target_cells, *chain.from_iterable(controls.values()), *request.unexplained]))
    activations = record_activations(rnn, segments, list(dict.fromkeys([*cells, *members])))
    sets = [*(frozenset([cell]) for cell in cells), *_pairs(targets)]
    measured = _Measured(
        rnn=rnn,
        segments=segments,
        losses=mean_ablate(rnn, segments, sets, activations.means, rng, progress),
        activations=activations,
        # each size of a group is a test, and the erasure of a direction is another one
        required_z=required_z(sum(len(target.groups) + 1 for target in targets)),
    )
    effects = _cell_effects(measured, targets, edges, controls, progress, only_carriers=request.only_carriers)
    if request.only_carriers:
        group_controls = _of_possible_carriers(group_controls, targets, effects)
    group_losses = _ablate_groups(measured, targets, group_controls, rng, progress)
    return CausalEffects(
        effects=tuple(effects),
        groups=_group_effects(measured, group_losses, targets, edges, effects, group_controls, progress),
        edges=tuple(edges),
        required_z=measured.required_z,
        segments=segments,
        losses=measured.losses,
        activations=activations,
    )


def _neutral_controls(request: AblationRequest, hidden: int) -> NDArray[np.bool_]:
    """Return the mask of the cells that follow no concept; in a layer with few of them, of all possible controls."""
    by_layer = request.unrelated.reshape(-1, hidden)
    has_enough = by_layer.sum(axis=1, keepdims=True) >= MAX_CONTROLS + MAX_ABLATED
    neutral: NDArray[np.bool_] = np.where(has_enough, by_layer, request.allowed.reshape(-1, hidden)).ravel()
    return neutral


@dataclass(frozen=True, kw_only=True, eq=False)
class _Measured:
    """Losses of all ablated sets."""

    rnn: InferenceRNN
    segments: AblationSegments
    losses: AblationLosses
    activations: NaturalActivations
    required_z: float

    def doses(
        self, queries: Sequence[tuple[Sequence[int], ConceptCodes, PositionMask]], progress: Progress, stage: str
    ) -> list[tuple[tuple[float, float], ...]]:
        """Return the doses of cells that are clamped together, for each query of cells, concept and edges."""
        size = len(self.rnn.weights["output.bias"])
        plans = [
            plan_doses(cells, coding, mask, self.segments, self.activations, size) for cells, coding, mask in queries
        ]
        return run_doses(self.rnn, self.segments, plans, progress, stage)


def _cell_effects(
    measured: _Measured,
    targets: Sequence[AblationTarget],
    edges: Sequence[PositionMask],
    controls: Mapping[int, Sequence[int]],
    progress: Progress,
    *,
    only_carriers: bool,
) -> list[CausalEffect | None]:
    """Return the effect of each target's cell, with its dose-response.

    If only carriers are searched for, the dose-response is measured only if the losses meet the other rules.
    """
    effects = [
        causal_effect(
            AblationQuery(cell=target.cell, edges=mask, partner=target.partner),
            measured.losses,
            controls[target.cell // measured.rnn.config.hidden],
        )
        for target, mask in zip(targets, edges, strict=True)
    ]
    effects = [effect and replace(effect, required_z=measured.required_z) for effect in effects]
    dosed = {
        number: effect
        for number, effect in enumerate(effects)
        if effect and (not only_carriers or has_specific_cost(effect))
    }
    queries = [([targets[number].cell], targets[number].coding, edges[number]) for number in dosed]
    for (number, effect), doses in zip(dosed.items(), measured.doses(queries, progress, DOSES), strict=True):
        effects[number] = with_doses(effect, doses)
    return effects


def _of_possible_carriers(
    controls: GroupControls, targets: Sequence[AblationTarget], effects: Sequence[CausalEffect | None]
) -> GroupControls:
    """Return the controls of the groups that represent a concept whose carrier is no single cell."""
    return {
        (number, size): groups
        for (number, size), groups in controls.items()
        if not targets[number].is_carried_by(effects[number]) and targets[number].represents[GROUP_SIZES.index(size)]
    }


def _ablate_groups(
    measured: _Measured,
    targets: Sequence[AblationTarget],
    controls: GroupControls,
    rng: np.random.Generator,
    progress: Progress,
) -> AblationLosses | None:
    """Return the losses of the groups that have controls and of these controls, on the first segments."""
    groups = [frozenset(targets[number].members[:size]) for number, size in controls]
    several = list(dict.fromkeys(chain(groups, *controls.values())))
    if not several:
        return None
    fewer = measured.segments.first_segments(min(GROUP_SEGMENTS, measured.segments.count))
    return mean_ablate(measured.rnn, fewer, several, measured.activations.means, rng, progress, GROUPS_ABLATION)


def _group_effects(
    measured: _Measured,
    losses: AblationLosses | None,
    targets: Sequence[AblationTarget],
    edges: Sequence[PositionMask],
    cells: Sequence[CausalEffect | None],
    controls: GroupControls,
    progress: Progress,
) -> tuple[tuple[Carrier, ...], ...]:
    """Return the groups of each target, with dose-responses of the groups that may be the carrier."""
    groups = [
        _groups_without_doses(measured, losses, number, target, mask, cell, controls)
        for number, (target, mask, cell) in enumerate(zip(targets, edges, cells, strict=True))
    ]
    tested = [
        (number, index)
        for number, cell in enumerate(cells)
        if not targets[number].is_carried_by(cell)
        for index in _possible_carriers(groups[number], targets[number])
    ]
    queries = [
        (targets[number].members[: len(groups[number][index].cells)], targets[number].coding, edges[number])
        for number, index in tested
    ]
    curves = measured.doses(queries, progress, GROUP_DOSES)
    for (number, index), doses in zip(tested, curves, strict=True):
        group = groups[number][index]
        groups[number][index] = replace(group, effect=with_doses(group.effect, doses))
    return tuple(map(tuple, groups))


def _possible_carriers(groups: Sequence[Carrier], target: AblationTarget) -> list[int]:
    """Return the indices of the smallest groups of several cells that represent the concept and are costly."""
    represents = dict(zip(GROUP_SIZES, target.represents, strict=True)) if target.represents else {}
    indices = [
        index
        for index, group in enumerate(groups)
        if index and represents[len(group.cells)] and has_specific_cost(group.effect)
    ]
    return indices[:MAX_DOSED_GROUPS]


def _groups_without_doses(
    measured: _Measured,
    losses: AblationLosses | None,
    number: int,
    target: AblationTarget,
    edges: PositionMask,
    cell: CausalEffect | None,
    controls: GroupControls,
) -> list[Carrier]:
    """Return the groups of a target that have controls; the first one is the best cell."""
    edges, hidden = edges[:, :GROUP_SEGMENTS], measured.rnn.config.hidden
    if cell is None or not target.members or edges.sum() < MIN_EDGES:
        return []
    effects = {1: cell}
    for group in target.groups[1:]:
        control_groups = controls.get((number, len(group)))
        if losses and control_groups:
            control_losses, elsewhere = (
                [losses.delta(control, mask)[0] for control in control_groups] for mask in (edges, ~edges)
            )
            effect = effect_of(losses.delta_nll[group], edges, losses, control_losses, elsewhere)
            effects[len(group)] = replace(effect, required_z=measured.required_z)
    return [
        Carrier(
            cells=tuple(format_cell(member, hidden) for member in target.members[:size]),
            r2=target.r2[GROUP_SIZES.index(size)],
            effect=effect,
        )
        for size, effect in effects.items()
    ]


def _pairs(targets: Sequence[AblationTarget]) -> list[frozenset[int]]:
    """Return the distinct pairs of a target and its partner, in ascending order."""
    pairs = {frozenset([target.cell, target.partner]) for target in targets if target.partner is not None}
    return sorted(pairs, key=sorted)
