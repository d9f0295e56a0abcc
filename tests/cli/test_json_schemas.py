"""The keys and types of every command's `--json` output are those recorded in `tests/schemas.txt`."""

import dataclasses
import doctest
import json
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import schemas
from carrier_networks import carried_run
from common import Call, encode_corpus, random_model
from foreign_networks import keras_network, write_network_files
from planted_networks import alphabet_of, network, some_text
from schemas import changes, headings, schema

import charrnn
from charrnn.config import NetworkConfig
from charrnn.network.model_file import Model, save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.events import EarlyStop, TrainingWarning
from charrnn.training.metrics import event_dict

TEXT = some_text(lines=1_500)
PLANTED = "checkpoints/planted"
SEARCH = ("inspect", PLANTED, "--text", "text.txt", "--chars", "20000")
CONCEPTS = [word for name in ("in_quote", "line_pos", "comment") for word in ("--concept", name)]
LOOK = ("inspect", PLANTED, "--text", "text.txt", "--chars", "900")
MEMORY = ("inspect", PLANTED, "--text", "text.txt", "--chars", "2400", "--memory")
SWAP = ("inspect", "checkpoints/gru", "--swap", "so", "it")
IMPORT = ("import", "foreign/net.safetensors", "--vocabulary", "foreign/chars.json")
SAMPLE = ("sample", PLANTED, "--seed", "1", "-n", "30")

COMMANDS = {
    "sample": (*SAMPLE, "-p", "so"),
    "sample --count --stop": (*SAMPLE, "--count", "3", "--stop", "a"),
    "sample --compare": (*SAMPLE, "--compare"),
    "sample --steer": (*SAMPLE, "--steer", "1.7"),
    "sample --clamp": (*SAMPLE, "--clamp", "1.7=1"),
    "sample --clamp CONCEPT": ("sample", "checkpoints/quoted", "-n", "3", "--clamp", "in_quote=1", "-q"),
    "sample --novelty": ("sample", "checkpoints/copied", "--novelty", "--seed", "1", "-n", "90"),
    "score": ("score", PLANTED, "short.txt"),
    "score, several models": ("score", PLANTED, "checkpoints/gru", "short.txt"),
    "score --per-line": ("score", PLANTED, "short.txt", "--per-line"),
    "score --per-line --sort": ("score", PLANTED, "short.txt", "--per-line", "--sort"),
    "score --top": ("score", PLANTED, "short.txt", "--top", "3"),
    "export": ("export", PLANTED, "--to", "numpy", "--out", "exported"),
    "info": ("info", "checkpoints/book"),
    "info, without a history": ("info", PLANTED),
    "info, several runs": ("info",),
    "inspect": SEARCH,
    "inspect --quick": (*SEARCH, *CONCEPTS, "--quick"),
    "inspect --confirm": (*SEARCH, *CONCEPTS, "--quick", "--confirm", "text.txt"),
    "inspect --cell": (*LOOK, "--cell", "1.7", "--cell", "1.0"),
    "inspect --cell --concept": (*LOOK, "--cell", "1.7", "--concept", "in_quote"),
    "inspect --cell --signal": (*LOOK, "--cell", "1.7", "--signal", "f"),
    "inspect --npz": (*LOOK, "--npz", "states.npz"),
    "inspect --contexts": ("inspect", PLANTED, "--text", "text.txt", "--contexts", "1.3"),
    "inspect --surprise": (*LOOK, "--surprise"),
    "inspect --surprise --top": (*LOOK, "--surprise", "--top", "2"),
    "inspect --why": (*LOOK, "--why"),
    "inspect --why --at": (*LOOK, "--why", "--at", "40", "--at", "1"),
    "inspect --swap": (*SWAP, "--cell", "1.7"),
    "inspect --swap, several cells": (*SWAP, "--cell", "1.7", "--cell", "1.8"),
    "inspect --swap, a concept": ("inspect", "checkpoints/quoted", "--swap", "“so", "so", "--cell", "in_quote"),
    "inspect --gates, lstm": (*LOOK, "--gates"),
    "inspect --gates, gru": ("inspect", "checkpoints/gru", "--text", "text.txt", "--chars", "900", "--gates"),
    "inspect --gates, rnn": ("inspect", "checkpoints/rnn", "--text", "text.txt", "--chars", "900", "--gates"),
    "inspect --gates --cell": (*LOOK, "--gates", "--cell", "1.7", "--concept", "in_quote"),
    "inspect --memory": MEMORY,
    "inspect --memory --untrained": (*MEMORY, "--untrained", "gru"),
    "inspect --memory --against": (*MEMORY, "--against", "checkpoints/gru"),
    "inspect --errors": (*LOOK, "--errors"),
    "inspect --errors, with an n-gram": ("inspect", "checkpoints/book", "--errors"),
    "import": (*IMPORT, "--out", "imported"),
    "import --check": (*IMPORT, "--check", "foreign/text.txt", "--out", "checked"),
    "inspect --list-concepts": ("inspect", "none", "--list-concepts"),
    "inspect --list-concepts --text": (*LOOK, "--list-concepts"),
}
"""each section of the recorded schemas with the command that it belongs to"""

TRAIN = ("train", "book.txt", "--hidden", "16", "--batch", "4", "--length", "16", "--threads", "1", "--json", "-q")


@pytest.fixture(scope="module")
def place(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a finished run, models of each kind of cell, and texts that they know."""
    directory = tmp_path_factory.mktemp("schemas")
    shutil.copytree(finished_run, directory, dirs_exist_ok=True)
    (directory / "text.txt").write_text(TEXT)
    (directory / "short.txt").write_text(TEXT[:200])
    (directory / "foreign").mkdir()
    write_network_files(directory / "foreign", keras_network("lstm")[0])
    alphabet = alphabet_of(TEXT)
    config, weights = network("lstm", {7: "in_quote"}, twins={2: 7})
    planted = Model(config=config, vocabulary=Vocabulary(tuple(alphabet)), weights=weights)
    carried_run(directory / "checkpoints/quoted", "lstm", 32)
    keep_copied(RunDirectory(directory / "checkpoints/copied"))
    other_cells = {
        cell: random_model(alphabet, config=NetworkConfig(cell=cell, layers=1, hidden=9, embedding=4))
        for cell in ("gru", "rnn")
    }
    for name, model in {"planted": planted, **other_cells}.items():
        run = RunDirectory(directory / "checkpoints" / name)
        run.path.mkdir()
        save_model(run.model, model)
    return directory


def keep_copied(run: RunDirectory) -> None:
    """Put a model into a run whose corpus contains what the model writes with seed 1."""
    run.path.mkdir()
    vocabulary = "\n abcdefgh"
    model = random_model(vocabulary)
    save_model(run.model, model)
    text = charrnn.load(run.path).sample(length=90, seed=1)
    other = "".join(np.random.default_rng(0).choice(list(vocabulary), 700))
    training, held_out = other + text, "h g" * 100
    path = run.path / "text.txt"
    path.write_text(training + held_out, newline="")
    encode_corpus([str(path)], run.corpus)
    save_model(run.model, dataclasses.replace(model, training={"train_characters": len(training)}))


def objects(call: Call, *arguments: str) -> list[dict[str, Any]]:
    """Return the JSON objects that a command writes, one per line."""
    result = call(*arguments)
    assert result.code == 0, result.err
    return [json.loads(line) for line in result.out.splitlines()]


@pytest.mark.parametrize("section", COMMANDS)
def test_the_output_of_a_command_has_the_recorded_schema(
    call: Call, place: Path, monkeypatch: pytest.MonkeyPatch, section: str
) -> None:
    """Exactly the recorded keys, each with the recorded types."""
    monkeypatch.chdir(place)
    assert changes(schema(objects(call, *COMMANDS[section], "--json")), section) == []


def events(lines: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Yield each kind of event with its schema."""
    for name, same in groupby(sorted(lines, key=lambda line: str(line["event"])), lambda line: str(line["event"])):
        yield name, schema(same)


def test_the_events_of_a_training_have_the_recorded_schemas(
    call: Call, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a training from the start, of one that is resumed, and of one that is finished already."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(place / "book.txt", tmp_path)
    for steps in ("20", "30"):
        started_or_resumed = dict(events(objects(call, *TRAIN, "--steps", steps)))
        assert sorted(started_or_resumed) == ["done", "evaluation", "ngram", "preview", "report", "start"]
        for kind, lines in started_or_resumed.items():
            assert changes(lines, f"train: {kind}") == []
    (finished,) = objects(call, *TRAIN, "--steps", "30")
    assert changes(schema([finished]), "train: done, finished already") == []


@pytest.mark.parametrize(
    "event",
    [
        TrainingWarning(step=1, message="disk full"),
        EarlyStop(step=9, progress=0.5, best_nats=1.5, best_step=4),
    ],
    ids=lambda event: type(event).__name__,
)
def test_the_events_of_a_training_in_trouble_have_the_recorded_schemas(event: TrainingWarning | EarlyStop) -> None:
    """The name of the event is part of the output."""
    line = event_dict(event)
    assert changes(schema([line]), f"train: {line['event']}") == []


def test_the_examples_of_schemas_are_true() -> None:
    """Optional keys, unions of types, and keys that are data."""
    assert doctest.testmod(schemas) == (0, 2)


def test_every_recorded_output_is_compared() -> None:
    """No section of the file belongs to a command that is no longer tried."""
    kinds = ("start", "ngram", "preview", "report", "evaluation", "overfitting", "trouble", "done")
    trained = {f"train: {kind}" for kind in (*kinds, "done, finished already")}
    assert {heading for heading in headings() if not heading.startswith("file: ")} == trained | set(COMMANDS)
