"""charrnn score: bits per character of texts."""

import json
import math
from pathlib import Path

import pytest
from small import Call

from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import load_model
from charrnn.scoring import Score, score
from charrnn.storage.run_directory import RunDirectory


@pytest.fixture
def expected(run_here: RunDirectory) -> Score:
    """Write a text with two characters that the model does not know, and return its score."""
    Path("book.txt").write_bytes("abc é\nabcdé".encode())
    Path("short.txt").write_bytes(b"a")
    model = load_model(run_here.model)
    return score(InferenceRNN.from_model(model), model.vocabulary, "abc é\nabcdé")


def test_json_has_the_score(call: Call, expected: Score) -> None:
    """One line per text, with all numbers."""
    result = call("score", "book.txt", "book.txt", "--json")
    first, second = map(json.loads, result.out.splitlines())
    assert first == second
    assert first == {
        "model": "checkpoints/hamlet/model.safetensors",
        "text": "book.txt",
        "characters": expected.characters,
        "unknown": 2,
        "nats_per_char": expected.nats_per_char,
        "bits_per_char": expected.bits_per_char,
        "perplexity": expected.perplexity,
    }
    assert math.isclose(first["bits_per_char"] * math.log(2), first["nats_per_char"])


def test_a_person_reads_a_line_a_text(call: Call, expected: Score) -> None:
    """With the number of unknown characters."""
    result = call("score", "book.txt")
    assert result.err == ""
    assert f"{expected.bits_per_char:.4f} bits/char" in result.out
    assert "8 chars  2 unknown (20.0%)" in result.out
    assert len(result.out) < 90


def test_long_texts_are_scored_by_torch(call: Call, expected: Score, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a size on; the score is equal up to rounding."""
    monkeypatch.setattr("charrnn.cli.scorer.TORCH_FROM_OPS", 0)
    monkeypatch.setattr("charrnn.network.inference.InferenceRNN.nll", None)
    result = json.loads(call("score", "book.txt", "--json").out)
    assert math.isclose(result["nats_per_char"], expected.nats_per_char, abs_tol=1e-6)
    assert call("score", "book.txt", "--per-line").out.count("\n") == 3


@pytest.mark.usefixtures("expected")
@pytest.mark.parametrize(("worth", "given"), [(0, 1), (1e18, 3)])
def test_torch_has_threads_of_its_own(call: Call, monkeypatch: pytest.MonkeyPatch, worth: float, given: int) -> None:
    """One worker with torch, since more would wait for each other; several with NumPy."""
    thread_counts = []
    monkeypatch.setattr("charrnn.cli.scorer.TORCH_FROM_OPS", worth)
    monkeypatch.setattr("charrnn.resources.threads_for_workers", lambda: 3)
    monkeypatch.setattr("charrnn.scoring.run_generators", lambda _, threads: thread_counts.append(threads))
    call("score", "book.txt", "--json")
    assert thread_counts == [given]


@pytest.mark.usefixtures("expected")
def test_the_model_can_be_named_first(call: Call) -> None:
    """As a directory or by its suffix; any other argument is a text."""
    for model in ("checkpoints/hamlet", "checkpoints/hamlet/model.safetensors"):
        assert call("score", model, "book.txt") == call("score", "book.txt")
    assert call("score", "none.safetensors", "book.txt").err.startswith("error: no trained model at none.safetensors")


@pytest.mark.usefixtures("expected")
def test_standard_input_is_a_text(shell: Call, call: Call) -> None:
    """Its name is a dash."""
    piped = json.loads(shell("charrnn score - --json < book.txt").out)
    assert piped | {"text": "book.txt"} == json.loads(call("score", "book.txt", "--json").out)


@pytest.mark.usefixtures("expected")
def test_what_cannot_be_scored_is_named(call: Call) -> None:
    """No text, a text that is too short, a missing file, a binary file."""
    Path("latin.txt").write_bytes(b"ab\xe9")
    assert call("score").code == 2
    assert call("score", "short.txt").err.startswith("error: short.txt: it has 1 character")
    assert call("score", "none.txt").err.startswith("error: none.txt: no such file")
    assert "latin.txt is not valid UTF-8 at byte 2" in call("score", "latin.txt").err
    assert call("score", "latin.txt", "--encoding", "latin-1").code == 0
    assert call("score", "book.txt", "--encoding", "utf-9").code == 2


def test_lines_can_be_put_in_order(call: Call, run_here: RunDirectory) -> None:
    """The best predicted line first; only a line end ends a line."""
    assert run_here.model.is_file()
    Path("names.txt").write_text("abc\nfeed\x0cbag\n\nhead\n", encoding="utf-8")
    plain = call("score", "names.txt", "--per-line")
    assert plain.out.splitlines()[0].split() == ["bits/char", "line"]
    assert [line.split("  ")[-1] for line in plain.out.splitlines()[1:]] == ["abc", "feed␌bag", "", "head"]
    bits = [
        json.loads(line)["bits_per_char"]
        for line in call("score", "names.txt", "--per-line", "--json").out.splitlines()
    ]
    ordered = call("score", "names.txt", "--per-line", "--sort", "--json").out.splitlines()
    assert [json.loads(line)["bits_per_char"] for line in ordered] == sorted(bits)
    assert {json.loads(line)["content"] for line in ordered} == {"abc", "feed\x0cbag", "", "head"}
    assert call("score", "names.txt", "--sort").code == 2
    assert call("score", "names.txt", "--sort", "--per-line", "--top", "3").code == 2


@pytest.mark.usefixtures("expected")
def test_several_models_are_set_side_by_side(call: Call, run_here: RunDirectory) -> None:
    """A numbered column for each model; a JSON object for each model."""
    result = call("score", str(run_here.path), str(run_here.model), "book.txt")
    assert result.out.splitlines()[:2] == ["1: checkpoints/hamlet", "2: checkpoints/hamlet"]
    first, second, name = result.out.splitlines()[3].split()[:3]
    assert (first, name) == (second, "book.txt")
    assert len(call("score", str(run_here.path), str(run_here.model), "book.txt", "--json").out.splitlines()) == 2


@pytest.mark.usefixtures("expected")
def test_the_next_characters_can_be_requested(call: Call) -> None:
    """The most likely character first, with the probabilities."""
    results = json.loads(call("score", "book.txt", "--top", "3", "--json").out)["next"]
    assert len(results) == 3
    assert [share for _, share in results] == sorted((share for _, share in results), reverse=True)
    result = call("score", "book.txt", "--top", "3").out.splitlines()
    assert result[0] == "book.txt: after 'abc é␊abcdé', by checkpoints/hamlet"
    assert len(result) == 4


@pytest.mark.usefixtures("run_here")
def test_a_text_in_another_alphabet_is_distinguished_from_a_badly_predicted_one(call: Call) -> None:
    """By the share of characters that the model never saw."""
    Path("greek.txt").write_text("αβγδε abc", encoding="utf-8")
    result = call("score", "greek.txt")
    assert "5 unknown (62.5%)" in result.out
    assert "note: greek.txt: much of it the model never saw" in result.err
