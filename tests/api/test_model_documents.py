"""A model that learned documents reads a text as documents in Python too: each ended, and from a fresh state."""

import json
from pathlib import Path

import numpy as np
import pytest
from small import Call

import charrnn

POEMS = {
    "line": "Ann\n\n  Bob \nCleo Ann\nDora\n" * 60,
    "blank": "an old\npond \n \n\na frog\n\nleaps in\nthe sound\n\n" * 60,
}


@pytest.fixture(params=POEMS)
def poems(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> charrnn.TrainedModel:
    """Train a little on documents of a kind, which stand beside the run."""
    monkeypatch.chdir(tmp_path)
    Path("poems.txt").write_text(POEMS[request.param])
    return charrnn.train(
        "poems.txt", documents=request.param, steps=30, hidden=12, batch=4, length=16, threads=1, sample_every=0
    )


def given(model: charrnn.TrainedModel) -> str:
    """Give the text that it learned."""
    assert model.model.config.documents is not None
    return POEMS[model.model.config.documents]


def test_cells_do_what_they_do_on_the_command_line(poems: charrnn.TrainedModel, call: Call) -> None:
    """The same characters are read, and the same values drawn."""
    said = json.loads(call("inspect", "--cell", "1.3", "--text", "poems.txt", "--chars", "100000", "--json").out)
    did, drawn = poems.activations(given(poems)), poems.heatmap(given(poems), "1.3")
    assert did.text == drawn.text == said["content"]
    assert np.allclose(did.cell("1.3"), said["cells"]["1.3"], atol=1e-4)
    assert np.array_equal(np.asarray(drawn.rows[0].values), did.cell("1.3"))


def test_the_state_is_fresh_after_each_end(poems: charrnn.TrainedModel) -> None:
    """The same document does the same wherever it stands."""
    did = poems.activations("\n\n".join([given(poems)[:3]] * 3))
    once = len(did.text) // 3
    assert did.text == did.text[:once] * 3
    assert np.array_equal(did.values[:once], did.values[once : 2 * once])


def test_findings_are_the_command_lines(poems: charrnn.TrainedModel, call: Call) -> None:
    """Over a text of one's own."""
    text = given(poems) * 3
    Path("text").write_text(text)
    said = call("inspect", "--text", "text", "--quick", "--concept", "space", "--concept", "a=/a/", "--json")
    found = poems.find(text, quick=True, concepts=["space", "a=/a/"])
    assert json.dumps(found.to_json()) + "\n" == said.out


def test_what_was_held_out_can_be_read_again(poems: charrnn.TrainedModel) -> None:
    """Its ends are known for what they are."""
    held_out = poems.held_out()
    assert poems.activations(held_out).text == held_out
    assert poems.score(held_out).characters == len(held_out)


def test_what_a_document_cost_is_its_score(poems: charrnn.TrainedModel, call: Call) -> None:
    """Its end is a character of it in both."""
    said = [json.loads(line) for line in call("sample", "--count", "16", "--seed", "1", "--json").out.splitlines()]
    alone = json.loads(call("sample", "--seed", "2", "--json").out)
    assert [line["text"] for line in said] == poems.samples(count=16, seed=1)
    assert alone["text"] == said[1]["text"] == poems.sample(seed=2) == "".join(poems.stream(seed=2))
    # Those that read as one document, with nothing about them that would be left out.
    whole = [
        line for line in said if line["text"] and len(poems.activations(line["text"]).text) == len(line["text"]) + 1
    ]
    assert len(whole) > 1
    for line in whole:
        assert line["bits_per_char"] == pytest.approx(poems.score(line["text"]).bits_per_char, rel=1e-4)
    assert alone["bits_per_char"] == pytest.approx(said[1]["bits_per_char"], rel=1e-4)
