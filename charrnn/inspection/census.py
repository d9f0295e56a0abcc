"""The census: each cell counted once, by the concept that explains most of it.

What single cells are about is left to the findings.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from charrnn.inspection.findings import Census
from charrnn.inspection.observations import Observations
from charrnn.inspection.shortlist import Entry
from charrnn.inspection.streams import Positions
from charrnn.inspection.verdicts import verdict

MOSTLY = 0.5
"""the share of a cell's variance from which on the last three characters say most of it"""


def census(seen: Observations, found: Sequence[Entry]) -> Census:
    """Count the cells of each sort; the shortlist says what is known of the concepts, and which cells are causal."""
    known = {one.number: one.finding for one in found}
    alive, closest = seen.evidence.alive, followed(seen)
    causal = {one.cell for one in found if one.finding.verdict == "causal"}
    verdicts = dict.fromkeys(causal, "detector")
    for cell in np.flatnonzero(alive).tolist():
        number = int(closest[cell])
        fit, memory = float(seen.scores.fit[number, cell]), float(seen.scores.memory[number, cell])
        alone = replace(known[number], fit=fit, memory=memory, spread=(), cause=None)
        # What a cell needs to be causal it may have for another concept than the one that explains most of it.
        verdicts.setdefault(cell, verdict(alone))
    sorts = Counter(verdicts.values())
    return Census(
        dead=int((~alive).sum()),
        detectors=sorts["detector"],
        causal=len(causal),
        partial=sorts["partial"],
        local=int((alive & (seen.evidence.local > MOSTLY)).sum()),
    )


def finds(seen: Observations) -> list[int]:
    """List the concepts that a cell that follows them is a find for: asked for, and not local."""
    codings = seen.evidence.codings[: seen.asked]
    numbers = [number for number, coding in enumerate(codings) if coding.concept.family != "local"]
    return numbers or list(range(seen.asked))


def followed(seen: Observations) -> Positions:
    """Choose for each cell the concept that explains most of it, on discovery streams (H,)."""
    numbers = np.array(finds(seen))
    closest: Positions = numbers[seen.scores.preference[numbers].argmax(axis=0)]
    return closest
