"""Erasure of directions: its cost at the ends of a concept against that of placebo concepts and random directions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from charrnn.inspection.search.ablation import effect_of, with_doses
from charrnn.inspection.search.causal_effects import CausalEffects
from charrnn.inspection.search.clamped_reading import Nats, clamped_nll
from charrnn.inspection.search.directions import LayerMemory, MemorySample, Readout
from charrnn.inspection.search.dose_response import DosePlan, concept_sides, end_characters, run_doses
from charrnn.inspection.search.finding import Carrier
from charrnn.inspection.search.scores import format_cell
from charrnn.inspection.search.search_data import PositionMask
from charrnn.inspection.search.splits import DIRECTION_DOSES, DIRECTIONS, ConceptCodes, Progress
from charrnn.inspection.search.verdicts import has_specific_cost
from charrnn.network.inference import InferenceRNN

ERASURE_SEGMENTS = 12
"""maximum number of segments read with each direction held"""


@dataclass(frozen=True, kw_only=True, eq=False)
class ErasureTarget:
    """A concept to erase from a layer."""

    coding: ConceptCodes
    """marks of the concept"""
    layer: int
    """layer whose cells predict the concept best, from 1"""
    r2: float
    """held-out R² of a linear probe on all cells of the layer"""
    edges: PositionMask
    """positions in the segments whose next character the concept helps to predict (T, W)"""


def erase_directions(
    rnn: InferenceRNN,
    targets: Sequence[ErasureTarget],
    placebos: Sequence[ConceptCodes],
    sample: MemorySample,
    effects: CausalEffects,
    rng: np.random.Generator,
    progress: Progress,
) -> list[Carrier]:
    """Return the direction of each concept, with the effect of its erasure."""
    memories = {layer: sample.of_layer(layer) for layer in sorted({target.layer for target in targets})}
    own = [memories[target.layer].readout(target.coding) for target in targets]
    controls = [memories[target.layer].controls(target.coding, placebos, rng) for target in targets]
    segments = effects.segments.first_segments(min(ERASURE_SEGMENTS, effects.segments.count))
    held = [
        readout.held_at(readout.mean, target.layer)
        for target, concept_readout, control_readouts in zip(targets, own, controls, strict=True)
        for readout in (concept_readout, *control_readouts)
    ]
    baseline = effects.losses.baseline[:, : segments.count]
    deltas = iter(clamped_nll(rnn, segments, held, progress, DIRECTIONS) - baseline)
    carriers = [
        _carrier(
            target, readout, [next(deltas) for _ in range(1 + len(control_readouts))], effects, rnn.config.hidden
        )
        for target, readout, control_readouts in zip(targets, own, controls, strict=True)
    ]
    return _with_doses(rnn, carriers, targets, own, memories, effects, progress)


def _carrier(
    target: ErasureTarget, readout: Readout, increases: Sequence[Nats], effects: CausalEffects, hidden: int
) -> Carrier:
    """Return the direction of a concept, given the increases in loss by its erasure and then by its controls."""
    delta_nll, *controls = increases
    edges, losses = target.edges[:, : delta_nll.shape[1]], effects.losses
    at_edges, elsewhere = (
        [losses.mean_increase(control, mask)[0] for control in controls] for mask in (edges, ~edges)
    )
    effect = effect_of(delta_nll, edges, losses, at_edges, elsewhere)
    first = (target.layer - 1) * hidden
    return Carrier(
        cells=tuple(format_cell(cell, hidden) for cell in range(first, first + hidden)),
        r2=target.r2,
        effect=replace(effect, required_z=effects.required_z),
        weights=tuple(readout.read.tolist()),
    )


def _with_doses(
    rnn: InferenceRNN,
    carriers: Sequence[Carrier],
    targets: Sequence[ErasureTarget],
    readouts: Sequence[Readout],
    memories: dict[int, LayerMemory],
    effects: CausalEffects,
    progress: Progress,
) -> list[Carrier]:
    """Return the directions with the dose-response of those that may be the carrier."""
    plans = [
        _plan(target, readout, memories[target.layer], effects, len(rnn.weights["output.bias"]))
        if has_specific_cost(carrier.effect)
        else None
        for carrier, target, readout in zip(carriers, targets, readouts, strict=True)
    ]
    if not any(plans):
        return list(carriers)
    curves = run_doses(rnn, effects.segments, plans, progress, DIRECTION_DOSES)
    return [
        replace(carrier, effect=with_doses(carrier.effect, doses))
        for carrier, doses in zip(carriers, curves, strict=True)
    ]


def _plan(
    target: ErasureTarget, readout: Readout, memory: LayerMemory, effects: CausalEffects, vocabulary_size: int
) -> DosePlan | None:
    """Return the doses of a direction: its mean readout outside the concept, a value between, its mean inside."""
    levels, codes = memory.levels(readout, target.coding)
    outside, inside = concept_sides(target.coding, codes)
    if not outside.any() or not inside.any():
        return None
    low, high = float(levels[outside].mean()), float(levels[inside].mean())
    values = (low, (low + high) / 2.0, high)
    return DosePlan(
        values=values,
        interventions=tuple(readout.held_at(value, target.layer) for value in values),
        ends=end_characters(effects.segments, target.edges, vocabulary_size),
    )
