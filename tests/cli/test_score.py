"""charrnn score: bits per character of texts."""

import json
import math
from pathlib import Path

import pytest
from small import Call

from charrnn.network.model_file import load
from charrnn.network.reader import Reader
from charrnn.runs import RunDirectory
from charrnn.scoring import Score, score


@pytest.fixture
def expected(run_here: RunDirectory) -> Score:
    """Write a text that the model knows all but two characters of, and score it."""
    Path("book.txt").write_bytes("abc é\nabcdé".encode())
    Path("short.txt").write_bytes(b"a")
    model = load(run_here.model)
    return score(Reader.of(model), model.vocabulary, "abc é\nabcdé")


def test_json_has_the_score(call: Call, expected: Score) -> None:
    """A line a text, with all that is known of it."""
    said = call("score", "book.txt", "book.txt", "--json")
    first, second = map(json.loads, said.out.splitlines())
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
    """The unknown characters are told."""
    said = call("score", "book.txt")
    assert said.err == ""
    assert f"{expected.bits_per_char:.4f} bits/char" in said.out
    assert "8 chars  2 unknown" in said.out
    assert len(said.out) < 80


@pytest.mark.usefixtures("expected")
def test_the_model_can_be_named_first(call: Call) -> None:
    """As a directory or by its suffix; anything else is a text."""
    for model in ("checkpoints/hamlet", "checkpoints/hamlet/model.safetensors"):
        assert call("score", model, "book.txt") == call("score", "book.txt")
    assert call("score", "none.safetensors", "book.txt").err.startswith("error: no trained model at none.safetensors")


@pytest.mark.usefixtures("expected")
def test_standard_input_is_a_text(shell: Call, call: Call) -> None:
    """Under the name of a dash."""
    piped = json.loads(shell("charrnn score - --json < book.txt").out)
    assert piped | {"text": "book.txt"} == json.loads(call("score", "book.txt", "--json").out)


@pytest.mark.usefixtures("expected")
def test_what_cannot_be_scored_is_named(call: Call) -> None:
    """No text, a short one, a missing one, one that is no text."""
    Path("latin.txt").write_bytes(b"ab\xe9")
    assert call("score").code == 2
    assert call("score", "short.txt").err.startswith("error: short.txt: it has 1 character")
    assert call("score", "none.txt").err.startswith("error: none.txt: no such file")
    assert "latin.txt is not valid UTF-8 at byte 2" in call("score", "latin.txt").err
    assert call("score", "latin.txt", "--encoding", "latin-1").code == 0
    assert call("score", "book.txt", "--encoding", "utf-9").code == 2
