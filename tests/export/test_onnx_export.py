"""The export to ONNX computes in ONNX Runtime what charrnn computes."""

import json
import sys
import tomllib
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import pytest
from common import PACKAGE_HOME, Call
from exported_models import CELLS, logits_after, make_model, run_script, two_texts
from numpy.typing import NDArray

from charrnn.export.directory import write_directory
from charrnn.export.onnx_export import REQUIREMENT, onnx_export
from charrnn.network.model_file import Model, save_model
from charrnn.storage.run_directory import RunDirectory

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

State = NDArray[np.float32]


def exported(model: Model, directory: Path) -> Path:
    """Export a model, save it beside, and return the directory of the export."""
    write_directory(directory / "onnx", onnx_export(model).files)
    save_model(directory / "model.safetensors", model)
    return directory / "onnx"


def run(session: Any, ids: NDArray[np.int64], state: State) -> tuple[NDArray[np.float32], State]:
    """Return the outputs of a graph."""
    logits, next_state = session.run(["logits", "next_state"], {"ids": ids, "state": state})
    return logits, next_state


@pytest.mark.parametrize("documents", [None, "line"])
@pytest.mark.parametrize("embedding", [0, 4])
@pytest.mark.parametrize("cell", CELLS)
def test_the_graph_computes_the_logits_of_charrnn(
    cell: str, embedding: int, documents: str | None, tmp_path: Path
) -> None:
    """From the exported initial state, for any number and length of texts, in parts with the state passed on."""
    model = make_model(cell, embedding=embedding, documents=documents)
    directory, ids = exported(model, tmp_path), two_texts(model)
    session, initial = runtime.InferenceSession(directory / "model.onnx"), np.load(directory / "initial.npz")["state"]
    expected = logits_after(model, ids)
    logits, _ = run(session, ids, initial)
    assert np.abs(logits - expected).max() <= 1e-5
    first, state = run(session, ids[:, :15], initial)
    second, _ = run(session, ids[:, 15:], state)
    assert np.abs(np.concatenate([first, second], 1) - expected).max() <= 1e-5
    single, state = run(session, ids[1:, :1], initial)
    assert np.abs(single - expected[1:, :1]).max() <= 1e-5
    assert state.shape == initial.shape


def test_the_graph_has_the_promised_inputs_and_outputs(tmp_path: Path) -> None:
    """With dynamic axes, the vocabulary and the initial state as metadata, and no path of this machine."""
    directory = exported(make_model("lstm"), tmp_path)
    graph = onnx.load(directory / "model.onnx")
    onnx.checker.check_model(graph, full_check=True)
    session = runtime.InferenceSession(directory / "model.onnx")
    shapes = {value.name: value.shape for value in (*session.get_inputs(), *session.get_outputs())}
    assert shapes == {
        "ids": ["batch", "time"],
        "state": [4, "state_batch", 13],
        "logits": ["batch", "time", 13],
        "next_state": [4, "batch", 13],
    }
    metadata = {entry.key: json.loads(entry.value) for entry in graph.metadata_props}
    assert metadata["vocabulary"] == json.loads((directory / "vocabulary.json").read_text(encoding="utf-8"))
    assert metadata["initial_state"] == [0.0] * 4
    assert str(tmp_path).encode() not in (directory / "model.onnx").read_bytes()


def test_the_script_writes_text_without_charrnn(call: Call, tmp_path: Path) -> None:
    """With ONNX Runtime; the most likely text is that of charrnn."""
    script = exported(make_model("cifg", documents="line"), tmp_path) / "model.py"
    done = run_script(script, "--prompt", "ab\nc", "--length", "100", "--temperature", "0")
    assert (done.returncode, done.stderr.decode()) == (0, "")
    expected = call("sample", str(tmp_path / "model.safetensors"), "-p", "ab\nc", "-n", "100", "--argmax", "-q")
    assert done.stdout.decode() == expected.out


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    call: Call, run_here: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written."""
    monkeypatch.setattr("charrnn.export.onnx_export.find_spec", lambda _: None)
    result = call("export", str(run_here.path), "--to", "onnx", "--out", "out")
    command = f"{quote(sys.executable)} -m pip install 'onnx>=1.16'"
    message = f"error: --to onnx needs the package onnx\n\nhint: `{command}` installs it\n"
    assert (result.code, result.err) == (1, message)
    extras = tomllib.loads((PACKAGE_HOME / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["onnx"] == [REQUIREMENT]
    assert not Path("out").exists()


def test_a_network_above_2_gib_is_refused(
    call: Call, run_here: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ONNX file cannot contain it."""
    monkeypatch.setattr("charrnn.export.onnx_export.MAX_BYTES", 1000)
    result = call("export", str(run_here.path), "--to", "onnx", "--out", "out")
    assert result.code == 1
    assert result.err.startswith("error: an ONNX file holds at most 2 GiB")
