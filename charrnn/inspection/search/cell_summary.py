"""A summary of all cells: each counted once by its best concept, and the cells that no concept explains."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.causal_effects import CausalEffects
from charrnn.inspection.search.finding import verdict
from charrnn.inspection.search.findings import CellCounts, UnexplainedCell
from charrnn.inspection.search.scores import format_cell
from charrnn.inspection.search.screening import Candidate, Screening
from charrnn.inspection.search.search_data import ABLATION_WARM_UP, AblationSegments, SearchData
from charrnn.inspection.search.splits import Positions

# Counts of cells, by the concept that explains most of each

LOCAL_FRACTION = 0.5
"""the share of a cell's variance from which on the last three characters say most of it"""


def count_cells(screening: Screening, candidates: Sequence[Candidate]) -> CellCounts:
    """Count the cells of each sort; the shortlist says what is known of the concepts, and which cells are causal."""
    findings = {candidate.number: candidate.finding for candidate in candidates}
    alive, closest = screening.statistics.alive, best_concept_of_cell(screening)
    causal = {candidate.cell for candidate in candidates if candidate.finding.verdict == "causal"}
    verdicts = dict.fromkeys(causal, "detector")
    for cell in np.flatnonzero(alive).tolist():
        number = int(closest[cell])
        fit, memory = float(screening.scores.fit[number, cell]), float(screening.scores.memory[number, cell])
        single_cell = replace(findings[number], fit=fit, memory=memory, spread=(), cause=None)
        # What a cell needs to be causal it may have for another concept than the one that explains most of it.
        verdicts.setdefault(cell, verdict(single_cell))
    sorts = Counter(verdicts.values())
    return CellCounts(
        dead=int((~alive).sum()),
        detectors=sorts["detector"],
        causal=len(causal),
        partial=sorts["partial"],
        local=int((alive & (screening.statistics.trigram_ev > LOCAL_FRACTION)).sum()),
    )


def findable_concepts(screening: Screening) -> list[int]:
    """List the concepts that a cell that follows them is a find for: asked for, and not local."""
    codings = screening.statistics.codings[: screening.concept_count]
    numbers = [number for number, coding in enumerate(codings) if coding.concept.family != "local"]
    return numbers or list(range(screening.concept_count))


def best_concept_of_cell(screening: Screening) -> Positions:
    """Choose for each cell the concept that explains most of it, on discovery streams (H,)."""
    numbers = np.array(findable_concepts(screening))
    closest: Positions = numbers[screening.scores.selection[numbers].argmax(axis=0)]
    return closest


# Unexplained cells: the network needs them, and neither a concept nor the last characters explain them. Where such a
# cell changes and where it forgets are hints for the reader.

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
