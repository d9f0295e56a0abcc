"""Fine-tuning on another text: charrnn train --from."""

import re
from pathlib import Path

import pytest
from common import Call

from charrnn.network.model_file import load_model
from charrnn.storage.run_directory import RunDirectory

SMALL = ("--batch", "4", "--length", "16", "--threads", "1", "--steps", "20")


@pytest.fixture(autouse=True)
def _texts(run_here: RunDirectory) -> None:
    """Change to a directory with a run on Hamlet and another text."""
    assert run_here.model.exists()
    Path("new.txt").write_text("a bad éclair, faded.\n" * 60)


def test_a_run_from_a_model_is_a_new_run(call: Call, run_here: RunDirectory) -> None:
    """Named after the new text; config and model name the pretrained model, which is not changed."""
    before = run_here.model.read_bytes()
    result = call("train", "new.txt", "--from", "checkpoints/hamlet", *SMALL)
    assert result.code == 0
    assert re.search("^from +checkpoints/hamlet *$", result.err, re.MULTILINE)
    assert "new to checkpoints/hamlet/model.safetensors: ',', '.', 'i'" in result.err
    assert "half the usual learning rate" in " ".join(result.err.split())
    assert run_here.model.read_bytes() == before
    new, old = load_model(Path("checkpoints/new/model.safetensors")), load_model(run_here.model)
    assert new.vocabulary.characters[: len(old.vocabulary)] == old.vocabulary.characters
    config = Path("checkpoints/new/config.yaml").read_text()
    assert "from: checkpoints/hamlet/model.safetensors  # command line" in config
    assert "hidden: 12  # determined by the pretrained model" in config
    assert "checkpoints/hamlet/model.safetensors" in call("info", "checkpoints/new").out


def test_the_same_command_resumes_and_its_settings_reproduce_the_run(call: Call) -> None:
    """With the run, its model file, or no --from at all; also with its config.yaml."""
    call("train", "new.txt", "--from", "checkpoints/hamlet", *SMALL)
    for how in (["--from", "checkpoints/hamlet"], ["--from", "checkpoints/hamlet/model.safetensors"], []):
        result = call("train", "new.txt", *how, "--threads", "1")
        assert "already trained" in result.err, result.err
    config = "checkpoints/new/config.yaml"
    assert call("train", "--config", config, "--out", "again", "--threads", "1").code == 0
    assert call("sample", "again", "--seed", "1").out == call("sample", "checkpoints/new", "--seed", "1").out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--from", "checkpoints/hamlett"], 1, "did you mean checkpoints/hamlet?"),
        (["--from", "new.txt"], 1, "new.txt"),
        (["--from", "."], 1, "no trained model at ."),
        (["--from", ""], 1, "no trained model"),
        (["--from", "checkpoints/hamlet", "--hidden", "512"], 2, "has hidden 12; --hidden 512"),
        (["--from", "checkpoints/hamlet", "--out", "checkpoints/hamlet"], 1, "checkpoints/hamlet"),
        (["--from", "checkpoints/hamlet", "--out", "checkpoints/hamlet", "--new"], 1, "contains the model"),
        (["--from", "checkpoints/hamlet", "--documents", "file"], 1, "is one file"),
    ],
)
def test_bad_models_are_refused_in_a_line(arguments: list[str], code: int, words: str, call: Call) -> None:
    """With the reason; no file is created or changed."""
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    result = call("train", "new.txt", *SMALL, *arguments)
    assert (result.code, result.out) == (code, "")
    assert words in result.err
    assert "Traceback" not in result.err
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_a_run_from_random_weights_cannot_resume_from_a_model(call: Call) -> None:
    """The error names the initial weights of the run."""
    call("train", "new.txt", "--hidden", "12", *SMALL)
    result = call("train", "new.txt", "--from", "checkpoints/hamlet", *SMALL)
    assert result.code == 1
    assert "from: saved None, requested checkpoints/hamlet/model.safetensors" in result.err
