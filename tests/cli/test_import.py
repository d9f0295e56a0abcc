"""Import of models of other programs: the loss is the original's, and all commands read the result."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from common import Call, CommandResult
from foreign_networks import (
    CHARACTERS,
    SIZE,
    TEXT,
    Tensors,
    keras_network,
    onnx_network,
    safetensors,
    write_network_files,
)
from torch import nn

from charrnn.cli.import_model import LAYOUTS
from charrnn.network import weight_layouts
from charrnn.network.model_file import load_model
from charrnn.text.vocabulary_file import read_vocabulary

OUT = Path("checkpoints/net/model.safetensors")
Kind = Callable[..., nn.RNNBase]
IMPORT = ("import", "net.safetensors", "--vocabulary", "chars.json", "--check", "text.txt")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a new directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Notebook(nn.Module):
    """A model as in a notebook: an embedding or a one-hot input, layers, and a linear output."""

    def __init__(self, kind: Kind, *, embedding: int = 5, units: int = 7, **options: Any) -> None:
        super().__init__()
        self.emb = nn.Embedding(SIZE, embedding) if embedding else None
        self.layers = kind(embedding or SIZE, units, batch_first=True, **options)
        self.fc = nn.Linear(units, SIZE, bias=options.get("bias", True))

    def loss(self) -> float:
        """Return the mean cross-entropy on the text."""
        ids = torch.tensor([[CHARACTERS.index(character) for character in TEXT]])
        with torch.no_grad():
            inputs = nn.functional.one_hot(ids, SIZE).to(self.fc.weight.dtype) if self.emb is None else self.emb(ids)
            logits = self.fc(self.layers(inputs)[0])[0, :-1]
            return float(nn.functional.cross_entropy(logits, ids[0, 1:]))

    def tensors(self) -> Tensors:
        """Return the state dict in NumPy."""
        return {name: tensor.numpy() for name, tensor in self.state_dict().items()}


def notebook(kind: Kind, **options: Any) -> Notebook:
    """Return a model with large random weights."""
    torch.manual_seed(0)
    model = Notebook(kind, **options)
    for parameter in model.parameters():
        # A tanh RNN with larger weights is chaotic, so that rounding to float32 changes its loss.
        nn.init.normal_(parameter, std=0.2 if kind is nn.RNN else 0.4)
    return model.double().eval()


def imported(call: Call, here: Path, tensors: Tensors, expected: float, *options: str) -> CommandResult:
    """Import tensors whose loss must be the expected one to 1e-5, and return the result."""
    write_network_files(here, tensors)
    result = call(*IMPORT, "--expect", repr(expected), *options)
    assert (result.code, result.err) == (0, "")
    return result


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (nn.LSTM, {}),
        (nn.LSTM, {"num_layers": 3, "bias": False}),
        (nn.GRU, {"num_layers": 2, "embedding": 0}),
        (nn.RNN, {"num_layers": 2, "units": SIZE}),
        (nn.GRU, {"units": 5}),
    ],
)
def test_the_loss_of_a_torch_model_is_the_original_one(
    call: Call, here: Path, kind: Kind, options: dict[str, Any], dtype: str
) -> None:
    """With and without biases and an embedding, for several layers, and in both precisions."""
    model = notebook(kind, **options)
    imported(call, here, {name: array.astype(dtype) for name, array in model.tensors().items()}, model.loss())


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_the_loss_of_a_keras_model_is_the_original_one(call: Call, here: Path, kind: str, reset_after: bool) -> None:
    """An LSTM, and a GRU of either form, which its bias shows; the layout is recognized by the names."""
    tensors, expected = keras_network(kind, reset_after=reset_after)
    imported(call, here, tensors, expected)
    cell = {"lstm": "lstm", "gru": "gru" if reset_after else "gru-reset-before"}[kind]
    assert load_model(OUT).config.cell == cell


@pytest.mark.parametrize("linear_before_reset", [True, False])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_the_loss_of_onnx_weights_is_the_original_one(
    call: Call, here: Path, kind: str, linear_before_reset: bool
) -> None:
    """An LSTM, and a GRU of either form, which the user names."""
    tensors, expected = onnx_network(kind, linear_before_reset=linear_before_reset)
    options = () if kind == "lstm" else ("--cell", "gru" if linear_before_reset else "gru-reset-before")
    imported(call, here, tensors, expected, *options)


def test_which_gru_onnx_weights_are_must_be_named(call: Call, here: Path) -> None:
    """The hint has both choices."""
    write_network_files(here, onnx_network("gru")[0])
    result = call(*IMPORT)
    assert (result.code, OUT.exists()) == (1, False)
    assert "`--cell gru` for linear_before_reset=1, `--cell gru-reset-before` for linear_before_reset=0" in result.err


@pytest.mark.parametrize("units", [6, SIZE])
def test_an_onnx_output_may_have_either_orientation(call: Call, here: Path, units: int) -> None:
    """Recognized by shape; by the name where the matrix is square."""
    tensors, expected = onnx_network("lstm", units)
    imported(call, here, tensors, expected)
    tensors["fc.weight"] = tensors.pop("onnx::MatMul_9").T
    imported(call, here, tensors, expected, "--out", "other")


def test_a_square_output_without_a_usual_name_is_ambiguous(call: Call, here: Path) -> None:
    """`--map` names its orientation."""
    tensors, expected = onnx_network("lstm", SIZE)
    tensors["w"] = tensors.pop("onnx::MatMul_9")
    write_network_files(here, tensors)
    assert "'w' is square, so it may be transposed" in call(*IMPORT).err
    imported(call, here, tensors, expected, "--map", "w=output.weight.T")


def test_half_precision_is_read_exactly(call: Call, here: Path) -> None:
    """float16 and bfloat16 tensors equal the rounded weights."""
    model = notebook(nn.LSTM)
    for dtype in (torch.float16, torch.bfloat16):
        rounded = {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
        model.load_state_dict({name: tensor.double() for name, tensor in rounded.items()})
        bits = {
            name: tensor.view(torch.uint16).numpy() if dtype == torch.bfloat16 else tensor.numpy()
            for name, tensor in rounded.items()
        }
        imported(call, here, bits, model.loss(), "--out", str(dtype))


@pytest.mark.parametrize("kept", ["emb.weight", "fc.weight"])
def test_tied_weights_are_recognized_under_either_name(call: Call, here: Path, kept: str) -> None:
    """Programs store a shared tensor once."""
    model = notebook(nn.LSTM, embedding=6, units=6)
    assert model.emb is not None
    model.fc.weight = model.emb.weight
    tensors = model.tensors()
    del tensors[{"emb.weight": "fc.weight", "fc.weight": "emb.weight"}[kept]]
    result = imported(call, here, tensors, model.loss())
    assert "embedding.weight + output.weight" in result.out


def test_a_network_of_one_layer_is_recognized_by_shape_alone(call: Call, here: Path) -> None:
    """Under any names."""
    model = notebook(nn.LSTM)
    tensors = {f"t{number}": array for number, array in enumerate(model.tensors().values())}
    imported(call, here, tensors, model.loss())


def test_ambiguous_parts_are_named_by_the_user(call: Call, here: Path) -> None:
    """The biases of a GRU, and two matrices of the same shape."""
    model = notebook(nn.GRU)
    names = {"layers.bias_ih_l0": "b1", "layers.bias_hh_l0": "b2", "layers.weight_ih_l0": "w1"}
    tensors = {names.get(name, name): array for name, array in model.tensors().items()}
    write_network_files(here, tensors)
    assert "weight_ih of layer 1 is missing" in call(*IMPORT).err
    maps = [f"{theirs}={name.replace('layers', 'rnn')}" for name, theirs in names.items()]
    imported(call, here, tensors, model.loss(), *(word for pair in maps for word in ("--map", pair)))
    model = notebook(nn.LSTM, embedding=6, units=6)
    tensors = model.tensors()
    tensors["a"], tensors["b"] = tensors.pop("emb.weight"), tensors.pop("fc.weight")
    write_network_files(here, tensors)
    assert "ambiguous which part is which: 'a' (" in call(*IMPORT, "--out", "two").err
    imported(call, here, tensors, model.loss(), "--map", "b=output.weight", "--out", "two")


def test_separate_modules_are_stacked_by_their_numbers(call: Call, here: Path) -> None:
    """LSTMCell modules, whose names have no layer; modules without numbers are ambiguous."""
    model = notebook(nn.LSTM, num_layers=2)
    tensors = model.tensors()
    cells = {}
    for name, array in tensors.items():
        base, _, layer = name.rpartition("_l")
        cells[f"cell{int(layer) + 9}.{base.removeprefix('layers.')}" if name.startswith("layers") else name] = array
    imported(call, here, cells, model.loss())
    renamed = {name.replace("cell9", "top").replace("cell10", "base"): array for name, array in cells.items()}
    write_network_files(here, renamed)
    assert "ambiguous which part is which" in call(*IMPORT, "--out", "other").err


def test_every_command_reads_an_imported_model(call: Call, here: Path) -> None:
    """sample, score, inspect, info and train --from; info shows where the weights come from."""
    tensors, expected = keras_network("gru", reset_after=False)
    imported(call, here, tensors, expected)
    run = "checkpoints/net"
    assert call("sample", run, "-n", "5", "--seed", "1").code == 0
    scored = json.loads(call("score", run, "text.txt", "--json").out)
    assert scored["nats_per_char"] == pytest.approx(expected, rel=1e-5)
    assert call("inspect", run, "--text", "text.txt", "--cell", "1.3").code == 0
    shown = call("info", run).out
    assert "from net.safetensors, layout of keras" in shown
    assert "003/dense/kernel = output.weight" in shown
    record = json.loads(call("info", run, "--json").out)["training"]["imported"]
    assert record["mapping"]["001/gru/gru_cell/bias"] == "rnn.bias_l0"
    quick = ("--steps", "2", "--batch", "2", "--length", "8", "--threads", "1", "-q")
    assert call("train", "text.txt", "--from", run, "--out", "tuned", *quick).code == 0


def test_a_wrong_loss_imports_nothing(call: Call, here: Path) -> None:
    """Exit code 1, with both losses; 1e-5 of the loss are allowed."""
    model = notebook(nn.LSTM)
    write_network_files(here, model.tensors())
    result = call(*IMPORT, "--expect", str(model.loss() * 1.0001))
    assert (result.code, OUT.parent.exists()) == (1, False)
    assert f"the loss is {model.loss():.6g}" in result.err
    assert call(*IMPORT, "--expect", str(model.loss() * 1.000005)).code == 0
    assert call("import", "net.safetensors", "--vocabulary", "chars.json", "--expect", "1").code == 2


def test_an_existing_directory_is_left_as_it_is(call: Call, here: Path) -> None:
    """Also an empty one, a file, and a dangling link."""
    write_network_files(here, notebook(nn.LSTM).tensors())
    (here / "file").write_text("kept")
    (here / "empty").mkdir()
    (here / "link").symlink_to("nowhere")
    for name in ("file", "empty", "link"):
        result = call(*IMPORT, "--out", name)
        assert (result.code, result.out) == (1, "")
        assert f"{name} exists, and nothing is overwritten" in result.err
    assert (here / "file").read_text() == "kept"
    assert list((here / "empty").iterdir()) == []


def refused(call: Call, here: Path, tensors: Tensors, *options: str) -> str:
    """Return the error for some tensors, which must be one line."""
    write_network_files(here, tensors)
    result = call(*IMPORT, *options)
    assert (result.code, OUT.exists()) == (1, False)
    return result.err.splitlines()[0]


def test_unsupported_networks_are_named(call: Call, here: Path) -> None:
    """Bidirectional and projected layers, layers of different sizes, cells of no kind, and other parts."""
    tensors = notebook(nn.LSTM).tensors()
    both_ways = nn.LSTM(5, 7, bidirectional=True)
    bidirectional = {f"layers.{name}": tensor.numpy() for name, tensor in both_ways.state_dict().items()}
    assert "bidirectional" in refused(call, here, tensors | bidirectional)
    projected = {f"layers.{name}": tensor.numpy() for name, tensor in nn.LSTM(5, 7, proj_size=3).state_dict().items()}
    assert "projections" in refused(call, here, tensors | projected)
    onnx = onnx_network("lstm")[0]
    two = {
        name: np.concatenate([array, array]) if name[-2:] in (".W", ".R", ".B") else array
        for name, array in onnx.items()
    }
    assert "bidirectional" in refused(call, here, two)
    odd = tensors | {"layers.weight_hh_l0": np.zeros((20, 4)), "layers.weight_ih_l0": np.zeros((20, 5))}
    assert "no cell has 5 gates" in refused(call, here, odd)
    bent = tensors | {"layers.weight_hh_l0": np.zeros((20, 6))}
    assert "fit no cell in the layout of torch" in refused(call, here, bent)
    assert "no part for all of these: " in refused(call, here, tensors | {"norm.weight": np.zeros(3)})
    imported(call, here, tensors | {"norm.weight": np.zeros(3)}, notebook(nn.LSTM).loss(), "--map", "norm.weight=")


def test_a_vocabulary_of_another_size_is_reported_with_both_numbers(call: Call, here: Path) -> None:
    """With an embedding and one-hot."""
    for options in ({}, {"embedding": 0}):
        write_network_files(here, notebook(nn.LSTM, **options).tensors())
        Path("chars.json").write_text(json.dumps(CHARACTERS[:-2]))
        result = call(*IMPORT)
        assert f"the vocabulary has {SIZE - 2} characters, but the weights are for {SIZE}" in result.err


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_weights_that_are_not_finite_are_refused(call: Call, here: Path, value: float) -> None:
    """NaN, infinity, and numbers beyond float32; the tensor is named."""
    tensors = notebook(nn.LSTM).tensors()
    tensors["fc.weight"][0, 0] = value
    assert "'fc.weight' contains NaN" in refused(call, here, tensors)


@pytest.mark.parametrize(
    ("content", "suffix", "package"),
    [
        (b"PK\x03\x04 pickle", ".pt", "torch.load"),
        (b"\x80\x02 pickle", ".pth", "torch.load"),
        (b"\x80\x04 pickle", ".weights", "torch.load"),
        (b"\x89HDF\r\n\x1a\n", ".h5", "keras.saving"),
        (b"PK\x03\x04 zip", ".keras", "keras.saving"),
        (b"\x08\x08 onnx", ".onnx", "onnx.load"),
        (b"PK\x03\x04 zip", ".npz", "numpy.load"),
    ],
)
def test_other_formats_are_not_opened_and_their_conversion_is_shown(
    call: Call, here: Path, content: bytes, suffix: str, package: str
) -> None:
    """On standard output is a Python program, on standard error one line and a hint."""
    write_network_files(here, {})
    Path(f"it's{suffix}").write_bytes(content)
    result = call("import", f"it's{suffix}", "--vocabulary", "chars.json")
    assert (result.code, len(result.err.splitlines())) == (1, 3)
    assert package in result.out
    compile(result.out, "conversion", "exec")


def convert(call: Call, name: str) -> None:
    """Run the lines that `charrnn import` shows for a file."""
    Path("convert.py").write_text(call("import", name, "--vocabulary", "chars.json").out)
    runpy.run_path("convert.py")


def test_the_lines_that_convert_a_torch_file_work(call: Call, here: Path) -> None:
    """A checkpoint with a state dict becomes an importable file."""
    pytest.importorskip("safetensors")
    model = notebook(nn.LSTM)
    write_network_files(here, {})
    torch.save({"state_dict": model.state_dict(), "epoch": 3}, "net.pt")
    convert(call, "net.pt")
    assert call(*IMPORT, "--expect", str(model.loss())).code == 0


def test_the_lines_that_convert_an_onnx_file_work(call: Call, here: Path) -> None:
    """The names show the order of the layers, and which GRU it is."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("safetensors")
    tensors, expected = onnx_network("gru", linear_before_reset=False)
    names = [f"node{layer}.{role}" for layer in range(2) for role in "WRB"]
    other = dict(zip(names, "fedcba", strict=True)) | {"onnx::MatMul_9": "x", "out.bias": "y"}
    node = onnx.helper.make_node
    nodes = [
        node("GRU", ["in", "f", "e", "d"], ["h0"], hidden_size=6),
        node("GRU", ["h0", "c", "b", "a"], ["h1"], hidden_size=6),
        node("MatMul", ["h1", "x"], ["m"]),
        node("Add", ["m", "y"], ["out"]),
    ]
    arrays = [onnx.numpy_helper.from_array(array, other[name]) for name, array in tensors.items()]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "net", [], [], arrays)), "net.onnx")
    write_network_files(here, {})
    convert(call, "net.onnx")
    assert call(*IMPORT, "--expect", str(expected)).code == 0


def test_the_layouts_of_the_command_are_those_of_the_weights() -> None:
    """The help must not import the module that imports NumPy."""
    assert LAYOUTS == weight_layouts.LAYOUTS


def characters(content: object, name: str = "v.json", sizes: tuple[int, ...] = ()) -> tuple[str, ...]:
    """Return the characters of a vocabulary file."""
    Path(name).write_text(content if isinstance(content, str) else json.dumps(content))
    return read_vocabulary(Path(name), sizes).vocabulary.characters


def test_a_vocabulary_is_read_in_each_form() -> None:
    """A JSON list, an object in either direction, the characters in order, and one in each line."""
    expected = ("a", "\n", "é")
    assert characters(["a", "\n", "é"]) == expected
    assert characters({"é": 2, "a": 0, "\n": 1}) == expected
    assert characters({"2": "é", "0": "a", "1": "\n"}) == expected
    assert characters('["a", "\\n", "é"]', "v.txt") == expected
    assert characters("a\né", "v.txt") == expected
    assert characters("xyz\n", "v.txt", (3,)) == ("x", "y", "z")
    assert characters("xyz\n", "v.txt", (4,)) == ("x", "y", "z", "\n")
    assert characters("x\n<unk>\nz\n", "v.txt") == ("x", "\ufffd", "z")


def test_special_tokens_and_ids_without_a_character_become_other_characters(call: Call, here: Path) -> None:
    """U+FFFD for unknown characters, private-use characters for others; each is reported."""
    assert characters(["", "[UNK]", "a", "<eos>"]) == ("\ue000", "\ufffd", "a", "\ue001")
    assert characters({"a": 1, "b": 2}) == ("\ue000", "a", "b")
    write_network_files(here, notebook(nn.LSTM).tensors())
    Path("chars.json").write_text(json.dumps([*CHARACTERS[:-1], "<unk>"]))
    assert "note: '<unk>' is no character; U+FFFD stands for it" in call(*IMPORT).err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (["a", "th"], "'th' (id 1) is not a single character"),
        (["a", "b", "a"], "'a' has two ids, 0 and 2"),
        ({"a": 0, "b": 0}, "the id 0 is given twice"),
        ({"a": 0, "b": 10**9}, "the id 1000000000 does not fit 2 entries"),
        ({"a": "b"}, "maps neither characters to ids nor ids to characters"),
        (["a", 7], "7 is not a string"),
        ([], "the vocabulary is empty"),
        ("[1, 2", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("3", "it is neither a list nor an object"),
        (["\ud800"], "half a character"),
    ],
)
def test_a_vocabulary_that_cannot_be_read_is_refused(call: Call, here: Path, content: object, message: str) -> None:
    """In one line, with the entry."""
    write_network_files(here, notebook(nn.LSTM).tensors())
    Path("chars.json").write_text(content if isinstance(content, str) else json.dumps(content))
    result = call(*IMPORT)
    assert (result.code, len(result.err.splitlines()[0:1])) == (1, 1)
    assert message in result.err.splitlines()[0]


def test_a_model_of_charrnn_needs_no_import(call: Call, here: Path) -> None:
    """The error says so; foreign metadata are ignored."""
    tensors = notebook(nn.LSTM).tensors()
    write_network_files(here, tensors)
    Path("net.safetensors").write_bytes(safetensors(tensors, {"format": "charrnn/1"}))
    assert "net.safetensors is a charrnn model already" in call(*IMPORT).err
    Path("net.safetensors").write_bytes(safetensors(tensors, {"format": "pt"}))
    assert call(*IMPORT).code == 0


def test_a_git_lfs_pointer_is_named_with_its_remedy(call: Call, here: Path) -> None:
    """The error for an import is the one of the other commands."""
    write_network_files(here, notebook(nn.LSTM).tensors())
    Path("net.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    error = call(*IMPORT).err
    assert "net.safetensors is a git-lfs pointer, not a model" in error
    assert "`git lfs pull` downloads the model" in error
