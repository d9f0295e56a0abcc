"""Thousands of damaged files: each is rejected quickly with a one-line error, or read with its original content.

More files, with the time and memory of each: `python tests/benchmarks/mutations.py`.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pytest
from common import encode_corpus, random_model
from file_damage import damage, random_forgery, read_or_error

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, load_model, save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.training import checkpoint, checkpoint_file
from charrnn.training.checkpoint import state_arrays, state_metadata
from charrnn.training.checkpoint_file import DamagedError
from charrnn.training.resume import resume
from charrnn.training.train_options import TrainOptions
from charrnn.training.trainer import Trainer

FILES = 700
"""number of files per test"""
MAX_SECONDS = 1.0
"""CPU time in which each file is read or refused"""


def seeded_generators(count: int = FILES) -> Iterator[tuple[int, Random]]:
    """Yield a seed and a random generator for each file; fail if a file takes too long."""
    for seed in range(count):
        start = time.process_time()
        yield seed, Random(seed)
        assert time.process_time() - start < MAX_SECONDS, seed


@dataclass(frozen=True, repr=False)
class SavedFile:
    """A file as it was written."""

    path: Path
    content: bytes

    def replaced(self, content: bytes) -> Path:
        """Replace the content of the file, and return its path."""
        self.path.write_bytes(content)
        return self.path


def is_same_model(first: Model, second: Model) -> bool:
    """Return whether two models have the same weights."""
    weights = all(np.array_equal(first.weights[name], second.weights[name]) for name in first.weights)
    return weights and (first.config, first.vocabulary, first.training) == (
        second.config,
        second.vocabulary,
        second.training,
    )


def can_be_stepped(model: Model) -> bool:
    """Return whether a model computes finite logits."""
    rnn = InferenceRNN.from_model(model)
    return bool(np.isfinite(rnn.step(np.array([0]), rnn.initial_state(1))[0]).all())


def is_one_line(error: CharrnnError, path: Path) -> bool:
    """Return whether an error is one short line that names the file."""
    return str(path) in error.message and "\n" not in error.message and len(error.message) < len(str(path)) + 250


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> SavedFile:
    """Return the file of a model."""
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    save_model(path, random_model())
    return SavedFile(path, path.read_bytes())


@pytest.mark.fault("P4")
def test_no_damaged_model_is_read_as_another(saved_model: SavedFile) -> None:
    """Damaged or inconsistent files are rejected with a one-line error, or read unchanged."""
    original = random_model()
    for seed, rng in seeded_generators():
        path = saved_model.replaced(damage(saved_model.content, rng))
        result = read_or_error(load_model, path)
        if isinstance(result, CharrnnError):
            assert is_one_line(result, path), seed
        else:
            assert is_same_model(result, original), seed


@pytest.mark.fault("P3")
def test_forged_models_cause_no_failure(saved_model: SavedFile) -> None:
    """A forged model has correct checksums; it is rejected with a one-line error, or works."""
    for seed, rng in seeded_generators():
        path = saved_model.replaced(random_forgery(saved_model.content, rng))
        result = read_or_error(load_model, path)
        assert is_one_line(result, path) if isinstance(result, CharrnnError) else can_be_stepped(result), seed


@pytest.mark.fault("P4")
def test_a_model_truncated_at_any_64_bytes_is_refused(saved_model: SavedFile) -> None:
    """The error says that the file is damaged."""
    for length in range(0, len(saved_model.content), 64):
        path = saved_model.replaced(saved_model.content[:length])
        with pytest.raises(CharrnnError) as caught:
            load_model(path)
        assert is_one_line(caught.value, path)


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """Return a trainer after two steps."""
    directory = tmp_path_factory.mktemp("run")
    (directory / "text.txt").write_text("".join(f"{n} green bottles (and {n * n % 97} walls).\n" for n in range(90)))
    corpus = encode_corpus([str(directory / "text.txt")], directory / "corpus.bin")
    network = NetworkConfig(hidden=8, embedding=4, layers=2)
    trainer = Trainer(corpus, network, TrainingConfig(batch=2, length=8, lr=0.01, steps=4), "cpu")
    trainer.train_step()
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, RunDirectory(directory))
    return trainer


@pytest.fixture(scope="module")
def saved_run(trainer: Trainer) -> SavedFile:
    """Return the file of its checkpoint."""
    path = RunDirectory(trainer.corpus.path.parent).checkpoint(2)
    return SavedFile(path, path.read_bytes())


@pytest.mark.fault("P4")
def test_no_damaged_checkpoint_is_resumed(trainer: Trainer, saved_run: SavedFile) -> None:
    """Refused in one line, or the state is the saved one."""
    before, metadata = {name: array.copy() for name, array in state_arrays(trainer).items()}, state_metadata(trainer)

    def resume_from(path: Path) -> None:
        checkpoint_file.read_checkpoint_info(path)
        checkpoint.load_checkpoint(trainer, path)

    for seed, rng in seeded_generators():
        path = saved_run.replaced(damage(saved_run.content, rng))
        result = read_or_error(resume_from, path)
        assert not isinstance(result, CharrnnError) or is_one_line(result, path), seed
        after = state_arrays(trainer)
        assert all(np.array_equal(after[name], array) for name, array in before.items()), seed
        assert state_metadata(trainer) == metadata, seed


@pytest.mark.fault("P3")
def test_forged_checkpoints_cause_no_failure(saved_run: SavedFile) -> None:
    """A forged checkpoint has correct checksums; it is rejected with a one-line error, or training continues."""

    def resume_from(path: Path) -> Trainer:
        resumed = resume(None, RunDirectory(path.parent), TrainOptions(), "cpu").trainer
        resumed.train_step()
        return resumed

    for seed, rng in seeded_generators(300):
        path = saved_run.replaced(random_forgery(saved_run.content, rng))
        result = read_or_error(resume_from, path)
        if isinstance(result, CharrnnError):
            assert "\n" not in result.message, seed
            assert len(result.message) < len(str(path)) + 400, seed
    saved_run.replaced(saved_run.content)


@pytest.mark.fault("P4")
def test_a_checkpoint_truncated_at_any_64_bytes_is_refused(trainer: Trainer, saved_run: SavedFile) -> None:
    """The error says that the file is damaged."""
    for length in range(0, len(saved_run.content), 64):
        path = saved_run.replaced(saved_run.content[:length])
        with pytest.raises(DamagedError) as caught:
            checkpoint.load_checkpoint(trainer, path)
        assert is_one_line(caught.value, path)
