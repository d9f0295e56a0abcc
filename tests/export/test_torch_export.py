"""The export to PyTorch computes what charrnn computes, and contains the weights unchanged."""

from pathlib import Path

import numpy as np
import pytest
import torch
from common import Call
from exported_models import CELLS, import_script, logits_after, make_model, run_script, two_texts
from safetensors.numpy import load_file, save_file

from charrnn.export.directory import write_directory
from charrnn.export.torch_export import torch_export
from charrnn.network.model_file import Model, load_model, save_model


def exported(model: Model, directory: Path) -> Path:
    """Export a model, save it beside, and return the exported script."""
    write_directory(directory / "torch", torch_export(model).files)
    save_model(directory / "model.safetensors", model)
    return directory / "torch/model.py"


@pytest.mark.parametrize("documents", [None, "line"])
@pytest.mark.parametrize("embedding", [0, 4])
@pytest.mark.parametrize("cell", CELLS)
def test_the_module_computes_the_logits_of_charrnn(
    cell: str, embedding: int, documents: str | None, tmp_path: Path
) -> None:
    """Of two texts in a batch, at once or in two parts with the state passed on."""
    model = make_model(cell, embedding=embedding, documents=documents)
    module, ids = import_script(exported(model, tmp_path)).load(), two_texts(model)
    expected = logits_after(model, ids)
    with torch.no_grad():
        logits, _ = module(torch.from_numpy(ids))
        first, state = module(torch.from_numpy(ids[:, :15]))
        second, _ = module(torch.from_numpy(ids[:, 15:]), state)
    assert np.allclose(logits.numpy(), expected, atol=2e-5)
    assert np.allclose(torch.cat([first, second], 1).numpy(), expected, atol=2e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_the_weights_are_those_of_the_model(cell: str, tmp_path: Path) -> None:
    """Bit for bit, under the names of the module's `state_dict`."""
    model = make_model(cell)
    script = exported(model, tmp_path)
    weights = load_file(script.parent / "model.safetensors")
    assert weights.keys() == model.weights.keys() == import_script(script).load().state_dict().keys()
    assert all(np.array_equal(weights[name], model.weights[name]) for name in weights)


@pytest.mark.parametrize(("cell", "kind"), [("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU), ("rnn", torch.nn.RNN)])
def test_layers_that_torch_has_are_those_of_torch(cell: str, kind: type, tmp_path: Path) -> None:
    """The other cells have a module with their equations."""
    assert isinstance(import_script(exported(make_model(cell), tmp_path)).load().rnn, kind)


def test_the_script_writes_text_without_charrnn(call: Call, tmp_path: Path) -> None:
    """The most likely text is that of charrnn, and an unknown character is an error."""
    script = exported(make_model("capped"), tmp_path)
    done = run_script(script, "--prompt", "ab", "--length", "200", "--temperature", "0")
    assert (done.returncode, done.stderr.decode()) == (0, "")
    expected = call("sample", str(tmp_path / "model.safetensors"), "-p", "ab", "-n", "200", "--argmax", "-q")
    assert done.stdout.decode() == f"{expected.out}\n"
    module = import_script(script)
    with pytest.raises(ValueError, match=r"never saw \['Q'\]"):
        module.encode("Q")


def test_the_seed_determines_the_text(tmp_path: Path) -> None:
    """And a document ends with its end character."""
    module = import_script(exported(make_model("gru", documents="line"), tmp_path))
    texts = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        texts.append(module.sample(module.load(), "ab\ncc", length=300))
    assert texts[0] == texts[1] != texts[2]
    assert not any("\n" in text for text in texts)


def test_the_exported_directory_is_a_model_of_charrnn_too(call: Call, tmp_path: Path) -> None:
    """All commands read its model.safetensors."""
    script = exported(make_model("lstm"), tmp_path)
    texts = {call("sample", str(path), "--seed", "1").out for path in (script.parent, tmp_path)}
    assert len(texts) == 1


@pytest.mark.parametrize("cell", CELLS)
def test_an_exported_network_is_imported_with_equal_weights(
    cell: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit, after the module's weights were saved by another program; the vocabulary is the same."""
    monkeypatch.chdir(tmp_path)
    model = make_model(cell)
    write_directory(Path("exported"), torch_export(model).files)
    save_file(load_file("exported/model.safetensors"), "weights.safetensors")
    vocabulary = "exported/vocabulary.json"
    result = call("import", "weights.safetensors", "--vocabulary", vocabulary, "--cell", cell, "--out", "imported")
    assert result.code == 0, result.err
    imported = load_model(Path("imported/model.safetensors"))
    assert imported.config.cell == cell
    assert imported.vocabulary.characters == model.vocabulary.characters
    assert imported.weights.keys() == model.weights.keys()
    for name, array in model.weights.items():
        np.testing.assert_array_equal(imported.weights[name], array)
