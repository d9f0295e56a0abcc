"""Saving with a fault at every system call: good files stay good, files are complete, and training continues."""

import errno
import json
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from launcher import Launcher
from system_call_faults import FAULTS, PROCESS_ENDS, Fault, inject_fault, os_error_fault

from charrnn.errors import CharrnnError
from charrnn.storage import atomic_file, safetensors_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus_encoder import count_characters
from charrnn.text.sources import open_sources
from charrnn.training import checkpoint, checkpointer
from charrnn.training.events import Step, TrainingWarning
from charrnn.training.loop import train_loop
from charrnn.training.new_run import NewRunRequest, start_new
from charrnn.training.resume import resume
from charrnn.training.train_options import TrainOptions
from charrnn.training.trainer import Trainer

MAX_CALLS = 100


def arrays(value: int) -> dict[str, Any]:
    """Return arrays filled with one value, large enough that several calls write them."""
    return {f"a{number}": np.full((100, 200), value, np.float32) for number in range(3)}


def value_in(path: Path) -> int:
    """Return the value in a file, after a check that all its arrays contain that value."""
    file = safetensors_file.read_tensors(path)
    values = {float(value) for array in file.arrays.values() for value in np.unique(array)}
    assert values == {float(file.metadata["value"])}
    return int(file.metadata["value"])


def write(path: Path, value: int) -> None:
    """Write a file filled with one value."""
    safetensors_file.write_tensors(path, arrays(value), {"value": str(value)})


def run_in_child_process(function: Callable[[], None]) -> int:
    """Run a function in a child process; return its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            function()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.fault("F43", "F46", "F47")
@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("name", FAULTS)
def test_after_any_failing_call_the_old_or_the_new_file_exists(name: str, persistent: bool, tmp_path: Path) -> None:
    """The fault moves from the first call to the last; no other file remains except a failed one."""
    path = tmp_path / "model.safetensors"
    for at in range(1, MAX_CALLS):
        write(path, 1)
        done = False
        with inject_fault(FAULTS[name], at, persistent=persistent) as calls, suppress(OSError, KeyboardInterrupt):
            write(path, 2)
            done = True
        assert value_in(path) in ((2,) if done else (1, 2))
        if not persistent:
            assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
        if calls.count < at:
            break
    assert 8 < at < MAX_CALLS - 1


@pytest.mark.fault("F41")
@pytest.mark.parametrize("name", PROCESS_ENDS)
def test_after_a_process_ends_at_any_call_the_old_or_the_new_file_exists(name: str, tmp_path: Path) -> None:
    """Nothing is cleaned up, and what remains does no harm."""
    path = tmp_path / "model.safetensors"
    write(path, 1)

    def work(at: int) -> None:
        with inject_fault(PROCESS_ENDS[name], at):
            write(path, 2)

    for at in range(1, MAX_CALLS):
        status = run_in_child_process(lambda at=at: work(at))  # type: ignore[misc]
        assert value_in(path) in ((1, 2) if status else (2,))
        if status == 0:
            break
        write(path, 1)
    assert 8 < at < MAX_CALLS - 1
    for left in atomic_file.stale_temp_files(tmp_path):
        left.unlink()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_short_write_is_continued(tmp_path: Path) -> None:
    """The system may accept less than requested at every call."""
    path = tmp_path / "model.safetensors"
    with inject_fault(FAULTS["short write"], 1, persistent=True):
        write(path, 3)
    assert value_in(path) == 3


def test_files_have_the_mode_that_a_user_expects(tmp_path: Path) -> None:
    """That of the umask, or the mode that the file already has."""
    path = tmp_path / "model.safetensors"
    before = os.umask(0o027)
    try:
        write(path, 1)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write(path, 2)
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(before)


def test_readers_see_a_complete_model_during_saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of times, while it is written as fast as possible."""
    path = tmp_path / "model.safetensors"
    write(path, 0)
    finished = threading.Event()

    def keep_writing() -> None:
        value = 0
        while not finished.is_set():
            value += 1
            write(path, value)

    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    writer = threading.Thread(target=keep_writing)
    writer.start()
    values: list[int] = []
    while len(values) < 200 or (values[-1] < 20 and len(values) < 20_000):
        values.append(value_in(path))
    finished.set()
    writer.join()
    assert values == sorted(values)
    assert values[-1] >= 20


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """Return a run directory."""
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    return run


@pytest.mark.fault("F43", "F46")
@pytest.mark.parametrize("name", ["no space left", "input/output error", "Ctrl-C"])
def test_a_good_checkpoint_always_remains_whatever_fails(
    name: str, make_trainer: Callable[..., Trainer], directory: RunDirectory
) -> None:
    """Its step is the last one reported as saved, or a later one."""
    trainer, saved = make_trainer(steps=4 * MAX_CALLS), 0
    checkpoint.save_checkpoint(trainer, directory)
    for at in range(1, MAX_CALLS):
        trainer.train_step()
        with inject_fault(FAULTS[name], at, persistent=True) as calls, suppress(OSError, KeyboardInterrupt):
            checkpoint.save_checkpoint(trainer, directory)
            saved = trainer.step
        newest = make_trainer(steps=4 * MAX_CALLS)
        checkpoint.load_checkpoint(newest, directory.checkpoints()[-1])
        assert saved <= newest.step <= trainer.step
        if calls.count < at:
            break
    assert 5 < at < MAX_CALLS - 1


def warnings_of(events: Iterator[Any]) -> list[str]:
    """Train to the end; return the warnings."""
    return [event.message for event in events if isinstance(event, TrainingWarning)]


def full_for_a_while(monkeypatch: pytest.MonkeyPatch, fails: Callable[[int], bool], number: int) -> None:
    """Make the given attempts to write arrays fail."""
    count, original = 0, atomic_file.atomic_write

    def write_whole(path: Path, *parts: Any) -> None:
        nonlocal count
        count += 1
        if fails(count):
            raise OSError(number, os.strerror(number), str(path))
        original(path, *parts)

    monkeypatch.setattr(safetensors_file, "atomic_write", write_whole)


@pytest.mark.fault("F43", "F46", "F47")
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, r"no space left on device \(needs 0\.\d MB\)"),
        (errno.EDQUOT, r"disk quota exceeded \(needs 0\.\d MB\)"),
        (errno.EIO, "input/output error"),
    ],
)
def test_a_failed_save_during_training_causes_a_warning(
    number: int,
    words: str,
    make_trainer: Callable[..., Trainer],
    directory: RunDirectory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The training continues, and loses nothing if the disk is full for a minute."""
    trainer = make_trainer(steps=8)
    full_for_a_while(monkeypatch, lambda count: 3 <= count <= 5, number)
    warnings = warnings_of(
        checkpointer.save_during_training(train_loop(trainer, sample_every=0), trainer, directory, every_seconds=0.0)
    )
    assert len(warnings) == 3
    for message in warnings:
        assert re.fullmatch(rf"could not save step \d: {words}; will try again", message)
    assert directory.last_checkpoint_step() == 8


@pytest.mark.fault("F67")
def test_a_save_without_memory_causes_a_warning(
    make_trainer: Callable[..., Trainer], directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training continues."""
    trainer, original = make_trainer(steps=6), checkpoint.save_checkpoint
    attempts: list[int] = []

    def save(trainer: Trainer, directory: RunDirectory) -> Path:
        attempts.append(trainer.step)
        if len(attempts) == 2:
            raise MemoryError
        return original(trainer, directory)

    monkeypatch.setattr(checkpointer, "save_checkpoint", save)
    warnings = warnings_of(
        checkpointer.save_during_training(train_loop(trainer, sample_every=0), trainer, directory, every_seconds=0.0)
    )
    assert ["out of memory; will try again" in message for message in warnings] == [True]
    assert directory.last_checkpoint_step() == 6


@pytest.mark.fault("F44")
def test_the_last_save_frees_space_first(
    make_trainer: Callable[..., Trainer], directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older checkpoint is removed."""
    trainer = make_trainer(steps=3)
    checkpoint.save_checkpoint(trainer, directory)
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, directory)
    trainer.train_step()
    full_for_a_while(monkeypatch, lambda _count: directory.checkpoint(0).exists(), errno.ENOSPC)
    checkpointer.save_final(trainer, directory)
    assert directory.last_checkpoint_step() == 2
    assert directory.model.exists()


@pytest.mark.fault("F44")
def test_a_last_save_that_fails_goes_to_another_directory_and_names_it(
    make_trainer: Callable[..., Trainer], directory: RunDirectory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Following the hint restores it: the file moved into the run directory is the checkpoint."""
    trainer = make_trainer(steps=5)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    original = atomic_file.atomic_write

    def write_whole(path: Path, *parts: Any) -> None:
        if path.parent == directory.path:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        original(path, *parts)

    monkeypatch.setattr(safetensors_file, "atomic_write", write_whole)
    with pytest.raises(
        CharrnnError, match=r"could not save step 5 in .*no space left .*; its checkpoint is in "
    ) as caught:
        list(checkpointer.save_during_training(train_loop(trainer, sample_every=0), trainer, directory))
    monkeypatch.setattr(safetensors_file, "atomic_write", original)
    command = str(caught.value.hint).partition("`")[2].partition("`")[0].split()
    assert command[0] == "mv"
    Path(command[1]).rename(Path(command[2]) / Path(command[1]).name)
    resumed = make_trainer(steps=5)
    checkpoint.load_checkpoint(resumed, directory.checkpoints()[-1])
    assert resumed.step == 5
    assert not resumed.bookkeeping.final_evaluated


@pytest.mark.fault("F44")
def test_without_any_space_the_error_names_the_last_intact_checkpoint(
    make_trainer: Callable[..., Trainer], directory: RunDirectory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No incomplete file remains."""
    trainer = make_trainer(steps=5)
    checkpoint.save_checkpoint(trainer, directory)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    full_for_a_while(monkeypatch, lambda _count: True, errno.ENOSPC)
    with pytest.raises(CharrnnError, match="in another directory failed, too; step 0 is saved"):
        list(checkpointer.save_during_training(train_loop(trainer, sample_every=0), trainer, directory))
    assert {path.name for path in tmp_path.iterdir()} <= {"run", "text.txt", "corpus.bin", "corpus.json"}


@pytest.mark.fault("F49")
def test_a_removed_run_directory_is_created_again(book: Path) -> None:
    """With the text, so that the run can resume."""
    sources, directory = open_sources([str(book)]), RunDirectory(book.parent / "run")
    options = TrainOptions(hidden=12, batch=4, length=16, steps=20)
    counts = count_characters(sources, "utf-8")
    request = NewRunRequest(sources=sources, counts=counts, directory=directory, options=options, device="cpu")
    trainer = start_new(request).trainer
    warnings = []
    for event in checkpointer.save_during_training(
        train_loop(trainer, sample_every=0), trainer, directory, every_seconds=0.0
    ):
        if isinstance(event, Step) and event.step == 10:
            directory.path.rename(book.parent / "gone")
        warnings += [event.message] if isinstance(event, TrainingWarning) else []
    assert [message for message in warnings if "was removed; it was created again" in message] == warnings
    assert len(warnings) == 1
    resumed = resume(sources, directory, TrainOptions(), "cpu")
    assert resumed.trainer.step == 20
    assert np.array_equal(resumed.trainer.corpus.ids, trainer.corpus.ids)


def test_damaged_checkpoints_of_later_steps_are_not_kept(
    make_trainer: Callable[..., Trainer], directory: RunDirectory
) -> None:
    """After resuming from an earlier one, there are soon two good ones again."""
    trainer = make_trainer(steps=9)
    checkpoint.save_checkpoint(trainer, directory)
    directory.checkpoint(7).write_bytes(directory.checkpoint(0).read_bytes()[:-100])
    for _ in range(3):
        trainer.train_step()
        checkpoint.save_checkpoint(trainer, directory)
    assert directory.checkpoints() == [directory.checkpoint(2), directory.checkpoint(3)]


class Clock:
    """A clock that only work advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.mark.parametrize("cost", [0.01, 1.0, 5.0])
def test_saving_takes_less_than_a_fiftieth_of_the_time(
    cost: float, make_trainer: Callable[..., Trainer], directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A save that takes five seconds is made every four minutes, and a fast one every minute."""
    trainer, clock, spent = make_trainer(steps=200, val_fraction=0.02), Clock(), [0.0]

    def slow(*_: object) -> None:
        clock.now += cost
        spent[0] += cost

    monkeypatch.setattr(checkpointer, "save_checkpoint", slow)
    monkeypatch.setattr(checkpointer, "save_best_model", lambda *_, **__: None)
    for event in checkpointer.save_during_training(
        train_loop(trainer, sample_every=0), trainer, directory, clock=clock
    ):
        clock.now += 10 if isinstance(event, Step) else 0
    # The first save, whose duration is unknown, and the last save are extra.
    assert spent[0] - 2 * cost <= 0.02 * clock.now
    assert spent[0] / cost >= min(20, 0.01 * clock.now / cost)


@pytest.mark.fault("F48")
def test_a_directory_that_cannot_be_written_is_refused_before_the_first_step(launch: Launcher, book: Path) -> None:
    """A file has its name, which the superuser cannot ignore."""
    (book.parent / "file").write_text("precious")
    command = launch("train", "book.txt", "--steps", "3", "--hidden", "8", "--out", "file/run", at=book.parent)
    assert command.wait() == 1
    assert "error: cannot write in file/run: not a directory" in command.err
    assert (book.parent / "file").read_text() == "precious"


@pytest.mark.fault("F48")
def test_a_directory_that_is_read_only_is_refused_before_the_first_step(launch: Launcher, book: Path) -> None:
    """Also when a run resumes."""
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    arguments = ("train", "book.txt", "--hidden", "8", "--out", "run")
    assert launch(*arguments, "--steps", "3", at=book.parent).wait() == 0
    (book.parent / "run").chmod(0o555)
    command = launch(*arguments, "--steps", "6", at=book.parent)
    assert command.wait() == 1
    assert "error: cannot write in run: permission denied" in command.err
    (book.parent / "run").chmod(0o755)


@pytest.mark.fault("F45", "F47")
def test_a_file_size_limit_is_reported(launch: Launcher, book: Path) -> None:
    """A limit below the size of the text is an error, below that of a checkpoint a warning and finally an error."""
    arguments = ("train", "book.txt", "--steps", "6", "--hidden", "16", "--out", "run", "--save-every", "0.001")
    command = launch(*arguments, at=book.parent, largest_file=3000)
    assert command.wait() == 1
    assert command.err.startswith("error: cannot write in run: file too large")
    command = launch(*arguments, at=book.parent, largest_file=20_000)
    assert command.wait() == 1
    assert "warning: could not save step 1: file too large (needs 0.1 MB); will try again" in command.err
    assert (
        "error: could not save step 6 in run: file too large (needs 0.1 MB); saving in another directory failed, too"
        in command.err
    )


@pytest.mark.fault("F45")
def test_metrics_that_cannot_be_written_cause_one_warning(launch: Launcher, book: Path) -> None:
    """A directory has its name; the training ends normally."""
    arguments = ("train", "book.txt", "--hidden", "8", "--out", "run", "--json")
    assert launch(*arguments, "--steps", "3", at=book.parent).wait() == 0
    record = book.parent / "run" / "metrics.jsonl"
    record.unlink()
    record.mkdir()
    command = launch(*arguments, "--steps", "9", at=book.parent)
    assert command.wait() == 0
    warnings = [json.loads(line) for line in command.out.splitlines()]
    assert [line["message"] for line in warnings if line["event"] == "trouble"] == [
        "cannot write run/metrics.jsonl: is a directory"
    ]
    assert warnings[-1]["steps"] == 9


def test_the_harness_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer without atomic replacement does not pass the test of all calls."""
    path = tmp_path / "model.safetensors"

    def in_place(path: Path, *parts: Any) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CREAT)
        for part in parts:
            os.write(descriptor, part)
        os.close(descriptor)

    fault: Fault = os_error_fault(errno.ENOSPC)
    write(path, 1)
    monkeypatch.setattr(safetensors_file, "atomic_write", in_place)
    with inject_fault(fault, 3), suppress(OSError):
        write(path, 2)
    with pytest.raises(CharrnnError):
        value_in(path)
