"""charrnn inspect: views requested by name, one after the other, with all numbers as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from common import Call, encode_corpus, random_model

from charrnn import resources
from charrnn.config import NetworkConfig
from charrnn.network.model_file import save_model
from charrnn.storage.run_directory import RunDirectory

TEXT = "abc (a bc) ab\n  deaf had a cab (fed) \n" * 80
VIEWS = (("--surprise",), ("--contexts", "1.3"), ("--gates",), ("--memory",), ("--errors",))


pytestmark = pytest.mark.usefixtures("few_positions")


@pytest.fixture
def text(run_here: RunDirectory) -> str:
    """Create a text of the model's characters beside the run."""
    save_model(run_here.model, random_model("\n abcdefgh()"))
    Path("text.txt").write_text(TEXT)
    return "text.txt"


def seen(call: Call, text: str, *arguments: str) -> list[dict[str, Any]]:
    """Return the JSON objects of the output, one per line."""
    result = call("inspect", "--text", text, "--json", *arguments)
    assert result.code == 0, result.err
    return [json.loads(line) for line in result.out.splitlines()]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_the_same_every_time(call: Call, text: str, view: tuple[str, ...]) -> None:
    """The same bytes, with the model, the text and the name of the view."""
    (results,) = seen(call, text, *view)
    assert results["view"] == view[0].removeprefix("--")
    assert (results["model"], results["text"]) == (str(Path("checkpoints/hamlet/model.safetensors")), text)
    result = call("inspect", "--text", text, "--json", *view)
    assert call("inspect", "--text", text, "--json", *view).out == result.out


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_drawn(call: Call, text: str, view: tuple[str, ...]) -> None:
    """With the name of the model, without a search."""
    result = call("inspect", "--text", text, *view)
    assert result.code == 0, result.err
    assert "checkpoints" in result.out
    assert "episodes" not in result.out


def test_several_views_come_one_after_the_other(call: Call, text: str) -> None:
    """In the order of the help, after the requested cells, each on as much text as alone."""
    result = seen(call, text, "--gates", "--surprise", "--cell", "1.2")
    assert [entry.get("view") for entry in result] == ["cell_gates", "surprise"]
    assert [entry["characters"] for entry in result] == [800, 799]
    assert seen(call, text, "--surprise") == result[1:2]
    assert [entry.get("view") for entry in seen(call, text, "--gates", "--surprise")] == ["surprise", "gates"]


def test_a_concept_is_searched_for_beside_a_view(call: Call, text: str) -> None:
    """The search and the view are both printed."""
    Path(text).write_text(TEXT * 4)
    first, second = seen(call, text, "--concept", "line_pos", "--surprise")
    assert first["concepts"][0]["concept"] == "line_pos"
    assert second["view"] == "surprise"


@pytest.mark.parametrize(("top", "rows"), [("0", []), ("2", ["1", "2"]), ("99", ["1", "2", "12"])])
def test_the_requested_number_of_guesses_is_shown(call: Call, text: str, top: str, rows: list[str]) -> None:
    """None, some, or as many as there are characters."""
    out = call("inspect", "--text", text, "--surprise", "--top", top, "--chars", "9").out
    labels = [line.split(" ")[0] for line in out.splitlines()]
    assert [label for label in labels if label in ("1", "2", "12", "13")] == rows


def test_contexts_of_several_cells_are_an_object_each(call: Call, text: str) -> None:
    """The seed determines the random contexts."""
    result = seen(call, text, "--contexts", "1.3", "--contexts", "2.0")
    assert [first["cell"] for first in result] == ["1.3", "2.0"]
    second, _ = seen(call, text, "--contexts", "1.3", "--contexts", "2.0", "--seed", "5")
    assert second["random"] != result[0]["random"]
    assert second["highest"][0]["value"] == result[0]["highest"][0]["value"]


def test_models_are_compared_over_the_same_text(call: Call, text: str) -> None:
    """Models of different cells; a line of JSON each, the first one as without --against."""
    for cell in ("gru", "rnn"):
        directory = RunDirectory(Path("checkpoints") / cell)
        directory.path.mkdir()
        config = NetworkConfig(cell=cell, layers=1, hidden=9, embedding=4)
        save_model(directory.model, random_model("\n abcdefg()", config=config))
    against = ("--against", "checkpoints/gru", "--against", "checkpoints/rnn")
    results = seen(call, text, "checkpoints/hamlet", "--memory", *against)
    assert [entry["cell"] for entry in results] == ["lstm", "gru", "rnn"]
    assert results[:1] == seen(call, text, "checkpoints/hamlet", "--memory")
    result = call("inspect", "checkpoints/hamlet", "--text", text, "--memory", *against)
    assert "c tanh RNN 1×9" in result.out


def test_the_note_about_an_unknown_character_names_the_model(call: Call, text: str) -> None:
    """The model reads the text without the character."""
    directory = RunDirectory(Path("checkpoints/other"))
    directory.path.mkdir()
    save_model(directory.model, random_model("\n abcde()"))
    result = call("inspect", "checkpoints/hamlet", "--text", text, "--memory", "--against", "checkpoints/other")
    assert "note: checkpoints/other never saw 'f'" in result.err.replace("\\", "/")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("--top", "3"), "--top belongs to --surprise", "--surprise"),
        (("--gates", "--against", "checkpoints/hamlet"), "--against belongs to --memory", "--memory"),
        (("--gates", "--svg", "map.svg"), "--svg is the picture of a cell", "--cell"),
        (("--npz", "a.npz", "--svg", "map.svg"), "--svg is the picture of a cell", "--cell"),
        (("--contexts", "9.0"), "there is no cell 9.0", "1.0 to 2.11"),
        (("--contexts", "nine"), "layer.unit", ""),
    ],
)
def test_invalid_combinations_of_views_are_refused(
    call: Call, text: str, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    """With one line and a hint."""
    result = call("inspect", "--text", text, *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert hint in result.err


@pytest.mark.parametrize("view", ["--surprise", "--errors"])
def test_a_single_character_is_too_little(call: Call, text: str, view: str) -> None:
    """The first character is not predicted."""
    result = call("inspect", "--text", text, view, "--chars", "1")
    assert result.code == 1
    assert "predicted by nothing" in result.err


@pytest.mark.parametrize(
    ("arguments", "used"), [(("--surprise",), "few"), (("--gates",), "idle"), (("--surprise", "--gates"), "idle")]
)
def test_views_of_many_streams_use_the_idle_cores(
    call: Call, text: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], used: str
) -> None:
    """A single stream does not get faster with more threads."""
    threads: list[str] = []
    monkeypatch.setattr(resources, "use_idle_cores", lambda: threads.append("idle"))
    monkeypatch.setattr(resources, "use_few_cores", lambda _: threads.append("few"))
    assert call("inspect", "--text", text, *arguments).code == 0
    assert threads == [used]


def test_errors_are_compared_with_an_n_gram_if_the_training_text_is_available(call: Call, tmp_path: Path) -> None:
    """The n-gram model is fitted on the corpus of the run."""
    from charrnn.network.model_file import load_model

    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    (tmp_path / "book.txt").write_text(TEXT)
    corpus = encode_corpus([str(tmp_path / "book.txt")], run.corpus)
    model = random_model("".join(corpus.vocabulary.characters))
    save_model(run.model, model.__class__(**{**vars(model), "training": {"train_characters": len(TEXT) // 2}}))
    assert load_model(run.model).training
    result = call("inspect", str(run.path), "--errors", "--json")
    assert result.code == 0, result.err
    results = json.loads(result.out)
    assert results["ngram"]["learned_from"] == len(TEXT) // 2
    assert results["ngram"]["bits_per_char"] < 0.5 < results["bits_per_char"]
    assert "-gram" in call("inspect", str(run.path), "--errors").out
