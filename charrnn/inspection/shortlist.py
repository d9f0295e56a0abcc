"""The shortlist: for each concept its best cell, and a second one where that detects it too, as far as observed.

What they are for is left to the uses.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from charrnn.inspection.coding import ConceptCodes
from charrnn.inspection.finding import Finding
from charrnn.inspection.observations import Screening
from charrnn.inspection.scores import make_finding
from charrnn.inspection.verdicts import VERDICT_RANK, verdict


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A cell, a concept, and what is known of the two."""

    number: int
    """the concept's place among the observed ones"""
    cell: int
    """its number among all layers' cells"""
    coding: ConceptCodes
    finding: Finding
    partner: int | None = None
    """another cell that detects the concept"""


def shortlist(screening: Screening, hidden: int) -> list[Candidate]:
    """List the best cell of every concept that was asked for, and the second best of a concept that both detect.

    By verdict, then fit.
    """
    candidates: list[Candidate] = []
    for number in range(screening.concept_count):
        best, *other_candidates = (
            _candidate(screening, number, cell, hidden) for cell in screening.scores.ranked(number)[:2].tolist()
        )
        rivals = [other for other in other_candidates if _both_detect(best, other)]
        for candidate, partners in ((best, rivals), *((rival, [best]) for rival in rivals)):
            candidates.append(replace(candidate, partner=partners[0].cell if partners else None))
    return sorted(candidates, key=lambda candidate: (VERDICT_RANK[candidate.finding.verdict], -candidate.finding.fit))


def with_verdict(finding: Finding) -> Finding:
    """Give a finding its verdict."""
    return replace(finding, verdict=verdict(finding))


def _both_detect(best: Candidate, other: Candidate) -> bool:
    """Say whether both cells detect the concept, and it takes memory."""
    return best.finding.verdict == other.finding.verdict == "detector"


def _candidate(screening: Screening, number: int, cell: int, hidden: int) -> Candidate:
    coding = screening.statistics.codings[number]
    finding = make_finding(screening.statistics, screening.scores, number, cell, hidden)
    selectivity = screening.sample.selectivity(coding, cell, finding.sign)
    rival = screening.scores.rival(number, cell, list(_rivals(screening, number)))
    placebo, placebo_memory = screening.placebos[coding.concept.kind]
    finding = replace(
        finding,
        near=screening.near[finding.concept],
        p=screening.p[number],
        scrambled=screening.shuffled.fit[number] if screening.shuffled else None,
        scrambled_memory=screening.shuffled.memory[number] if screening.shuffled else None,
        scrambled_linear=screening.shuffled.linear_r2[number] if screening.shuffled else None,
        placebo=placebo,
        placebo_memory=placebo_memory,
        rival=screening.statistics.codings[rival].concept.name if rival is not None else "",
        unique=screening.statistics.unique(number, rival, cell) if rival is not None else None,
        spread=screening.spreads[number].r2_by_cells,
        spread_layer=screening.spreads[number].layer,
        inside=selectivity.inside,
        outside=selectivity.outside,
        rank_correlation=selectivity.rank_correlation,
    )
    return Candidate(number=number, cell=cell, coding=coding, finding=with_verdict(finding))


def _rivals(screening: Screening, number: int) -> Iterator[int]:
    """List the concepts that may explain a cell as well: not those that are nearly the same, nor local ones."""
    own = screening.statistics.codings[number].concept.name
    for other, coding in enumerate(screening.statistics.codings[: screening.concept_count]):
        if coding.concept.name not in screening.near[own] and coding.concept.family != "local":
            yield other
