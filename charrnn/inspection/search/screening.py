"""Screening of all cells: one pass over the text for all concepts, and a shortlist of candidates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from charrnn.inspection.concepts import Kind
from charrnn.inspection.search.controls import PermutationTest, ShuffledControl, shuffled_control
from charrnn.inspection.search.finding import VERDICT_RANK, Finding, verdict
from charrnn.inspection.search.probes import ActivationSample, CellProducts, LinearProbe, fit_linear_probes
from charrnn.inspection.search.scores import Scores, make_finding
from charrnn.inspection.search.search_data import (
    CHUNK_STEPS,
    DEFAULT_SIGNAL,
    SearchData,
    States,
    near_duplicates,
    stream_activations,
)
from charrnn.inspection.search.splits import READING, ConceptCodes, Progress, trigram_groups
from charrnn.inspection.search.sufficient_statistics import SufficientStatistics, accumulate
from charrnn.network.inference import InferenceRNN

# All that one pass over the text, and one by the shuffled networks, measures


@dataclass(frozen=True, kw_only=True, eq=False)
class Screening:
    """What is known of all cells and K concepts, the placebos last."""

    statistics: SufficientStatistics
    scores: Scores
    sample: ActivationSample
    """what cells did at some characters"""
    spreads: list[LinearProbe]
    """(K,)"""
    p: list[float]
    """how often chance has some cell follow a concept as closely, of those that were asked for"""
    near: dict[str, tuple[str, ...]]
    """which of those are nearly the same, by name"""
    shuffled: ShuffledControl | None
    """the scrambled network; None in a quick search"""
    placebos: dict[Kind, tuple[float, float]]
    """the best fit and the best memory for a placebo of each kind, at least 0"""
    states: States
    """what the network carried on its way"""

    @property
    def concept_count(self) -> int:
        """How many concepts were asked for; the others are placebos."""
        return len(self.p)


def screen(
    rnn: InferenceRNN,
    search_data: SearchData,
    codings: Sequence[ConceptCodes],
    placebos: Sequence[ConceptCodes],
    rng: np.random.Generator,
    progress: Progress,
    *,
    signal: str = DEFAULT_SIGNAL,
    quick: bool = False,
) -> Screening:
    """Read the material, and once more with scrambled weights unless it must be quick."""
    streams, cells = search_data.streams, rnn.config.layers * rnn.config.hidden
    sampling, shuffling, scrambling = rng.spawn(3)
    groups, everything = trigram_groups(search_data.ids), [*codings, *placebos]
    # first, so that the sums of both are never there together
    disorder = (
        None
        if quick
        else shuffled_control(rnn, search_data.ids, groups, everything, streams, scrambling, progress, signal=signal)
    )
    products = CellProducts(streams, rnn.config.layers, rnn.config.hidden)
    sessions, sample = PermutationTest(codings, streams, cells), ActivationSample(streams, cells, sampling)
    states: States = {}
    chunks = stream_activations(rnn, search_data.ids, streams, signal=signal, states=None if quick else states)
    chunks = iter(progress(chunks, READING, -(-streams.length // CHUNK_STEPS)))
    statistics = accumulate(
        chunks,
        everything,
        groups,
        streams,
        accumulators=[products.accumulate, sessions.accumulate, sample.accumulate],
    )
    scores = Scores.of(statistics)
    return Screening(
        statistics=statistics,
        scores=scores,
        sample=sample,
        spreads=fit_linear_probes(statistics, products),
        p=sessions.p_values(shuffling),
        near=near_duplicates(list(codings), streams),
        shuffled=disorder,
        placebos=_placebos(scores, everything, len(codings)),
        states=states,
    )


def _placebos(scores: Scores, codings: Sequence[ConceptCodes], concept_count: int) -> dict[Kind, tuple[float, float]]:
    """Take the best of the placebos, those after the ones that were asked for, by kind; depths go with toggles."""
    fit, memory = scores.best()
    floors: dict[Kind, tuple[float, float]] = {"binary": (0.0, 0.0), "counter": (0.0, 0.0)}
    for number in range(concept_count, len(codings)):
        kind = codings[number].concept.kind
        before = floors[kind]
        floors[kind] = max(before[0], float(fit[number])), max(before[1], float(memory[number]))
    return floors | {"depth": floors["binary"]}


# The shortlist: the best cell of each concept, and a second one where it detects the concept too


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
