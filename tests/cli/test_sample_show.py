"""charrnn sample --show: colors on a terminal, and exactly the text in a pipe."""

import re
from pathlib import Path

import pytest
from carrier_networks import carried_run
from common import Call, random_model
from launcher import Launcher
from terminal_screen import Terminal, terminal

from charrnn.network.model_file import save_model
from charrnn.storage.run_directory import RunDirectory

SAMPLE = ("sample", "-n", "60", "--seed", "3", "-p", "ab")
COLOR_VARIABLES = {
    "truecolor": {"COLORTERM": "truecolor"},
    "256": {},
    "16": {"TERM": "xterm-color"},
}


@pytest.fixture(autouse=True)
def _here(run_here: RunDirectory) -> None:
    """Change to the directory of a run whose model has no control characters."""
    save_model(run_here.model, random_model("\n abcdefgh"))


def backgrounds(screen: Terminal) -> set[str]:
    """Return the background colors on a screen."""
    return {cell.bg for line in screen.screen.buffer.values() for cell in line.values()} - {"default"}


@pytest.mark.parametrize("show", ["surprisal", "2.5", "line_pos"])
def test_a_pipe_receives_exactly_the_text(call: Call, show: str) -> None:
    """Without messages; the carrier of a concept is not searched."""
    assert call(*SAMPLE, "--show", show) == call(*SAMPLE)
    assert call(*SAMPLE, "--compare", "--show", show) == call(*SAMPLE, "--compare")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--show", "9.9"), "there is no cell 9.9"),
        (("--show", "strng"), "there is no concept 'strng'"),
        (("--show", "0.1"), "--show: must be layer.unit"),
        (("--show", "1.1", "--json"), "--show and --json cannot go together"),
        (("--show", "1.1", "--novelty"), "--show and --novelty cannot go together"),
        (("--show", "1.1", "--raw"), "--show and --raw cannot go together"),
        (("--compare", "--show", "9.9"), "there is no cell 9.9"),
    ],
)
def test_a_value_that_cannot_be_shown_is_an_error(call: Call, arguments: tuple[str, ...], message: str) -> None:
    """In a pipe as well."""
    result = call("sample", *arguments)
    assert (result.code != 0, result.out) == (True, "")
    assert message in result.err


@pytest.mark.parametrize("colors", COLOR_VARIABLES)
@pytest.mark.parametrize("show", ["surprisal", "2.5"])
def test_a_terminal_shows_the_text_in_colors(call: Call, launch: Launcher, colors: str, show: str) -> None:
    """The text is that of plain writing, with newlines as in heat maps."""
    text = call(*SAMPLE).out
    with terminal(*SAMPLE, "--show", show, environment=COLOR_VARIABLES[colors], launch=launch) as screen:
        assert screen.wait() == 0, screen.text
        assert text.replace("\n", "¶") in screen.text.replace("\n", "")
        assert len(backgrounds(screen)) > 2
    sequences = re.findall(rb"\x1b\[[0-9;]*m", screen.raw)
    longest = {"truecolor": b"48;2;", "256": b"48;5;", "16": b"4"}[colors]
    assert any(longest in sequence for sequence in sequences)
    assert colors != "16" or not any(b"48;" in sequence for sequence in sequences)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_without_colors_shows_digits(launch: Launcher, environment: dict[str, str]) -> None:
    """A line of digits follows each line of each sample, and a legend precedes them."""
    arguments = (*SAMPLE, "--show", "2.5", "--count", "2")
    with terminal(*arguments, environment=environment, launch=launch) as screen:
        assert screen.wait() == 0, screen.text
        assert b"\x1b[" not in screen.raw
        assert "tanh(c) of 2.5; digits 0" in screen.text
        assert re.search(r"^ab[^\n]*\n  \d+$", screen.text, re.MULTILINE)
        assert "── 2 of 2 · --seed 4 ──" in screen.text


@pytest.mark.parametrize("arguments", [("--compare",), ("--steer", "1.3")])
def test_samples_side_by_side_are_shown_too(launch: Launcher, arguments: tuple[str, ...]) -> None:
    """In colors, or with digits, below the legend's values."""
    for environment in ({}, {"NO_COLOR": "1"}):
        with terminal(
            "sample", "-n", "30", *arguments, "--show", "surprisal", environment=environment, launch=launch
        ) as screen:
            assert screen.wait() == 0, screen.text
            assert "surprisal, bits" in screen.text
            assert bool(backgrounds(screen)) != bool(environment)
            assert bool(re.search(r"^\d+ +\d+ +\d+", screen.text, re.MULTILINE)) == bool(environment)


def test_the_carrier_of_a_concept_is_shown(launch: Launcher, tmp_path: Path) -> None:
    """The legend names the carrier, which is on inside of the concept and off outside."""
    carried_run(tmp_path / "checkpoints/quotes", "lstm", 1)
    arguments = ("sample", "checkpoints/quotes", "-p", "so “sun”", "-n", "40", "--seed", "3", "--show", "in_quote")
    with terminal(*arguments, environment={"NO_COLOR": "1"}, launch=launch) as screen:
        assert screen.wait() == 0, screen.text
        assert re.search(
            r"level of in_quote, .* in (cell|\d+ cells|a direction).*digits 0", screen.text.replace("\n", " ")
        )
        text, digits = re.findall(r"^(so .*)\n +(\d+)$", screen.text, re.MULTILINE)[-1]
        inside = [character == "“" for character in text[-len(digits) :]]
        assert [digit for digit, opens in zip(digits, inside, strict=True) if opens] == ["9"] * sum(inside)
