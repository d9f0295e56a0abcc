"""The search, on networks whose cells were given their meaning by hand among random ones."""

import json
import math
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest
from planted import (
    ASKED,
    DETECTOR,
    LSTM,
    PLANTED,
    SILENT,
    TEXT,
    TEXTS,
    B,
    about,
    alphabet_of,
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


def more(values: Iterable[int]) -> list[Any]:
    """Return parameters that are only tried where everything is."""
    return [pytest.param(value, marks=pytest.mark.exhaustive) for value in values]


def searched(cell: str, seed: int = 0, sign: int = 1, **settings: Any) -> tuple[Findings, dict[int, str]]:
    """Search a network with all cells of a kind planted at places drawn by the seed; give those too."""
    places = np.random.default_rng(seed).permutation(30)[: len(PLANTED[cell])].tolist()
    units = dict(zip(places, PLANTED[cell], strict=True))
    config, weights = network(cell, units, seed=seed, sign=sign)
    return search_network(config, weights, TEXTS[cell], **settings), units


once_searched = cache(searched)
"""for tests that look at the findings of the same search"""


@pytest.mark.parametrize(("seed", "sign"), [(0, 1), (1, -1)])
@pytest.mark.parametrize("cell", PLANTED)
def test_a_planted_cell_that_is_used_is_found_and_causal(cell: str, seed: int, sign: int) -> None:
    """Wherever it stands among whatever cells, and whichever way round it says it."""
    findings, units = once_searched(cell, seed, sign)
    for unit, concept in units.items():
        finding = about(findings, concept)
        assert (finding.cell, finding.verdict) == (f"1.{unit}", "causal")
        assert finding.fit > 0.95
        assert finding.memory > 0.9
        assert finding.p == pytest.approx(0.001)
        # the first quote sets a toggle; what a counter or a latch says has the sign of what it writes
        assert finding.sign == sign
        assert finding.cause is not None
        assert finding.cause.edge_delta > 10 * abs(finding.cause.elsewhere_delta)
    assert findings.census.causal == len(units)


@pytest.mark.parametrize("twin", [2, 25])
@pytest.mark.parametrize("cell", PLANTED)
def test_a_copy_that_nobody_listens_to_is_unused(cell: str, twin: int) -> None:
    """It fits as well as the used one, before which or after which it may stand; both have their row."""
    config, weights = network(cell, {7: "in_quote"}, twins={twin: 7})
    found = [one for one in search_network(config, weights, TEXTS[cell]).concepts if one.concept == "in_quote"]
    assert [(one.cell, one.verdict) for one in found] == [("1.7", "causal"), (f"1.{twin}", "unused")]
    assert found[0].fit == pytest.approx(found[1].fit, abs=1e-3)
    assert [one.cause.partner for one in found if one.cause] == [f"1.{twin}", "1.7"]


def test_a_cell_that_another_makes_up_for_is_not_called_unused() -> None:
    """Either alone is less missed, for the other says the same; what both are for shows when both are held."""
    config, weights = network("lstm", {7: "in_quote"}, twins={25: 7})
    quote = alphabet_of(TEXT).index('"')
    weights["output.weight"][quote, [7, 25]] = 1.2
    weights["output.bias"][quote] = learned("lstm", 1)[1][quote]
    found = [one for one in search_network(config, weights).concepts if one.concept == "in_quote"]
    assert len(found) == 2
    for one in found:
        assert one.cause is not None
        assert one.cause.pair_delta is not None
        assert one.cause.pair_added is not None
        assert one.cause.pair_delta > one.cause.edge_delta
        assert one.verdict != "unused"


def test_a_cell_planted_in_the_second_layer_is_named_by_its_layer_and_causal() -> None:
    """It toggles on what the first layer's detector of quotes tells it."""
    config = NetworkConfig(cell="lstm", layers=2, hidden=14, embedding=0)
    weights = random_weights(config, alphabet_of(TEXT), seed=0)
    plant(weights, 0, DETECTOR, alphabet_of(TEXT))
    plant(weights, 7, LSTM["in_quote"], '"', layer=1)
    weights["output.weight"][:, 7], weights["output.bias"][:] = learned("lstm", 1)[0][:, 0], learned("lstm", 1)[1]
    finding = about(search_network(config, weights), "in_quote")
    assert (finding.cell, finding.sign, finding.verdict) == ("2.7", 1, "causal")
    assert finding.fit > 0.95


@pytest.mark.parametrize("cell", PLANTED)
def test_what_no_cell_was_given_is_no_detector(cell: str) -> None:
    """Random cells that hear every character come nowhere near a planted one."""
    config, weights = network(cell, {})
    findings = search_network(config, weights, TEXTS[cell])
    assert not {finding.verdict for finding in findings.concepts} & {"causal", "detector", "unused"}
    assert (findings.census.detectors, findings.census.causal) == (0, 0)


@pytest.mark.parametrize("cell", PLANTED)
def test_placebos_asked_for_as_if_they_were_concepts_find_nothing(cell: str) -> None:
    """They move like real ones and nothing depends on them; what a cell spells of a letter's distance is local."""
    parsed = ParsedText.of(TEXTS[cell], "planted.md")
    findings, _ = searched(cell, concepts=make_placebos(parsed, np.random.default_rng(7)))
    assert len(findings.concepts) >= 4
    verdicts = {finding.concept: finding.verdict for finding in findings.concepts}
    assert set(verdicts.values()) <= {"none", "trace", "local"}
    assert {verdict for name, verdict in verdicts.items() if "toggle" in name} <= {"none", "trace"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(6), *more(range(6, 20))])
def test_a_network_that_learned_nothing_raises_no_alarm(seed: int) -> None:
    """All concepts there are, over random networks: as they begin, or with trained-looking weights in disorder.

    Each network has some 15 concepts with enough evidence. No alarm in six networks, two of each kind of cell, bounds
    the rate of false alarms by 3.3 % of findings (95 % confidence, 3 / 90); no alarm in all twenty by 1 % (3 / 300).
    """
    cell = ("lstm", "gru", "rnn")[seed % 3]
    config = NetworkConfig(cell=cell, layers=1 + seed % 2, hidden=24, embedding=0)
    weights = random_weights(config, alphabet_of(TEXT), seed, scale=0.2 if seed % 4 == 0 else 1.0)
    findings = search_network(config, weights, rng=np.random.default_rng(seed), concepts=None)
    assert not [one for one in findings.concepts if one.verdict in ("causal", "detector", "unused")]


def test_the_tuning_curve_is_what_the_planted_cell_says() -> None:
    """tanh(0.02 · position) at each level of the line counter."""
    config, weights = network("lstm", {3: "line_pos"})
    finding = about(search_network(config, weights, quick=True), "line_pos")
    assert len(finding.tuning) > 8
    for level, mean in finding.tuning:
        assert mean == pytest.approx(math.tanh(0.02 * level), abs=0.01)


def test_a_dead_cell_is_never_listed() -> None:
    """Every living cell of a small network is in the list, the silent one is not, and it is counted."""
    config, weights = network("lstm", {}, hidden=8)
    plant(weights, 2, SILENT, alphabet_of(TEXT))
    findings = search_network(config, weights, quick=True)
    for finding in findings.concepts:
        assert sorted(cell for cell, _ in finding.top) == [f"1.{unit}" for unit in (0, 1, 3, 4, 5, 6, 7)]
    assert findings.census.dead == 1


def test_a_network_of_dead_cells_is_refused() -> None:
    """There is nothing to look at, and the message says so."""
    config, weights = network("lstm", {}, hidden=4)
    for unit in range(4):
        plant(weights, unit, SILENT, alphabet_of(TEXT))
    with pytest.raises(CharrnnError, match="no cell of this model moves"):
        search_network(config, weights, quick=True)


def test_a_layer_of_dead_cells_beside_a_living_one_is_no_obstacle() -> None:
    """The living layer is searched as if it were alone."""
    config = NetworkConfig(cell="lstm", layers=2, hidden=6, embedding=0)
    weights = random_weights(config, alphabet_of(TEXT), seed=0)
    for unit in range(6):
        plant(weights, unit, SILENT, "", layer=1)
    assert search_network(config, weights).census.dead == 6


def test_what_is_too_rare_is_listed_and_never_scored() -> None:
    """However well a cell would follow it: prose has no comments, and this text two quotations."""
    text = TEXT.replace('"', "", TEXT.count('"') - 4)
    config, weights = network("lstm", {0: "in_quote"}, hidden=4)
    asked = [*ASKED, CONCEPTS["comment"]]
    findings = search_network(config, weights, text, concepts=asked, quick=True)
    rare = {concept.concept: concept.episodes for concept in findings.too_rare}
    assert rare == {"comment": 0, "in_quote": rare["in_quote"]}
    assert rare["in_quote"] <= 2
    listed = findings.to_json()["concepts"]
    assert {"concept": "comment", "cell": None, "episodes": 0, "verdict": "too rare"} in listed
    assert len(listed) == len(asked)


def test_the_same_seed_gives_the_same_bytes() -> None:
    """As JSON, the strongest verdict first; its numbers are plain."""
    one, other = once_searched("gru", 0, 1)[0], searched("gru", 0, 1)[0]
    assert json.dumps(one.to_json(), allow_nan=False) == json.dumps(other.to_json(), allow_nan=False)
    assert (one.signal, one.cells, one.characters) == ("h", 30, len(TEXT))


def test_a_quick_search_holds_nothing_still() -> None:
    """And has no scrambled network; all else is as in a whole one."""
    searches = (searched("lstm", quick=True), once_searched("lstm", 0, 1))
    quick, whole = (about(findings, "line_pos") for findings, _ in searches)
    assert (quick.verdict, quick.cause, quick.scrambled) == ("detector", None, None)
    assert (quick.cell, quick.fit, quick.memory, quick.p) == (whole.cell, whole.fit, whole.memory, whole.p)


def test_another_text_confirms_or_does_not() -> None:
    """A cell is chosen on the one text; where the other uses its mark otherwise, it is nothing there."""
    config, weights = network("lstm", {7: "in_quote"})
    alphabet = alphabet_of(TEXT)

    def text(words: str) -> EncodedText:
        return EncodedText(
            parsed=ParsedText.of(words, "other.md"), ids=np.array([alphabet.index(one) for one in words])
        )

    same = search_network(config, weights, confirm=text(TEXT[:40_000]), quick=True)
    assert same.confirmed_on == "other.md"
    assert about(same, "in_quote").fit > 0.95
    inverted = search_network(config, weights, confirm=text('"' + TEXT.replace('"', "")[:30_000]), quick=True)
    assert "in_quote" in {rare.concept for rare in inverted.too_rare}


def test_a_needed_cell_that_nothing_asked_for_explains_is_a_mystery() -> None:
    """It is told of with where it changes and forgets: a cell for quotation, where nobody asked for that."""
    config, weights = network("lstm", {7: "in_quote"})
    asked = [CONCEPTS["line_pos"], CONCEPTS["word_pos"]]
    mystery = search_network(config, weights, concepts=asked).mysteries[0]
    assert (mystery.cell, mystery.writes_on[0], mystery.forgets_on) == ("1.7", '"', ('"',))
    assert mystery.delta > 3 * mystery.delta_se
    assert mystery.fit < 0.2
    assert mystery.local < 0.5


@pytest.mark.parametrize(("cell", "signal"), [("lstm", "o"), ("lstm", "h"), ("gru", "z")])
def test_other_signals_can_be_searched(cell: str, signal: str) -> None:
    """Their name is the letter."""
    config, weights = network(cell, {7: "in_quote"})
    assert search_network(config, weights, signal=signal, quick=True).signal == signal


def test_a_signal_that_the_cells_do_not_have_is_refused() -> None:
    """With those that they have."""
    config, weights = network("gru", {})
    with pytest.raises(WrongUsageError, match="no signal 'f'") as refusal:
        search_network(config, weights, signal="f")
    assert refusal.value.hint == "one of c, h, r, z, n"


def test_stages_are_watched_in_their_order() -> None:
    """Every step is passed on, and as many are announced as come."""
    seen: list[tuple[str, int, int]] = []

    def watch(steps: Any, stage: str, count: int) -> Any:
        came = 0
        for step in steps:
            came += 1
            yield step
        seen.append((stage, count, came))

    searched("rnn", progress=watch)
    assert [stage for stage, _, _ in seen] == [
        "marking concepts",
        "reading with scrambled weights",
        "reading",
        "ablating cells",
        "measuring dose-responses",
    ]
    assert all(count == came for _, count, came in seen)


def test_the_open_gate_is_open() -> None:
    """The plan of all planted cells: in single precision the sigmoid of B is 1."""
    assert np.float32(1) / (np.float32(1) + np.exp(np.float32(-B))) == 1
