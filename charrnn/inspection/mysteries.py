"""The mysteries: cells that the network needs and that neither a concept nor the last characters explain.

Whoever looks only for what there are names for finds only that. What a mystery is about is left to the reader's eyes:
where the cell changes and where it forgets is a beginning.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.census import followed
from charrnn.inspection.findings import Mystery
from charrnn.inspection.material import Material
from charrnn.inspection.observations import Observations
from charrnn.inspection.reading import SETTLING
from charrnn.inspection.scores import cell_name
from charrnn.inspection.streams import Positions
from charrnn.inspection.stretches import Stretches
from charrnn.inspection.uses import Uses

CANDIDATES = 16
"""cells that are held still to see how much they are needed"""
NAMED = 5
"""cells that are told of"""
MOST_FIT = 0.2
"""what a concept may explain of a mystery"""
MOST_LOCAL = 0.5
"""what the last three characters may"""
CHARACTERS = 4
"""named of a mystery"""
CLEAR = 3.0
"""standard errors that what holding a cell costs must be above zero"""
FORGOTTEN = 0.5
"""a gate that is no further open at a character forgets there"""
FEWEST_TIMES = 20
"""a character must come in the stretches to be named"""


def unexplained(seen: Observations, closest: Positions) -> list[int]:
    """Choose, of the cells that nothing explains, those that move most; by the concept closest to each (H,)."""
    evidence = seen.evidence
    variance = evidence.about(0).variance(evidence.streams.confirmation)
    fit = seen.scores.fit[closest, np.arange(len(closest))]
    open_to = evidence.alive & (fit < MOST_FIT) & (evidence.local < MOST_LOCAL)
    ranked = np.argsort(np.where(open_to, -variance, np.inf), kind="stable")
    chosen: list[int] = ranked[: min(CANDIDATES, int(open_to.sum()))].tolist()
    return chosen


def mysteries(
    cells: Sequence[int], learnt: Uses, material: Material, seen: Observations, hidden: int
) -> tuple[Mystery, ...]:
    """Tell of those cells whose loss is felt most."""
    everywhere = np.ones(learnt.stretches.positions.shape, dtype=np.bool_)
    costs = {cell: learnt.losses.delta([cell], everywhere) for cell in cells}
    clear = [cell for cell, (cost, error) in costs.items() if cost > CLEAR * error]
    needed = sorted(clear, key=lambda cell: -costs[cell][0])[:NAMED]
    return tuple(_mystery(cell, costs[cell], learnt, material, seen, hidden) for cell in needed)


def _mystery(
    cell: int, cost: tuple[float, float], learnt: Uses, material: Material, seen: Observations, hidden: int
) -> Mystery:
    closest = int(followed(seen)[cell])
    return Mystery(
        cell=cell_name(cell, hidden),
        delta=cost[0],
        delta_se=cost[1],
        best=seen.evidence.codings[closest].concept.name,
        fit=float(seen.scores.fit[closest, cell]),
        local=float(seen.evidence.local[cell]),
        writes_on=tuple(map(material.character, _writes_on(cell, learnt))),
        forgets_on=tuple(map(material.character, _forgets_on(cell, learnt))),
    )


def _writes_on(cell: int, learnt: Uses) -> list[int]:
    """List the ids of the characters at which a cell changes most in the mean."""
    place = learnt.carried.cells.index(cell)
    return _most(np.abs(learnt.carried.changes[:, :, place]), learnt.stretches)


def _forgets_on(cell: int, learnt: Uses) -> list[int]:
    """List the ids of the characters at which its gate keeps least; none where it hardly closes, or there is none."""
    if learnt.carried.kept is None:
        return []
    kept = learnt.carried.kept[:, :, learnt.carried.cells.index(cell)]
    return [one for one in _most(-kept, learnt.stretches) if _mean_at(kept, learnt.stretches, one) < FORGOTTEN]


def _most(values: NDArray[np.float32], stretches: Stretches) -> list[int]:
    """List the characters with the largest means."""
    ids = stretches.ids[SETTLING:].ravel()
    times = np.bincount(ids)
    means = np.bincount(ids, weights=values.ravel()) / np.maximum(times, 1)
    often = np.flatnonzero(times >= FEWEST_TIMES)
    ranked: list[int] = often[np.argsort(-means[often], kind="stable")][:CHARACTERS].tolist()
    return ranked


def _mean_at(values: NDArray[np.float32], stretches: Stretches, one: int) -> float:
    return float(values[stretches.ids[SETTLING:] == one].mean())
