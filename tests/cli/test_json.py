"""JSON of all commands: one name per meaning, and null for values that are not numbers."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from common import Call, random_model

from charrnn.cli.streams import write_json
from charrnn.network.model_file import save_model
from charrnn.storage.run_directory import RunDirectory

TEXT = "abc (def) gab\nface bad\n" * 400
VIEWS = ("surprise", "gates", "memory", "errors")

pytestmark = pytest.mark.usefixtures("few_positions")


@pytest.fixture
def run(run_here: RunDirectory) -> RunDirectory:
    """Return a run whose model knows the text beside the run."""
    save_model(run_here.model, random_model("\n abcdefgh()"))
    Path("text.txt").write_text(TEXT)
    Path("other.txt").write_text(TEXT[::-1])
    return run_here


def no_constant(word: str) -> Any:
    """Raise an error for NaN and Infinity, which Python writes although JSON has neither."""
    raise AssertionError(word)


def json_objects(call: Call, *arguments: str) -> list[dict[str, Any]]:
    """Return the JSON objects that a command writes."""
    result = call(*arguments, "--json")
    assert result.code == 0, result.err
    assert "Warning" not in result.err
    return [json.loads(line, parse_constant=no_constant) for line in result.out.splitlines()]


@pytest.mark.parametrize(
    "arguments",
    [
        ("sample", "-n", "5", "--count", "2"),
        ("sample", "-n", "5", "--compare"),
        ("sample", "-n", "5", "--steer", "1.3"),
        ("score", "text.txt"),
        ("score", "text.txt", "--per-line"),
        ("score", "text.txt", "--top", "3"),
        ("info",),
        ("inspect", "--text", "text.txt", "--quick", "--concept", "a=/a/after:3"),
        ("inspect", "--text", "text.txt", "--cell", "1.3", "--concept", "a=/a/after:3"),
        ("inspect", "--text", "text.txt", "--contexts", "1.3"),
        *(("inspect", "--text", "text.txt", f"--{view}") for view in VIEWS),
    ],
    ids=" ".join,
)
def test_a_model_is_named_by_its_file(call: Call, run: RunDirectory, arguments: tuple[str, ...]) -> None:
    """In every object of every command, as in the result of a training."""
    objects = json_objects(call, *arguments)
    assert objects
    assert {entry["model"] for entry in objects} == {str(run.model)}


def test_listed_runs_are_named_by_their_files(call: Call, run: RunDirectory) -> None:
    """The listed path can be given to any command."""
    second = RunDirectory(run.path.with_name("second"))
    second.path.mkdir()
    save_model(second.model, random_model())
    (listed,) = json_objects(call, "info")
    assert {entry["model"] for entry in listed["runs"]} == {str(run.model), str(second.model)}
    (entry,) = json_objects(call, "info", listed["runs"][0]["model"])
    assert entry["model"] == listed["runs"][0]["model"]


@pytest.mark.parametrize(
    "view",
    [
        ("--quick", "--concept", "a=/a/after:3"),
        ("--cell", "1.3"),
        ("--contexts", "1.3"),
        *((f"--{v}",) for v in VIEWS),
    ],
)
def test_the_start_of_the_text_is_recorded(call: Call, run: RunDirectory, view: tuple[str, ...]) -> None:
    """By every view, under the same key."""
    assert run.model.exists()
    (result,) = json_objects(call, "inspect", "--text", "text.txt", "--start", "46", *view)
    assert result["start"] == 46


def test_the_text_to_confirm_on_begins_where_the_other_one_does(call: Call, run: RunDirectory) -> None:
    """Text before --start is not read; an error is printed if no text is left."""
    assert run.model.exists()
    search = ("inspect", "--text", "text.txt", "--quick", "--concept", "a=/a/after:3", "--start", "90")
    (here,) = json_objects(call, *search, "--confirm", "other.txt")
    Path("other.txt").write_text(TEXT[::-1][90:].rjust(len(TEXT), "a"))
    (other_result,) = json_objects(call, *search, "--confirm", "other.txt")
    assert here["concepts"][0]["fit"] == other_result["concepts"][0]["fit"]
    Path("other.txt").write_text("abc")
    result = call(*search, "--confirm", "other.txt")
    assert result.code == 1
    assert "other.txt has no text at 90" in result.err


def test_values_that_are_not_finite_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    """At any depth."""
    write_json({"a": math.inf, "b": [1.5, math.nan, {"c": (-math.inf, "inf")}], "d": None, "e": 2})
    assert capsys.readouterr().out == '{"a": null, "b": [1.5, null, {"c": [null, "inf"]}], "d": null, "e": 2}\n'


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scale", [0.0, 30.0, 1e4])
def test_a_degenerate_network_causes_no_warning(call: Call, run: RunDirectory, view: str, scale: float) -> None:
    """Zero weights, and saturated weights without gradients, cause no NumPy warning."""
    save_model(run.model, random_model("\n abcdefgh()", scale=scale))
    (result,) = json_objects(call, "inspect", "--text", "text.txt", f"--{view}")
    assert result["characters"] > 0
    if view == "memory":
        assert np.isfinite(result["gradient"]["high"]).all()
    assert call("inspect", "--text", "text.txt", f"--{view}").code == 0
