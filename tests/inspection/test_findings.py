"""The search, on networks whose cells were given their meaning by hand among random ones."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.inspection.concepts import CONCEPTS, Source
from charrnn.inspection.findings import Finding, Findings, worth_drawing
from charrnn.inspection.passage import holds, passage
from charrnn.inspection.search import cell_name, find
from charrnn.network.cells import CELLS
from charrnn.network.reader import Reader

Weights = dict[str, Any]
Gates = Mapping[str, tuple[float, Mapping[str, float], float]]
"""for each gate: its bias, its weight for some characters, its weight for the cell's own output"""

B = 20.0
"""opens a gate altogether: the sigmoid of 20 is 1 in single precision"""
QUARTER, FIFTIETH = math.atanh(0.25), math.atanh(0.02)

LSTM: dict[str, Gates] = {
    "in_quote": {"i": (-B, {'"': 2 * B}, 0), "f": (B, {'"': -2 * B}, 0), "g": (2, {}, -8), "o": (B, {}, 0)},
    "line_pos": {
        "i": (B, {"\n": -2 * B}, 0),
        "f": (B, {"\n": -2 * B}, 0),
        "g": (FIFTIETH, {}, 0),
        "o": (B, {}, 0),
    },
    "bracket_depth": {
        "i": (-B, {"(": 2 * B, ")": 2 * B}, 0),
        "f": (B, {}, 0),
        "g": (0, {"(": QUARTER, ")": -QUARTER}, 0),
        "o": (B, {}, 0),
    },
}
GRU: dict[str, Gates] = {
    "in_quote": {"r": (B, {}, 0), "z": (B, {'"': -2 * B}, 0), "n": (2, {}, -8)},
    "line_pos": {"r": (0, {}, 0), "z": (math.log(49), {"\n": -2 * B}, 0), "n": (B, {"\n": -B}, 0)},
}
LATCH: dict[str, Gates] = {"in_quote": {"h": (0, {"“": 6, "”": -6}, 2.5)}}
PLANTED = {"lstm": LSTM, "gru": GRU, "rnn": LATCH}
SILENT: Gates = {gate: (0, {}, 0) for gate in "ifgo"}


def some_text(quotes: str = '""', lines: int = 700) -> str:
    """Write lines of words, some in quotes, brackets or both; none stays open at a line's end."""
    chance = np.random.default_rng(0)
    words = ["a", "to", "sun", "so", "moon", "there", "is", "no", "sea"]
    around = [("", ""), tuple(quotes), ("(", ")"), ("(so (", "))")]
    phrases = [" ".join(chance.choice(words, size=1 + number % 5)) for number in range(3 * lines)]
    spoken = [phrase.join(around[chance.integers(4)]) for phrase in phrases]
    return "".join(
        " ".join(spoken[3 * line : 3 * line + 1 + line % 3]) + ("\n\n" if line % 9 == 8 else "\n")
        for line in range(lines)
    )


TEXT = some_text()


def random_weights(config: NetworkConfig, alphabet: str, seed: int) -> Weights:
    """Draw a network with one-hot input whose cells all mean something by accident only."""
    chance = np.random.default_rng(seed)
    hidden, rows = config.hidden, len(CELLS[config.cell].gates) * config.hidden
    weights = {
        "output.weight": np.zeros((len(alphabet), hidden)),
        "output.bias": np.zeros(len(alphabet)),
    }
    for layer in range(config.layers):
        bias = np.zeros(rows)
        if config.cell == "lstm":
            bias[hidden : 2 * hidden] = chance.uniform(0, 3, size=hidden)
        inputs = hidden if layer else len(alphabet)
        weights |= {
            f"rnn.weight_ih_l{layer}": chance.normal(size=(rows, inputs)),
            f"rnn.weight_hh_l{layer}": chance.normal(size=(rows, hidden)) * 1.5 / math.sqrt(hidden),
            f"rnn.bias_ih_l{layer}": bias,
            f"rnn.bias_hh_l{layer}": np.zeros(rows),
        }
    return {name: array.astype(np.float32) for name, array in weights.items()}


def plant(weights: Weights, unit: int, gates: Gates, inputs: str, *, sign: int = 1, layer: int = 0) -> None:
    """Give a unit its meaning; the sign turns what it writes over, and with it all that it says.

    The inputs are the characters that the columns of its layer's input weights stand for.
    """
    hidden = weights[f"rnn.weight_hh_l{layer}"].shape[1]
    for number, (gate, (bias, by_character, by_itself)) in enumerate(gates.items()):
        row = number * hidden + unit
        written = sign if gate in "gnh" else 1
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            weights[f"rnn.{name}_l{layer}"][row] = 0.0
        weights[f"rnn.bias_ih_l{layer}"][row] = written * bias
        weights[f"rnn.weight_hh_l{layer}"][row, unit] = by_itself
        for character, weight in by_character.items():
            weights[f"rnn.weight_ih_l{layer}"][row, inputs.index(character)] = written * weight


def searched(
    cell: str, units: Mapping[int, Gates], *, text: str = TEXT, hidden: int = 30, seed: int = 0, sign: int = 1
) -> Findings:
    """Search a network of one layer with these units planted among random ones."""
    config, alphabet = NetworkConfig(cell=cell, layers=1, hidden=hidden, embedding=0), alphabet_of(text)
    weights = random_weights(config, alphabet, seed)
    for unit, gates in units.items():
        plant(weights, unit, gates, alphabet, sign=sign)
    return search(config, weights, text)


def search(config: NetworkConfig, weights: Weights, text: str = TEXT) -> Findings:
    """Search a network for all concepts."""
    alphabet = alphabet_of(text)
    ids = np.array([alphabet.index(character) for character in text])
    return find(Reader(config, weights), Source.of(text, "planted.md"), ids, model="planted")


def alphabet_of(text: str) -> str:
    """List the characters of a text."""
    return "".join(sorted(set(text)))


def about(findings: Findings, concept: str) -> Finding:
    """Pick out the finding of a concept."""
    return next(finding for finding in findings.concepts if finding.concept == concept)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("cell", PLANTED)
def test_a_planted_cell_ranks_first_for_its_concept(cell: str, seed: int, sign: int) -> None:
    """Wherever it stands among whatever cells, and whichever way round it says it."""
    text = some_text("“”") if cell == "rnn" else TEXT
    units = np.random.default_rng(seed).permutation(30)[: len(PLANTED[cell])].tolist()
    findings = searched(cell, dict(zip(units, PLANTED[cell].values(), strict=True)), text=text, seed=seed, sign=sign)
    for unit, concept in zip(units, PLANTED[cell], strict=True):
        finding = about(findings, concept)
        assert finding.cell == f"1.{unit}"
        assert finding.fit > 0.95
        assert finding.memory > 0.9
        # the first quote sets a toggle; what a counter or a latch says has the sign of what it writes
        assert finding.sign == sign


def test_a_cell_planted_in_the_second_layer_is_named_by_its_layer() -> None:
    """It toggles on what the first layer's detector of quotes tells it."""
    config = NetworkConfig(cell="lstm", layers=2, hidden=12, embedding=0)
    weights = random_weights(config, alphabet_of(TEXT), seed=0)
    detector: Gates = {"i": (B, {}, 0), "f": (-B, {}, 0), "g": (0, {'"': B}, 0), "o": (B, {}, 0)}
    plant(weights, 0, detector, alphabet_of(TEXT))
    plant(weights, 7, LSTM["in_quote"], '"', layer=1)
    finding = about(search(config, weights), "in_quote")
    assert (finding.cell, finding.sign) == ("2.7", 1)
    assert finding.fit > 0.95


@pytest.mark.parametrize("cell", PLANTED)
def test_a_concept_that_no_cell_was_given_never_gets_a_high_fit(cell: str) -> None:
    """Random cells that hear every character come nowhere near a planted one."""
    findings = searched(cell, {})
    for concept in ("in_quote", "line_pos", "bracket_depth"):
        assert about(findings, concept).fit < 0.5


def test_the_tuning_curve_is_what_the_planted_cell_says() -> None:
    """tanh(0.02 · position) at each level of the line counter."""
    finding = about(searched("lstm", {3: LSTM["line_pos"]}), "line_pos")
    assert len(finding.tuning) > 8
    for level, mean in finding.tuning:
        assert mean == pytest.approx(math.tanh(0.02 * level), abs=0.01)


def test_a_dead_cell_is_never_listed() -> None:
    """Every living cell of a small network is in the list, the silent one is not."""
    findings = searched("lstm", {2: SILENT}, hidden=8)
    for finding in findings.concepts:
        assert sorted(cell for cell, _ in finding.top) == [f"1.{unit}" for unit in (0, 1, 3, 4, 5, 6, 7)]


def test_a_network_of_dead_cells_is_refused() -> None:
    """There is nothing to look at, and the message says so."""
    with pytest.raises(CharrnnError, match="no cell of this model moves"):
        searched("lstm", dict.fromkeys(range(4), SILENT), hidden=4)


def test_what_is_too_rare_is_listed_and_never_scored() -> None:
    """However well a cell would follow it: prose has no comments, and this text two quotations."""
    findings = searched("lstm", {0: LSTM["in_quote"]}, text=TEXT.replace('"', "", TEXT.count('"') - 4), hidden=4)
    rare = {concept.concept: concept.episodes for concept in findings.too_rare}
    assert {name: rare[name] for name in ("in_quote", "comment", "docstring")} == {
        "in_quote": 2,
        "comment": 0,
        "docstring": 0,
    }
    assert {finding.concept for finding in findings.concepts} == set(CONCEPTS) - set(rare)
    listed = findings.to_json()["concepts"]
    assert {"concept": "comment", "cell": None, "episodes": 0, "verdict": "too rare"} in listed
    assert len(listed) == len(CONCEPTS)


def test_the_same_search_gives_the_same_bytes() -> None:
    """As JSON, best fit first; its numbers are plain."""
    searches = [searched("gru", {1: GRU["in_quote"]}, hidden=6) for _ in range(2)]
    one, other = (json.dumps(findings.to_json(), allow_nan=False) for findings in searches)
    assert one == other
    fits = [finding.fit for finding in searches[0].concepts]
    assert fits == sorted(fits, reverse=True)
    assert (searches[0].signal, searches[0].cells, searches[0].characters) == ("h", 6, len(TEXT))


def test_cells_of_all_layers_are_named_by_layer_and_unit() -> None:
    """Layers from 1, units from 0."""
    assert [cell_name(number, hidden=3) for number in range(6)] == ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2"]


@pytest.mark.parametrize("name", ["in_quote", "bracket_depth", "line_pos", "word_pos"])
def test_a_passage_is_whole_lines_and_shows_the_concept_on_and_off(name: str) -> None:
    """Though the concept is nowhere in the first three quarters of the text."""
    text = "no marks in this line\n" * 2_000 + TEXT
    source = Source.of(text, "a.md")
    chosen = passage(CONCEPTS[name], source)
    assert chosen.start == 0 or text[chosen.start - 1] == "\n"
    assert 200 < len(text[chosen]) <= 300
    assert text[chosen].endswith("\n")
    assert 0.3 < holds(CONCEPTS[name], CONCEPTS[name].mark(source))[chosen].mean() < 0.7


@pytest.mark.parametrize("text", ["", "one line", "a\nb"])
def test_a_passage_of_a_short_text_is_all_of_it(text: str) -> None:
    """There is nothing to choose."""
    assert text[passage(CONCEPTS["in_quote"], Source.of(text))] == text


def a_finding(cell: str, fit: float, memory: float) -> Finding:
    """Make up a finding."""
    return Finding(
        concept=cell,
        description="",
        cell=cell,
        sign=1,
        fit=fit,
        fit_se=0.0,
        memory=memory,
        tuning=(),
        episodes=9,
        top=(),
    )


def test_the_findings_drawn_fit_and_remember() -> None:
    """The lower of the two counts: neither spelling nor a memory of nothing that fits comes first."""
    spelling, misfit = a_finding("1.0", 0.99, 0.01), a_finding("1.1", 0.04, 0.9)
    both, better = a_finding("1.2", 0.5, 0.4), a_finding("1.3", 0.6, 0.6)
    assert worth_drawing([spelling, misfit, both, better], 3) == [better, both, spelling]
    assert worth_drawing([spelling, misfit, both, better], 1) == [better]


def test_where_nothing_fits_the_best_of_it_is_drawn() -> None:
    """One is better than none; none of none."""
    assert worth_drawing([a_finding("1.0", 0.01, 0.9), a_finding("1.1", 0.02, 0.0)], 3) == [
        a_finding("1.1", 0.02, 0.0)
    ]
    assert worth_drawing([], 3) == []
