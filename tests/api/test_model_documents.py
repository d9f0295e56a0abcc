"""The Python API of a model of documents: each document is read from the initial state."""

import json
from pathlib import Path

import numpy as np
import pytest
from common import Call

import charrnn

POEMS = {
    "line": "Ann\n\n  Bob \nCleo Ann\nDora\n" * 60,
    "blank": "an old\npond \n \n\na frog\n\nleaps in\nthe sound\n\n" * 60,
}


@pytest.fixture(params=POEMS)
def poems(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> charrnn.TrainedModel:
    """Train briefly on documents of each kind."""
    monkeypatch.chdir(tmp_path)
    Path("poems.txt").write_text(POEMS[request.param])
    return charrnn.train(
        "poems.txt", documents=request.param, steps=30, hidden=12, batch=4, length=16, threads=1, sample_every=0
    )


def training_text(model: charrnn.TrainedModel) -> str:
    """Return the training text."""
    assert model.model.config.documents is not None
    return POEMS[model.model.config.documents]


def test_activations_of_documents_are_those_of_the_command_line(poems: charrnn.TrainedModel, call: Call) -> None:
    """The characters and the values are equal."""
    output = json.loads(call("inspect", "--cell", "1.3", "--text", "poems.txt", "--chars", "100000", "--json").out)
    activations, heatmap = poems.activations(training_text(poems)), poems.heatmap(training_text(poems), "1.3")
    assert activations.text == heatmap.text == output["content"]
    assert np.allclose(activations.cell("1.3"), output["cells"]["1.3"], atol=1e-4)
    assert np.array_equal(np.asarray(heatmap.rows[0].values), activations.cell("1.3"))


def test_the_state_is_reset_after_each_document(poems: charrnn.TrainedModel) -> None:
    """Equal documents have equal activations."""
    activations = poems.activations("\n\n".join([training_text(poems)[:3]] * 3))
    once = len(activations.text) // 3
    assert activations.text == activations.text[:once] * 3
    assert np.array_equal(activations.values[:once], activations.values[once : 2 * once])


def test_findings_of_documents_are_those_of_the_command_line(poems: charrnn.TrainedModel, call: Call) -> None:
    """For a text of the user."""
    text = training_text(poems) * 3
    Path("text").write_text(text)
    output = call("inspect", "--text", "text", "--quick", "--concept", "space", "--concept", "a=/a/", "--json")
    findings = poems.find(text, quick=True, concepts=["space", "a=/a/"])
    assert json.dumps(findings.to_json()) + "\n" == output.out


def test_held_out_documents_can_be_read_again(poems: charrnn.TrainedModel) -> None:
    """Their end characters are kept."""
    held_out = poems.held_out()
    assert poems.activations(held_out).text == held_out
    assert poems.score(held_out).characters == len(held_out)


def test_the_nll_of_a_generated_document_is_its_score(poems: charrnn.TrainedModel, call: Call) -> None:
    """The end of a document is counted in both."""
    output = [json.loads(line) for line in call("sample", "--count", "16", "--seed", "1", "--json").out.splitlines()]
    alone = json.loads(call("sample", "--seed", "2", "--json").out)
    assert [line["text"] for line in output] == poems.samples(count=16, seed=1)
    assert alone["text"] == output[1]["text"] == poems.sample(seed=2) == "".join(poems.stream(seed=2))
    # Only texts that are one document and that are scored completely.
    complete = [
        line for line in output if line["text"] and len(poems.activations(line["text"]).text) == len(line["text"]) + 1
    ]
    assert len(complete) > 1
    for line in complete:
        assert line["bits_per_char"] == pytest.approx(poems.score(line["text"]).bits_per_char, rel=1e-4)
    assert alone["bits_per_char"] == pytest.approx(output[1]["bits_per_char"], rel=1e-4)
