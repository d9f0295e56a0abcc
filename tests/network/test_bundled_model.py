"""The bundled model: its file, when it is used, and its documented cells."""

import hashlib
import re
from pathlib import Path

import pytest
from common import PACKAGE_HOME, Call

import charrnn
from charrnn.errors import CharrnnError
from charrnn.network.model_file import Model, load_model, save_model
from charrnn.storage.run_directory import BUNDLED_MODEL, RunDirectory, display_name, find_model
from charrnn.text.held_out import held_out_text
from charrnn.text.source_file import standard_library_files

MAX_BYTES = 2_000_000
DESCRIPTION = BUNDLED_MODEL.with_name("README.md")
NOTE = "using the bundled model (Python source); `charrnn train FILE` trains your own\n"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# The file


def test_the_file_is_small_and_is_the_documented_one() -> None:
    """Its description names its checksum."""
    content = BUNDLED_MODEL.read_bytes()
    assert len(content) <= MAX_BYTES
    assert hashlib.sha256(content).hexdigest() in DESCRIPTION.read_text(encoding="utf-8")
    assert load_model(BUNDLED_MODEL).parameters > 100_000


def test_the_model_records_the_command_that_trained_it(call: Call) -> None:
    """`info` shows the command, which the description documents."""
    command = load_model(BUNDLED_MODEL).training["command"]
    assert command.startswith("charrnn train ")
    assert "--steps" in command
    assert command in DESCRIPTION.read_text(encoding="utf-8")
    assert command in call("info", "bundled").out


# When the model is used


def test_commands_use_the_bundled_model_without_a_run(call: Call, nowhere: Path) -> None:
    """They say so in one line on standard error."""
    for command in (("sample", "-n", "5"), ("info",), ("inspect", "--cell", "1.1", "--chars", "20")):
        result = call(*command)
        assert (result.code, result.err) == (0, NOTE), command
        assert result.out
    (nowhere / "book.py").write_text("import os\n")
    assert call("score", "book.py").err == NOTE
    assert call("sample", "-n", "5", "-q").err == ""


def test_an_explicit_name_needs_no_note(call: Call, nowhere: Path) -> None:
    """`bundled` is a model wherever a model can be named."""
    (nowhere / "book.py").write_text("import os\n")
    for command in (("sample", "bundled", "-n", "5"), ("score", "bundled", "book.py"), ("info", "bundled")):
        result = call(*command)
        assert (result.code, result.err) == (0, ""), command
    assert display_name(BUNDLED_MODEL) == "bundled"
    assert charrnn.load("bundled").path == charrnn.load().path == BUNDLED_MODEL


def test_trained_runs_take_precedence(run_here: RunDirectory, call: Call) -> None:
    """The newest run is the default as soon as there is one."""
    assert find_model() == run_here.model
    assert call("sample", "-n", "5").err == ""


def test_a_run_or_a_file_of_the_same_name_takes_precedence(nowhere: Path, model: Model) -> None:
    """A path in the working directory is a path."""
    (nowhere / "bundled").mkdir()
    with pytest.raises(CharrnnError, match="no trained model at bundled"):
        find_model(Path("bundled"))
    save_model(RunDirectory(Path("bundled")).model, model)
    assert find_model(Path("bundled")) == Path("bundled/model.safetensors")


def test_models_that_the_user_may_mean_are_not_passed_over(nowhere: Path, model: Model) -> None:
    """Runs and model files in the working directory itself have to be named."""
    save_model(nowhere / "old.safetensors", model)
    with pytest.raises(CharrnnError, match=r"no run in checkpoints here, but a model file: old\.safetensors"):
        find_model()


def test_training_starts_from_the_bundled_model_and_leaves_it_unchanged(call: Call, book: Path) -> None:
    """`--from bundled` fine-tunes a copy, and the same command resumes it; the package is not a run directory."""
    before, options = BUNDLED_MODEL.read_bytes(), ("--batch", "2", "--length", "8", "--threads", "1", "--out", "new")
    for steps in ("1", "2"):
        result = call("train", str(book), "--from", "bundled", *options, "--steps", steps)
        assert result.code == 0, result.err
    assert call("train", str(book), "--steps", "1", "--out", str(BUNDLED_MODEL.parent)).code == 1
    assert BUNDLED_MODEL.read_bytes() == before
    assert sorted(path.name for path in BUNDLED_MODEL.parent.iterdir()) == ["README.md", BUNDLED_MODEL.name]


# The text


def test_the_held_out_text_is_the_end_of_the_standard_library() -> None:
    """Whole files, about a tenth of all, in which the model reads no file that it was trained on."""
    model = load_model(BUNDLED_MODEL)
    text = held_out_text(BUNDLED_MODEL, model.vocabulary, model.training, slice(0, None), hint="").text
    library = b"".join(file.path.read_bytes() for file in standard_library_files())
    assert library.decode().endswith(text)
    assert 0.05 < len(text) / len(library) <= 0.1001


def test_without_the_library_a_text_has_to_be_named(
    call: Call, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some installations of Python have no source code."""
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(nowhere))
    result = call("inspect", "bundled", "--cell", "1.1")
    assert (result.code, "standard library source" in result.err, "`--text FILE`" in result.err) == (1, True, True)
    (nowhere / "book.py").write_text("import os\n")
    assert call("inspect", "bundled", "--cell", "1.1", "--text", "book.py").code == 0


def test_novelty_needs_a_run(call: Call) -> None:
    """The training text is not in the package."""
    result = call("sample", "bundled", "-n", "5", "--novelty")
    assert (result.code, "the bundled model comes without its training text" in result.err) == (1, True)


# The documented cells

CARRIERS = re.findall(r"(?m)^\| `(\w+)` \| (1\.\d+) \| (causal) \|", DESCRIPTION.read_text(encoding="utf-8"))
"""concept, cell and verdict in each row of the description's table that names a causal cell"""


@pytest.mark.slow
def test_the_documented_cells_are_causal() -> None:
    """A search for their concepts finds them in the held-out text, whatever version of Python that is from."""
    assert len(CARRIERS) >= 3
    findings = charrnn.load("bundled").find(concepts=[concept for concept, _, _ in CARRIERS])
    found = {(each.concept, each.cell, each.verdict) for each in findings.concepts}
    assert set(CARRIERS) <= found


def test_the_wheel_contains_the_model() -> None:
    """Hatchling packages all files in the directory of the package that git does not ignore."""
    assert BUNDLED_MODEL.is_relative_to(PACKAGE_HOME / "charrnn")
    ignored = (PACKAGE_HOME / ".gitignore").read_text(encoding="utf-8").split()
    assert not any(BUNDLED_MODEL.match(pattern) for pattern in ignored)
