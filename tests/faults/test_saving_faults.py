"""Saving under every fault at every call: what was good stays good, what is there is whole, and training goes on."""

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
from faulty import ENDS, FAULTS, Fault, failing, faults
from launching import Launcher

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

MOST_CALLS = 100


def arrays(value: int) -> dict[str, Any]:
    """Make the content of a file, which takes several calls to write: all its numbers are the same."""
    return {f"a{number}": np.full((100, 200), value, np.float32) for number in range(3)}


def value_in(path: Path) -> int:
    """Read which content a file has; it is never a mixture."""
    file = safetensors_file.read_tensors(path)
    values = {float(value) for array in file.arrays.values() for value in np.unique(array)}
    assert values == {float(file.metadata["value"])}
    return int(file.metadata["value"])


def write(path: Path, value: int) -> None:
    """Write a content."""
    safetensors_file.write_tensors(path, arrays(value), {"value": str(value)})


def in_a_child(work: Callable[[], None]) -> int:
    """Do something in a process of its own; give how that ended."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.fault("F43", "F46", "F47")
@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("name", FAULTS)
def test_whatever_fails_at_whichever_call_the_old_file_or_the_new_one_is_there(
    name: str, persistent: bool, tmp_path: Path
) -> None:
    """The fault moves from the first call to the last; there is never anything beside the file but what failed."""
    path = tmp_path / "model.safetensors"
    for at in range(1, MOST_CALLS):
        write(path, 1)
        done = False
        with faults(FAULTS[name], at, persistent=persistent) as calls, suppress(OSError, KeyboardInterrupt):
            write(path, 2)
            done = True
        assert value_in(path) in ((2,) if done else (1, 2))
        if not persistent:
            assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
        if calls.count < at:
            break
    assert 8 < at < MOST_CALLS - 1


@pytest.mark.fault("F41")
@pytest.mark.parametrize("name", ENDS)
def test_whenever_a_process_is_ended_the_old_file_or_the_new_one_is_there(name: str, tmp_path: Path) -> None:
    """Nothing is cleared up then, and what it left does no harm."""
    path = tmp_path / "model.safetensors"
    write(path, 1)

    def work(at: int) -> None:
        with faults(ENDS[name], at):
            write(path, 2)

    for at in range(1, MOST_CALLS):
        status = in_a_child(lambda at=at: work(at))  # type: ignore[misc]
        assert value_in(path) in ((1, 2) if status else (2,))
        if status == 0:
            break
        write(path, 1)
    assert 8 < at < MOST_CALLS - 1
    for left in atomic_file.stale_temp_files(tmp_path):
        left.unlink()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_short_write_is_gone_on_with(tmp_path: Path) -> None:
    """The system may take less than it is given, every time."""
    path = tmp_path / "model.safetensors"
    with faults(FAULTS["short write"], 1, persistent=True):
        write(path, 3)
    assert value_in(path) == 3


def test_files_have_the_mode_that_a_user_expects(tmp_path: Path) -> None:
    """As the umask has it, and if somebody changed it, so it stays."""
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


def test_whoever_reads_during_saves_sees_a_whole_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of times, while it is written as fast as can be."""
    path = tmp_path / "model.safetensors"
    write(path, 0)
    ended = threading.Event()

    def keep_writing() -> None:
        value = 0
        while not ended.is_set():
            value += 1
            write(path, value)

    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    writer = threading.Thread(target=keep_writing)
    writer.start()
    seen: list[int] = []
    while len(seen) < 200 or (seen[-1] < 20 and len(seen) < 20_000):
        seen.append(value_in(path))
    ended.set()
    writer.join()
    assert seen == sorted(seen)
    assert seen[-1] >= 20


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """Make a run's directory."""
    found = RunDirectory(tmp_path / "run")
    found.path.mkdir()
    return found


@pytest.mark.fault("F43", "F46")
@pytest.mark.parametrize("name", ["no space left", "input/output error", "Ctrl-C"])
def test_a_checkpoint_that_was_good_stays_so_whatever_fails(
    name: str, make_trainer: Callable[..., Trainer], directory: RunDirectory
) -> None:
    """There is always one to go on from, at the last step that was told as saved, or later."""
    trainer, saved = make_trainer(steps=4 * MOST_CALLS), 0
    checkpoint.save_checkpoint(trainer, directory)
    for at in range(1, MOST_CALLS):
        trainer.train_step()
        with faults(FAULTS[name], at, persistent=True) as calls, suppress(OSError, KeyboardInterrupt):
            checkpoint.save_checkpoint(trainer, directory)
            saved = trainer.step
        newest = make_trainer(steps=4 * MOST_CALLS)
        checkpoint.load_checkpoint(newest, directory.checkpoints()[-1])
        assert saved <= newest.step <= trainer.step
        if calls.count < at:
            break
    assert 5 < at < MOST_CALLS - 1


def troubles(events: Iterator[Any]) -> list[str]:
    """Train to the end; list what went wrong on the way."""
    return [event.message for event in events if isinstance(event, TrainingWarning)]


def full_for_a_while(monkeypatch: pytest.MonkeyPatch, fails: Callable[[int], bool], number: int) -> None:
    """Have the n-th attempt to write arrays fail, for those n of which that is said."""
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
def test_a_save_that_fails_on_the_way_is_told_and_training_goes_on(
    number: int,
    words: str,
    make_trainer: Callable[..., Trainer],
    directory: RunDirectory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full disk for a minute costs nothing."""
    trainer = make_trainer(steps=8)
    full_for_a_while(monkeypatch, lambda count: 3 <= count <= 5, number)
    told = troubles(
        checkpointer.save_during_training(train_loop(trainer, sample_every=0), trainer, directory, every_seconds=0.0)
    )
    assert len(told) == 3
    for message in told:
        assert re.fullmatch(rf"could not save step \d: {words}; will try again", message)
    assert directory.last_checkpoint_step() == 8


@pytest.mark.fault("F67")
def test_no_memory_for_a_save_is_told_and_training_goes_on(
    make_trainer: Callable[..., Trainer], directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no reason to end."""
    trainer, original = make_trainer(steps=6), checkpoint.save_checkpoint
    attempts: list[int] = []

    def save(trainer: Trainer, directory: RunDirectory) -> Path:
        attempts.append(trainer.step)
        if len(attempts) == 2:
            raise MemoryError
        return original(trainer, directory)

    monkeypatch.setattr(checkpointer, "save_checkpoint", save)
    told = troubles(
        checkpointer.save_during_training(train_loop(trainer, sample_every=0), trainer, directory, every_seconds=0.0)
    )
    assert ["out of memory; will try again" in message for message in told] == [True]
    assert directory.last_checkpoint_step() == 6


@pytest.mark.fault("F44")
def test_the_last_save_makes_room_first(
    make_trainer: Callable[..., Trainer], directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older checkpoint is given up for it."""
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
def test_where_nothing_helps_the_last_save_goes_elsewhere_and_says_where(
    make_trainer: Callable[..., Trainer], directory: RunDirectory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the hint says leads back: the file moved into the run's directory is what it would have been."""
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
    again = make_trainer(steps=5)
    checkpoint.load_checkpoint(again, directory.checkpoints()[-1])
    assert again.step == 5
    assert not again.bookkeeping.final_evaluated


@pytest.mark.fault("F44")
def test_where_there_is_no_room_at_all_that_is_said(
    make_trainer: Callable[..., Trainer], directory: RunDirectory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the step of the last save that is whole; and nothing is left lying about."""
    trainer = make_trainer(steps=5)
    checkpoint.save_checkpoint(trainer, directory)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    full_for_a_while(monkeypatch, lambda _count: True, errno.ENOSPC)
    with pytest.raises(CharrnnError, match="in another directory failed, too; step 0 is saved"):
        list(checkpointer.save_during_training(train_loop(trainer, sample_every=0), trainer, directory))
    assert {path.name for path in tmp_path.iterdir()} <= {"run", "text.txt", "corpus.bin", "corpus.json"}


@pytest.mark.fault("F49")
def test_a_directory_that_was_removed_is_made_again(book: Path) -> None:
    """With the text in it, so that the run can be gone on with."""
    sources, directory = open_sources([str(book)]), RunDirectory(book.parent / "run")
    given = TrainOptions(hidden=12, batch=4, length=16, steps=20)
    counts = count_characters(sources, "utf-8")
    request = NewRunRequest(sources=sources, counts=counts, directory=directory, options=given, device="cpu")
    trainer = start_new(request).trainer
    told = []
    for event in checkpointer.save_during_training(
        train_loop(trainer, sample_every=0), trainer, directory, every_seconds=0.0
    ):
        if isinstance(event, Step) and event.step == 10:
            directory.path.rename(book.parent / "gone")
        told += [event.message] if isinstance(event, TrainingWarning) else []
    assert [message for message in told if "was removed; it was created again" in message] == told
    assert len(told) == 1
    again = resume(sources, directory, TrainOptions(), "cpu")
    assert again.trainer.step == 20
    assert np.array_equal(again.trainer.corpus.ids, trainer.corpus.ids)


def test_checkpoints_of_later_steps_that_were_damaged_do_not_count_among_the_two_that_are_kept(
    make_trainer: Callable[..., Trainer], directory: RunDirectory
) -> None:
    """Going on from the one before, there soon are two good ones again."""
    trainer = make_trainer(steps=9)
    checkpoint.save_checkpoint(trainer, directory)
    directory.checkpoint(7).write_bytes(directory.checkpoint(0).read_bytes()[:-100])
    for _ in range(3):
        trainer.train_step()
        checkpoint.save_checkpoint(trainer, directory)
    assert directory.checkpoints() == [directory.checkpoint(2), directory.checkpoint(3)]


class Clock:
    """A clock that only work moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.mark.parametrize("cost", [0.01, 1.0, 5.0])
def test_saving_costs_less_than_a_fiftieth_of_the_time_however_slow_the_disk(
    cost: float, make_trainer: Callable[..., Trainer], directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that takes five seconds is written every four minutes or so; one that takes none every minute."""
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
    # The first save, whose cost is not known before it, and the last come on top.
    assert spent[0] - 2 * cost <= 0.02 * clock.now
    assert spent[0] / cost >= min(20, 0.01 * clock.now / cost)


@pytest.mark.fault("F48")
def test_what_cannot_be_written_in_is_refused_before_the_first_step(launch: Launcher, book: Path) -> None:
    """A file in the way, here; whoever may write everywhere is stopped by nothing else."""
    (book.parent / "file").write_text("precious")
    command = launch("train", "book.txt", "--steps", "3", "--hidden", "8", "--out", "file/run", at=book.parent)
    assert command.wait() == 1
    assert "error: cannot write in file/run: not a directory" in command.err
    assert (book.parent / "file").read_text() == "precious"


@pytest.mark.fault("F48")
def test_a_directory_that_is_read_only_is_refused_before_the_first_step(launch: Launcher, book: Path) -> None:
    """Also where a training goes on that could write there when it began."""
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
def test_a_limit_on_files_is_told_before_the_first_step_or_on_the_way(launch: Launcher, book: Path) -> None:
    """RLIMIT_FSIZE: too small for the text it is an error; too small for a checkpoint, a warning, then an error."""
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
def test_a_record_that_cannot_be_written_is_told_once_on_the_way(launch: Launcher, book: Path) -> None:
    """A directory in its place, here: it is told once, and the training ends well."""
    arguments = ("train", "book.txt", "--hidden", "8", "--out", "run", "--json")
    assert launch(*arguments, "--steps", "3", at=book.parent).wait() == 0
    record = book.parent / "run" / "metrics.jsonl"
    record.unlink()
    record.mkdir()
    command = launch(*arguments, "--steps", "9", at=book.parent)
    assert command.wait() == 0
    told = [json.loads(line) for line in command.out.splitlines()]
    assert [line["message"] for line in told if line["event"] == "trouble"] == [
        "cannot write run/metrics.jsonl: is a directory"
    ]
    assert told[-1]["steps"] == 9


def test_the_harness_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that writes in place does not pass the sweep above."""
    path = tmp_path / "model.safetensors"

    def in_place(path: Path, *parts: Any) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CREAT)
        for part in parts:
            os.write(descriptor, part)
        os.close(descriptor)

    fault: Fault = failing(errno.ENOSPC)
    write(path, 1)
    monkeypatch.setattr(safetensors_file, "atomic_write", in_place)
    with faults(fault, 3), suppress(OSError):
        write(path, 2)
    with pytest.raises(CharrnnError):
        value_in(path)
