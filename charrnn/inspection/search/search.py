"""Search of a model's cells for concepts, with controls and causal tests."""

from dataclasses import replace

import numpy as np

from charrnn.inspection.concepts import CONCEPTS, ParsedText, make_placebos
from charrnn.inspection.measures.activations import signal_name
from charrnn.inspection.search.ablation import MAX_ABLATED
from charrnn.inspection.search.causal_effects import AblationRequest, AblationTarget, CausalEffects, measure_effects
from charrnn.inspection.search.cell_summary import (
    best_concept_of_cell,
    count_cells,
    findable_concepts,
    unexplained_candidates,
    unexplained_cells,
)
from charrnn.inspection.search.controls import permutation_count
from charrnn.inspection.search.finding import THRESHOLDS, judge
from charrnn.inspection.search.findings import VERDICT_RANK, Findings, TooRare, UnexplainedCell
from charrnn.inspection.search.scores import format_cell
from charrnn.inspection.search.screening import (
    Candidate,
    Screening,
    SearchOptions,
    screen,
    shortlist,
)
from charrnn.inspection.search.search_data import EncodedText, SearchData
from charrnn.inspection.search.splits import MARKING, ConceptCodes, Progress
from charrnn.network.inference import InferenceRNN
from charrnn.text.vocabulary import Ids

DEFAULT_OPTIONS = SearchOptions()
"""all built-in concepts, confirmed on half of the text"""


def search(
    rnn: InferenceRNN,
    parsed: ParsedText,
    ids: Ids,
    *,
    rng: np.random.Generator,
    options: SearchOptions = DEFAULT_OPTIONS,
) -> Findings:
    """Return the findings of a search of all cells of a model in a text and its ids (T,).

    Cells are selected on one half of the text and scored on the other half, or on a separate confirmation text.
    Raise CharrnnError if a text is too short or all cells are dead, and WrongUsageError for an unknown signal.
    """
    signal = signal_name(rnn, options.signal)
    search_data = SearchData.of(EncodedText(parsed=parsed, ids=ids), options.confirm)
    concepts = list(CONCEPTS.values() if options.concepts is None else options.concepts)
    codings = search_data.codes(options.progress(concepts, MARKING, len(concepts)))
    placebo_rng, screening_rng, ablation_rng = rng.spawn(3)
    placebos = _with_evidence(search_data.codes(make_placebos(parsed, placebo_rng)), search_data)
    frequent = _with_evidence(codings, search_data)
    findings = Findings(
        model=options.model,
        text=parsed.name,
        confirmed_on=options.confirm.parsed.name if options.confirm else "",
        characters=len(search_data.ids),
        streams=search_data.streams.count,
        signal=signal,
        cells=rnn.config.layers * rnn.config.hidden,
        quick=options.quick,
        concepts=(),
        too_rare=tuple(_too_rare(coding, search_data) for coding in codings if coding not in frequent),
    )
    if not frequent:
        return findings
    screening = screen(rnn, search_data, frequent, placebos, screening_rng, options)
    return _select_and_test(findings, rnn, search_data, screening, ablation_rng, options.progress)


def _select_and_test(
    findings: Findings,
    rnn: InferenceRNN,
    search_data: SearchData,
    screening: Screening,
    rng: np.random.Generator,
    progress: Progress,
) -> Findings:
    """Return the findings of the shortlist, with causal tests unless the search is quick, and cell counts."""
    candidates = shortlist(screening, rnn.config.hidden)
    unexplained: tuple[UnexplainedCell, ...] = ()
    if not findings.quick:
        candidates, unexplained = _test_causally(candidates, rnn, search_data, screening, rng, progress)
    by_verdict = sorted(
        (candidate.finding for candidate in candidates),
        key=lambda finding: (VERDICT_RANK[finding.verdict], -finding.fit),
    )
    return replace(
        findings,
        permutations=permutation_count(search_data.streams),
        placebos=len(screening.statistics.codings) - screening.concept_count,
        placebo_fit=max(fit for fit, _ in screening.placebos.values()),
        concepts=tuple(finding for finding in by_verdict if finding.family != "local"),
        local=tuple(finding for finding in by_verdict if finding.family == "local"),
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
    """Return the shortlist with causal verdicts, and the unexplained cells that the network needs."""
    targets = finalists(candidates)
    detected = screening.scores.fit[findable_concepts(screening)].max(axis=0) >= THRESHOLDS.detector_fit
    unexplained = unexplained_candidates(screening, best_concept_of_cell(screening))
    request = AblationRequest(
        targets=[
            AblationTarget(cell=target.cell, coding=target.coding, partner=target.partner) for target in targets
        ],
        unexplained=unexplained,
        variance=screening.statistics.of_concept(0).variance(search_data.streams.confirmation),
        allowed=screening.statistics.alive & ~detected,
    )
    results = measure_effects(rnn, search_data, screening.states, request, rng, progress)
    if results is None:
        return candidates, ()
    with_effects = _with_effects(candidates, targets, results, rnn.config.hidden)
    return with_effects, unexplained_cells(unexplained, results, search_data, screening, rnn.config.hidden)


def finalists(candidates: list[Candidate]) -> list[Candidate]:
    """Return the candidates to ablate: detectors, then partial detectors, with at most MAX_ABLATED cells in total.

    Only the first of several near-duplicate concepts is chosen. The partner of a candidate counts as a cell.
    """
    chosen: list[Candidate] = []
    cells: set[int] = set()
    for candidate in candidates:
        finding = candidate.finding
        chosen_concepts = {other.finding.concept for other in chosen} - {finding.concept}
        eligible = finding.verdict in ("detector", "partial") and finding.family != "local"
        if not eligible or chosen_concepts & set(finding.near):
            continue
        new_cells = cells | {candidate.cell} | ({candidate.partner} if candidate.partner is not None else set())
        if len(new_cells) <= MAX_ABLATED:
            chosen.append(candidate)
            cells = new_cells
    return chosen


def _with_effects(
    candidates: list[Candidate], targets: list[Candidate], results: CausalEffects, hidden: int
) -> list[Candidate]:
    """Return the candidates with the causal effect of their cell for their concept or a near duplicate."""
    effects = {
        (target.finding.concept, target.cell): effect for target, effect in zip(targets, results.effects, strict=True)
    }
    updated = []
    for candidate in candidates:
        concepts = (candidate.finding.concept, *candidate.finding.near)
        keys = ((concept, candidate.cell) for concept in concepts)
        effect = next((effects[key] for key in keys if key in effects), None)
        if effect and candidate.partner is not None:
            effect = replace(effect, partner=format_cell(candidate.partner, hidden))
        updated.append(replace(candidate, finding=judge(replace(candidate.finding, cause=effect))))
    return updated


def _with_evidence(codings: list[ConceptCodes], search_data: SearchData) -> list[ConceptCodes]:
    """Return the concepts that occur often enough in the streams."""
    return [coding for coding in codings if coding.has_enough_evidence(search_data.streams)]


def _too_rare(coding: ConceptCodes, search_data: SearchData) -> TooRare:
    return TooRare(
        concept=coding.concept.name,
        episodes=int(coding.episodes.sum()),
        halves=coding.episodes_in_halves(search_data.streams),
        streams=coding.streams,
    )
