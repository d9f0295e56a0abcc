"""The directory for a model hub: its model can be loaded, and its card contains untrusted text as text only."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from common import Call
from exported_models import make_model

from charrnn.export.markdown import code_block, code_span
from charrnn.network.model_file import Model, load_model, save_model
from charrnn.storage.run_directory import RunDirectory

HOSTILE = "`</td><script>alert(1)</script> [x](http://x) | <img src=x> ``` \x1b[2J\n# heading"
TRAINING = {
    "corpus": f"texts/{HOSTILE.replace('/', '')}",
    "from": "/home/somebody/secret/model.safetensors",
    "characters": 1000,
    "train_characters": 900,
    "held_out": HOSTILE,
    "step": 50,
    "epoch": 1.5,
    "seconds": 61.0,
    "val_nats": 1.5,
    "val_window256_nats": 1.6,
    "val_characters": 100,
}
NGRAM = {"order": 3, "nats": 1.7, "learned_from": 900, "characters": 100, "nats_by_order": [1.9, 1.8, 1.7]}
EFFECT = {"edge_delta": 0.5}
FOUND: list[dict[str, Any]] = [
    {"concept": "indent", "verdict": "causal", "carriers": ["1.3"], "edge_delta": 0.27},
    {"concept": HOSTILE, "verdict": "shared", "carriers": ["2.1", "2.2"], "groups": [EFFECT | {"cells": 2}]},
    {"concept": "quote", "verdict": "direction", "carriers": ["1.0", "1.1"], "direction": EFFECT},
    {"concept": "line_pos", "verdict": "redundant", "carriers": []},
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """Change to a directory that has a run with a hostile record of its training."""
    monkeypatch.chdir(tmp_path)
    directory = RunDirectory(Path("run"))
    directory.path.mkdir()
    save_model(directory.model, dataclasses.replace(make_model("lstm"), training=TRAINING))
    directory.metrics.write_text(json.dumps({"event": "ngram", "step": 0, **NGRAM}))
    return directory


def card(call: Call, *arguments: str) -> str:
    """Export the run and return the model card."""
    result = call("export", "run", "--to", "hub", "--out", "hub", *arguments)
    assert (result.code, result.err) == (0, "")
    return Path("hub/README.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("run")
def test_the_exported_directory_is_loaded_as_the_card_says(call: Call) -> None:
    """By all commands; config.json has the size of the network and its characters."""
    card(call)
    assert sorted(path.name for path in Path("hub").iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert call("sample", "hub", "--seed", "1").out == call("sample", "run", "--seed", "1").out
    config = json.loads(Path("hub/config.json").read_text(encoding="utf-8"))
    assert config["vocabulary"] == list(load_model(Path("run/model.safetensors")).vocabulary.characters)
    assert (config["cell"], config["layers"], config["hidden"], config["embedding"]) == ("lstm", 2, 13, 4)


@pytest.mark.usefixtures("run")
def test_the_card_has_the_losses_of_both_protocols_and_the_n_gram(call: Call) -> None:
    """In bits and nats per character; the text, the time and a sample are there, too."""
    text = card(call)
    assert "| this model, state carried through the text | 2.164 | 1.5000 |" in text
    assert "| this model, state zeroed every 256 characters | 2.308 | 1.6000 |" in text
    assert "| 3-gram (Kneser-Ney) | 2.453 | 1.7000 |" in text
    assert "- Time: 1 min 1 s" in text
    assert "license: other" in text
    sample = call("sample", "hub", "--length", "500", "--seed", "0").out
    assert sample.replace("\x1b", "␛") in text


@pytest.mark.usefixtures("run")
def test_directories_of_this_machine_are_not_published(call: Call) -> None:
    """Neither in the card nor in the model file."""
    card(call)
    for path in Path("hub").iterdir():
        assert not re.search(rb"somebody|texts/", path.read_bytes())


@pytest.mark.usefixtures("run")
def test_text_from_files_is_code_in_the_card(call: Call) -> None:
    """Nothing of it is a tag, a link, an image, a heading or a cell of a table."""
    Path("found.json").write_text(json.dumps({"concepts": FOUND}))
    text = card(call, "--findings", "found.json")
    assert "\x1b" not in text
    assert "alert(1)" in text
    without_code = re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", text.partition("## Sample")[0])
    assert not set(without_code) & {"<", ">", "[", "`"}
    assert [line for line in text.splitlines() if line.startswith("# ")][1:] == ["# Character-level LSTM"]


@pytest.mark.usefixtures("run")
def test_verified_carriers_are_listed(call: Call) -> None:
    """Cells, groups and directions, each with its causal effect; other findings are not."""
    Path("found.json").write_text(json.dumps({"concepts": FOUND}))
    text = card(call, "--findings", "found.json")
    assert "| `indent` | causal | 1.3 | +0.27 |" in text
    assert "| shared | 2.1, 2.2 | +0.50 |" in text
    assert "| `quote` | direction | direction of 2 cells of layer 1 | +0.50 |" in text
    assert "line_pos" not in text


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "f.json is not a file of findings: its content is not JSON"),
        ("[]", "f.json is not a file of findings: its content is not a dict"),
        ("{}", "f.json is not a file of findings: it has no list of concepts"),
        ('{"concepts": [1]}', "f.json is not a file of findings: a finding has unexpected values"),
        (
            '{"concepts": [{"verdict": "causal"}]}',
            "f.json is not a file of findings: a finding has unexpected values",
        ),
        ("9" * 5000, "f.json is not a file of findings: its content is not"),
    ],
)
def test_a_file_that_has_no_findings_is_refused(content: str, message: str, call: Call) -> None:
    """In one line, and nothing is written."""
    Path("f.json").write_text(content)
    result = call("export", "run", "--to", "hub", "--out", "hub", "--findings", "f.json")
    assert result.code == 1
    assert result.err.startswith(f"error: {message}")
    assert len(result.err.splitlines()) == 3
    assert not Path("hub").exists()


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    "changed",
    [
        {"carriers": ["1.99"]},
        {"carriers": [3]},
        {"carriers": []},
        {"carriers": 7},
        {"edge_delta": float("nan")},
        {"edge_delta": None},
        {"edge_delta": 10**400},
    ],
)
def test_a_finding_with_an_impossible_value_is_refused(changed: dict[str, Any], call: Call) -> None:
    """Such as a cell that the network does not have."""
    Path("f.json").write_text(json.dumps({"concepts": [{**FOUND[0], **changed}]}))
    result = call("export", "run", "--to", "hub", "--out", "hub", "--findings", "f.json")
    assert result.code in (1, 2)
    assert result.err.startswith("error: ")
    assert not Path("hub").exists()


def test_a_model_without_a_record_of_its_training_has_a_card(call: Call, run: RunDirectory) -> None:
    """Without the sections about training and evaluation."""
    run.metrics.unlink()
    model: Model = dataclasses.replace(make_model("gru", documents="line"), training={})
    save_model(run.model, model)
    headings = [line for line in card(call).splitlines() if line.startswith("## ")]
    assert headings == ["## Training", "## Sample", "## Usage", "## License"]


@pytest.mark.parametrize("text", [HOSTILE, "`", "``", "", " ", "a`b", "|"])
def test_a_code_span_ends_at_its_own_fence(text: str) -> None:
    """The fence does not occur within; a line break does not occur at all."""
    span = code_span(text)
    fence = re.match("`+", span)
    assert fence is not None
    assert span.endswith(fence[0])
    assert not re.search(f"(?<!`){fence[0]}(?!`)", span[len(fence[0]) : -len(fence[0])])
    assert "\n" not in span


def test_a_code_block_ends_at_its_own_fence() -> None:
    """A text with fences has a longer one."""
    first, *_, last = code_block("```\n````\nx").splitlines()
    assert (first, last) == ("`````text", "`````")
