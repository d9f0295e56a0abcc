"""The export to NumPy writes the same text as charrnn."""

import dataclasses
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from common import Call, CommandResult, random_model
from exported_models import CELLS, make_model, run_script

from charrnn.config import NetworkConfig
from charrnn.export import numpy_export as exports
from charrnn.export.directory import write_directory
from charrnn.export.numpy_export import numpy_export
from charrnn.network.model_file import Model, save_model

SameText = Callable[..., None]

SAMPLE = ("--length", "2000", "--temperature", "0.7", "--top-k", "5", "--prompt", "a bad é")


def exported(model: Model, directory: Path) -> Path:
    """Export a model, save it beside, and return the exported script."""
    write_directory(directory / "numpy", numpy_export(model).files)
    save_model(directory / "model.safetensors", model)
    return directory / "numpy/model.py"


@pytest.fixture
def call_script(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return a function that runs an exported script in this process; `run_script` runs it in one without charrnn."""

    def run_script_here(script: Path, *arguments: str) -> CommandResult:
        monkeypatch.setattr(sys, "argv", [str(script), *arguments])
        code = 0
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = capsysbinary.readouterr()
        return CommandResult(code, out.decode(), err.decode())

    return run_script_here


@pytest.fixture
def same_text(call: Call, call_script: Call) -> SameText:
    """Return a function that checks that an exported script and `charrnn sample` write the same."""

    def check(script: Path, *arguments: str) -> None:
        assert call_script(script, *arguments) == (0, sampled(call, script, *arguments), "")

    return check


def sampled(call: Call, script: Path, *arguments: str) -> str:
    """Return the text that `charrnn sample` writes with the model of an exported script."""
    result = call("sample", str(script.parents[1] / "model.safetensors"), "-q", *arguments)
    assert (result.code, result.err) == (0, "")
    return result.out


def test_the_script_needs_numpy_only(call: Call, tmp_path: Path) -> None:
    """In an interpreter without charrnn."""
    script = exported(make_model("lstm"), tmp_path)
    done = run_script(script, *SAMPLE, "--seed", "0")
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert done.stdout.decode() == sampled(call, script, *SAMPLE, "--seed", "0")
    assert len(done.stdout.decode()) == 2000 + len("a bad é")


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_text_is_that_of_charrnn_for_each_seed(seed: str, same_text: SameText, tmp_path: Path) -> None:
    """2,000 characters with temperature, top-k and a prompt."""
    script = exported(make_model("lstm"), tmp_path)
    same_text(script, *SAMPLE, "--seed", seed)


@pytest.mark.parametrize("cell", CELLS)
def test_the_text_is_that_of_charrnn_for_each_cell(cell: str, same_text: SameText, tmp_path: Path) -> None:
    """With one-hot inputs."""
    script = exported(make_model(cell, embedding=0), tmp_path)
    same_text(script, *SAMPLE, "--seed", "1")


@pytest.mark.parametrize("arguments", [("--temperature", "0"), ("--seed", "4"), ("--seed", "4", "--top-k", "1")])
def test_the_text_without_a_prompt_is_that_of_charrnn(
    arguments: tuple[str, ...], same_text: SameText, tmp_path: Path
) -> None:
    """By default as long as those of charrnn, and at temperature 0."""
    script = exported(make_model("gru"), tmp_path)
    same_text(script, *arguments)


@pytest.mark.parametrize("documents", ["line", "file", "blank"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_document_ends_as_in_charrnn(cell: str, documents: str, same_text: SameText, tmp_path: Path) -> None:
    """The end character is not written, and resets the state within a prompt."""
    config = NetworkConfig(cell=cell, layers=1, hidden=9, embedding=4, documents=documents)
    script = exported(random_model("\n abc\x03", scale=0.4, config=config), tmp_path)
    for seed in "123":
        same_text(script, "--seed", seed, "--prompt", "ab\ncc")


def test_a_large_table_of_inputs_is_not_computed(
    same_text: SameText, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The products of single characters are rounded as in charrnn."""
    for module in ("charrnn.export.numpy_export", "charrnn.network.inference"):
        monkeypatch.setattr(f"{module}.MAX_TABLE", 10)
    script = exported(make_model("lstm"), tmp_path)
    assert "INPUTS" not in script.read_text(encoding="utf-8")
    same_text(script, *SAMPLE, "--seed", "1")


def test_a_prompt_is_normalized_like_the_training_text(same_text: SameText, tmp_path: Path) -> None:
    """A decomposed é is read as the composed one."""
    model = dataclasses.replace(make_model("rnn"), training={"normalization": "NFC"})
    script = exported(model, tmp_path)
    same_text(script, "--prompt", "e\u0301", "--seed", "1", "--length", "50")


def test_an_unknown_character_of_the_prompt_is_an_error(call_script: Call, tmp_path: Path) -> None:
    """In one line after the usage."""
    result = call_script(exported(make_model("lstm"), tmp_path), "--prompt", "Q")
    assert result.code == 2
    assert result.err.splitlines()[-1].endswith("error: the model never saw ['Q']")


@pytest.mark.parametrize("documents", [None, "file", "line"])
def test_the_line_of_a_terminal_is_ended(
    documents: str | None, call_script: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once; control characters are replaced there."""
    script = exported(make_model("rnn", documents=documents) if documents != "file" else file_model(), tmp_path)
    arguments = ("--length", "300", "--temperature", "5", "--seed", "1")
    piped = call_script(script, *arguments).out
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    shown = call_script(script, *arguments).out
    assert shown == piped.replace("\x1b", "\ufffd") + ("" if documents == "line" else "\n")


def file_model() -> Model:
    """Return a model of files, whose documents end with a control character."""
    return random_model("\n abc\x03", config=NetworkConfig(cell="rnn", layers=1, hidden=9, documents="file"))


@pytest.mark.parametrize("cell", CELLS)
def test_the_script_is_a_page(cell: str, tmp_path: Path) -> None:
    """At most 80 lines for every network, and without any text of the model."""
    model = dataclasses.replace(make_model(cell, documents="line"), training={"normalization": "NFC", "corpus": "§§"})
    script = exported(model, tmp_path).read_text(encoding="utf-8")
    assert len(script.splitlines()) <= 80
    assert "{{" not in script
    assert "#if" not in script
    assert script.isascii()


def test_the_arrays_are_read_without_pickle(tmp_path: Path) -> None:
    """As any file of `np.savez`; the characters are code points."""
    model = make_model("peephole")
    exported(model, tmp_path)
    arrays = dict(np.load(tmp_path / "numpy" / exports.ARRAYS, allow_pickle=False))
    assert "".join(map(chr, arrays["characters"])) == "".join(model.vocabulary.characters)
    assert np.array_equal(arrays["peephole2"], model.weights["rnn.weight_peephole_l1"])
    assert sum(array.size for name, array in arrays.items() if name != "characters") == model.parameters - 2 * 52
