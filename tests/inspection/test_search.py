"""Search of networks with planted cells of known meaning among random cells."""

import json
import math
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest
from planted_networks import (
    DETECTOR,
    FEW_CONCEPTS,
    LSTM,
    PLANTED,
    SILENT,
    TEXT,
    TEXTS,
    B,
    alphabet_of,
    finding_of,
    learned,
    network,
    plant,
    random_weights,
    search_network,
)

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.inspection.concepts import CONCEPTS, ParsedText, make_placebos
from charrnn.inspection.search.findings import Findings
from charrnn.inspection.search.search_data import EncodedText
from charrnn.inspection.search.verdicts import THRESHOLDS


def more(values: Iterable[int]) -> list[Any]:
    """Return parameters that are tested in exhaustive runs only."""
    return [pytest.param(value, marks=pytest.mark.exhaustive) for value in values]


def searched(cell: str, seed: int = 0, sign: int = 1, **settings: Any) -> tuple[Findings, dict[int, str]]:
    """Return the findings of a network with all planted cells of a kind at random units, and the units."""
    positions = np.random.default_rng(seed).permutation(30)[: len(PLANTED[cell])].tolist()
    units = dict(zip(positions, PLANTED[cell], strict=True))
    config, weights = network(cell, units, seed=seed, sign=sign)
    return search_network(config, weights, TEXTS[cell], **settings), units


once_searched = cache(searched)
"""parameters of tests of the same search"""


@pytest.mark.parametrize(("seed", "sign"), [(0, 1), (1, -1)])
@pytest.mark.parametrize("cell", PLANTED)
def test_a_planted_cell_that_is_used_is_found_and_causal(cell: str, seed: int, sign: int) -> None:
    """At any unit, among any random cells, and with either sign."""
    findings, units = once_searched(cell, seed, sign)
    for unit, concept in units.items():
        finding = finding_of(findings, concept)
        assert (finding.cell, finding.verdict) == (f"1.{unit}", "causal")
        assert finding.fit > 0.95
        assert finding.memory > 0.9
        assert finding.p == pytest.approx(0.001)
        # the sign of a planted cell is that of the values it writes
        assert finding.sign == sign
        assert finding.cause is not None
        assert finding.cause.edge_delta > 10 * abs(finding.cause.elsewhere_delta)
    assert findings.census.causal == len(units)


@pytest.mark.parametrize(("cell", "twin"), [("lstm", 2), ("lstm", 25), ("gru", 2), ("rnn", 25)])
def test_a_copy_that_the_output_ignores_is_unused(cell: str, twin: int) -> None:
    """It fits as well as the used cell, at a lower or higher unit; both cells have a finding."""
    config, weights = network(cell, {7: "in_quote"}, twins={twin: 7})
    findings = [
        finding for finding in search_network(config, weights, TEXTS[cell]).concepts if finding.concept == "in_quote"
    ]
    assert [(finding.cell, finding.verdict) for finding in findings] == [("1.7", "causal"), (f"1.{twin}", "unused")]
    assert findings[0].fit == pytest.approx(findings[1].fit, abs=1e-3)
    assert [finding.cause.partner for finding in findings if finding.cause] == [f"1.{twin}", "1.7"]


def test_a_cell_that_another_cell_replaces_is_not_called_unused() -> None:
    """The ablation of one of two equal cells costs less; the ablation of both shows that they are needed."""
    config, weights = network("lstm", {7: "in_quote"}, twins={25: 7})
    quote = alphabet_of(TEXT).index('"')
    weights["output.weight"][quote, [7, 25]] = 1.2
    weights["output.bias"][quote] = learned("lstm")[1][quote]
    findings = [finding for finding in search_network(config, weights).concepts if finding.concept == "in_quote"]
    assert len(findings) == 2
    for finding in findings:
        assert finding.cause is not None
        assert finding.cause.pair_delta is not None
        assert finding.cause.pair_added is not None
        assert finding.cause.pair_delta > finding.cause.edge_delta
        assert finding.verdict != "unused"


def test_a_cell_planted_in_the_second_layer_is_named_by_its_layer_and_causal() -> None:
    """It toggles on the output of the first layer's quote detector."""
    config = NetworkConfig(cell="lstm", layers=2, hidden=14, embedding=0)
    weights = random_weights(config, alphabet_of(TEXT), seed=0)
    plant(weights, 0, DETECTOR, alphabet_of(TEXT))
    plant(weights, 7, LSTM["in_quote"], '"', layer=1)
    weights["output.weight"][:, 7], weights["output.bias"][:] = learned("lstm")[0][:, 0], learned("lstm")[1]
    finding = finding_of(search_network(config, weights), "in_quote")
    assert (finding.cell, finding.sign, finding.verdict) == ("2.7", 1, "causal")
    assert finding.fit > 0.95


@pytest.mark.parametrize("cell", PLANTED)
def test_without_a_planted_cell_there_is_no_detector(cell: str) -> None:
    """Random cells with input from every character are far below a planted cell."""
    config, weights = network(cell, {})
    findings = search_network(config, weights, TEXTS[cell])
    assert not {finding.verdict for finding in findings.concepts} & {
        "causal",
        "shared",
        "direction",
        "detector",
        "unused",
    }
    assert (findings.census.detectors, findings.census.causal) == (0, 0)


@pytest.mark.parametrize("cell", PLANTED)
def test_placebos_searched_as_concepts_yield_no_finding(cell: str) -> None:
    """They have realistic marks that predict nothing; a cell that follows the distance from a letter is local."""
    parsed = ParsedText.of(TEXTS[cell], "planted.md")
    findings, _ = searched(cell, concepts=make_placebos(parsed, np.random.default_rng(7)))
    assert len(findings.concepts) >= 4
    verdicts = {finding.concept: finding.verdict for finding in findings.concepts}
    assert set(verdicts.values()) <= {"none", "trace", "local"}
    assert {verdict for name, verdict in verdicts.items() if "toggle" in name} <= {"none", "trace"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(6), *more(range(6, 20))])
def test_an_untrained_network_raises_no_false_alarm(seed: int) -> None:
    """All built-in concepts, in random networks with weights of initial or of trained scale.

    Each network has about 15 concepts with enough evidence. No alarm in six networks, two of each kind of cell,
    bounds the rate of false alarms by 3.3 % of findings (95 % confidence, 3 / 90); no alarm in all twenty by 1 % (3 /
    300).
    """
    cell = ("lstm", "gru", "rnn")[seed % 3]
    config = NetworkConfig(cell=cell, layers=1 + seed % 2, hidden=24, embedding=0)
    weights = random_weights(config, alphabet_of(TEXT), seed, scale=0.2 if seed % 4 == 0 else 1.0)
    findings = search_network(config, weights, rng=np.random.default_rng(seed), concepts=None)
    assert not [
        finding
        for finding in findings.concepts
        if finding.carriers
        or finding.verdict in ("detector", "redundant")
        or (finding.verdict == "unused" and finding.fit >= THRESHOLDS.detector_fit)
    ]


def test_the_tuning_curve_equals_that_of_the_planted_cell() -> None:
    """tanh(0.02 · position) at each level of the line counter."""
    config, weights = network("lstm", {3: "line_pos"})
    finding = finding_of(search_network(config, weights, quick=True), "line_pos")
    assert len(finding.tuning) > 8
    for level, mean in finding.tuning:
        assert mean == pytest.approx(math.tanh(0.02 * level), abs=0.01)


def test_a_dead_cell_is_never_listed() -> None:
    """Every living cell of a small network is listed; the dead cell is only counted."""
    config, weights = network("lstm", {}, hidden=8)
    plant(weights, 2, SILENT, alphabet_of(TEXT))
    findings = search_network(config, weights, quick=True)
    for finding in findings.concepts:
        assert sorted(cell for cell, _ in finding.top) == [f"1.{unit}" for unit in (0, 1, 3, 4, 5, 6, 7)]
    assert findings.census.dead == 1


def test_a_network_of_dead_cells_is_refused() -> None:
    """The message states the reason."""
    config, weights = network("lstm", {}, hidden=4)
    for unit in range(4):
        plant(weights, unit, SILENT, alphabet_of(TEXT))
    with pytest.raises(CharrnnError, match="all cells of this model are constant"):
        search_network(config, weights, quick=True)


def test_a_layer_of_dead_cells_does_not_disturb_the_other_layer() -> None:
    """The search completes and counts the dead cells."""
    config = NetworkConfig(cell="lstm", layers=2, hidden=6, embedding=0)
    weights = random_weights(config, alphabet_of(TEXT), seed=0)
    for unit in range(6):
        plant(weights, unit, SILENT, "", layer=1)
    assert search_network(config, weights).census.dead == 6


def test_a_rare_concept_is_listed_and_never_scored() -> None:
    """Prose has no comments, and this text has two quotations."""
    text = TEXT.replace('"', "", TEXT.count('"') - 4)
    config, weights = network("lstm", {0: "in_quote"}, hidden=4)
    concepts = [*FEW_CONCEPTS, CONCEPTS["comment"]]
    findings = search_network(config, weights, text, concepts=concepts, quick=True)
    rare = {concept.concept: concept.episodes for concept in findings.too_rare}
    assert rare == {"comment": 0, "in_quote": rare["in_quote"]}
    assert rare["in_quote"] <= 2
    listed = findings.to_json()["concepts"]
    comment = next(entry for entry in listed if entry["concept"] == "comment")
    assert comment.items() >= {"cell": None, "episodes": 0, "halves": [0, 0], "verdict": "too rare"}.items()
    assert len(listed) == len(concepts)


def test_the_same_seed_gives_the_same_bytes() -> None:
    """The JSON has no NaN or infinity."""
    first, second = once_searched("gru", 0, 1)[0], searched("gru", 0, 1)[0]
    assert json.dumps(first.to_json(), allow_nan=False) == json.dumps(second.to_json(), allow_nan=False)
    assert (first.signal, first.cells, first.characters) == ("h", 30, len(TEXT))


def test_a_quick_search_skips_ablation_and_shuffled_weights() -> None:
    """All other values equal those of a complete search."""
    searches = (searched("lstm", quick=True), once_searched("lstm", 0, 1))
    quick, complete = (finding_of(findings, "line_pos") for findings, _ in searches)
    assert (quick.verdict, quick.cause, quick.scrambled) == ("detector", None, None)
    assert (quick.cell, quick.fit, quick.memory, quick.p) == (
        complete.cell,
        complete.fit,
        complete.memory,
        complete.p,
    )


def test_a_separate_text_confirms_or_refutes() -> None:
    """A cell is selected on one text; a text without the concept does not confirm it."""
    config, weights = network("lstm", {7: "in_quote"})
    alphabet = alphabet_of(TEXT)

    def text(words: str) -> EncodedText:
        return EncodedText(
            parsed=ParsedText.of(words, "other.md"), ids=np.array([alphabet.index(character) for character in words])
        )

    same = search_network(config, weights, confirm=text(TEXT), quick=True)
    assert same.confirmed_on == "other.md"
    assert finding_of(same, "in_quote").fit > 0.95
    inverted = search_network(config, weights, confirm=text('"' + TEXT.replace('"', "")[:30_000]), quick=True)
    assert "in_quote" in {rare.concept for rare in inverted.too_rare}


def test_a_needed_cell_without_a_concept_is_reported_as_unexplained() -> None:
    """A quote cell, if no quote concept is searched, with the characters at which it changes and forgets."""
    config, weights = network("lstm", {7: "in_quote"})
    concepts = [CONCEPTS["line_pos"], CONCEPTS["word_pos"]]
    cell = search_network(config, weights, concepts=concepts).mysteries[0]
    assert (cell.cell, cell.writes_on[0], cell.forgets_on) == ("1.7", '"', ('"',))
    assert cell.delta > 3 * cell.delta_se
    assert cell.fit < 0.2
    assert cell.local < 0.5


@pytest.mark.parametrize(("cell", "signal"), [("lstm", "o"), ("lstm", "h"), ("gru", "z")])
def test_other_signals_can_be_searched(cell: str, signal: str) -> None:
    """The signal is named by its letter."""
    config, weights = network(cell, {7: "in_quote"})
    assert search_network(config, weights, signal=signal, quick=True).signal == signal


def test_an_unknown_signal_is_refused() -> None:
    """The hint lists the signals of the cells."""
    config, weights = network("gru", {})
    with pytest.raises(WrongUsageError, match="no signal 'f'") as refusal:
        search_network(config, weights, signal="f")
    assert refusal.value.hint == "one of h, r, z, n"


def test_progress_receives_the_stages_in_order() -> None:
    """Every step is passed on, and the announced number of steps is exact."""
    stages: list[tuple[str, int, int]] = []

    def progress(steps: Any, stage: str, count: int) -> Any:
        steps_done = 0
        for step in steps:
            steps_done += 1
            yield step
        stages.append((stage, count, steps_done))

    searched("rnn", progress=progress)
    assert [stage for stage, _, _ in stages] == [
        "marking concepts",
        "reading with scrambled weights",
        "reading",
        "ablating cells",
        "measuring dose-responses",
        "ablating groups of cells",
    ]
    assert all(count == steps_done for _, count, steps_done in stages)


def test_the_open_gate_is_open() -> None:
    """Planted cells rely on sigmoid(B) being 1 in float32."""
    assert np.float32(1) / (np.float32(1) + np.exp(np.float32(-B))) == 1
