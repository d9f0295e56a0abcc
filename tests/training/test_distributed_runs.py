"""Runs of several processes: events are equal in all, checkpoints are independent of the number of processes."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from common import Call
from common_distributed import (
    CPU,
    JoinedGroup,
    assert_close,
    checksum,
    create_run,
    make_rank_trainer,
    resume_rank,
    run_in_ranks,
    to_double_precision,
    training_state,
)

from charrnn.cli import train_run
from charrnn.errors import ReplicasDifferError
from charrnn.network.model_file import load_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus import Corpus
from charrnn.training import evaluation, replicas
from charrnn.training.checkpoint import save_checkpoint
from charrnn.training.checkpoint_file import read_checkpoint
from charrnn.training.events import Event, Preview, SafePoint, Step
from charrnn.training.loop import train_loop
from charrnn.training.process_group import SINGLE_PROCESS, ProcessGroup
from charrnn.training.replicas import gather_for_save
from charrnn.training.trainer import Trainer

DROPPED: dict[str, Any] = {"dropout": 0.3, "input_dropout": 0.2, "weight_drop": 0.3, "reset": 0.3}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide evaluations into several chunks, after each of which a training can stop; use one thread."""
    monkeypatch.setattr(evaluation, "MAX_CHUNK_CHARS", 64)
    torch.set_num_threads(1)


@pytest.fixture
def directory(corpus: Corpus, tmp_path: Path) -> RunDirectory:
    """Return a run directory that contains the text."""
    return create_run(corpus, tmp_path / "run")


def finish(trainer: Trainer) -> Trainer:
    """Train to the end of the plan."""
    for _ in train_loop(trainer, sample_every=2):
        pass
    return trainer


# One process


TORCHRUN = {
    "RANK": "0",
    "WORLD_SIZE": "1",
    "LOCAL_RANK": "0",
    "LOCAL_WORLD_SIZE": "1",
    "GROUP_WORLD_SIZE": "1",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
    "TORCHELASTIC_RUN_ID": "abc",
    "TORCHELASTIC_RESTART_COUNT": "0",
    "TORCHELASTIC_MAX_RESTARTS": "3",
    "TORCHELASTIC_USE_AGENT_STORE": "True",
}


@pytest.mark.usefixtures("book")
def test_one_process_under_torchrun_trains_as_without_it(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """All arrays are equal bit for bit; the launch is recorded, step 0 is saved too, and no group is created."""
    command = ("train", "book.txt", "--steps", "9", "--hidden", "8", "--batch", "4", "--length", "8", "--quiet")
    saved_first: list[str] = []
    monkeypatch.setattr(train_run, "save_checkpoint", lambda _trainer, run: saved_first.append(run.path.name))
    assert call(*command, "--out", "plain").code == 0
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    assert call(*command, "--out", "launched").code == 0
    plain, launched = (RunDirectory(Path(name)) for name in ("plain", "launched"))
    first, second = (read_checkpoint(run.checkpoints()[-1]) for run in (plain, launched))
    assert [name for name, array in first.arrays.items() if array.tobytes() != second.arrays[name].tobytes()] == []
    assert first.arrays.keys() == second.arrays.keys()
    assert (first.info.record.launch, second.info.record.launch) == (None, "abc")
    assert saved_first == ["launched"]
    assert first.info.record.machine == second.info.record.machine
    weights = [load_model(run.model).weights for run in (plain, launched)]
    assert all(np.array_equal(array, weights[1][name]) for name, array in weights[0].items())
    assert not torch.distributed.is_initialized()


# Events


def test_all_processes_yield_the_same_events_and_have_the_same_weights(corpus: Corpus, tmp_path: Path) -> None:
    """Steps, evaluations, safe points and reports are equal in all numbers; only rank 0 generates previews."""

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        trainer = make_rank_trainer(corpus, group, **DROPPED, lr=0.5)
        return [
            (type(event).__name__, dataclasses.asdict(event), *replica(trainer))
            for event in train_loop(trainer, sample_every=5)
        ]

    def replica(trainer: Trainer) -> tuple[object, ...]:
        return replicas._checksum_of_weights(trainer), json.dumps(trainer.bookkeeping.to_dict())

    def without_previews(events: list[Any]) -> list[Any]:
        return [event for event in events if event[0] != "Preview"]

    main, *others = run_in_ranks(3, work, tmp_path / "world")
    assert [event["step"] for name, event, *_ in main if name == "Preview"] == [0, 5, 10]
    assert [events == without_previews(main) for events in others] == [True, True]
    evaluations = [event for name, event, *_ in main if name == "Evaluation"]
    assert {event["best_step"] == event["step"] for event in evaluations} == {False, True}
    one = list(train_loop(make_rank_trainer(corpus, SINGLE_PROCESS, **DROPPED), sample_every=5))
    assert [(name, event.get("step")) for name, event, *_ in without_previews(main)] == [
        (type(event).__name__, getattr(event, "step", None)) for event in without_safe_points_of_previews(one)
    ]


def without_safe_points_of_previews(events: list[Event]) -> Iterator[Event]:
    """Yield events without previews and the safe points that precede them."""
    safe_points: list[Event] = []
    for event in events:
        if isinstance(event, SafePoint):
            safe_points.append(event)
        elif isinstance(event, Preview):
            safe_points.clear()
        else:
            yield from safe_points
            safe_points.clear()
            yield event


# Checkpoints


@pytest.mark.parametrize("size", [2, 3])
def test_a_run_stopped_between_any_two_events_resumes_exactly(
    size: int, corpus: Corpus, directory: RunDirectory, tmp_path: Path
) -> None:
    """With the same number of processes, the bytes of the last checkpoint are those of an uninterrupted run."""
    settings = {**DROPPED, "steps": 4, "layers": 1}

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        trainer, checksums = make_rank_trainer(corpus, group, **settings), []
        events = (event for event in train_loop(trainer, sample_every=2) if not isinstance(event, Preview))
        for number, event in enumerate(events):
            if isinstance(event, SafePoint) and number % 4:
                continue  # nothing has changed since the last event
            gather_for_save(trainer)
            if group.is_main:
                save_checkpoint(trainer, directory)
            other, notes = resume_rank(directory, JoinedGroup(group, f"stop {number}"))
            assert notes == ()
            checksums.append(last_checksum(finish(other)))
        return [*checksums, last_checksum(trainer)]

    results = run_in_ranks(size, work, tmp_path / "world")
    assert len(results[0]) == 15
    assert [len(set(checksums)) for checksums in results] == [1] * size


def last_checksum(trainer: Trainer) -> str:
    """Return the checksum of a run, in rank 0 with the state of all streams."""
    gather_for_save(trainer)
    return checksum(trainer) if trainer.group.is_main else str(replicas._checksum_of_weights(trainer))


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 3), (3, 1)])
def test_a_checkpoint_is_resumed_by_any_number_of_processes(
    before: int, after: int, corpus: Corpus, directory: RunDirectory, tmp_path: Path
) -> None:
    """The state of each stream is that of the file, and in float64 the rest is equal to that of one process."""

    def begin(group: ProcessGroup) -> None:
        if group.is_distributed:
            group.join(CPU)
        trainer = make_rank_trainer(corpus, group, **DROPPED, steps=8)
        next(event for event in train_loop(trainer, sample_every=0) if isinstance(event, Step) and event.step == 4)
        gather_for_save(trainer)
        if group.is_main:
            save_checkpoint(trainer, directory)

    def go_on(group: ProcessGroup) -> Any:
        trainer, notes = resume_rank(directory, group)
        rows, state = trainer.shard.rows, [part.tolist() for part in trainer.state]
        finish(to_double_precision(trainer))
        return [rows.start, rows.stop], state, notes, training_state(trainer)

    if before == 1:
        begin(SINGLE_PROCESS)
    else:
        run_in_ranks(before, begin, tmp_path / "before")
    saved = read_checkpoint(directory.checkpoints()[-1])
    assert saved.info.record.machine.get("processes", 1) == before
    results = run_in_ranks(after, go_on, tmp_path / "after") if after > 1 else [go_on(SINGLE_PROCESS)]
    for (start, stop), state, _, _ in results:
        for number, part in enumerate(state):
            assert np.array_equal(part, saved.arrays[f"state.{number}"][:, start:stop])
    assert_close(results[0][3], go_on(SINGLE_PROCESS)[3])
    assert any(f"processes {before} then, {after} now" in note for note in results[0][2])


# Replicas


def test_replicas_that_differ_are_found_before_a_save(corpus: Corpus, tmp_path: Path) -> None:
    """All processes raise an error that names the rank and the step, and nothing is gathered into a file."""

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        trainer, messages = make_rank_trainer(corpus, group), []
        tensors = [
            trainer.network.output.weight,
            trainer.ema_network.output.bias,
            trainer.optimizer.first_moments["output.weight"],
            trainer.optimizer.second_moments["output.bias"],
        ]
        trainer.train_step()
        gather_for_save(trainer)
        for tensor in tensors:
            value = tensor.detach().flatten()[:1]
            before = value.clone()
            if group.world.rank == 2:
                value.copy_(torch.nextafter(before, torch.tensor(2.0)))
            try:
                gather_for_save(trainer)
            except ReplicasDifferError as error:
                messages.append(error.message)
            value.copy_(before)
        gather_for_save(trainer)
        return messages

    assert run_in_ranks(3, work, tmp_path / "world") == [["the weights of ranks 0 and 2 differ at step 1"] * 4] * 3
