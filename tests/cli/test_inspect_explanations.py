"""charrnn inspect --why, --swap and the profile of a cell: screens, pictures, JSON, and wrong usage."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from common import Call

import charrnn
from charrnn.storage.run_directory import RunDirectory

TEXT = "abc bc ab\n deaf had a cab fed \n" * 40
SWAP = ("inspect", "--swap", "abc", "had", "--cell")


@pytest.fixture(autouse=True)
def text(run_here: RunDirectory) -> str:
    """Create a text of the model's characters beside the run."""
    assert run_here.model.exists()
    Path("text.txt").write_text(TEXT)
    return "text.txt"


def why(call: Call, *options: str) -> list[dict[str, object]]:
    """Return the JSON of an attribution."""
    result = call("inspect", "--text", "text.txt", "--why", "--json", *options)
    assert result.code == 0, result.err
    return [json.loads(line) for line in result.out.splitlines()]


def test_a_prediction_is_drawn_with_the_text_before_it(call: Call) -> None:
    """Two strips below the text, whose last character is underlined."""
    result = call("inspect", "--text", "text.txt", "--why", "--at", "8")
    lines = result.out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.strip() == TEXT[:9])
    assert lines[place + 1].strip() == "▔"
    assert re.fullmatch(r"gradient  \d{9}", lines[place + 2])
    assert re.fullmatch(r"occlusion \d{9}", lines[place + 3])
    assert "position 8" in result.out
    assert "believe the occlusion" in " ".join(result.out.split())


def test_positions_are_those_of_the_whole_text(call: Call) -> None:
    """Wherever reading begins, and beyond the characters that are read by default."""
    (first,), (second,) = why(call, "--at", "900"), why(call, "--at", "900", "--start", "880")
    assert (first["at"], first["character"]) == (second["at"], second["character"]) == (900, TEXT[900])
    assert (second["start"], second["content"]) == (880, TEXT[880:900])


def test_surprising_predictions_are_explained_without_a_position(call: Call) -> None:
    """In the order of the text; the same bytes for the same seed."""
    records = why(call)
    assert [record["at"] for record in records] == sorted(int(str(record["at"])) for record in records)
    assert len(records) == 3
    assert records == why(call)
    assert records != why(call, "--seed", "1")


def test_an_attribution_is_that_of_the_python_interface(call: Call) -> None:
    """With the same seed."""
    (record,) = why(call, "--at", "20", "--chars", "21")
    attribution = charrnn.load().attribution(TEXT[:21])
    assert record["occlusion_bits"] == attribution.to_json()["occlusion_bits"]
    assert record["gradient_bits"] == attribution.to_json()["gradient_bits"]


def test_the_first_attribution_is_written_as_a_picture(call: Call) -> None:
    """Its title names the model, the text and the position, unless another one is given."""
    assert call("inspect", "--text", "text.txt", "--why", "--at", "8", "--at", "9", "--svg", "a.svg").code == 0
    picture = Path("a.svg").read_text()
    assert ET.fromstring(picture).tag.endswith("svg")  # noqa: S314 - our own picture
    assert "position 8" in picture
    assert "position 9" not in picture
    call("inspect", "--text", "text.txt", "--why", "--at", "8", "--svg", "b.svg", "--title", "mine")
    assert "<title>mine</title>" in Path("b.svg").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--why", "--at", "0"), "position 0 is the first character read, which is not predicted"),
        (("--why", "--at", "5000"), "position 5,000 is outside the text"),
        (("--why", "--at", "50", "--chars", "40"), "position 50 is outside the text"),
        (("--why", "--at", "5", "--start", "10"), "position 5 is outside the text"),
        (("--why", "--at", "-1"), "--at: must be a whole number ≥ 0, not -1"),
        (("--at", "5"), "--at belongs to --why"),
        (("--why", "--html", "a.html"), "--html belongs to a search"),
    ],
)
def test_an_impossible_position_is_wrong_usage(call: Call, options: tuple[str, ...], message: str) -> None:
    """One line that names it, and a hint."""
    result = call("inspect", "--text", "text.txt", *options)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert "hint: " in result.err


def test_a_swap_shows_both_directions(call: Call) -> None:
    """The values, a table for each direction, and the rank of the cell."""
    result = call(*SWAP, "2.5")
    assert "tanh(c) of 2.5: " in result.out
    assert re.search(r"^from A into B\nnext +after B +copied from A +change +after A$", result.out, re.MULTILINE)
    assert re.search(r"^from B into A\nnext +after A +copied from B +change +after B$", result.out, re.MULTILINE)
    assert "of 12 cells of layer 2" in " ".join(result.out.split())
    assert "h = o·tanh(c) follows" in " ".join(result.out.split())


def test_a_swap_is_that_of_the_python_interface(call: Call) -> None:
    """Several cells are copied together; each is named once."""
    forward, reverse = map(
        json.loads, call(*SWAP, "2.5", "--cell", "1.3", "--cell", "2.5", "--json").out.splitlines()
    )
    assert forward == charrnn.load().swap("abc", "had", "2.5", "1.3").to_json()
    assert reverse == charrnn.load().swap("had", "abc", "2.5", "1.3").to_json()
    assert [copied["cell"] for copied in forward["copied"]] == ["2.5", "1.3"]


def test_a_cell_with_the_same_value_after_both_texts_is_noted(call: Call) -> None:
    """The copy shows nothing then."""
    result = call("inspect", "--swap", "abc", "abc", "--cell", "2.5")
    assert result.code == 0
    assert "note: tanh(c) hardly differs between the texts, so the copy shows nothing: 2.5 (" in result.err
    assert "hardly differs" not in call(*SWAP, "2.5").err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--swap", "abc", "had"), "--swap copies the value of a cell"),
        (("--swap", "", "had", "--cell", "2.5"), "text A of --swap is empty"),
        (("--swap", "abc", "", "--cell", "2.5"), "text B of --swap is empty"),
        (("--swap", "abc", "hat", "--cell", "2.5"), "text B of --swap: the model never saw 't'"),
        (("--swap", "a\udcff", "had", "--cell", "2.5"), "text A of --swap is not valid text (byte 0xFF)"),
        (("--swap", "abc", "had", "--cell", "3.5"), "there is no cell 3.5"),
        (("--swap", "abc", "had", "--cell", "2.5", "--concept", "string"), "--swap and --concept cannot go"),
        (("--swap", "abc", "had", "--cell", "2.5", "--signal", "f"), "--swap and --signal cannot go together"),
        (("--swap", "abc", "had", "--cell", "2.5", "--svg", "a.svg"), "--swap and --svg cannot go together"),
        (("--swap", "abc", "had", "--cell", "2.5", "--text", "text.txt"), "--swap and --text cannot go together"),
    ],
)
def test_an_impossible_swap_is_wrong_usage(call: Call, options: tuple[str, ...], message: str) -> None:
    """One line that names the text or the option."""
    result = call("inspect", *options)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_a_newline_that_the_shell_did_not_expand_is_noted(call: Call) -> None:
    """The model knows no backslash here."""
    result = call("inspect", "--swap", r"abc\n", "had", "--cell", "2.5")
    assert result.code == 2
    assert r"a newline is written $'\n' in the shell" in result.err


def test_a_cell_is_shown_with_what_it_writes(call: Call) -> None:
    """The characters are those of the Python interface."""
    result = call("inspect", "--text", "text.txt", "--cell", "2.5", "--cell", "1.5", "--chars", "90")
    profile = charrnn.load().cell_profile("2.5", TEXT[:90])
    promoted = next(line for line in result.out.splitlines() if line.startswith("promotes"))
    assert f"{profile.promotes[0].nats:+.2f}" in promoted
    assert "no character directly: the cell is not in the last layer" in result.out
    output = json.loads(
        call("inspect", "--text", "text.txt", "--cell", "2.5", "--cell", "1.5", "--chars", "90", "--json").out
    )
    assert output["profiles"][0] == profile.to_json()
    assert output["profiles"][1]["promotes"] is None
