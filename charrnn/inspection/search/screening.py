"""Screening of all cells: one pass over the text for all concepts, and a shortlist of candidates."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from charrnn.inspection.concepts import Concept, Kind
from charrnn.inspection.measures.activations import DEFAULT_SIGNAL
from charrnn.inspection.search.controls import PermutationTest, ShuffledControl, shuffled_control
from charrnn.inspection.search.directions import MemorySample
from charrnn.inspection.search.finding import Finding
from charrnn.inspection.search.findings import VERDICT_RANK
from charrnn.inspection.search.probes import ActivationSample, CellProducts, LinearProbe, fit_linear_probes
from charrnn.inspection.search.scores import Scores, make_finding
from charrnn.inspection.search.search_data import (
    CHUNK_STEPS,
    EncodedText,
    SearchData,
    States,
    near_duplicates,
    stream_activations,
)
from charrnn.inspection.search.splits import READING, ConceptCodes, Progress, no_progress
from charrnn.inspection.search.sufficient_statistics import SufficientStatistics, accumulate
from charrnn.inspection.search.verdicts import judge
from charrnn.network.inference import InferenceRNN
from charrnn.threads import read_ahead

# Screening: scores and controls from one pass over the text, and one pass of each shuffled network


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchOptions:
    """Options of a search."""

    concepts: Iterable[Concept] | None = None
    """concepts to search for; all built-in concepts by default"""
    confirm: EncodedText | None = None
    """separate confirmation text; None for one half of the searched text"""
    signal: str = DEFAULT_SIGNAL
    """signal of the cells: c, h or a gate"""
    quick: bool = False
    """whether to skip the control with shuffled weights and the causal tests"""
    only_carriers: bool = False
    """whether to skip the control with shuffled weights, unexplained cells, and groups that cannot be carriers"""
    progress: Progress = no_progress
    """wrapper of the steps of each stage"""
    model: str = ""
    """path of the model file, for the findings"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Screening:
    """Scores and controls of all cells for K concepts, with the placebo concepts last."""

    statistics: SufficientStatistics
    scores: Scores
    sample: ActivationSample
    """activations at randomly sampled characters"""
    products: CellProducts
    """products of every two cells of a layer"""
    probes: list[LinearProbe]
    """linear probe of each concept (K,)"""
    p_values: list[float]
    """family-wise p-value of each searched concept, over all cells"""
    near: dict[str, tuple[str, ...]]
    """near duplicates of each searched concept, by name"""
    shuffled: ShuffledControl | None
    """best scores with shuffled weights; None in a quick search"""
    placebos: dict[Kind, tuple[float, float]]
    """best fit and memory of any placebo of each kind of concept, at least 0"""
    states: States
    """states of the network before each ablation segment; empty in a quick search"""
    memory: MemorySample | None
    """memory of the cells at sampled characters; None in a quick search"""

    @property
    def concept_count(self) -> int:
        """Return the number of searched concepts, placebos excluded."""
        return len(self.p_values)


def screen(
    rnn: InferenceRNN,
    search_data: SearchData,
    codings: Sequence[ConceptCodes],
    placebos: Sequence[ConceptCodes],
    rng: np.random.Generator,
    options: SearchOptions,
) -> Screening:
    """Return the scores of all cells and, unless the search is quick, of networks with shuffled weights."""
    streams, cells = search_data.streams, rnn.config.layers * rnn.config.hidden
    sampling_rng, permutation_rng, shuffling_rng = rng.spawn(3)
    signal, progress, all_codings = options.signal, options.progress, [*codings, *placebos]
    # computed first, so that the sums of both passes are not in memory at once
    shuffled = (
        None
        if options.quick or options.only_carriers
        else shuffled_control(rnn, search_data, all_codings, shuffling_rng, signal=signal, progress=progress)
    )
    products = CellProducts(streams, rnn.config.layers, rnn.config.hidden)
    permutation_test = PermutationTest(codings, streams, cells)
    sample = ActivationSample(streams, cells, sampling_rng)
    states: States = {}
    memory = None if options.quick else MemorySample(streams, rnn.config.layers, rnn.config.hidden)
    chunks = stream_activations(
        rnn,
        search_data.ids,
        streams,
        signal=signal,
        states=None if options.quick else states,
        observe=memory.observe if memory else None,
    )
    statistics = accumulate(
        progress(read_ahead(chunks), READING, -(-streams.length // CHUNK_STEPS)),
        all_codings,
        search_data.trigram_groups,
        streams,
        accumulators=[products.accumulate, permutation_test.accumulate, sample.accumulate],
    )
    scores = Scores.of(statistics)
    return Screening(
        statistics=statistics,
        scores=scores,
        sample=sample,
        products=products,
        probes=fit_linear_probes(statistics, products),
        p_values=permutation_test.p_values(permutation_rng),
        near=near_duplicates(list(codings), streams),
        shuffled=shuffled,
        placebos=_placebos(scores, all_codings, len(codings)),
        states=states,
        memory=memory,
    )


def _placebos(scores: Scores, codings: Sequence[ConceptCodes], concept_count: int) -> dict[Kind, tuple[float, float]]:
    """Return the best fit and memory of the placebos of each kind; depths are compared with binary placebos."""
    fit, memory = scores.best()
    best: dict[Kind, tuple[float, float]] = {"binary": (0.0, 0.0), "counter": (0.0, 0.0)}
    for number in range(concept_count, len(codings)):
        kind = codings[number].concept.kind
        best_fit, best_memory = best[kind]
        best[kind] = max(best_fit, float(fit[number])), max(best_memory, float(memory[number]))
    return best | {"depth": best["binary"]}


# Shortlist: the best cell of each concept, and the second-best cell if it is a detector, too


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A cell selected for a concept, with its finding."""

    number: int
    """index of the concept in the screening"""
    cell: int
    """number of the cell among all layers' cells"""
    coding: ConceptCodes
    finding: Finding
    partner: int | None = None
    """another cell that detects the concept"""


def shortlist(screening: Screening, hidden: int) -> list[Candidate]:
    """Return the best cell of every searched concept, and the second-best cell if both of them detect the concept.

    The list is sorted by verdict and then by fit.
    """
    candidates: list[Candidate] = []
    for number in range(screening.concept_count):
        best, *second_best = (
            _candidate(screening, number, cell, hidden) for cell in screening.scores.ranked(number)[:2].tolist()
        )
        if second_best and _both_detect(best, second_best[0]):
            partner = second_best[0]
            candidates += [replace(best, partner=partner.cell), replace(partner, partner=best.cell)]
        else:
            candidates.append(best)
    return sorted(candidates, key=lambda candidate: (VERDICT_RANK[candidate.finding.verdict], -candidate.finding.fit))


def _both_detect(best: Candidate, other: Candidate) -> bool:
    """Return whether both cells have the verdict "detector"."""
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
        p=screening.p_values[number],
        scrambled=screening.shuffled.fit[number] if screening.shuffled else None,
        scrambled_memory=screening.shuffled.memory[number] if screening.shuffled else None,
        scrambled_linear=screening.shuffled.linear_r2[number] if screening.shuffled else None,
        placebo=placebo,
        placebo_memory=placebo_memory,
        rival=screening.statistics.codings[rival].concept.name if rival is not None else "",
        unique=screening.statistics.unique(number, rival, cell) if rival is not None else None,
        r2_by_cells=screening.probes[number].r2_by_cells,
        linear_layer=screening.probes[number].layer,
        inside=selectivity.inside,
        outside=selectivity.outside,
        rank_correlation=selectivity.rank_correlation,
    )
    return Candidate(number=number, cell=cell, coding=coding, finding=judge(finding))


def _rivals(screening: Screening, number: int) -> Iterator[int]:
    """Yield the concepts compared with a finding's concept: near duplicates and local concepts are excluded."""
    own = screening.statistics.codings[number].concept.name
    for other, coding in enumerate(screening.statistics.codings[: screening.concept_count]):
        if coding.concept.name not in screening.near[own] and coding.concept.family != "local":
            yield other
