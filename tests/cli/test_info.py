"""charrnn info: the network and the training of a model."""

import dataclasses
import json
import math
import os
import shutil
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from common import Call

from charrnn.network.model_file import Model, save_model
from charrnn.storage.run_directory import RunDirectory

NGRAM = {"order": 3, "nats": 1.6, "learned_from": 900, "characters": 100, "nats_by_order": [1.9, 1.7, 1.6, 1.61]}
METRICS = [
    {"event": "ngram", "step": 0, **NGRAM},
    {"event": "report", "step": 10, "nats": 3.0, "bits": 4.3},
    {"event": "evaluation", "step": 20, "nats": 2.0, "bits": 2.9},
    {"event": "evaluation", "step": 40, "nats": 1.5, "bits": 2.2},
]


@pytest.fixture
def trained(run_here: RunDirectory) -> RunDirectory:
    """Give the run a history whose last line is incomplete."""
    lines = [json.dumps(line) for line in METRICS]
    run_here.metrics.write_text("\n".join([*lines, "[]", '{"event": "evaluation", "bi']), encoding="utf-8")
    return run_here


def test_json_has_everything(call: Call, trained: RunDirectory, model: Model) -> None:
    """Network, vocabulary, training and history."""
    facts = json.loads(call("info", "--json").out)
    assert facts == {
        "model": str(trained.model),
        "network": model.config.to_mapping(),
        "parameters": model.parameters,
        "bytes": trained.model.stat().st_size,
        "vocabulary": list(model.vocabulary.characters),
        "training": dict(model.training),
        "history": {"training": [[10, 4.3]], "validation": [[20, 2.9], [40, 2.2]]},
        "ngram": NGRAM | {"bits": 1.6 / math.log(2)},
    }


@pytest.mark.usefixtures("trained")
def test_the_model_is_described_for_a_reader(call: Call, model: Model) -> None:
    """Control characters as pictures, the losses as a plot, within 80 columns."""
    result = call("info", "checkpoints/hamlet")
    assert (result.code, result.err) == (0, "")
    assert f"LSTM 2 × 12 · embedding 4 · {model.parameters:,} weights" in result.out
    assert "11 characters: ␊ abcdefgh␛\n" in result.out
    assert f"loss        {1.5 / math.log(2):.4f} bits per character (1.5000 nats), state carried\n" in result.out
    assert "\nbits per character\n4.5 ┤" in result.out
    assert "* training   o validation   + n-gram" in result.out
    assert "3-gram 2.31 bits: the network is 0.14 better\n            learned from 900 characters\n" in result.out
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize("finished", [True, False])
def test_an_unfinished_run_shows_its_last_checkpoint(
    finished: bool, call: Call, run_here: RunDirectory, model: Model
) -> None:
    """The last checkpoint is later than the model, which has the best weights so far."""
    story = {"step": 318, "val_nats": 1.5} | ({"val_window256_nats": 1.6} if finished else {})
    save_model(run_here.model, dataclasses.replace(model, training=story))
    run_here.checkpoint(358).touch()
    result = call("info", "checkpoints/hamlet").out
    assert ("saved       up to step 358, not finished: " in result) != finished


def test_names_and_values_are_separated(call: Call, run_here: RunDirectory, model: Model) -> None:
    """Names of any length are separated from their values; settings are on one readable line."""
    settings = {"batch": 32, "length": 64, "lr": 0.015, "steps": None, "minutes": 1.0, "warm_up": 1000, "seed": 0}
    story = {"something_of_its_own": 1003854, "settings": settings}
    save_model(run_here.model, dataclasses.replace(model, training=story))
    lines = call("info").out.splitlines()
    assert "something of its own  1,003,854" in lines
    joined = "batch 32 streams × 64 characters · lr 0.015 · minutes 1 · warm up 1,000 · seed 0"
    assert f"settings              {joined}" in lines
    assert {line[20:22] for line in lines} == {"  "}


@pytest.mark.fault("F62")
def test_metadata_of_a_file_cannot_control_the_terminal(call: Call, run_here: RunDirectory, model: Model) -> None:
    """Strange values and a missing history cause no error."""
    story = {"corpus\x1b[2J": "a\x1b]0;x\x07\nb", "val_nats": None, "more": [1, {"a": 2.5}]}
    save_model(run_here.model, dataclasses.replace(model, training=story))
    result = call("info")
    assert result.code == 0
    assert not set(result.out) & {"\x1b", "\x07"}
    assert "a␛]0;x␇␊b" in result.out


def test_a_large_vocabulary_is_shown_in_part(call: Call, run_here: RunDirectory, model: Model) -> None:
    """As many characters as fit on the line."""
    vocabulary = type(model.vocabulary)(tuple(map(chr, range(0x4E00, 0x4E00 + 500))))
    weights = {
        **model.weights,
        "embedding.weight": np.zeros((500, 4), np.float32),
        "output.weight": np.zeros((500, 12), np.float32),
        "output.bias": np.zeros(500, np.float32),
    }
    save_model(run_here.model, dataclasses.replace(model, vocabulary=vocabulary, weights=weights))
    output = next(line for line in call("info").out.splitlines() if line.startswith("vocabulary"))
    assert "500 characters" in output
    assert output.endswith("…")


@pytest.mark.fault("F58", "F59")
def test_files_that_are_not_models_are_refused(call: Call, tmp_path: Path) -> None:
    """A pickle is not loaded, and any other file is named."""
    (tmp_path / "model.pt").write_bytes(b"PK\x03\x04")
    (tmp_path / "x.safetensors").write_bytes(b"nothing of the kind")
    assert "can run code" in call("info", str(tmp_path / "model.pt")).err
    result = call("info", str(tmp_path / "x.safetensors"))
    assert result.code == 1
    assert "not a valid model file" in result.err


def test_several_runs_are_listed_the_newest_first(call: Call, run_here: RunDirectory, model: Model) -> None:
    """With text, size, loss and age; a run that cannot be read is listed with the reason."""
    story = {"corpus": "texts/macbeth.txt", "val_nats": math.log(2)}
    for age, name in enumerate(("macbeth", "broken")):
        directory = RunDirectory(run_here.path.parent / name)
        directory.path.mkdir()
        save_model(directory.model, dataclasses.replace(model, training=story))
        os.utime(directory.model, (time.time() - 3600 * (age + 2),) * 2)
    unreadable = run_here.path.parent / "broken/model.safetensors"
    unreadable.write_bytes(b"nothing")
    os.utime(unreadable, (time.time() - 3 * 86400,) * 2)
    result = call("info")
    heading, newest, older, damaged, *_ = result.out.splitlines()
    assert heading.split() == ["run", "text", "network", "bits/char", "size", "age"]
    assert newest.startswith("checkpoints/hamlet")
    assert newest.endswith("just now")
    assert older.split()[:5] == ["checkpoints/macbeth", "macbeth.txt", "LSTM", "2×12", "1.0000"]
    assert older.endswith("2 h")
    assert "not a valid model file" in damaged
    listed = json.loads(call("info", "--json").out)["runs"]
    assert [run["model"].split("/")[1] for run in listed] == ["hamlet", "macbeth", "broken"]
    assert "LSTM 2 × 12" in call("info", "checkpoints/macbeth").out


def test_a_narrow_terminal_has_fewer_columns_of_runs(
    call: Call, run_here: RunDirectory, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name and the loss are kept longest; no cell of the table is wrapped."""
    other = RunDirectory(run_here.path.parent / "macbeth")
    other.path.mkdir()
    save_model(other.model, dataclasses.replace(model, training={"corpus": "macbeth.txt", "val_nats": 1.0}))
    output = {}
    for columns in (200, 50, 30):
        monkeypatch.setattr("charrnn.cli.info_details.terminal_columns", lambda _, columns=columns: columns)
        output[columns] = call("info").out.splitlines()[0].split()
        if columns < 200:
            omitted = [line for line in call("info").out.splitlines() if line.startswith("left out on a screen")]
            assert all(name in omitted[0] for name in set(output[200]) - set(output[columns]))
    assert output[200] == ["run", "text", "network", "bits/char", "size", "age"]
    assert output[30] == ["run", "bits/char"]
    assert len(output[30]) < len(output[50]) < len(output[200])


def test_the_loss_can_be_drawn_as_a_picture(call: Call, trained: RunDirectory, model: Model) -> None:
    """A valid SVG without URLs; a model without a history has no picture."""
    assert call("info", "--svg", "loss.svg").code == 0
    picture = ET.fromstring(Path("loss.svg").read_text(encoding="utf-8"))  # noqa: S314 - it is our own
    labels = {words.text for words in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"training", "validation", "n-gram", "4.5", "10", "40"} <= labels
    save_model(Path("alone.safetensors"), model)
    assert call("info", "alone.safetensors", "--svg", "none.svg").code == 1
    assert not Path("none.svg").exists()
    assert trained.model.exists()


@pytest.mark.usefixtures("trained")
def test_the_picture_of_the_loss_can_have_a_title(call: Call) -> None:
    """In place of the name of the run; without a picture the option is an error."""
    assert call("info", "--svg", "loss.svg", "--title", "A <good> run").code == 0
    picture = ET.fromstring(Path("loss.svg").read_text(encoding="utf-8"))  # noqa: S314 - it is our own
    assert picture.findtext("{http://www.w3.org/2000/svg}title") == "A <good> run"
    refused = call("info", "--title", "A good run")
    assert (refused.code, "--svg FILE" in refused.err) == (2, True)


@pytest.fixture
def downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model) -> Path:
    """Change to a directory that contains a model file without its run, and a text."""
    monkeypatch.chdir(tmp_path)
    save_model(Path("model.safetensors"), model)
    Path("book.txt").write_text("abc defgh\n" * 40)
    return Path("model.safetensors")


@pytest.mark.parametrize("command", [["info"], ["sample"], ["score", "book.txt"], ["inspect"]])
def test_every_command_beside_a_model_file_without_its_run_names_the_file(
    call: Call, downloaded: Path, command: list[str]
) -> None:
    """In place of a text to train on; checkpoints and hidden files are not named."""
    for name in ("checkpoint-00000003.safetensors", ".model.safetensors.1.tmp"):
        shutil.copy(downloaded, name)
    result = call(*command)
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "error: no run in checkpoints here, but a model file: model.safetensors\n\n"
        "hint: give the file's name: `model.safetensors`\n"
    )


def test_a_directory_of_model_files_is_not_a_run(call: Call, downloaded: Path) -> None:
    """The error names the files; a name without its suffix or with a typing error is recognized."""
    Path("models").mkdir()
    for name in ("gru.safetensors", "hamlet.safetensors"):
        shutil.copy(downloaded, Path("models") / name)
    assert call("info", "models").err == (
        "error: models is not a run, but has model files: gru.safetensors, hamlet.safetensors\n\n"
        f"hint: give the file's name: `{Path('models/gru.safetensors')}`\n"
    )
    for named in ("models/hamlet", "models/halmet.safetensors"):
        assert call("sample", named).err.endswith(f"hint: did you mean {Path('models/hamlet.safetensors')}?\n")


def test_a_model_file_without_its_run_is_shown_by_its_name(call: Call, downloaded: Path) -> None:
    """Never as a dot; `info` and `inspect` say which option names a text."""
    for named in (str(downloaded), "."):
        lines = call("info", named).out.splitlines()
        assert lines[0].split() == ["model", "model.safetensors"]
        assert any(line.startswith("run ") and "`--text FILE`" in line for line in lines)
    assert "`--text FILE`" in call("inspect", str(downloaded)).err
    assert call("sample", str(downloaded), "-n", "5", "--seed", "1").code == 0
    assert call("score", str(downloaded), "book.txt").code == 0


def test_a_run_named_without_its_directory_is_not_read_as_a_text(call: Call, run_here: RunDirectory) -> None:
    """`score hamlet book.txt` gets the same hint as `sample hamlet`."""
    Path("book.txt").write_text("abc")
    for command in (["score", "hamlet", "book.txt"], ["sample", "hamlet"]):
        assert call(*command).err == f"error: no trained model at hamlet\n\nhint: did you mean {run_here.path}?\n"
