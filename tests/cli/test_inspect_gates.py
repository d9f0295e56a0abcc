"""charrnn inspect --cell --gates: all gates and states of a cell below each other over the text."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from common import Call, random_model

import charrnn
from charrnn.config import NetworkConfig
from charrnn.network.model_file import save_model
from charrnn.storage.run_directory import RunDirectory

HOSTILE = "</pre><script>alert(1)</script>\x1b[31m\u202e\u200b&\"' 日本 עברית\n\te\u0301👍🏽"
SIGNALS = {
    "lstm": ["i", "f", "g", "o", "tanh(c)", "h"],
    "gru": ["r", "z", "n", "h"],
    "rnn": ["h"],
    "peephole": ["i", "f", "g", "o", "tanh(c)", "h"],
    "cifg": ["f", "g", "o", "tanh(c)", "h"],
    "capped": ["i", "f", "g", "o", "tanh(c)", "h"],
}


@pytest.fixture(params=SIGNALS)
def trained(request: pytest.FixtureRequest, run_here: RunDirectory) -> charrnn.TrainedModel:
    """Return a model of each kind of cell, which reads hostile text, beside such a text."""
    config = NetworkConfig(cell=request.param, layers=2, hidden=7, embedding=3)
    save_model(run_here.model, random_model("".join(sorted(set(HOSTILE))), config=config))
    Path("text.txt").write_text(HOSTILE)
    return charrnn.load()


def test_a_cell_has_its_gates_and_states_in_order(trained: charrnn.TrainedModel, call: Call) -> None:
    """As JSON they are the values of `activations`, and each is a row of the drawing."""
    names = SIGNALS[trained.model.config.cell]
    result = json.loads(call("inspect", "--text", "text.txt", "--cell", "2.3", "--gates", "--json").out)
    assert (result["view"], result["cell"], result["content"]) == ("cell_gates", "2.3", HOSTILE)
    assert list(result["signals"]) == names
    for name, values in result["signals"].items():
        recorded = trained.activations(HOSTILE, signal="c" if name == "tanh(c)" else name)
        assert np.allclose(values, recorded.cell("2.3"), atol=1e-4)
    drawing = call("inspect", "--text", "text.txt", "--cell", "2.3", "--gates").out
    labels = [line.split(" ")[0] for line in drawing.splitlines() if line[:1].strip()]
    assert [label for label in labels if label in names][: len(names)] == names
    assert f"{', '.join(names)} of 2.3" in " ".join(drawing.split())


def test_hostile_text_controls_neither_terminal_nor_page(trained: charrnn.TrainedModel, call: Call) -> None:
    """Control characters are replaced, and markup is escaped in the picture and in the notebook."""
    result = call("inspect", "--text", "text.txt", "--cell", "2.3", "--gates", "--svg", "map.svg")
    assert result.code == 0, result.err
    assert not set(result.out) & set("\x1b\u202e\u200b")
    svg = Path("map.svg").read_text(encoding="utf-8")
    kinds = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}  # noqa: S314 - our own document
    assert kinds <= {"svg", "title", "desc", "g", "rect", "text"}
    html = trained.gates(HOSTILE, "2.3")._repr_html_()
    assert "<script" not in html
    assert "\x1b" not in html


def test_digits_of_a_gate_begin_at_zero(run_here: RunDirectory, call: Call) -> None:
    """A gate has ten levels between 0 and 1; a state has five above zero."""
    save_model(run_here.model, random_model("\n abcdefgh", scale=2))
    Path("text.txt").write_text("abcdefgh" * 9)
    arguments = ("inspect", "--text", "text.txt", "--cell", "1.3", "--gates", "--chars", "60")
    (values,) = [json.loads(line)["signals"]["f"] for line in call(*arguments, "--json").out.splitlines()]
    out = call(*arguments).out
    (row,) = [line.split()[1] for line in out.splitlines() if line.startswith("f ")]
    assert row == "".join(str(min(9, int(value * 10))) for value in values)
    assert "i, f, o: 0 … 9 for 0 … 1" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--cell", "9.0"), "there is no cell 9.0"),
        (("--cell", "1.0", "--signal", "f"), "--gates draws all signals of a cell"),
        (("--cell", "1.0", "--concept", "in_quote", "--concept", "line_pos"), "one concept, not 2"),
        (("--browse",), "--browse and --gates cannot go together"),
        (("--browse", "--cell", "1.0"), "--browse and --gates cannot go together"),
    ],
)
def test_what_cannot_be_combined_is_refused(
    call: Call, run_here: RunDirectory, arguments: tuple[str, ...], message: str
) -> None:
    """With one line and a hint."""
    save_model(run_here.model, random_model("\n abcdefgh"))
    Path("text.txt").write_text("abcdefgh" * 9)
    result = call("inspect", "--text", "text.txt", "--gates", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_several_cells_have_a_drawing_each_with_the_marks_of_a_concept(call: Call, run_here: RunDirectory) -> None:
    """The first drawing is the picture, and the last line of JSON is that of the last cell."""
    save_model(run_here.model, random_model("\n abcdefgh"))
    Path("text.txt").write_text("ab cd\nefgh ab" * 9)
    arguments = (
        "inspect",
        "--text",
        "text.txt",
        "--cell",
        "1.3",
        "--cell",
        "2.0",
        "--gates",
        "--concept",
        "line_pos",
    )
    results = list(map(json.loads, call(*arguments, "--json").out.splitlines()))
    assert [result["cell"] for result in results] == ["1.3", "2.0"]
    assert all(len(*result["marks"].values()) == len(result["content"]) for result in results)
    out = call(*arguments, "--svg", "map.svg").out
    assert out.index("1.3 of checkpoints") < out.index("2.0 of checkpoints")
    assert "1.3 of checkpoints" in Path("map.svg").read_text(encoding="utf-8")
