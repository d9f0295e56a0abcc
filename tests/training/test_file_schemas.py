"""The keys of every file of a run are those recorded in `tests/schemas.txt`, so that older runs stay readable."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from schemas import changes, headings, schema

from charrnn.storage.run_directory import RunDirectory

CHECKPOINT = "checkpoint-00000030.safetensors"
FILES = {"config.yaml", "corpus.bin", "corpus.json", "metrics.jsonl", "model.safetensors"}
"""beside the checkpoints, of which there are one or two, depending on the time"""


@pytest.fixture
def run(finished_run: Path) -> RunDirectory:
    """Return a finished run, not to be changed."""
    return RunDirectory(finished_run / "checkpoints/book")


def header(path: Path) -> dict[str, Any]:
    """Return the JSON header of a safetensors file, read without the package's own reader."""
    content = path.read_bytes()
    return dict(json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]))


def metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of a safetensors file, with those strings parsed that are JSON."""
    words = header(path)["__metadata__"]
    assert all(isinstance(word, str) for word in words.values())
    return {name: json.loads(word) if word[0] in "[{" else word for name, word in words.items()}


def arrays(path: Path) -> list[str]:
    """Return one line per array: its name, data type and number of dimensions."""
    described = {name: about for name, about in header(path).items() if name != "__metadata__"}
    return sorted(f"{name}: {about['dtype']}, {len(about['shape'])}-dimensional" for name, about in described.items())


def test_a_run_consists_of_the_recorded_files(run: RunDirectory) -> None:
    """Others are hidden, or written only by commands that need them."""
    visible = {path.name for path in run.path.iterdir() if not path.name.startswith(".")}
    assert visible - {path.name for path in run.checkpoints()} == FILES
    assert (run.path / CHECKPOINT).exists()


@pytest.mark.parametrize("name", ["model.safetensors", CHECKPOINT])
def test_the_metadata_and_arrays_of_a_model_and_of_a_checkpoint_are_the_recorded_ones(
    run: RunDirectory, name: str
) -> None:
    """The configuration, the vocabulary, the history, the record of the run, the checksums; each array by name."""
    kind = metadata(run.path / name)["kind"]
    assert changes(schema([metadata(run.path / name)]), f"file: {kind}, metadata") == []
    assert changes(arrays(run.path / name), f"file: {kind}, arrays") == []
    assert metadata(run.path / name)["format"] == "charrnn/1"


def test_the_settings_of_a_run_have_the_recorded_keys(run: RunDirectory) -> None:
    """They are the names that `--config` accepts."""
    assert changes(schema([yaml.safe_load(run.config.read_text())]), "file: config.yaml") == []


def test_the_lines_of_the_metrics_have_the_recorded_keys(run: RunDirectory) -> None:
    """For each kind of event."""
    lines = sorted(map(json.loads, run.metrics.read_text().splitlines()), key=lambda line: str(line["event"]))
    assert {line["event"] for line in lines} == {"evaluation", "ngram", "report"}
    for kind, same in groupby(lines, key=lambda line: line["event"]):
        assert changes(schema(same), f"file: metrics.jsonl, {kind}") == []


def test_the_description_of_the_corpus_has_the_recorded_keys(run: RunDirectory) -> None:
    """It stands beside the ids, of which each is as wide as the description says."""
    description = json.loads(run.corpus.with_suffix(".json").read_text())
    assert changes(schema([description]), "file: corpus.json") == []
    assert run.corpus.stat().st_size == sum(description["counts"]) * np.dtype(description["dtype"]).itemsize


def test_every_recorded_file_is_compared() -> None:
    """No section belongs to a file that is no longer looked at."""
    kinds = [f"metrics.jsonl, {kind}" for kind in ("evaluation", "ngram", "report")]
    kinds += [f"{kind}, {part}" for kind in ("model", "checkpoint") for part in ("metadata", "arrays")]
    expected = {f"file: {kind}" for kind in (*kinds, "config.yaml", "corpus.json")}
    assert {heading for heading in headings() if heading.startswith("file: ")} == expected
