"""The mysteries: cells that the network needs and that neither a concept nor the last characters explain.

Whoever looks only for what there are names for finds only that. What a mystery is about is left to the reader's eyes:
where the cell changes and where it forgets is a beginning.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.census import best_concept_of_cell
from charrnn.inspection.findings import UnexplainedCell
from charrnn.inspection.material import SearchData
from charrnn.inspection.observations import Screening
from charrnn.inspection.reading import ABLATION_WARM_UP
from charrnn.inspection.scores import format_cell
from charrnn.inspection.streams import Positions
from charrnn.inspection.stretches import AblationSegments
from charrnn.inspection.uses import CausalEffects

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


def unexplained(screening: Screening, closest: Positions) -> list[int]:
    """Choose, of the cells that nothing explains, those that move most; by the concept closest to each (H,)."""
    statistics = screening.statistics
    variance = statistics.of_concept(0).variance(statistics.streams.confirmation)
    fit = screening.scores.fit[closest, np.arange(len(closest))]
    open_to = statistics.alive & (fit < MOST_FIT) & (statistics.trigram_ev < MOST_LOCAL)
    ranked = np.argsort(np.where(open_to, -variance, np.inf), kind="stable")
    chosen: list[int] = ranked[: min(CANDIDATES, int(open_to.sum()))].tolist()
    return chosen


def unexplained_cells(
    cells: Sequence[int], effects: CausalEffects, search_data: SearchData, screening: Screening, hidden: int
) -> tuple[UnexplainedCell, ...]:
    """Tell of those cells whose loss is felt most."""
    everywhere = np.ones(effects.segments.positions.shape, dtype=np.bool_)
    costs = {cell: effects.losses.delta([cell], everywhere) for cell in cells}
    clear = [cell for cell, (cost, error) in costs.items() if cost > CLEAR * error]
    needed = sorted(clear, key=lambda cell: -costs[cell][0])[:NAMED]
    return tuple(_describe_unexplained(cell, costs[cell], effects, search_data, screening, hidden) for cell in needed)


def _describe_unexplained(
    cell: int,
    cost: tuple[float, float],
    effects: CausalEffects,
    search_data: SearchData,
    screening: Screening,
    hidden: int,
) -> UnexplainedCell:
    closest = int(best_concept_of_cell(screening)[cell])
    return UnexplainedCell(
        cell=format_cell(cell, hidden),
        delta=cost[0],
        delta_se=cost[1],
        best=screening.statistics.codings[closest].concept.name,
        fit=float(screening.scores.fit[closest, cell]),
        local=float(screening.statistics.trigram_ev[cell]),
        writes_on=tuple(map(search_data.char_of_id, _writes_on(cell, effects))),
        forgets_on=tuple(map(search_data.char_of_id, _forgets_on(cell, effects))),
    )


def _writes_on(cell: int, effects: CausalEffects) -> list[int]:
    """List the ids of the characters at which a cell changes most in the mean."""
    place = effects.carried.cells.index(cell)
    return _most(np.abs(effects.carried.deltas[:, :, place]), effects.segments)


def _forgets_on(cell: int, effects: CausalEffects) -> list[int]:
    """List the ids of the characters at which its gate keeps least; none where it hardly closes, or there is none."""
    if effects.carried.keep_gate is None:
        return []
    gate = effects.carried.keep_gate[:, :, effects.carried.cells.index(cell)]
    return [
        char_id for char_id in _most(-gate, effects.segments) if _mean_at(gate, effects.segments, char_id) < FORGOTTEN
    ]


def _most(values: NDArray[np.float32], segments: AblationSegments) -> list[int]:
    """List the characters with the largest means."""
    ids = segments.ids[ABLATION_WARM_UP:].ravel()
    times = np.bincount(ids)
    means = np.bincount(ids, weights=values.ravel()) / np.maximum(times, 1)
    often = np.flatnonzero(times >= FEWEST_TIMES)
    ranked: list[int] = often[np.argsort(-means[often], kind="stable")][:CHARACTERS].tolist()
    return ranked


def _mean_at(values: NDArray[np.float32], segments: AblationSegments, char_id: int) -> float:
    return float(values[segments.ids[ABLATION_WARM_UP:] == char_id].mean())
