"""The census: each cell counted once, by the concept that explains most of it.

What single cells are about is left to the findings.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from charrnn.inspection.findings import CellCounts
from charrnn.inspection.observations import Screening
from charrnn.inspection.shortlist import Candidate
from charrnn.inspection.streams import Positions
from charrnn.inspection.verdicts import verdict

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
