"""Values that options accept."""

import shlex
from pathlib import Path

import click
import pytest
from common import Call
from hypothesis import given
from hypothesis import strategies as st

import charrnn
from charrnn.cli.cell_types import CellIdType
from charrnn.cli.inspect_browse import BROWSE_CHARS
from charrnn.cli.inspect_export import STATES_CHARS
from charrnn.cli.inspect_heatmaps import HEATMAP_CHARS
from charrnn.cli.options import Number
from charrnn.generation.generate import default_max_chars
from charrnn.generation.sampling import DEFAULT_SAMPLING
from charrnn.network.cell_id import CellId
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.held_out import DEFAULT_CHARS

CELL_HINT = "--cell is an option of `charrnn train`, `charrnn inspect`, `charrnn import`"


@given(st.integers(1, 99), st.integers(0, 9999))
def test_a_cell_is_read_as_it_is_written(layer: int, unit: int) -> None:
    """Layer from 1, a dot, unit from 0; a parsed value is returned unchanged."""
    cell = CellIdType().convert(f"{layer}.{unit}", None, None)
    assert cell == CellId(layer, unit) == CellIdType().convert(cell, None, None)


@pytest.mark.parametrize("value", ["", "2", "0.1", "2.", ".3", "2.3.4", "-1.2", "a.b", "²·³", "1.1\n"])
def test_the_error_for_an_invalid_cell_shows_an_example(value: str) -> None:
    """The error contains an example."""
    with pytest.raises(click.BadParameter, match=r"such as 2\.317"):
        CellIdType().convert(value, None, None)


@given(st.integers(-(2**70), 2**70))
def test_whole_numbers_are_read_exactly(number: int) -> None:
    """A large seed is not rounded."""
    assert Number(integer=True).convert(str(number), None, None) == number


@pytest.mark.parametrize("value", [True, None, "", "x", "nan", "-inf", "1e999", "2.5", [1]])
def test_values_that_are_not_integers_are_refused(value: object) -> None:
    """Including typed values of a settings file."""
    with pytest.raises(click.BadParameter, match="must be a whole number"):
        Number(integer=True).convert(value, None, None)


@pytest.mark.parametrize(("text", "read"), [("1e3", 1000), ("3.0", 3), (4.0, 4)])
def test_a_whole_number_may_be_written_with_a_point(text: object, read: int) -> None:
    """1e3 steps are 1,000 steps."""
    number = Number(integer=True).convert(text, None, None)
    assert number == read
    assert isinstance(number, int)


def test_bounds_are_kept() -> None:
    """The lower bound itself is excluded if `low_excluded` is set."""
    assert Number(0, 1).convert("0", None, None) == 0
    for wrong in ("-0.1", "1.1", "0"):
        with pytest.raises(click.BadParameter, match="> 0 and ≤ 1"):
            Number(0, 1, low_excluded=True).convert(wrong, None, None)


@pytest.mark.parametrize("value", ["1" + "0" * 400, "9" * 5000, 10**400, "1e400"])
@pytest.mark.parametrize(
    "kind", [Number(0, integer=True, hard_limit=10**12), Number(0, 1), Number(0, 10**12, integer=True)]
)
def test_a_number_of_hundreds_of_digits_is_refused_in_one_short_line(kind: Number, value: object) -> None:
    """The number is finite, and larger than any float."""
    with pytest.raises(click.BadParameter, match="must be") as caught:
        kind.convert(value, None, None)
    assert len(caught.value.message) < 120


def test_a_hard_limit_is_mentioned_only_if_it_is_exceeded() -> None:
    """The error for -1 does not mention the upper bound."""
    kind = Number(0, integer=True, hard_limit=10**9)
    assert kind.convert("1e9", None, None) == 10**9
    for value, message in (
        ("-1", "must be a whole number ≥ 0, not -1"),
        ("1e10", "must be at most 1,000,000,000, not 1e10"),
    ):
        with pytest.raises(click.BadParameter) as caught:
            kind.convert(value, None, None)
        assert caught.value.message == message


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["inspect", "--steer", "1.7"], "--steer is an option of `charrnn sample`"),
        (["train", "--temperature", "0.5"], "--temperature is an option of `charrnn sample`"),
        (["train", "-t", "0.5"], "-t is an option of `charrnn sample`"),
        (["train", "--temprature", "0.5"], "--temperature is an option of `charrnn sample`"),
        (["sample", "--cell", "1.7"], CELL_HINT),
        (["info", "--top=3"], "--top is an option of `charrnn inspect`, `charrnn score`"),
        (["--minutes", "5", "train"], "--minutes is an option of `charrnn train`"),
        (["sample", "--len", "9"], "did you mean --length?"),
        (["info", "--cel", "1.7"], CELL_HINT),
        (["train", "--batch-size", "8"], "did you mean --batch?"),
        (["score", "--unit", "byte"], "`charrnn score -h` shows the help"),
        (["sample", "--yyy"], "`charrnn sample -h` shows the help"),
    ],
)
def test_an_option_of_another_command_names_that_command(call: Call, arguments: list[str], hint: str) -> None:
    """From the declared options of all commands; a similar option of the same command comes before a similar one."""
    result = call(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.endswith(f"\n\nhint: {hint}\n")


def test_a_file_in_the_place_of_a_command_names_the_command_for_it(call: Call, tmp_path: Path) -> None:
    """Training for a text, sampling for a model or a run."""
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    for path, command in ((tmp_path / "a book.txt", "train"), (run.model, "sample")):
        path.write_text("abc")
        named = run.path if path == run.model else path
        assert call(str(named)).err.endswith(f"\n\nhint: `charrnn {command} {shlex.quote(str(named))}`\n")


@pytest.mark.parametrize("option", ["--svg", "--html", "--npz"])
def test_drawings_and_states_are_not_written_to_a_file_named_like_standard_output(call: Call, option: str) -> None:
    """`-` is refused before anything is read."""
    result = call("inspect", option, "-")
    assert (result.code, result.out, Path("-").exists()) == (2, "", False)
    assert f"{option}: it cannot be written to standard output" in result.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["sample", "--device", "cuda:1"], "`CUDA_VISIBLE_DEVICES=1 charrnn sample ... --device cuda`"),
        (["train", "--device", "GPU:0"], "`CUDA_VISIBLE_DEVICES=0 charrnn train ... --device cuda`"),
        (["score", "--device", "gpu", "x.txt"], "did you mean cuda?"),
        (["train", "--cell", "LTSM"], "did you mean lstm?"),
    ],
)
def test_a_gpu_given_by_number_is_selected_by_the_environment(call: Call, arguments: list[str], hint: str) -> None:
    """The hint has the complete command; other misspelled words get the most similar one."""
    result = call(*arguments)
    assert (result.code, result.err.splitlines()[-1]) == (2, f"hint: {hint}")


def test_a_gpu_given_by_number_in_python_is_selected_by_the_environment(tmp_path: Path) -> None:
    """The hint has the variable that selects the GPU."""
    with pytest.raises(charrnn.CharrnnError, match="cuda:1") as raised:
        charrnn.train("book.txt", device="cuda:1", out=tmp_path)  # type: ignore[arg-type]
    assert raised.value.hint is not None
    assert "CUDA_VISIBLE_DEVICES=1" in raised.value.hint


def test_training_in_a_read_only_directory_names_the_option_for_another_one(
    call: Call, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is trained."""

    def refuse(directory: Path) -> None:
        raise PermissionError(13, "Permission denied", str(directory))

    monkeypatch.setattr("charrnn.storage.run_lock.check_writable", refuse)
    result = call("train", book.name, "--steps", "3")
    assert result.err.endswith(
        "error: cannot write in checkpoints/book: permission denied\n\nhint: `--out DIR` names another directory\n"
    )


def test_the_help_names_the_defaults_that_the_commands_use(call: Call) -> None:
    """Whether the option declares its default, or the module that the help must not import."""
    helps = {name: " ".join(call(name, "-h").out.split()) for name in ("sample", "score", "inspect")}
    length = default_max_chars(documents=False)
    assert f"number of characters ({length}; a document" in helps["sample"]
    assert f"more predictable ({DEFAULT_SAMPLING.temperature:g})" in helps["sample"]
    lengths = f"search {DEFAULT_CHARS:,}; map {HEATMAP_CHARS:,}; browse {BROWSE_CHARS:,}; npz {STATES_CHARS:,}"
    assert f"characters to read ({lengths})" in helps["inspect"]
    assert "randomness (0)" in helps["inspect"]
    assert all("(utf-8)" in text and "{" not in text for text in helps.values())
