"""The carrier of a concept, found by a search for it, and what holding or copying the carrier changes."""

from pathlib import Path

import numpy as np
import pytest
from carrier_networks import alphabet, carried_network, carried_run, quoted_text
from common import Call, random_weights

import charrnn
from charrnn import resources
from charrnn.cli.concept_carriers import find_held_out_carriers
from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.generation.batched import chunks_in_order, collect_texts, generate_batch
from charrnn.generation.generate import StopCriteria, generate, prefill_prompt
from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.search.concept_carrier import ConceptCarrier, find_carrier
from charrnn.inspection.search.search import search
from charrnn.inspection.search.search_data import EncodedText
from charrnn.network.cells import CELLS
from charrnn.network.inference import InferenceRNN
from charrnn.network.interventions import Direction, HeldCells, make_clamps
from charrnn.network.model_file import load_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.vocabulary import Vocabulary

QUOTE = CONCEPTS["in_quote"]
OPEN, CLOSED = "so. “sun.", "so. sun."
"""texts that end inside and outside a quotation, before a quotation mark and a space"""


def carrier_in(rnn: InferenceRNN) -> ConceptCarrier:
    """Return the carrier of quotations."""
    ids = np.array([alphabet().index(character) for character in quoted_text()])
    return find_carrier(rnn, EncodedText(parsed=ParsedText.of(quoted_text(), "quoted.md"), ids=ids), QUOTE)


def test_a_concept_that_is_constant_in_the_sample_has_no_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean memory inside it would be not a number, and so would be every text generated with it."""
    config, weights, _ = carried_network("lstm", 1, seed=0)
    monkeypatch.setattr(
        "charrnn.inspection.search.concept_carrier.concept_sides", lambda _, codes: (codes >= 0, codes < 0)
    )
    with pytest.raises(CharrnnError, match="in_quote does not change in the sample of"):
        carrier_in(InferenceRNN(config, weights))


@pytest.mark.parametrize(
    ("cell", "carriers", "verdict"),
    [("lstm", 1, "causal"), ("gru", 2, "shared"), ("lstm", 32, "direction"), ("rnn", 32, "direction")],
)
def test_the_end_of_a_concept_is_certain_inside_and_impossible_outside(
    cell: str, carriers: int, verdict: str
) -> None:
    """Whatever the text says, and with one cell, a group of cells or a direction as the carrier."""
    config, weights, units = carried_network(cell, carriers, seed=0)
    rnn = InferenceRNN(config, weights)
    carrier = carrier_in(rnn)
    assert carrier.verdict == verdict
    assert sorted(carrier.units) == (units if carriers < 32 else [])
    for text in (OPEN, CLOSED):
        for level in (-1, 1):
            logits, state, _ = prefill_prompt(
                rnn, Vocabulary(tuple(alphabet())), text, clamps=make_clamps(rnn, {}, [carrier.held_at(level)])
            )
            probabilities = np.exp(logits[0] - logits.max()) / np.exp(logits[0] - logits.max()).sum()
            assert probabilities[alphabet().index("”" if level == 1 else " ")] > 0.9
            assert carrier.level_in(state) == pytest.approx(level, abs=1e-3)


def test_texts_with_a_held_direction_are_equal_in_a_batch_and_alone() -> None:
    """To the last character, at a temperature at which they differ from each other."""
    config, weights, _ = carried_network("lstm", 32, seed=0)
    rnn, vocabulary = InferenceRNN(config, weights), Vocabulary(tuple(alphabet()))
    clamps = make_clamps(rnn, {(1, 3): 0.5}, [carrier_in(rnn).held_at(0.5)])
    prefilled, stop = prefill_prompt(rnn, vocabulary, "so", clamps=clamps), StopCriteria(max_chars=80)
    batch = generate_batch(rnn, vocabulary, rngs=map(np.random.default_rng, range(8)), prefilled=prefilled, stop=stop)
    texts = [text.characters for text in collect_texts(chunks_in_order(batch))]
    assert len(set(texts)) == 8
    for seed, text in enumerate(texts):
        alone = generate(rnn, vocabulary, rng=np.random.default_rng(seed), prefilled=prefilled, stop=stop)
        assert "".join(character.char for character in alone) == text


@pytest.mark.parametrize("cell", CELLS)
def test_cells_and_directions_of_a_layer_are_held_together(cell: str) -> None:
    """Each has its value at every character of every stream, in each kind of cell."""
    config, rng = NetworkConfig(cell=cell, layers=2, hidden=9, embedding=4), np.random.default_rng(0)
    rnn = InferenceRNN(config, random_weights(config, 7))
    reads, writes = rng.normal(size=(2, 2, 9))
    writes /= (reads * writes).sum(axis=1, keepdims=True)
    directions = [
        Direction(layer=1, read=read, write=write, value=value)
        for read, write, value in zip(reads, writes, (0.3, -0.2), strict=True)
    ]
    cells = HeldCells(layer=1, units=[2, 5], values=np.array([0.25, -0.5]))
    clamps = make_clamps(rnn, {(2, 1): 0.5}, [*directions, cells])
    state = rnn.initial_state(3)
    for _ in range(5):
        state = rnn.step_state(rng.integers(7, size=3), state, clamps)
        memory = np.asarray(state[0].memory)
        assert memory[:, [2, 5]] == pytest.approx(np.tile(cells.values, (3, 1)), abs=1e-5)
        assert memory @ reads.T == pytest.approx(np.tile([0.3, -0.2], (3, 1)), abs=1e-4)
        assert np.ptp(memory[:, 0]) > 1e-6


def test_clamps_that_contradict_each_other_are_refused(rnn: InferenceRNN) -> None:
    """One cell at two values, and two values of one direction."""
    direction = Direction(layer=1, read=np.eye(12)[0], write=np.eye(12)[0], value=1.0)
    with pytest.raises(WrongUsageError, match="cannot be combined"):
        make_clamps(rnn, {}, [direction, direction])
    with pytest.raises(WrongUsageError, match="cannot be combined"):
        make_clamps(rnn, {(1, 0): 0.5}, [direction])
    with pytest.raises(WrongUsageError, match=r"1\.7 cannot be clamped at two values"):
        make_clamps(rnn, {(1, 7): 0.5}, [HeldCells(layer=1, units=[7], values=np.array([1.0]))])


def test_cells_and_directions_of_another_network_are_refused(rnn: InferenceRNN) -> None:
    """As those of a carrier in a network with more layers or cells, which are neither an IndexError nor ignored."""
    above, cells = rnn.config.layers + 1, rnn.config.hidden
    for layer, unit in ((1, cells), (above, 0)):
        with pytest.raises(WrongUsageError, match=rf"{layer}\.{unit}"):
            make_clamps(rnn, {}, [HeldCells(layer=layer, units=[unit], values=np.array([1.0]))])
    for layer, size in ((1, cells + 1), (above, cells)):
        direction = Direction(layer=layer, read=np.eye(size)[0], write=np.eye(size)[0], value=1.0)
        with pytest.raises(WrongUsageError, match=f"a direction of layer {layer} with {size} cells does not fit"):
            make_clamps(rnn, {}, [direction])


# The command line and the Python API


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Change to a directory with a run whose network has a direction for quotations, and return its path."""
    monkeypatch.chdir(tmp_path)
    return str(carried_run(Path("checkpoints/quoted"), "lstm", 32).path)


def test_a_steered_concept_changes_the_text_as_the_concept_says(run: str, call: Call) -> None:
    """Quotations end or never begin; samples, clamps and the Python API agree, and a note names the carrier."""
    common = ("-p", OPEN, "--seed", "1", "-n", "30")
    result = call("sample", run, "--steer", "in_quote", *common)
    assert "in_quote at −1" in result.out
    note = "note: in_quote is carried by a direction of layer 1 (R² 0.92, direction), found in 13,328 characters of"
    assert result.err.startswith(note)
    low, _, high = charrnn.load(run).steer("in_quote", OPEN, length=30, temperature=0)
    assert (low[0], high[0]) == (" ", "”")
    clamped = call("sample", run, "--clamp", "in_quote=1", *common, "-t", "0", "--no-prompt", "-q")
    assert (clamped.out.rstrip("\n"), clamped.err) == (high.rstrip("\n"), "")
    assert charrnn.load(run).sample(OPEN, length=30, temperature=0, clamps={"in_quote": 1.0}) == high


def test_a_copied_direction_carries_the_concept_to_the_other_text(run: str, call: Call) -> None:
    """On the screen and in the Python API."""
    interchange = charrnn.load(run).swap(OPEN, CLOSED, "in_quote")
    assert interchange.source_divergences[1] < 0.01 < 1 < interchange.source_divergences[0]
    assert interchange.concepts[0].source > 1 > interchange.concepts[0].target
    screen = call("inspect", run, "--swap", OPEN, CLOSED, "--cell", "in_quote").out
    assert "in_quote, a direction of layer 1" in screen
    assert "Only the component along a direction is copied." in " ".join(screen.split())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["sample", "--steer", "line_pos"], 1, "does not represent line_pos: R² 0.16 by a linear probe of layer 1"),
        (["sample", "--clamp", "docstring=1"], 1, "docstring is too rare in 13,328 characters"),
        (["sample", "--steer", "inquote"], 2, "there is no concept 'inquote'"),
        (["sample", "--clamp", "in_quote=2"], 2, "must be a number ≥ -1 and ≤ 1"),
        (["sample", "--clamp", "in_quote=1", "--steer", "in_quote"], 2, "in_quote cannot be clamped at two values"),
        (["sample", "--clamp", "in_quote=1", "--clamp", "q=“..”=0"], 2, "these clamps of layer 1 cannot be combined"),
        (
            ["inspect", "--swap", CLOSED, CLOSED, "--cell", "in_quote"],
            2,
            "in_quote does not differ between the texts",
        ),
        (["inspect", "--swap", OPEN, CLOSED, "--cell", "line_pos"], 1, "does not represent line_pos"),
        (["inspect", "--cell", "in_quote"], 2, "--cell must be layer.unit, such as 2.317, not in_quote"),
    ],
)
def test_a_concept_that_cannot_be_clamped_is_one_line(
    run: str, call: Call, arguments: list[str], code: int, message: str
) -> None:
    """And nothing is on standard output."""
    result = call(arguments[0], run, *arguments[1:])
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert result.err.count("error: ") == 1


def test_two_definitions_of_one_name_are_refused(run: str) -> None:
    """Otherwise the carrier of one of them would silently stand for the other."""
    path = RunDirectory(Path(run)).model
    with pytest.raises(WrongUsageError, match="there are two definitions of to-do"):
        find_held_out_carriers(path, load_model(path), ["to-do=/a/", "to-do=/b/"], quiet=True)


def test_a_concept_needs_a_text(run: str, call: Call) -> None:
    """The model alone names the missing text; in the Python API a text can be given."""
    (Path(run) / "corpus.bin").unlink()
    result = call("sample", run, "--steer", "in_quote")
    assert result.code == 1
    assert "is not beside it" in result.err
    model = charrnn.load(run)
    with pytest.raises(CharrnnError, match="is not beside it"):
        model.sample(clamps={"in_quote": 1.0})
    carrier = model.carrier("in_quote", quoted_text())
    assert model.sample(OPEN, length=1, temperature=0, clamps={carrier: 1.0}) == "”"


def test_a_carrier_of_other_weights_is_refused(run: str, tmp_path: Path) -> None:
    """Even if the other network has the same size; a copy of the model is the same network."""
    other = carried_run(tmp_path / "other", "lstm", 1).path
    carrier = charrnn.load(other).carrier("in_quote", quoted_text())
    with pytest.raises(WrongUsageError, match="the carrier of in_quote was found in another model"):
        charrnn.load(run).sample(clamps={carrier: 1.0})
    assert charrnn.load(other).sample(OPEN, length=1, temperature=0, clamps={carrier: 1.0}) == "”"


def test_two_names_of_one_cell_are_refused(run: str) -> None:
    """Otherwise the last value would silently hold."""
    with pytest.raises(WrongUsageError, match=r"1\.1 cannot be clamped at two values at once"):
        charrnn.load(run).sample(clamps={"1.1": 1, "1.01": -1})


def test_a_shown_concept_is_searched_with_all_idle_cores(
    run: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is clamped; a shown surprisal or cell needs no search."""
    calls: list[str] = []
    monkeypatch.setattr(resources, "use_idle_cores", lambda: calls.append("idle"))
    monkeypatch.setattr(resources, "use_few_cores", lambda _model: calls.append("few"))
    monkeypatch.setattr(resources, "keep_freed_memory", lambda: None)
    for shown in ("in_quote", "surprisal", "1.3"):
        call("sample", run, "-n", "1", "--show", shown)
    assert calls == ["idle", "few", "few"]


@pytest.mark.parametrize("carriers", [1, 2, 32])
def test_a_search_for_one_carrier_agrees_with_the_whole_search(carriers: int) -> None:
    """Although it reads fewer segments, and skips groups that cannot be the carrier."""
    config, weights, _ = carried_network("lstm", carriers, seed=1)
    rnn = InferenceRNN(config, weights)
    ids = np.array([alphabet().index(character) for character in quoted_text()])
    findings = search(rnn, ParsedText.of(quoted_text(), "quoted.md"), ids, rng=np.random.default_rng(0))
    verdict = next(each.verdict for each in findings.concepts if each.concept == QUOTE.name)
    assert carrier_in(rnn).verdict == verdict
