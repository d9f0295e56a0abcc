"""Early stopping: a training that only memorizes its text stops, always at the same step; any other continues."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.storage.run_directory import RunDirectory
from charrnn.text import corpus_encoder
from charrnn.text.corpus import Corpus
from charrnn.text.sources import open_sources
from charrnn.training import checkpoint
from charrnn.training.checkpoint import state_arrays
from charrnn.training.early_stopping import should_stop, shows_no_overfitting
from charrnn.training.events import EarlyStop, Evaluation, Event, SafePoint, Step
from charrnn.training.loop import train_loop
from charrnn.training.lr_schedule import Plan
from charrnn.training.trainer import Trainer

STEPS = 200
EVALUATIONS = 20


@pytest.fixture
def noise(tmp_path: Path) -> Corpus:
    """Return a corpus of random letters, which can only be memorized."""
    path = tmp_path / "noise.txt"
    path.write_text("".join(np.random.default_rng(0).choice(list("abcd"), size=1000)))
    sources = open_sources([str(path)])
    return corpus_encoder.encode(
        sources, "utf-8", corpus_encoder.count_characters(sources, "utf-8"), tmp_path / "noise.bin"
    )


@pytest.fixture
def make(noise: Corpus) -> Callable[..., Trainer]:
    """Return a function that creates runs with a network large enough to memorize the noise."""

    def make_trainer(patience: float = 0.2) -> Trainer:
        training = TrainingConfig(batch=8, length=16, lr=0.03, steps=STEPS, patience=patience)
        return Trainer(noise, NetworkConfig(hidden=48, embedding=4), training, "cpu")

    return make_trainer


def stop_decisions(trainer: Trainer, losses: Sequence[tuple[float, float]]) -> list[bool]:
    """Record evaluations with these held-out and training losses; return whether the run should stop after each."""
    overfitted = []
    for number, (nats, train_nats) in enumerate(losses, start=1):
        trainer.progress.step, trainer.bookkeeping.periods_done["evaluation"] = number * STEPS // EVALUATIONS, number
        best = trainer.bookkeeping.keep_best(
            trainer.step, nats=nats, train_nats=train_nats, characters=1000, weights=dict
        )
        if shows_no_overfitting(nats, 0.01, train_nats, best):
            trainer.bookkeeping.mark_no_overfitting()
        overfitted.append(should_stop(trainer))
    return overfitted


def array_bytes(trainer: Trainer) -> dict[str, bytes]:
    """Return the bytes of every array of a run."""
    return {name: array.tobytes() for name, array in state_arrays(trainer).items()}


def test_a_memorized_text_ends_the_training(make: Callable[..., Trainer]) -> None:
    """The run ends before its plan, after an evaluation, a fifth of the plan after the last good evaluation."""
    trainer = make()
    events = list(train_loop(trainer, sample_every=0))
    end, evaluations = events[-1], [event for event in events if isinstance(event, Evaluation)]
    assert isinstance(end, EarlyStop)
    assert end.step == trainer.step == evaluations[-1].step < STEPS
    assert (end.best_step, end.best_nats) == (evaluations[-1].best_step, evaluations[-1].best_nats)
    assert end.progress == trainer.plan.progress(trainer.step)
    assert all(event.nats > 1.02 * end.best_nats for event in evaluations[-EVALUATIONS // 5 :])
    assert trainer.plan == Plan(steps=STEPS)


def events_of(trainer: Trainer) -> Iterator[Event]:
    """Yield the events of a training without its safe points."""
    return (event for event in train_loop(trainer, sample_every=0) if not isinstance(event, SafePoint))


def test_a_run_stopped_anywhere_ends_early_at_the_same_step(make: Callable[..., Trainer], tmp_path: Path) -> None:
    """The run is saved and resumed between any two events, also after its last evaluation and after its end."""
    uninterrupted = make()
    expected = list(events_of(uninterrupted))
    indices = [number for number, event in enumerate(expected) if not isinstance(event, Step)]
    first, passed = make(), 0
    events = events_of(first)
    for index in (*indices[::40], *range(len(expected) - 4, len(expected))):
        passed += len(list(islice(events, index + 1 - passed)))
        directory = RunDirectory(tmp_path / str(index))
        directory.path.mkdir()
        second = make()
        checkpoint.load_checkpoint(second, checkpoint.save_checkpoint(first, directory))
        # A run that resumes after its last event yields this event again.
        assert list(events_of(second)) == (expected[index + 1 :] or expected[-1:])
        assert array_bytes(second) == array_bytes(uninterrupted)


def test_with_more_patience_the_run_continues_as_if_it_had_never_ended(make: Callable[..., Trainer]) -> None:
    """The two runs are equal bit for bit."""
    unlimited, trainer = make(patience=0.0), make()
    assert not any(isinstance(event, EarlyStop) for event in train_loop(unlimited, sample_every=0))
    list(train_loop(trainer, sample_every=0))
    assert trainer.step < unlimited.step == STEPS
    trainer.training = dataclasses.replace(trainer.training, patience=0.0)
    list(train_loop(trainer, sample_every=0))
    assert array_bytes(trainer) == array_bytes(unlimited)


@pytest.mark.parametrize("patience", [0.01, 0.05, 0.2, 0.5])
def test_patience_is_a_fraction_of_the_training(patience: float, make: Callable[..., Trainer]) -> None:
    """A small patience still needs one evaluation that shows overfitting, and at least one epoch."""
    trainer = make(patience)
    overfitted = stop_decisions(trainer, [(2.0, 2.0), *[(3.0, 1.0)] * 18])
    reading = math.ceil(trainer.batches.steps_per_epoch / STEPS * EVALUATIONS)
    assert overfitted.index(True) == max(1, round(patience * EVALUATIONS), reading)


@pytest.mark.parametrize(
    ("description", "losses"),
    [
        ("flat", [(2.0, 2.0), *[(2.035, 1.9)] * 18]),
        ("still getting better", [(3.0 - number / 10, 2.0) for number in range(19)]),
        ("up and down", [(2.0, 2.0), *[(2.2, 1.9), (2.2, 1.9), (2.2, 1.9), (2.03, 1.9)] * 4]),
        ("thrown off by a gradient, training loss and all", [(2.0, 2.0), *[(2.5, 2.4)] * 18]),
    ],
)
def test_a_run_that_may_improve_does_not_stop(
    description: str, losses: list[tuple[float, float]], make: Callable[..., Trainer]
) -> None:
    """A loss that does not improve often falls when the learning rate falls."""
    assert not any(stop_decisions(make(), losses)), description


def test_the_last_step_is_not_an_early_stop(make: Callable[..., Trainer]) -> None:
    """A run does not stop before its first evaluation, or while its speed is measured."""
    trainer = make()
    assert not should_stop(trainer)
    overfitted = stop_decisions(trainer, [*[(2.0, 2.0)] * 16, *[(3.0, 1.0)] * 4])
    assert trainer.step == STEPS
    assert not any(overfitted)
    stop_decisions(trainer := make(), [(2.0, 2.0), *[(3.0, 1.0)] * 9])
    assert should_stop(trainer)
    trainer.progress.change_plan(Plan(steps=None))
    assert not should_stop(trainer)


def test_a_loss_within_the_standard_error_shows_no_overfitting(make: Callable[..., Trainer]) -> None:
    """The loss of a short held-out text is uncertain."""
    stop_decisions(trainer := make(), [(2.0, 2.0)])
    assert trainer.best is not None
    assert shows_no_overfitting(2.29, 0.3, 1.0, trainer.best)
    assert not shows_no_overfitting(2.29, 0.2, 1.0, trainer.best)
    assert shows_no_overfitting(2.03, 0.001, 1.0, trainer.best)
