"""charrnn inspect --signal and --npz: the states and gates of cells, drawn or written for other programs."""

import errno
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from common import Call, random_model

import charrnn
from charrnn.cli import inspect_export
from charrnn.config import NetworkConfig
from charrnn.network.cells import CELLS
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.vocabulary import END_OF_TEXT

TEXT = "abc (a bc) ab\n  deaf had a cab (fed) \n" * 10
GATES = {"lstm": "ifgo", "gru": "rzn", "rnn": "", "peephole": "ifgo", "cifg": "fgo", "capped": "ifgo"}


@pytest.fixture(params=GATES)
def trained(request: pytest.FixtureRequest, run_here: RunDirectory) -> charrnn.TrainedModel:
    """Return a model of each kind of cell beside a text."""
    config = NetworkConfig(cell=request.param, layers=2, hidden=7, embedding=3)
    save_model(run_here.model, random_model("\n abcdefgh()", config=config))
    Path("text.txt").write_text(TEXT)
    return charrnn.load()


def reference(model: charrnn.TrainedModel, text: str) -> dict[str, Any]:
    """Return the states and gates of a text, read one character at a time."""
    rnn = InferenceRNN.from_model(model.model)
    state, steps = rnn.initial_state(1), []
    for char_id in model.model.vocabulary.encode(text):
        cache = rnn.run_with_cache(np.array([[char_id]]), state)
        state = cache.state
        steps.append(cache.layers)
    values: dict[str, Any] = {}
    for number in range(model.model.config.layers):
        layers: list[Any] = [layers[number] for layers in steps]
        values[f"layer{number + 1}_h"] = np.stack([layer.hidden[0, 0] for layer in layers])
        if layers[0].cell_state is not None:
            values[f"layer{number + 1}_c"] = np.stack([layer.cell_state[0, 0] for layer in layers])
        for gate in rnn.gate_names:
            values[f"layer{number + 1}_{gate}"] = np.stack([layer.gate(gate)[0, 0] for layer in layers])
    return values


def test_every_signal_of_a_cell_is_recorded(trained: charrnn.TrainedModel) -> None:
    """States and gates are those of stepping; tanh(c) is the default of an LSTM, h of the other cells."""
    expected = reference(trained, TEXT)
    for signal in ("h", *GATES[trained.model.config.cell]):
        activations = trained.activations(TEXT, signal=signal)
        assert activations.signal == signal
        for layer in (1, 2):
            assert np.allclose(activations.values[:, layer - 1], expected[f"layer{layer}_{signal}"], atol=1e-6)
    default, has_c = trained.activations(TEXT), CELLS[trained.model.config.cell].has_cell_state
    state = np.tanh(expected["layer2_c"]) if has_c else expected["layer2_h"]
    assert np.allclose(default.values[:, 1], state, atol=1e-6)
    assert np.array_equal(default.values, trained.activations(TEXT, signal="c").values)
    assert np.array_equal(default.values, trained.activations(TEXT, signal=default.signal).values)


def test_a_signal_that_the_cells_lack_is_refused_with_those_that_they_have(
    trained: charrnn.TrainedModel, call: Call
) -> None:
    """In Python and on the command line."""
    gates, has_c = GATES[trained.model.config.cell], CELLS[trained.model.config.cell].has_cell_state
    for signal in sorted(set("ifgorznx") - set(gates)):
        for use in (trained.activations, lambda text, signal: trained.heatmap(text, "1.0", signal=signal)):
            with pytest.raises(charrnn.WrongUsageError, match=f"have no signal '{signal}'") as raised:
                use("abc", signal=signal)
            assert raised.value.hint == f"one of {', '.join(['c' * has_c, 'h', *gates]).removeprefix(', ')}"
        if signal != "x":
            result = call("inspect", "--text", "text.txt", "--cell", "1.0", "--signal", signal)
            assert (result.code, result.out) == (2, "")
            assert f"have no signal '{signal}'" in result.err


def test_the_heat_map_of_a_gate_has_the_values_of_the_gate(trained: charrnn.TrainedModel, call: Call) -> None:
    """With the name of the gate in the legend, in JSON and in Python."""
    signal = GATES[trained.model.config.cell][1:2] or "h"
    command = ("inspect", "--text", "text.txt", "--cell", "1.3", "--cell", "2.5", "--signal", signal)
    values = json.loads(call(*command, "--json").out)
    activations = trained.activations(TEXT, signal=signal)
    assert (values["signal"], values["content"]) == (signal, TEXT)
    for cell in ("1.3", "2.5"):
        assert np.allclose(values["cells"][cell], activations.cell(cell), atol=1e-4)
    assert f"\n{signal}: digits" in call(*command).out
    heatmap = trained.heatmap(TEXT, "2.5", signal=signal)
    assert heatmap.signal == signal
    assert np.array_equal(heatmap.rows[0].values, activations.cell("2.5"))


def test_a_search_for_a_gate_draws_the_gate(run_here: RunDirectory, call: Call) -> None:
    """Not tanh(c) under the name of the gate, on the terminal, in the picture and on the page."""
    save_model(run_here.model, random_model("\n abcdefgh()"))
    Path("text.txt").write_text(TEXT * 40)
    drawings = ("--svg", "map.svg", "--html", "page.html")
    result = call("inspect", "--text", "text.txt", "--concept", "line_pos", "--quick", "--signal", "f", *drawings)
    assert result.code == 0, result.err
    assert "\nf of " in result.out
    assert "f of " in Path("map.svg").read_text(encoding="utf-8")
    assert '"signal":"f"' in Path("page.html").read_text(encoding="utf-8")


def test_all_states_and_gates_are_written_for_other_programs(trained: charrnn.TrainedModel, call: Call) -> None:
    """Numeric arrays without pickle, by layer, with the characters; the same file every time."""
    command = ("inspect", "--text", "text.txt", "--start", "5", "--chars", "300", "--npz", "states.npz")
    result = call(*command)
    assert (result.code, result.out) == (0, "")
    assert result.err.startswith("states.npz: ")
    first = Path("states.npz").read_bytes()
    values = json.loads(call(*command, "--json").out)
    assert Path("states.npz").read_bytes() == first
    text = TEXT[5:305]
    with np.load("states.npz", allow_pickle=False) as arrays:
        assert "".join(map(chr, arrays["characters"])) == text
        assert arrays["ids"].tolist() == trained.model.vocabulary.encode(text).tolist()
        assert arrays["positions"].tolist() == list(range(5, 305))
        expected = reference(trained, text)
        assert values["arrays"] == list(arrays) == ["characters", "ids", "positions", *expected]
        for name, array in expected.items():
            assert (arrays[name].shape, arrays[name].dtype) == ((300, 7), np.float32)
            assert np.allclose(arrays[name], array, atol=1e-6), name
    assert (values["characters"], values["start"], values["file"]) == (300, 5, "states.npz")
    with ZipFile("states.npz") as archive:
        assert archive.testzip() is None


def test_the_states_of_documents_are_fresh_after_each_document(run_here: RunDirectory, call: Call) -> None:
    """The end of a document is a character of its own."""
    config = NetworkConfig(cell="gru", layers=1, hidden=5, embedding=0, documents="blank")
    save_model(run_here.model, random_model("\n abc" + END_OF_TEXT, config=config))
    Path("text.txt").write_text("ab\n\nab\n\n")
    assert call("inspect", "--text", "text.txt", "--npz", "states.npz").code == 0
    with np.load("states.npz", allow_pickle=False) as arrays:
        assert "".join(map(chr, arrays["characters"])) == f"ab{END_OF_TEXT}" * 2
        assert np.array_equal(arrays["layer1_h"][:3], arrays["layer1_h"][3:])


def test_the_memory_for_the_states_does_not_depend_on_the_text(run_here: RunDirectory, call: Call) -> None:
    """Six times the text, and hardly more memory."""
    save_model(run_here.model, random_model("\n abcdefgh()", config=NetworkConfig(hidden=64, embedding=0)))
    Path("text.txt").write_text(TEXT * 40)
    peaks = []
    for characters in ("500", "3000"):
        tracemalloc.start()
        assert call("inspect", "--text", "text.txt", "--chars", characters, "--npz", "states.npz").code == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert Path("states.npz").stat().st_size > 3000 * 64 * 6 * 4
    assert peaks[1] < peaks[0] + 1_000_000


def test_a_full_disk_leaves_no_part_of_the_states(
    run_here: RunDirectory, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of one line; the older file stays."""
    Path("text.txt").write_text("abc abc\n" * 99)
    command = ("inspect", str(run_here.path), "--text", "text.txt", "--npz", "states.npz")
    assert call(*command).code == 0
    before = Path("states.npz").read_bytes(), sorted(Path().iterdir())
    write = os.write

    def full(descriptor: int, part: Any) -> int:
        if len(part) > 1000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, part)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        result = call(*command)
    assert (result.code, result.err) == (1, "error: cannot write states.npz: no space left on device\n")
    with monkeypatch.context() as patched, Path("/dev/full").open("r+b") as device:
        patched.setattr(inspect_export, "scratch_file", lambda _: device)
        assert call(*command).err == "error: cannot write states.npz: no space left on device\n"
    assert (Path("states.npz").read_bytes(), sorted(Path().iterdir())) == before
