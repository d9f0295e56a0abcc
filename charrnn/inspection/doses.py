"""The doses: how probable a concept's end becomes when its cell is held outside, between, and inside.

A cell that the network uses moves that probability its own way. What the cell is needed for is left to the causes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.carried import Carried
from charrnn.inspection.coding import Coding
from charrnn.inspection.holding import Hold, batches, predictions
from charrnn.inspection.reading import SETTLING
from charrnn.inspection.stages import DOSES, Watch
from charrnn.inspection.stretches import Places, Stretches
from charrnn.network.reader import Reader

STRETCHES = 16
"""how many are read at each dose"""
COVERED = 0.9
"""the share of a concept's ends that the characters must bring about whose probability is watched"""

Doses = tuple[tuple[float, float], ...]
Characters = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """The doses to be tried on a cell."""

    cell: int
    """its number among all layers' cells"""
    values: tuple[float, ...]
    """what it is held at: outside, between, inside"""
    ends: Characters
    """which characters bring the concept's end about (V,)"""


def course(
    cell: int, coding: Coding, edges: Places, stretches: Stretches, carried: Carried, kinds: int
) -> Course | None:
    """Choose a cell's doses: what it carries where its concept is off and where it is on, and what lies between.

    Between is zero, if it does. None where the stretches do not have both, or no edge (T, W) of the concept.
    """
    outside, inside = sides(coding, stretches.of_scored(coding.codes))
    if not outside.any() or not inside.any() or not edges.any():
        return None
    low, high = (carried.mean_where(cell, places) for places in (outside, inside))
    between = 0.0 if min(low, high) < 0.0 < max(low, high) else (low + high) / 2.0
    return Course(cell=cell, values=(low, between, high), ends=ends(stretches, edges, kinds))


def sides(coding: Coding, codes: NDArray[np.uint8]) -> tuple[Places, Places]:
    """Say where a concept is off and where it is on: of a number, in its lowest and in its highest third."""
    if coding.concept.kind == "binary":
        return codes == 0, codes > 0
    low, high = np.quantile(codes, [1 / 3, 2 / 3], method="inverted_cdf")
    return codes <= low, (codes >= high) & (codes > low)


def ends(stretches: Stretches, edges: Places, kinds: int) -> Characters:
    """List the commonest characters that follow edges, of those that come there more often than elsewhere (V,)."""
    targets = stretches.targets[SETTLING:]
    there = np.bincount(targets[edges], minlength=kinds) / max(edges.sum(), 1)
    everywhere = np.bincount(targets.ravel(), minlength=kinds) / targets.size
    ranked = np.argsort(-there, kind="stable")
    before = np.cumsum(there[ranked]) - there[ranked]
    chosen = np.zeros(kinds, dtype=np.bool_)
    chosen[ranked[before < COVERED]] = True
    over: Characters = chosen & (there > everywhere)
    return over


def tried(reader: Reader, stretches: Stretches, courses: Sequence[Course], watch: Watch) -> list[Doses]:
    """Hold each course's cell at each dose; give the doses with the mean probability of the concept's ends."""
    some = stretches.part(min(STRETCHES, stretches.count))
    holds: list[tuple[Hold, Characters]] = [
        ({course.cell: value}, course.ends) for course in courses for value in course.values
    ]
    found: list[float] = []
    parts = batches(reader, some, [hold for hold, _ in holds])
    for part in watch(parts, DOSES, len(parts)):
        characters = np.array([those for _, those in holds[part]], dtype=np.float32)[:, :, None]
        total = np.zeros(len(characters))
        for weights, whole in predictions(reader, some, [hold for hold, _ in holds[part]]):
            total += ((weights @ characters) / whole).sum(axis=(1, 2), dtype=np.float64)
        found += (total / some.positions.size).tolist()
    each = iter(found)
    return [tuple((value, next(each)) for value in course.values) for course in courses]
