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
    is_monotone,
    matched_controls,
    mean_ablate,
    record_activations,
)
from charrnn.inspection.search.dose_response import plan_doses, run_doses
from charrnn.inspection.search.finding import Carrier, CausalEffect
from charrnn.inspection.search.group_ablation import GROUP_SIZES, CellGroup, ControlCells, required_z
from charrnn.inspection.search.scores import format_cell
from charrnn.inspection.search.search_data import AblationSegments, PositionMask, SearchData, States, choose_segments
from charrnn.inspection.search.splits import DOSES, GROUP_DOSES, GROUPS_ABLATION, ConceptCodes, Progress
from charrnn.inspection.search.statistics import Numbers
from charrnn.inspection.search.verdicts import has_specific_cost
from charrnn.network.inference import InferenceRNN

# Mean ablation and dose-response of the cells that the search selects

GROUP_SEGMENTS = 12
"""maximum number of segments on which groups of several cells are ablated"""
MAX_DOSED_GROUPS = 2
"""maximum number of groups of a concept whose dose-response is measured, the smallest first"""


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationTarget:
    """A cell to ablate and the concept that it follows."""

    cell: int
    """number of the cell among all layers' cells"""
    coding: ConceptCodes
    """marks of the concept"""
    partner: int | None = None
    """another cell that detects the concept and is a target, too"""
    members: tuple[int, ...] = ()
    """cells of one layer that are ablated in groups, the best first; empty for no groups"""
    r2: tuple[float, ...] = ()
    """held-out R² of a linear probe on the group of each size"""

    represents: tuple[bool, ...] = ()
    """whether the group of each size represents the concept, so that it may be the carrier"""
    is_detector: bool = False
    """whether the cell alone represents the concept"""

    @property
    def groups(self) -> tuple[CellGroup, ...]:
        """Return the groups of cells by size."""
        return tuple(frozenset(self.members[:size]) for size in GROUP_SIZES if size <= len(self.members))


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
    unrelated: NDArray[np.bool_]
    """mask of the possible controls that follow no concept at all, which are preferred for groups (L·H,)"""


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
    segments = choose_segments(search_data.ids, search_data.streams, states, text_edges)
    if segments is None:
        return None
    edges = [mask[segments.positions] for mask in text_edges]
    target_cells = list(dict.fromkeys(target.cell for target in targets))
    neutral = _neutral_controls(request, hidden)
    controls = matched_controls(target_cells, request.variance, neutral, hidden)
    pool = ControlCells(
        variance=request.variance, allowed=request.allowed, unrelated=request.unrelated, hidden=hidden
    )
    group_controls = pool.groups([target.members for target in targets], rng)
    members = chain.from_iterable(target.members for target in targets)
    cells = list(dict.fromkeys([*target_cells, *chain.from_iterable(controls.values()), *request.unexplained]))
    activations = record_activations(rnn, segments, list(dict.fromkeys([*cells, *members])))
    sets = [*(frozenset([cell]) for cell in cells), *_pairs(targets)]
    several = list(chain.from_iterable([*(target.groups[1:] for target in targets), *group_controls.values()]))
    fewer = segments.first_segments(min(GROUP_SEGMENTS, segments.count))
    measured = _Measured(
        rnn=rnn,
        segments=segments,
        losses=mean_ablate(rnn, segments, sets, activations.means, rng, progress),
        group_losses=mean_ablate(
            rnn, fewer, list(dict.fromkeys(several)), activations.means, rng, progress, GROUPS_ABLATION
        )
        if several
        else None,
        activations=activations,
        # each size of a group is a test, and the erasure of a direction is another one
        required_z=required_z(sum(len(target.groups) + 1 for target in targets)),
    )
    effects = _cell_effects(measured, targets, edges, controls, progress)
    return CausalEffects(
        effects=tuple(effects),
        groups=_group_effects(measured, targets, edges, effects, group_controls, progress),
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
    group_losses: AblationLosses | None
    """losses of groups of several cells, on the first segments"""
    activations: NaturalActivations
    required_z: float

    def doses(
        self, queries: Sequence[tuple[Sequence[int], ConceptCodes, PositionMask]], progress: Progress, stage: str
    ) -> list[tuple[tuple[float, float], ...]]:
        """Return the doses of cells that are clamped together, for each query of cells, concept and edges."""
        size = len(self.rnn.weights["output.bias"])
        plans = [
            plan_doses(cells, coding, mask, self.segments, self.activations, size) if cells else None
            for cells, coding, mask in queries
        ]
        return run_doses(self.rnn, self.segments, plans, progress, stage)


def _cell_effects(
    measured: _Measured,
    targets: Sequence[AblationTarget],
    edges: Sequence[PositionMask],
    controls: Mapping[int, Sequence[int]],
    progress: Progress,
) -> list[CausalEffect | None]:
    """Return the effect of each target's cell."""
    queries = [([target.cell], target.coding, mask) for target, mask in zip(targets, edges, strict=True)]
    effects = [
        causal_effect(
            AblationQuery(cell=target.cell, edges=mask, partner=target.partner, doses=doses),
            measured.losses,
            controls[target.cell // measured.rnn.config.hidden],
        )
        for target, mask, doses in zip(targets, edges, measured.doses(queries, progress, DOSES), strict=True)
    ]
    return [effect and replace(effect, required_z=measured.required_z) for effect in effects]


def _group_effects(
    measured: _Measured,
    targets: Sequence[AblationTarget],
    edges: Sequence[PositionMask],
    cells: Sequence[CausalEffect | None],
    controls: Mapping[tuple[int, int], Sequence[CellGroup]],
    progress: Progress,
) -> tuple[tuple[Carrier, ...], ...]:
    """Return the groups of each target, with dose-responses of the groups that may be the carrier."""
    groups = [
        _groups_without_doses(measured, number, target, mask, cell, controls)
        for number, (target, mask, cell) in enumerate(zip(targets, edges, cells, strict=True))
    ]
    tested = [
        (number, index)
        for number, cell in enumerate(cells)
        if not (targets[number].is_detector and cell and cell.monotone and has_specific_cost(cell))
        for index in _possible_carriers(groups[number], targets[number])
    ]
    queries = [
        (targets[number].members[: len(groups[number][index].cells)], targets[number].coding, edges[number])
        for number, index in tested
    ]
    curves = measured.doses(queries, progress, GROUP_DOSES) if queries else []
    for (number, index), doses in zip(tested, curves, strict=True):
        effect = replace(groups[number][index].effect, doses=doses, monotone=is_monotone(doses))
        groups[number][index] = replace(groups[number][index], effect=effect)
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
    number: int,
    target: AblationTarget,
    edges: PositionMask,
    cell: CausalEffect | None,
    controls: Mapping[tuple[int, int], Sequence[CellGroup]],
) -> list[Carrier]:
    """Return the groups of a target that have controls; the first one is the best cell."""
    losses, hidden = measured.group_losses, measured.rnn.config.hidden
    if cell is None or losses is None or not target.members:
        return []
    edges = edges[:, : losses.baseline.shape[1]]
    if edges.sum() < MIN_EDGES:
        return []
    effects = {1: cell}
    for group in target.groups[1:]:
        if control_groups := controls.get((number, len(group))):
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
