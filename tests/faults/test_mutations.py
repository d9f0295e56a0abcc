"""Thousands of damaged files: each is refused in one line, at once, or read as what was written.

Ten thousand and more, and how much time and memory each takes: `python tests/benchmarks/mutations.py`.
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pytest
from damage import damaged, outcome, tampered
from hypothesis import given, settings
from hypothesis import strategies as st
from small import random_model

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, load_model, save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.text import corpus_encoder
from charrnn.text.sources import open_sources
from charrnn.training import checkpoint, checkpoint_file
from charrnn.training.checkpoint import state_arrays, state_metadata
from charrnn.training.checkpoint_file import DamagedError
from charrnn.training.resume import resume
from charrnn.training.train_options import TrainOptions
from charrnn.training.trainer import Trainer

many = settings(max_examples=700, deadline=1000, derandomize=True)
"""as many files a test, each in less than a second"""
chances = st.randoms(use_true_random=False)


@dataclass(frozen=True, repr=False)
class Whole:
    """A file as it was written."""

    path: Path
    content: bytes

    def replaced(self, content: bytes) -> Path:
        """Put other bytes in its place."""
        self.path.write_bytes(content)
        return self.path


def same(one: Model, other: Model) -> bool:
    """Tell whether two models are one, weight for weight."""
    weights = all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)
    return weights and (one.config, one.vocabulary, one.training) == (other.config, other.vocabulary, other.training)


def can_be_stepped(model: Model) -> bool:
    """Tell whether a model works at all."""
    rnn = InferenceRNN.from_model(model)
    return bool(np.isfinite(rnn.step(np.array([0]), rnn.initial_state(1))[0]).all())


def one_line(error: CharrnnError, path: Path) -> bool:
    """Tell whether an error is what a user is to see: one line, short, that names the file."""
    return str(path) in error.message and "\n" not in error.message and len(error.message) < len(str(path)) + 250


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Save a model."""
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    save_model(path, random_model())
    return Whole(path, path.read_bytes())


@pytest.mark.fault("P4")
@many
@given(chance=chances)
def test_no_damaged_model_is_read_as_another(chance: Random, saved_model: Whole) -> None:
    """Cuts, flips, splices, swaps, lengths, lies in the header: refused in one line, or nothing was changed."""
    path = saved_model.replaced(damaged(saved_model.content, chance))
    came = outcome(load_model, path)
    assert one_line(came, path) if isinstance(came, CharrnnError) else same(came, random_model())


@pytest.mark.fault("P3")
@many
@given(chance=chances)
def test_no_forged_model_breaks_anything(chance: Random, saved_model: Whole) -> None:
    """Whatever its header says, with checksums that fit: refused in one line, or a model that can be stepped."""
    path = saved_model.replaced(tampered(saved_model.content, chance))
    came = outcome(load_model, path)
    assert one_line(came, path) if isinstance(came, CharrnnError) else can_be_stepped(came)


@pytest.mark.fault("P4")
def test_no_model_cut_at_any_64_bytes_is_read(saved_model: Whole) -> None:
    """However much is missing, the end says so."""
    for length in range(0, len(saved_model.content), 64):
        path = saved_model.replaced(saved_model.content[:length])
        with pytest.raises(CharrnnError) as caught:
            load_model(path)
        assert one_line(caught.value, path)


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """Make two steps of a training."""
    directory = tmp_path_factory.mktemp("run")
    (directory / "text.txt").write_text("".join(f"{n} green bottles (and {n * n % 97} walls).\n" for n in range(90)))
    sources = open_sources([str(directory / "text.txt")])
    corpus = corpus_encoder.encode(
        sources, "utf-8", corpus_encoder.count_characters(sources, "utf-8"), directory / "corpus.bin"
    )
    network = NetworkConfig(hidden=8, embedding=4, layers=2)
    trainer = Trainer(corpus, network, TrainingConfig(batch=2, length=8, lr=0.01, steps=4), "cpu")
    trainer.train_step()
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, RunDirectory(directory))
    return trainer


@pytest.fixture(scope="module")
def saved_run(trainer: Trainer) -> Whole:
    """Give the training's checkpoint."""
    path = RunDirectory(trainer.corpus.path.parent).checkpoint(2)
    return Whole(path, path.read_bytes())


@pytest.mark.fault("P4")
@many
@given(chance=chances)
def test_no_damaged_checkpoint_is_gone_on_from(chance: Random, trainer: Trainer, saved_run: Whole) -> None:
    """As with models: refused in one line, or the training stands where it stood."""
    before, words = {name: array.copy() for name, array in state_arrays(trainer).items()}, state_metadata(trainer)
    path = saved_run.replaced(damaged(saved_run.content, chance))

    def go_on(path: Path) -> None:
        checkpoint_file.read_checkpoint_info(path)
        checkpoint.load_checkpoint(trainer, path)

    came = outcome(go_on, path)
    assert not isinstance(came, CharrnnError) or one_line(came, path)
    after = state_arrays(trainer)
    assert all(np.array_equal(after[name], array) for name, array in before.items())
    assert state_metadata(trainer) == words


@pytest.mark.fault("P3")
@settings(many, max_examples=300)
@given(chance=chances)
def test_no_forged_checkpoint_breaks_anything(chance: Random, saved_run: Whole) -> None:
    """Whatever its header says, with checksums that fit: refused in one line, or a training that goes on."""
    path = saved_run.replaced(tampered(saved_run.content, chance))

    def go_on(path: Path) -> Trainer:
        resumed = resume(None, RunDirectory(path.parent), TrainOptions(), "cpu").trainer
        resumed.train_step()
        return resumed

    came = outcome(go_on, path)
    if isinstance(came, CharrnnError):
        assert "\n" not in came.message
        assert len(came.message) < len(str(path)) + 400
    saved_run.replaced(saved_run.content)


@pytest.mark.fault("P4")
def test_no_checkpoint_cut_at_any_64_bytes_is_gone_on_from(trainer: Trainer, saved_run: Whole) -> None:
    """Each is damaged, and says so."""
    for length in range(0, len(saved_run.content), 64):
        path = saved_run.replaced(saved_run.content[:length])
        with pytest.raises(DamagedError) as caught:
            checkpoint.load_checkpoint(trainer, path)
        assert one_line(caught.value, path)
