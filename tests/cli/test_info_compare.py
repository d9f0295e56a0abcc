"""charrnn info of several runs: a table of networks, weights, times and losses, and their loss curves."""

import json
from pathlib import Path

import pytest
from common import Call, random_model

from charrnn.config import NetworkConfig
from charrnn.network.model_file import Model, save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.training.metrics import History
from charrnn.training.run_listing import RunCurve
from charrnn.views.run_comparison import curves_plot

TRAINING = {"corpus": "a.txt", "step": 20, "epoch": 2.0, "train_characters": 1000, "val_nats": 1.0, "seconds": 60.0}
HOSTILE = "\x1b[2J<script>\u202e"


@pytest.fixture
def runs(run_here: RunDirectory) -> list[str]:
    """Create two runs with other cells, each with a history."""
    names = []
    for cell in ("lstm", "gru"):
        run = RunDirectory(run_here.path.parent / cell)
        run.path.mkdir()
        config = NetworkConfig(cell=cell, layers=1, hidden=9, embedding=4)
        save_model(run.model, with_training(random_model("\n ab", config=config), TRAINING))
        lines = [{"event": "evaluation", "step": step, "bits": 4 - step / 10} for step in (10, 20)]
        run.metrics.write_text("\n".join(map(json.dumps, lines)))
        names.append(str(run.path))
    return names


def with_training(model: Model, training: dict[str, object]) -> Model:
    """Return a model with another record of its training."""
    return Model(config=model.config, vocabulary=model.vocabulary, weights=model.weights, training=training)


def test_several_runs_are_compared_in_a_table_and_two_plots(call: Call, runs: list[str]) -> None:
    """Network, weights, time and loss of each run; the curves by characters, then by seconds."""
    result = call("info", *runs)
    assert result.code == 0, result.err
    heading, first, second, *_ = result.out.splitlines()
    assert heading.split() == ["run", "text", "network", "weights", "time", "bits/char"]
    assert ("LSTM 1×9" in first, "GRU 1×9" in second) == (True, True)
    assert result.out.index("characters read") < result.out.index("seconds of training")
    listed = json.loads(call("info", *runs, "--json").out)["runs"]
    assert [run["seconds"] for run in listed] == [60.0, 60.0]
    assert listed[0]["parameters"] > listed[1]["parameters"] > 0


def test_steps_become_characters_and_seconds() -> None:
    """By the constant factors of each run; a run without a factor is left out."""
    history = History(validation=((10, 3.0), (20, 2.0)))
    curves = [
        RunCurve("a", history, {"characters": 100.0, "seconds": 3.0}),
        RunCurve("b", history, {"characters": 50.0}),
    ]
    by_characters, by_seconds = curves_plot(curves, "characters", ""), curves_plot(curves, "seconds", "")
    assert by_characters is not None
    assert [curve.points[1][0] for curve in by_characters.curves] == [2000, 1000]
    assert by_seconds is not None
    assert [(curve.label, curve.points[1][0]) for curve in by_seconds.curves] == [("a", 60)]


def test_the_curves_of_several_runs_are_a_picture(call: Call, runs: list[str]) -> None:
    """With the names of the runs and the title."""
    result = call("info", *runs, "--svg", "loss.svg", "--title", HOSTILE)
    assert result.code == 0, result.err
    picture = Path("loss.svg").read_text()
    assert picture.startswith("<svg")
    assert "characters read" in picture
    assert "seconds of training" in picture
    assert ">lstm<" in picture
    assert ">gru<" in picture
    assert not {"\x1b", "\u202e"} & set(picture)
    assert "<script" not in picture


def test_runs_without_a_history_have_no_picture(call: Call, runs: list[str]) -> None:
    """The table is shown alone; --svg names the file that is missing."""
    for name in runs:
        (Path(name) / "metrics.jsonl").unlink()
    assert "characters read" not in call("info", *runs).out
    result = call("info", *runs, "--svg", "loss.svg")
    assert result.code == 1
    assert "metrics.jsonl" in result.err


@pytest.mark.parametrize("value", ["12", None, -1, True, 10**30, [3]])
def test_any_recorded_training_is_compared(call: Call, runs: list[str], value: object) -> None:
    """Values of a file that cannot be times or numbers of characters are ignored."""
    run = RunDirectory(Path(runs[0]))
    config = NetworkConfig(cell="lstm", layers=1, hidden=9, embedding=4)
    training = dict.fromkeys(TRAINING, value) | {"corpus": HOSTILE}
    save_model(run.model, with_training(random_model("\n ab", config=config), training))
    result = call("info", *runs)
    assert result.code == 0, result.err
    assert not {"\x1b", "\u202e"} & set(result.out)
