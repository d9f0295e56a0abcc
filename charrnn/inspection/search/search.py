"""The search: every cell of a model against every concept, with controls and causal tests."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from charrnn.inspection.concepts import CONCEPTS, Concept, ParsedText, make_placebos
from charrnn.inspection.search.ablation import MAX_ABLATED
from charrnn.inspection.search.causal_effects import AblationTarget, CausalEffects, measure_effects
from charrnn.inspection.search.cell_summary import (
    best_concept_of_cell,
    count_cells,
    findable_concepts,
    unexplained,
    unexplained_cells,
)
from charrnn.inspection.search.controls import permutation_count
from charrnn.inspection.search.finding import THRESHOLDS, VERDICT_RANK
from charrnn.inspection.search.findings import Findings, TooRare, UnexplainedCell
from charrnn.inspection.search.scores import format_cell
from charrnn.inspection.search.screening import Candidate, Screening, screen, shortlist, with_verdict
from charrnn.inspection.search.search_data import DEFAULT_SIGNAL, EncodedText, SearchData, signal_name
from charrnn.inspection.search.splits import MARKING, ConceptCodes, Progress, no_progress
from charrnn.network.inference import InferenceRNN
from charrnn.text.vocabulary import Ids


def search(
    rnn: InferenceRNN,
    parsed: ParsedText,
    ids: Ids,
    *,
    rng: np.random.Generator,
    model: str = "",
    concepts: Iterable[Concept] | None = None,
    confirm: EncodedText | None = None,
    signal: str = DEFAULT_SIGNAL,
    quick: bool = False,
    progress: Progress = no_progress,
) -> Findings:
    """Search all cells of a model for concepts, all built-in ones by default, in a text and its ids (T,).

    Cells are chosen on one half of the text and judged on the other, or on another text. Raises CharrnnError where a
    text is too short or no cell moves, WrongUsageError for a signal that the cells do not have.
    """
    name = signal_name(rnn, signal)
    search_data = SearchData.of(EncodedText(parsed=parsed, ids=ids), confirm)
    concept_list = list(CONCEPTS.values() if concepts is None else concepts)
    codings = search_data.codes(progress(concept_list, MARKING, len(concept_list)))
    placebo_rng, screening_rng, ablation_rng = rng.spawn(3)
    controls = [
        codes
        for codes in search_data.codes(make_placebos(parsed, placebo_rng))
        if codes.has_enough_evidence(search_data.streams)
    ]
    enough = [coding for coding in codings if coding.has_enough_evidence(search_data.streams)]
    findings = Findings(
        model=model,
        text=parsed.name,
        confirmed_on=confirm.parsed.name if confirm else "",
        characters=len(search_data.ids),
        streams=search_data.streams.count,
        signal=name,
        cells=rnn.config.layers * rnn.config.hidden,
        quick=quick,
        concepts=(),
        too_rare=tuple(_too_rare(coding) for coding in codings if coding not in enough),
    )
    if not enough:
        return findings
    screening = screen(rnn, search_data, enough, controls, screening_rng, progress, signal=signal, quick=quick)
    return _select_and_test(findings, rnn, search_data, screening, ablation_rng, progress)


def _select_and_test(
    findings: Findings,
    rnn: InferenceRNN,
    search_data: SearchData,
    screening: Screening,
    rng: np.random.Generator,
    progress: Progress,
) -> Findings:
    """Choose cells, hold them still unless it must be quick, and say what was found."""
    candidates = shortlist(screening, rnn.config.hidden)
    unexplained: tuple[UnexplainedCell, ...] = ()
    if not findings.quick:
        candidates, unexplained = _test_causally(candidates, rnn, search_data, screening, rng, progress)
    in_order = sorted(
        (candidate.finding for candidate in candidates),
        key=lambda finding: (VERDICT_RANK[finding.verdict], -finding.fit),
    )
    concepts = tuple(finding for finding in in_order if finding.family != "local")
    return replace(
        findings,
        permutations=permutation_count(search_data.streams),
        placebos=len(screening.statistics.codings) - screening.concept_count,
        placebo_fit=max(fit for fit, _ in screening.placebos.values()),
        concepts=concepts,
        local=tuple(finding for finding in in_order if finding.family == "local"),
        census=count_cells(screening, candidates),
        mysteries=unexplained,
    )


def _test_causally(
    candidates: list[Candidate],
    rnn: InferenceRNN,
    search_data: SearchData,
    screening: Screening,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[list[Candidate], tuple[UnexplainedCell, ...]]:
    """Hold the best of the shortlist still, and cells that nothing explains; judge the shortlist again."""
    targets = finalists(candidates)
    detected = screening.scores.fit[findable_concepts(screening)].max(axis=0) >= THRESHOLDS.detector_fit
    unexplained_numbers = unexplained(screening, best_concept_of_cell(screening))
    effects = measure_effects(
        rnn,
        search_data,
        screening.states,
        [AblationTarget(cell=target.cell, coding=target.coding, partner=target.partner) for target in targets],
        unexplained_numbers,
        rng,
        progress,
        variance=screening.statistics.of_concept(0).variance(search_data.streams.confirmation),
        allowed=screening.statistics.alive & ~detected,
    )
    if effects is None:
        return candidates, ()
    judged = _with_effects(candidates, targets, effects, rnn.config.hidden)
    return judged, unexplained_cells(unexplained_numbers, effects, search_data, screening, rnn.config.hidden)


def finalists(candidates: list[Candidate]) -> list[Candidate]:
    """Choose whose cells are held still: the detectors, then those that follow a concept in part.

    Of concepts that are nearly the same the first one, and no more cells than FINALISTS; a partner comes along.
    """
    chosen: list[Candidate] = []
    cells: set[int] = set()
    for candidate in candidates:
        names = {other.finding.concept for other in chosen if other.finding.concept != candidate.finding.concept}
        wanted = candidate.finding.verdict in ("detector", "partial") and candidate.finding.family != "local"
        if not wanted or names & set(candidate.finding.near):
            continue
        more = cells | {candidate.cell} | ({candidate.partner} if candidate.partner is not None else set())
        if len(more) <= MAX_ABLATED:
            chosen.append(candidate)
            cells = more
    return chosen


def _with_effects(
    candidates: list[Candidate], targets: list[Candidate], effects: CausalEffects, hidden: int
) -> list[Candidate]:
    """Judge the suspects by what they are for, and with them the same cells' entries for nearly equal concepts."""
    causes = {
        (candidate.finding.concept, candidate.cell): cause
        for candidate, cause in zip(targets, effects.causes, strict=True)
    }
    judged = []
    for target in candidates:
        names = (target.finding.concept, *target.finding.near)
        cause = next((causes[name, target.cell] for name in names if (name, target.cell) in causes), None)
        if cause and target.partner is not None:
            cause = replace(cause, partner=format_cell(target.partner, hidden))
        finding = with_verdict(replace(target.finding, cause=cause))
        judged.append(replace(target, finding=finding))
    return judged


def _too_rare(coding: ConceptCodes) -> TooRare:
    return TooRare(concept=coding.concept.name, episodes=int(coding.episodes.sum()))
