"""Summary of all cells: each cell counted by its best concept, and the unexplained cells that the network needs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.causal_effects import CausalEffects
from charrnn.inspection.search.finding import Finding
from charrnn.inspection.search.findings import CellCounts, UnexplainedCell
from charrnn.inspection.search.scores import format_cell
from charrnn.inspection.search.screening import Candidate, Screening
from charrnn.inspection.search.search_data import ABLATION_WARM_UP, AblationSegments, SearchData
from charrnn.inspection.search.splits import Positions
from charrnn.inspection.search.verdicts import judge

# Counts of cells by the verdict for the concept that explains most of each cell

LOCAL_FRACTION = 0.5
"""explained variance by trigrams above which a cell counts as local"""


def count_cells(screening: Screening, candidates: Sequence[Candidate]) -> CellCounts:
    """Return the number of cells of each verdict; `candidates` have the controls and causal effects."""
    findings = {candidate.number: candidate.finding for candidate in candidates}
    alive, best_concept = screening.statistics.alive, best_concept_of_cell(screening)
    causal = {candidate.cell for candidate in candidates if candidate.finding.verdict == "causal"}
    verdicts = dict.fromkeys(causal, "detector")
    for cell in np.flatnonzero(alive).tolist():
        number = int(best_concept[cell])
        fit, memory = float(screening.scores.fit[number, cell]), float(screening.scores.memory[number, cell])
        # a causal cell stays causal, even if another concept than that of its finding explains more of the cell
        verdicts.setdefault(cell, verdict_of_cell(findings[number], fit=fit, memory=memory))
    counts = Counter(verdicts.values())
    return CellCounts(
        dead=int((~alive).sum()),
        detectors=counts["detector"],
        causal=len(causal),
        partial=counts["partial"],
        local=int((alive & (screening.statistics.trigram_ev > LOCAL_FRACTION)).sum()),
    )


def verdict_of_cell(finding: Finding, *, fit: float, memory: float) -> str:
    """Return the verdict of any cell with this fit and memory, given the finding of the concept.

    Only the controls of the finding are used: linear probes and causal effects are those of the finding's own cell,
    of groups and of a direction.
    """
    single_cell = replace(
        finding, fit=fit, memory=memory, r2_by_cells=(), cause=None, groups=(), direction=None, carriers=()
    )
    return judge(single_cell).verdict


def findable_concepts(screening: Screening) -> list[int]:
    """Return the indices of the searched concepts that are not local, or of all of them if all are local."""
    codings = screening.statistics.codings[: screening.concept_count]
    numbers = [number for number, coding in enumerate(codings) if coding.concept.family != "local"]
    return numbers or list(range(screening.concept_count))


def best_concept_of_cell(screening: Screening) -> Positions:
    """Return the index of the concept with the highest selection score for each cell (H,)."""
    numbers = np.array(findable_concepts(screening))
    best_concept: Positions = numbers[screening.scores.selection[numbers].argmax(axis=0)]
    return best_concept


# Unexplained cells: cells that the network needs and that neither a concept nor the last three characters explain.
# The characters at which such a cell changes or forgets are hints for the user.

MAX_ABLATED_UNEXPLAINED = 16
"""maximum number of unexplained cells to ablate"""
MAX_UNEXPLAINED = 5
"""maximum number of unexplained cells in the findings"""
MAX_CONCEPT_FIT = 0.2
"""fit to its best concept below which a cell may count as unexplained"""
MAX_TRIGRAM_EV = 0.5
"""explained variance by trigrams below which a cell may count as unexplained"""
MAX_LISTED_CHARS = 4
"""maximum number of characters listed for an unexplained cell"""
MIN_LOSS_Z = 3.0
"""minimum increase in loss of an unexplained cell, in standard errors"""
FORGET_THRESHOLD = 0.5
"""mean activation of the keep gate below which the cell forgets at a character"""
MIN_CHAR_COUNT = 20
"""minimum number of occurrences of a listed character in the segments"""


def unexplained_candidates(screening: Screening, best_concept: Positions) -> list[int]:
    """Return the unexplained cells with the largest variance, given the best concept of each cell (H,)."""
    statistics = screening.statistics
    variance = statistics.of_concept(0).variance(statistics.streams.confirmation)
    fit = screening.scores.fit[best_concept, np.arange(len(best_concept))]
    eligible = statistics.alive & (fit < MAX_CONCEPT_FIT) & (statistics.trigram_ev < MAX_TRIGRAM_EV)
    ranked = np.argsort(np.where(eligible, -variance, np.inf), kind="stable")
    chosen: list[int] = ranked[: min(MAX_ABLATED_UNEXPLAINED, int(eligible.sum()))].tolist()
    return chosen


def unexplained_cells(
    cells: Sequence[int], effects: CausalEffects, search_data: SearchData, screening: Screening, hidden: int
) -> tuple[UnexplainedCell, ...]:
    """Return descriptions of the cells whose ablation increases the loss most."""
    everywhere = np.ones(effects.segments.positions.shape, dtype=np.bool_)
    deltas = {cell: effects.losses.delta([cell], everywhere) for cell in cells}
    significant = [cell for cell, (delta, error) in deltas.items() if delta > MIN_LOSS_Z * error]
    needed = sorted(significant, key=lambda cell: -deltas[cell][0])[:MAX_UNEXPLAINED]
    return tuple(
        _describe_unexplained(cell, deltas[cell], effects, search_data, screening, hidden) for cell in needed
    )


def _describe_unexplained(
    cell: int,
    delta: tuple[float, float],
    effects: CausalEffects,
    search_data: SearchData,
    screening: Screening,
    hidden: int,
) -> UnexplainedCell:
    best_concept = int(best_concept_of_cell(screening)[cell])
    return UnexplainedCell(
        cell=format_cell(cell, hidden),
        delta=delta[0],
        delta_se=delta[1],
        best=screening.statistics.codings[best_concept].concept.name,
        fit=float(screening.scores.fit[best_concept, cell]),
        local=float(screening.statistics.trigram_ev[cell]),
        writes_on=tuple(map(search_data.char_of_id, _writes_on(cell, effects))),
        forgets_on=tuple(map(search_data.char_of_id, _forgets_on(cell, effects))),
    )


def _writes_on(cell: int, effects: CausalEffects) -> list[int]:
    """Return the ids of the characters at which a cell's mean absolute change is largest."""
    column = effects.activations.cells.index(cell)
    return _top_characters(np.abs(effects.activations.deltas[:, :, column]), effects.segments)


def _forgets_on(cell: int, effects: CausalEffects) -> list[int]:
    """Return the ids of the characters at which the keep gate is most closed; none if the gate hardly closes."""
    if effects.activations.keep_gate is None:
        return []
    gate = effects.activations.keep_gate[:, :, effects.activations.cells.index(cell)]
    return [
        char_id
        for char_id in _top_characters(-gate, effects.segments)
        if _mean_at(gate, effects.segments, char_id) < FORGET_THRESHOLD
    ]


def _top_characters(values: NDArray[np.float32], segments: AblationSegments) -> list[int]:
    """Return the ids of the characters with the largest mean value."""
    ids = segments.ids[ABLATION_WARM_UP:].ravel()
    counts = np.bincount(ids)
    means = np.bincount(ids, weights=values.ravel()) / np.maximum(counts, 1)
    frequent = np.flatnonzero(counts >= MIN_CHAR_COUNT)
    ranked: list[int] = frequent[np.argsort(-means[frequent], kind="stable")][:MAX_LISTED_CHARS].tolist()
    return ranked


def _mean_at(values: NDArray[np.float32], segments: AblationSegments, char_id: int) -> float:
    return float(values[segments.ids[ABLATION_WARM_UP:] == char_id].mean())
