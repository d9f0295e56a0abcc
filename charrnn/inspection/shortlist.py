"""The shortlist: for each concept its best cell, and a second one where that detects it too, as far as observed.

What they are for is left to the uses.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from charrnn.inspection.coding import Coding
from charrnn.inspection.finding import Finding
from charrnn.inspection.observations import Observations
from charrnn.inspection.scores import described
from charrnn.inspection.verdicts import ORDER, verdict


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """A cell, a concept, and what is known of the two."""

    number: int
    """the concept's place among the observed ones"""
    cell: int
    """its number among all layers' cells"""
    coding: Coding
    finding: Finding
    partner: int | None = None
    """another cell that detects the concept"""


def shortlist(seen: Observations, hidden: int) -> list[Entry]:
    """List the best cell of every concept that was asked for, and the second best of a concept that both detect.

    By verdict, then fit.
    """
    found: list[Entry] = []
    for number in range(seen.asked):
        best, *others = (_entry(seen, number, cell, hidden) for cell in seen.scores.ranked(number)[:2].tolist())
        rivals = [other for other in others if _detect(best, other)]
        for one, partners in ((best, rivals), *((rival, [best]) for rival in rivals)):
            found.append(replace(one, partner=partners[0].cell if partners else None))
    return sorted(found, key=lambda one: (ORDER[one.finding.verdict], -one.finding.fit))


def judged(finding: Finding) -> Finding:
    """Give a finding its verdict."""
    return replace(finding, verdict=verdict(finding))


def _detect(best: Entry, other: Entry) -> bool:
    """Say whether both cells detect the concept, and it takes memory."""
    return best.finding.verdict == other.finding.verdict == "detector"


def _entry(seen: Observations, number: int, cell: int, hidden: int) -> Entry:
    coding = seen.evidence.codings[number]
    finding = described(seen.evidence, seen.scores, number, cell, hidden)
    firing = seen.sample.firing(coding, cell, finding.sign)
    rival = seen.scores.rival(number, cell, list(_rivals(seen, number)))
    placebo, placebo_memory = seen.placebos[coding.concept.kind]
    finding = replace(
        finding,
        near=seen.near[finding.concept],
        p=seen.p[number],
        scrambled=seen.twin.fit[number] if seen.twin else None,
        scrambled_memory=seen.twin.memory[number] if seen.twin else None,
        scrambled_linear=seen.twin.told[number] if seen.twin else None,
        placebo=placebo,
        placebo_memory=placebo_memory,
        rival=seen.evidence.codings[rival].concept.name if rival is not None else "",
        unique=seen.evidence.unique(number, rival, cell) if rival is not None else None,
        spread=seen.spreads[number].told,
        spread_layer=seen.spreads[number].layer,
        inside=firing.inside,
        outside=firing.outside,
        rank_correlation=firing.rank_correlation,
    )
    return Entry(number=number, cell=cell, coding=coding, finding=judged(finding))


def _rivals(seen: Observations, number: int) -> Iterator[int]:
    """List the concepts that may explain a cell as well: not those that are nearly the same, nor local ones."""
    own = seen.evidence.codings[number].concept.name
    for other, coding in enumerate(seen.evidence.codings[: seen.asked]):
        if coding.concept.name not in seen.near[own] and coding.concept.family != "local":
            yield other
