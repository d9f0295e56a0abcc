"""Search of a model's cells for concepts, with controls and causal tests."""

from dataclasses import replace

import numpy as np

from charrnn.inspection.concepts import CONCEPTS, ParsedText, make_placebos
from charrnn.inspection.measures.activations import signal_name
from charrnn.inspection.search.causal_tests import test_causally
from charrnn.inspection.search.cell_summary import (
    count_cells,
)
from charrnn.inspection.search.controls import permutation_count
from charrnn.inspection.search.findings import VERDICT_RANK, Findings, TooRare, UnexplainedCell
from charrnn.inspection.search.screening import (
    Screening,
    SearchOptions,
    screen,
    shortlist,
)
from charrnn.inspection.search.search_data import EncodedText, SearchData
from charrnn.inspection.search.splits import MARKING, ConceptCodes
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
    return search_with_screening(rnn, parsed, ids, rng=rng, options=options)[0]


def search_with_screening(
    rnn: InferenceRNN,
    parsed: ParsedText,
    ids: Ids,
    *,
    rng: np.random.Generator,
    options: SearchOptions = DEFAULT_OPTIONS,
) -> tuple[Findings, Screening | None]:
    """Return the findings as `search` does, with the screening, or None if no concept is frequent."""
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
        return findings, None
    screening = screen(rnn, search_data, frequent, placebos, screening_rng, options)
    return _select_and_test(findings, rnn, search_data, screening, ablation_rng, options), screening


def _select_and_test(
    findings: Findings,
    rnn: InferenceRNN,
    search_data: SearchData,
    screening: Screening,
    rng: np.random.Generator,
    options: SearchOptions,
) -> Findings:
    """Return the findings of the shortlist, with causal tests unless the search is quick, and cell counts."""
    candidates = shortlist(screening, rnn.config.hidden)
    unexplained: tuple[UnexplainedCell, ...] = ()
    if not findings.quick:
        candidates, unexplained = test_causally(
            candidates,
            rnn,
            search_data,
            screening,
            rng,
            options.progress,
            only_carriers=options.only_carriers,
        )
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
