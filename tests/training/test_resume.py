"""A resumed run is equal bit for bit to an uninterrupted one."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from charrnn.errors import CharrnnError
from charrnn.network.cells import CELLS
from charrnn.storage.run_directory import RunDirectory
from charrnn.training import checkpoint, checkpointer
from charrnn.training.checkpoint import load_state, state_arrays, state_metadata
from charrnn.training.events import Evaluation, Event, Report, SafePoint, Step
from charrnn.training.loop import train_loop
from charrnn.training.lr_schedule import Plan
from charrnn.training.trainer import Trainer

DROPPED = {"dropout": 0.3, "input_dropout": 0.2, "weight_drop": 0.3}


def events_until(events: Iterator[Event], step: int) -> list[Event]:
    """Return the events up to the given step."""
    events_so_far = []
    for event in events:
        events_so_far.append(event)
        if isinstance(event, Step) and event.step == step:
            break
    return events_so_far


def reports(events: Iterable[Event]) -> list[Event]:
    """Return the reports and evaluations among events."""
    return [event for event in events if isinstance(event, (Report, Evaluation))]


def copied_arrays(trainer: Trainer) -> dict[str, Any]:
    """Return every array of a run."""
    return dict(state_arrays(trainer))


def assert_same(first_run: Trainer, second_run: Trainer) -> None:
    """Assert that two runs have equal arrays, bit for bit, and equal progress."""
    first, second = copied_arrays(first_run), copied_arrays(second_run)
    assert first.keys() == second.keys()
    assert [name for name in first if not np.array_equal(first[name], second[name])] == []
    assert (first_run.step, first_run.plan, first_run.epoch) == (second_run.step, second_run.plan, second_run.epoch)


def epoch_edge(trainer: Trainer) -> int:
    """Return the step after the first epoch."""
    return round(trainer.batches.steps_per_epoch)


@pytest.mark.parametrize("cell", CELLS)
def test_a_run_stopped_anywhere_ends_as_one_never_stopped(
    cell: str, make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    """The stops include the end of an epoch, an evaluation, and the first and the last step, with dropout.

    The uninterrupted run writes the checkpoints; the resumed runs write none, so a save that changed it would show.
    """
    uninterrupted = make_trainer(cell=cell, steps=64, **DROPPED)
    edge = epoch_edge(uninterrupted)
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    events = train_loop(uninterrupted, sample_every=0)
    passed: list[Event] = []
    checkpoints: list[tuple[int, Path]] = []
    for stop in (1, edge - 1, edge, edge + 1, 64):
        passed += events_until(events, stop)
        path = checkpoint.save_checkpoint(uninterrupted, directory)
        checkpoints.append((len(passed), path.rename(tmp_path / path.name)))
    passed += events
    for count, path in checkpoints:
        resumed = make_trainer(cell=cell, steps=64, **DROPPED, seed=0)
        checkpoint.load_checkpoint(resumed, path)
        assert reports(train_loop(resumed, sample_every=0)) == reports(passed[count:])
        assert_same(uninterrupted, resumed)


def test_stopping_twenty_times_changes_nothing(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """A chain of saved and resumed runs ends where one run does."""
    uninterrupted = make_trainer()
    list(train_loop(uninterrupted, sample_every=0))
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    trainer = make_trainer()
    for step in range(2, 41, 2):
        events_until(train_loop(trainer, sample_every=0), step)
        path = checkpoint.save_checkpoint(trainer, directory)
        trainer = make_trainer()
        checkpoint.load_checkpoint(trainer, path)
    list(train_loop(trainer, sample_every=0))
    assert_same(uninterrupted, trainer)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_stopping_between_any_two_events_changes_nothing(
    precision: str, make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    """Stops inside evaluations and previews count too, with dropout and random resets of the state."""

    def new_trainer() -> Trainer:
        return make_trainer(steps=30, precision=precision, **DROPPED)

    uninterrupted, trainer = new_trainer(), new_trainer()
    expected = [event for event in train_loop(uninterrupted, sample_every=7) if not isinstance(event, SafePoint)]
    directory, rng = RunDirectory(tmp_path / "run"), np.random.default_rng(1)
    directory.path.mkdir()
    actual: list[Event] = []
    stops = 0
    while len(actual) < len(expected):
        chunk = list(islice(train_loop(trainer, sample_every=7), int(rng.integers(1, 25))))
        actual += [event for event in chunk if not isinstance(event, SafePoint)]
        path = checkpoint.save_checkpoint(trainer, directory)
        trainer, stops = new_trainer(), stops + 1
        checkpoint.load_checkpoint(trainer, path)
    assert actual == expected
    assert stops > 10
    assert_same(uninterrupted, trainer)


def test_resuming_restores_what_a_time_budget_needs(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """The times, the plan and the size of an evaluation are restored."""
    directory, trainer, other = (
        RunDirectory(tmp_path / "run"),
        *(make_trainer(steps=None, minutes=1.0) for _ in range(2)),
    )
    directory.path.mkdir()
    trainer.progress.record_time(12.5, in_step=11.25)
    trainer.progress.change_plan(Plan(steps=90, from_step=10, from_progress=0.2))
    for _ in range(12):
        trainer.train_step()
    list(islice(train_loop(trainer, sample_every=0), 30))
    checkpoint.load_checkpoint(other, checkpoint.save_checkpoint(trainer, directory))
    assert other.progress == trainer.progress
    assert other.bookkeeping.to_dict() == trainer.bookkeeping.to_dict()
    assert_same(trainer, other)


def test_resuming_without_the_carried_state_would_differ(make_trainer: Callable[..., Trainer]) -> None:
    """The comparison can fail: a run whose state is reset ends with other weights."""
    uninterrupted, trainer = make_trainer(reset=0.0), make_trainer(reset=0.0)
    list(train_loop(uninterrupted, sample_every=0))
    events_until(train_loop(trainer, sample_every=0), 20)
    trainer.state = trainer.network.initial_state(trainer.training.batch)
    list(train_loop(trainer, sample_every=0))
    assert not np.array_equal(copied_arrays(uninterrupted)["output.weight"], copied_arrays(trainer)["output.weight"])


def test_saves_previews_and_evaluations_draw_no_random_number(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    """Saving every step and previewing every other one leaves the training exactly as it was."""
    plain, busy = make_trainer(), make_trainer()
    list(train_loop(plain, sample_every=0))
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    events = train_loop(busy, sample_every=2)
    list(checkpointer.save_during_training(events, busy, directory, every_seconds=0.0))
    assert_same(plain, busy)


def test_only_the_newest_two_checkpoints_are_kept(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """The newest, and one more in case that is damaged."""
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    trainer = make_trainer()
    list(
        checkpointer.save_during_training(train_loop(trainer, sample_every=0), trainer, directory, every_seconds=0.0)
    )
    assert [path.name for path in directory.checkpoints()] == [directory.checkpoint(n).name for n in (39, 40)]


def test_a_checkpoint_of_another_network_is_refused(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """Arrays that do not fit are an error with a hint, not a half-restored run."""
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    path = checkpoint.save_checkpoint(make_trainer(), directory)
    with pytest.raises(CharrnnError, match="does not fit this run"):
        checkpoint.load_checkpoint(make_trainer(hidden=12), path)


def test_a_checkpoint_is_a_model_too(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """A checkpoint can generate text, with the averaged weights."""
    from charrnn.network.model_file import load_model

    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    trainer = make_trainer()
    events_until(train_loop(trainer, sample_every=0), 20)
    model = load_model(checkpoint.save_checkpoint(trainer, directory))
    assert all(np.array_equal(model.weights[name], weight) for name, weight in trainer.ema_weights().items())
    assert not np.array_equal(model.weights["output.weight"], trainer.raw_weights()["output.weight"])


def test_a_training_on_two_threads_resumes_exactly(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """The sums of a GRU have the same order each time."""
    settings = {"cell": "gru", "batch": 32, "steps": 12, **DROPPED}
    uninterrupted, first, second = (make_trainer(**settings) for _ in range(3))
    torch.set_num_threads(2)
    try:
        list(train_loop(uninterrupted, sample_every=0))
        events_until(train_loop(first, sample_every=0), 5)
        checkpoint.load_checkpoint(second, checkpoint.save_checkpoint(first, RunDirectory(tmp_path)))
        list(train_loop(second, sample_every=0))
    finally:
        torch.set_num_threads(1)
    assert_same(uninterrupted, second)


def test_no_two_steps_or_seeds_share_random_numbers() -> None:
    """All seeds of many steps differ, and torch accepts each."""
    from charrnn.training.device import step_seed

    seeds = {step_seed(seed, step) for seed in range(40) for step in range(500)}
    assert len(seeds) == 40 * 500
    assert min(seeds) >= 0
    assert max(seeds) < 2**63


def test_a_run_started_before_early_stopping_existed_resumes(make_trainer: Callable[..., Trainer]) -> None:
    """State that an older checkpoint lacks starts at its default; all other state is restored."""
    first = make_trainer()
    events_until(train_loop(first, sample_every=0), 20)
    words = json.loads(state_metadata(first)["run"])
    del words["sound_parts"], words["best"]["train_nats"]
    second = make_trainer()
    load_state(second, state_arrays(first), words)
    assert second.bookkeeping.last_period_without_overfitting == second.bookkeeping.periods_done["evaluation"] > 0
    assert_same(first, second)
    list(train_loop(second, sample_every=0))
    assert second.step == 40
