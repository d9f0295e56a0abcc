"""The uses: which cells are held still, at what, and what is learnt of them by it.

Which findings deserve it is left to the search, what it proves to the verdicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.carried import NaturalActivations, record_activations
from charrnn.inspection.causes import AblationQuery, Losses, causal_effect, matched_controls, mean_ablate
from charrnn.inspection.coding import ConceptCodes
from charrnn.inspection.doses import plan_doses, run_doses
from charrnn.inspection.finding import CausalEffect
from charrnn.inspection.material import SearchData
from charrnn.inspection.reading import States
from charrnn.inspection.stages import Progress
from charrnn.inspection.stretches import AblationSegments, choose_segments
from charrnn.inspection.sums import Numbers
from charrnn.network.reader import InferenceRNN


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
