"""The uses: which cells are held still, at what, and what is learnt of them by it.

Which findings deserve it is left to the search, what it proves to the verdicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.carried import Carried, carried
from charrnn.inspection.causes import Losses, Question, cause, hold_still, matched
from charrnn.inspection.coding import Coding
from charrnn.inspection.doses import course, tried
from charrnn.inspection.finding import Cause
from charrnn.inspection.material import Material
from charrnn.inspection.reading import States
from charrnn.inspection.stages import Watch
from charrnn.inspection.stretches import Stretches, choose
from charrnn.inspection.sums import Numbers
from charrnn.network.reader import Reader


@dataclass(frozen=True, kw_only=True, eq=False)
class Suspect:
    """A cell and the concept that it follows."""

    cell: int
    """its number among all layers' cells"""
    coding: Coding
    """the concept"""
    partner: int | None = None
    """another cell that detects the concept, a suspect too"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Uses:
    """What was learnt by holding cells still."""

    causes: tuple[Cause | None, ...]
    """of each suspect; None where there was too little to judge by"""
    stretches: Stretches
    """where"""
    losses: Losses
    """what it cost"""
    carried: Carried
    """what the cells did when nothing was held"""


def uses(
    reader: Reader,
    material: Material,
    states: States,
    suspects: Sequence[Suspect],
    others: Sequence[int],
    chance: np.random.Generator,
    watch: Watch,
    *,
    variance: Numbers,
    allowed: NDArray[np.bool_],
) -> Uses | None:
    """Hold suspects, controls and others still, each at its mean; None without any, or without text for it.

    Controls are chosen by the variance of all layers' cells (L·H,) from those that are allowed.
    """
    if not suspects and not others:
        return None
    edges = [material.edges(suspect.coding.concept) for suspect in suspects]
    stretches = choose(material.ids, material.streams, states, edges)
    if stretches is None:
        return None
    cells = list(dict.fromkeys(suspect.cell for suspect in suspects))
    controls = matched(cells, variance, allowed, reader.config.hidden)
    held = list(dict.fromkeys([*cells, *(cell for some in controls.values() for cell in some), *others]))
    watched = carried(reader, stretches, held)
    pairs = {frozenset([suspect.cell, suspect.partner]) for suspect in suspects if suspect.partner is not None}
    sets = [frozenset([cell]) for cell in held] + sorted(pairs, key=sorted)
    losses = hold_still(reader, stretches, sets, watched.means(), chance, watch)
    there = [hits[stretches.positions] for hits in edges]
    courses = [
        course(suspect.cell, suspect.coding, places, stretches, watched, len(reader.weights["output.bias"]))
        for suspect, places in zip(suspects, there, strict=True)
    ]
    doses = iter(tried(reader, stretches, [some for some in courses if some], watch))
    questions = [
        Question(cell=suspect.cell, edges=places, partner=suspect.partner, doses=next(doses) if planned else ())
        for suspect, places, planned in zip(suspects, there, courses, strict=True)
    ]
    found = [cause(question, losses, controls[question.cell // reader.config.hidden]) for question in questions]
    return Uses(causes=tuple(found), stretches=stretches, losses=losses, carried=watched)
