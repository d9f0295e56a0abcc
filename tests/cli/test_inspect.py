"""charrnn inspect: a table of findings and heat maps of the best, or of the requested cells."""

import hashlib
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from common import Call, encode_corpus, random_model

from charrnn import resources
from charrnn.cli import inspect_heatmaps, inspect_search
from charrnn.inspection.concepts import ParsedText
from charrnn.inspection.search.findings import Findings
from charrnn.inspection.search.search import search as find_cells
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.vocabulary import Ids

RECORDED: dict[str, Findings] = {}
LOOKS = [("--cell", "1.0"), ("--gates",), ("--npz", "states.npz")]
TEXT = "abc (a bc) ab\n  deaf had a cab (fed) \n" * 400


@pytest.fixture
def text(run_here: RunDirectory) -> str:
    """Create a text of the model's characters beside the run."""
    characters = "\n abcdefgh()"
    save_model(run_here.model, random_model(characters))
    Path("text.txt").write_text(TEXT)
    return "text.txt"


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the search by one that caches its results, for tests of drawing, JSON and errors."""

    def recorded_find(rnn: InferenceRNN, parsed: ParsedText, ids: Ids, **settings: Any) -> Findings:
        key = (
            ids.tobytes(),
            str(settings["options"].concepts),
            settings["options"].quick,
            settings["rng"].bit_generator.state["state"],
        )
        if (result := RECORDED.get(str(key))) is None:
            result = RECORDED[str(key)] = find_cells(rnn, parsed, ids, **settings)
        return result

    monkeypatch.setattr(inspect_search, "search", recorded_find)


def test_the_search_prints_a_table_and_maps(call: Call, text: str) -> None:
    """The findings, their fit, and heat maps of the cells."""
    result = call("inspect", "--text", text)
    assert result.code == 0, result.err
    assert "hint: no cell detects a concept yet" in result.err
    assert "line_pos" in result.out
    assert "never here: " in result.out
    assert "why these verdicts:" in result.out
    assert 1 <= result.out.count("digits 0 … 9 for −1 … +1") <= 3


def test_the_same_findings_as_json_every_time(call: Call, text: str) -> None:
    """The same bytes for the same seed, with the fields that scripts rely on."""
    result = call("inspect", "--text", text, "--json", "--seed", "4")
    findings = json.loads(result.out)
    assert {"model", "text", "characters", "signal", "concepts"} <= set(findings)
    assert (findings["signal"], findings["seed"], findings["quick"]) == ("tanh(c)", 4, False)
    results = next(concept for concept in findings["concepts"] if concept["concept"] == "line_pos")
    assert {"cell", "sign", "fit", "fit_se", "memory", "episodes", "top"} <= set(results)
    assert {"scrambled", "p", "edge_delta", "elsewhere_delta", "verdict"} <= set(results)
    assert call("inspect", "--text", text, "--json", "--seed", "4").out == result.out


@pytest.mark.usefixtures("recorded")
def test_a_quick_search_states_what_it_leaves_out(call: Call, text: str) -> None:
    """In text and in JSON."""
    result = call("inspect", "--text", text, "--quick")
    assert "no shuffled weights, no ablation (--quick)" in " ".join(result.out.split())
    assert json.loads(call("inspect", "--text", text, "--quick", "--json").out)["quick"]


def test_another_text_can_confirm(call: Call, text: str) -> None:
    """Its name is shown beside that of the first text; a text that is too short is refused."""
    Path("other.txt").write_text(TEXT[:9_000])
    result = call("inspect", "--text", text, "--confirm", "other.txt", "--quick", "--json")
    assert json.loads(result.out)["confirmed_on"] == "other.txt"
    Path("other.txt").write_text("abc\n" * 20)
    result = call("inspect", "--text", text, "--confirm", "other.txt")
    assert (result.code, result.out) == (1, "")


def test_a_signal_that_the_cells_do_not_have_is_refused(call: Call, text: str) -> None:
    """For example the reset gate of an LSTM."""
    result = call("inspect", "--text", text, "--signal", "r")
    assert result.code == 2
    assert "cells of kind lstm have no signal 'r'" in result.err


def test_the_help_contains_the_rules_of_the_verdicts(call: Call) -> None:
    """With their thresholds."""
    result = " ".join(call("inspect", "-h").out.split())
    assert "detector fit >= 0.5" in result
    assert all(
        verdict in result for verdict in ("causal", "unused", "partial", "distributed", "local", "trace", "none")
    )


@pytest.mark.parametrize("form", ["/REGEX/", "/REGEX/after:N", "/REGEX/since", "/REGEX/count", "OPEN..CLOSE"])
def test_the_help_explains_the_patterns_of_concepts(call: Call, form: str) -> None:
    """Each form is at the beginning of a line, followed by its meaning."""
    assert re.search(rf"^  NAME={re.escape(form)} +\w", call("inspect", "-h").out, re.MULTILINE)


def test_requested_cells_are_drawn_in_their_order(call: Call, text: str) -> None:
    """One labeled strip per cell, as wide as the text."""
    result = call("inspect", "--text", text, "--cell", "2.7", "--cell", "1.3", "--chars", "14")
    lines = result.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.endswith("abc (a bc) ab¶"))
    assert [line.split()[0] for line in lines[at + 1 : at + 3]] == ["2.7", "1.3"]
    assert all(len(line) == len(lines[at]) for line in lines[at + 1 : at + 3])


def test_a_concept_is_marked_beside_a_cell(call: Call, text: str) -> None:
    """The marks can be compared with the activations of the cell."""
    result = call("inspect", "--text", text, "--cell", "1.0", "--concept", "bracket_depth", "--chars", "14")
    assert "▔▔▔▔▔" in result.out


def test_cells_as_json_are_their_values(call: Call, text: str) -> None:
    """One object, with an activation of each cell for each character of the text."""
    result = call(
        "inspect", "--text", text, "--cell", "1.3", "--cell", "2.0", "--start", "4", "--chars", "9", "--json"
    )
    values = json.loads(result.out)
    assert {name: values[name] for name in ("text", "start", "characters", "signal", "content")} == {
        "text": "text.txt",
        "start": 4,
        "characters": 9,
        "signal": "tanh(c)",
        "content": "(a bc) ab",
    }
    assert list(values["cells"]) == ["1.3", "2.0"]
    assert all(len(cell) == 9 for cell in values["cells"].values())
    assert all(value == round(value, 4) for cell in values["cells"].values() for value in cell)


def test_a_concept_beside_a_cell_is_marked_in_json_too(call: Call, text: str) -> None:
    """The mark is 1 where the concept holds."""
    cell = ("inspect", "--text", text, "--cell", "1.0", "--chars", "14", "--json")
    marks = json.loads(call(*cell, "--concept", "bracket_depth").out)["marks"]
    assert marks == {"bracket_depth above its median": [0] * 4 + [1] * 5 + [0] * 5}


def test_more_than_one_concept_beside_a_cell_is_refused(call: Call, text: str) -> None:
    """A heat map has one line of marks."""
    result = call("inspect", "--text", text, "--cell", "1.0", "--concept", "in_quote", "--concept", "line_pos")
    assert (result.code, result.out) == (2, "")
    assert "one concept" in result.err


def test_unknown_characters_are_read_as_the_replacement_character(call: Call, run_here: RunDirectory) -> None:
    """If the model has U+FFFD; no character of the text is dropped."""
    save_model(run_here.model, random_model("\n abc\ufffd"))
    Path("text.txt").write_text("abéc\n")
    result = call("inspect", "--text", "text.txt", "--cell", "1.0", "--json")
    assert (result.err, json.loads(result.out)["content"]) == ("", "abéc\n")


def test_a_cell_that_does_not_exist_is_refused_with_those_that_do(call: Call, text: str) -> None:
    """The error names the range of cells."""
    result = call("inspect", "--text", text, "--cell", "3.0")
    assert result.code == 2
    assert "there is no cell 3.0" in result.err
    assert "1.0 to 2.11" in result.err


def test_an_unknown_concept_is_refused_with_the_nearest(call: Call, text: str) -> None:
    """The error suggests a similar name."""
    result = call("inspect", "--text", text, "--concept", "linepos")
    assert result.code == 2
    assert "did you mean line_pos?" in result.err


def test_a_custom_concept_is_searched_for_and_drawn(call: Call, text: str) -> None:
    """A pattern and a built-in concept; both are in the table by name."""
    result = call("inspect", "--text", text, "--concept", "after-b=/b/since", "--concept", "line_pos")
    assert result.code == 0, result.err
    first = {line.split()[0] for line in result.out.splitlines() if line.strip()}
    assert {"after-b", "line_pos"} <= first
    assert "word_pos" not in first


def test_a_custom_concept_is_marked_beside_a_cell(call: Call, text: str) -> None:
    """Under its own name."""
    cell = ("inspect", "--text", text, "--cell", "1.0", "--chars", "14", "--json")
    marks = json.loads(call(*cell, "--concept", "round=[(]..[)]").out)["marks"]
    assert marks == {"round": [0] * 4 + [1] * 5 + [0] * 5}


@pytest.mark.parametrize(
    ("concept", "message"),
    [("x=/a(b/", "unterminated"), ("nonsense", "there is no concept"), ("x=/a/sinc", "did you mean since?")],
)
@pytest.mark.parametrize("listed", [(), ("--list-concepts",)])
def test_an_invalid_concept_is_refused_before_anything_is_read(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, concept: str, message: str, listed: tuple[str, ...]
) -> None:
    """A search and a list report one line with a hint."""
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "model.safetensors", random_model())
    refused = call("inspect", "model.safetensors", "--concept", concept, *listed)
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err


def test_the_same_concept_twice_is_refused(call: Call, text: str) -> None:
    """A concept has one row in the table."""
    result = call("inspect", "--text", text, "--concept", "x=/a/", "--concept", "x=/b/")
    assert result.code == 2
    assert "names x 2 times" in result.err


def test_the_concepts_can_be_listed(call: Call, run_here: RunDirectory) -> None:
    """One per line, without counts if there is no text."""
    assert run_here.model.exists()
    result = call("inspect", "--list-concepts")
    assert {"in_quote", "line_pos", "word_pos", "indent", "bracket_depth", "comment", "string"} <= {
        line.split()[0] for line in result.out.splitlines() if line
    }
    assert "too rare" not in result.out


def test_listing_counts_episodes_in_a_text_without_reading_the_network(call: Call, text: str) -> None:
    """In the file of --text; the model file need not be valid."""
    RunDirectory(Path("checkpoints/hamlet")).model.write_bytes(b"none")
    result = call("inspect", "--list-concepts", "--text", text, "--json")
    listed = json.loads(result.out)
    episodes = {concept["concept"]: concept["episodes"] for concept in listed["concepts"]}
    assert (listed["text"], listed["characters"]) == (text, len(TEXT))
    assert episodes["line_pos"] == TEXT.count("\n")
    assert episodes["in_quote"] == 0


def test_listing_counts_in_what_training_held_out(call: Call, run_here: RunDirectory) -> None:
    """In the held-out text beside the model, for the requested concepts only, custom ones included."""
    Path("text.txt").write_text(TEXT)
    corpus = encode_corpus(["text.txt"], run_here.corpus)
    held_out = TEXT[corpus.split_position(0.5) - 1 :]
    held_out = held_out[held_out.index("\n") + 1 :]
    training = {"train_characters": corpus.split_position(0.5)}
    save_model(run_here.model, replace(random_model("".join(corpus.vocabulary.characters)), training=training))
    result = call("inspect", "--list-concepts", "--concept", "bracket_depth", "--concept", "cab=/cab/", "--json")
    listed = json.loads(result.out)
    assert listed["characters"] == len(held_out)
    assert {concept["concept"]: concept["episodes"] for concept in listed["concepts"]} == {
        "bracket_depth": held_out.count(")"),
        "cab": held_out.count("cab"),
    }


@pytest.mark.parametrize("arguments", [["--list-concepts", "--json"], ["--json", "--list-concepts", "none"]])
def test_listing_the_concepts_needs_no_model(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """In a directory without runs, and with any other options."""
    monkeypatch.chdir(tmp_path)
    listed = json.loads(call("inspect", *arguments).out)
    assert "in_quote" in {concept["concept"] for concept in listed["concepts"]}


def test_listing_in_a_missing_file_is_refused(call: Call, run_here: RunDirectory) -> None:
    """A missing file of --text is an error."""
    assert run_here.model.exists()
    result = call("inspect", "--list-concepts", "--text", "none.txt")
    assert result.code == 2
    assert "none.txt: no such file" in result.err


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(("arguments", "used"), [((), ["idle"]), (("--cell", "1.0"), ["few"])])
def test_a_search_uses_the_idle_cores(
    call: Call, text: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], used: list[str]
) -> None:
    """A search reads many streams in a batch; the heat map of a cell reads one."""
    observed: list[str] = []
    monkeypatch.setattr(resources, "use_idle_cores", lambda: observed.append("idle"))
    monkeypatch.setattr(resources, "use_few_cores", lambda _: observed.append("few"))
    assert call("inspect", "--text", text, *arguments).code == 0
    assert observed == used


@pytest.mark.parametrize("option", ["--chars", "--start"])
def test_a_start_beyond_the_text_is_refused(call: Call, text: str, option: str) -> None:
    """With one line."""
    result = call("inspect", "--text", text, option, "1" + "0" * 25)
    assert result.err.startswith(f"error: {option}: must be at most 1,000,000,000,000, not 1000")


def test_a_model_without_its_text_asks_for_one(call: Call, run_here: RunDirectory) -> None:
    """A model file outside its run has no corpus beside it."""
    assert run_here.model.exists()
    result = call("inspect")
    assert result.code == 1
    assert "--text FILE" in result.err


def test_characters_the_model_never_saw_are_counted_and_left_out(call: Call, text: str) -> None:
    """The heat map is of the remaining text."""
    Path(text).write_text("abé(a bé) €ab\n" * 400)
    result = call("inspect", "--text", text, "--cell", "1.0", "--chars", "28")
    assert "'é' (4×), '€' (2×)" in result.err
    assert "ab(a b) ab¶" in result.out


def test_a_text_too_short_to_search_is_refused(call: Call, text: str) -> None:
    """Too little evidence is an error, not a finding."""
    Path(text).write_text("abc\n" * 20)
    result = call("inspect", "--text", text)
    assert result.code == 1
    assert "characters" in result.err


def test_a_heat_map_as_a_picture(call: Call, text: str) -> None:
    """A valid, self-contained SVG, whose path is printed."""
    result = call("inspect", "--text", text, "--cell", "1.0", "--chars", "100", "--svg", "map.svg")
    assert result.code == 0
    assert ET.parse("map.svg").getroot().tag.endswith("svg")  # noqa: S314 - we made it
    assert "map.svg" in result.err


def test_a_picture_can_have_a_title(call: Call, text: str) -> None:
    """It replaces the title in the picture, not on the screen; without a picture the option is an error."""
    arguments = ("inspect", "--text", text, "--cell", "1.0", "--chars", "100", "--title", "A <cell>")
    result = call(*arguments, "--svg", "map.svg")
    assert ET.parse("map.svg").getroot()[0].text == "A <cell>"  # noqa: S314 - we made it
    assert "A <cell>" not in result.out
    refused = call(*arguments)
    assert (refused.code, "--svg FILE" in refused.err) == (2, True)


@pytest.mark.usefixtures("recorded")
def test_the_names_of_written_files_come_last(call: Call, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After all drawings, where the user sees them: the picture's, then the page's."""
    for module in (inspect_search, inspect_heatmaps):
        monkeypatch.setattr(module, "write_note", print)
    shown = call("inspect", "--text", text, "--quick", "--html", "page.html", "--svg", "map.svg").out
    assert [line.partition(":")[0] for line in shown.splitlines()[-2:]] == ["map.svg", "page.html"]


@pytest.mark.fault("F76")
def test_wide_characters_tabs_and_marks_keep_their_columns(call: Call, run_here: RunDirectory) -> None:
    """A line of text and its strip have the same width with any characters."""
    from rich.cells import cell_len

    model: Model = random_model("\n\tab猫é\u0301\U0001f468\u200d")
    save_model(run_here.model, model)
    Path("wide.txt").write_text("a猫\tb\U0001f468\u200d\U0001f468e\u0301é\n" * 3)
    result = call("inspect", "--text", "wide.txt", "--cell", "1.0", "--chars", "9")
    lines = [line for line in result.out.splitlines() if line.strip()]
    at = next(number for number, line in enumerate(lines) if "猫" in line)
    assert cell_len(lines[at]) == cell_len(lines[at + 1])


@pytest.mark.usefixtures("recorded")
def test_the_search_as_a_page(call: Call, text: str) -> None:
    """One file, the same for the same search, with the command and the hashes of its inputs."""
    command = ("inspect", "--text", text, "--json", "--html", "page.html")
    result = call(*command)
    assert (result.code, result.err.split(":")[0]) == (0, "page.html")
    page = Path("page.html").read_bytes()
    assert call(*command).out == result.out
    assert Path("page.html").read_bytes() == page
    assert b"charrnn inspect --text text.txt --json --html page.html" in page
    for file in (Path("text.txt"), RunDirectory(Path("checkpoints/hamlet")).model):
        assert hashlib.sha256(file.read_bytes()).hexdigest().encode() in page
    for concept in json.loads(result.out)["concepts"]:
        assert f'data-concept="{concept["concept"]}"'.encode() in page or concept["cell"] is None


def test_a_page_is_of_a_search(call: Call, text: str) -> None:
    """Without a search there are no findings to write."""
    result = call("inspect", "--text", text, "--cell", "1.0", "--html", "page.html")
    assert (result.code, result.out) == (2, "")
    assert "--html" in result.err
    assert not Path("page.html").exists()


@pytest.mark.usefixtures("recorded")
def test_a_page_that_cannot_be_written_is_an_error(call: Call, text: str) -> None:
    """One line that names the file."""
    result = call("inspect", "--text", text, "--concept", "line_pos", "--html", "missing/page.html")
    assert result.code == 1
    assert "cannot write missing/page.html" in result.err


@pytest.mark.parametrize(
    ("look", "option"),
    [
        *((look, option) for look in LOOKS for option in (("--quick",), ("--confirm", "text.txt"))),
        *((look, ("--signal", "h")) for look in LOOKS[1:]),
    ],
)
def test_options_of_a_search_are_refused_without_one(
    look: tuple[str, ...], option: tuple[str, ...], call: Call, text: str
) -> None:
    """Instead of being ignored; the hint is the intended command."""
    result = call("inspect", "--text", text, *look, *option)
    assert (result.code, result.out) == (2, "")
    assert f"{option[0]} belongs to a search, which was not requested" in result.err
    assert f"`charrnn inspect {option[0]}" in result.err
