"""Forged and damaged checkpoints: the run resumes from the one before, and no good one is ever lost."""

import errno
import json
import math
import os
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from common import Call, encode_corpus
from file_damage import Header, forge, read_or_error, split_file
from launcher import Launcher

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError, DivergedError
from charrnn.storage import atomic_file, safetensors_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.training import checkpoint, checkpoint_file, checkpointer
from charrnn.training.checkpoint import CheckpointState, state_of
from charrnn.training.checkpoint_file import DamagedError
from charrnn.training.fit import final_evaluation
from charrnn.training.loop import train_loop
from charrnn.training.resume import resume
from charrnn.training.train_options import TrainOptions
from charrnn.training.trainer import Trainer

DEEP: list[Any] = []
for _ in range(20):
    DEEP = [DEEP]
VALUES: tuple[Any, ...] = (
    *(None, True, "", "x" * 5000, "\x1b[31m\0\ud800", [], [1], {}, {"a": {"b": 1}}, DEEP, 1.5, 0, 1, -1, -2, 10**9),
    *(2**63, 10**400, 1e308, -1e308, math.nan, math.inf),
)
"""values of a field in a forged file"""
NEVER = tuple(VALUES[number] for number in (1, 6, 8, 9, -1))
"""values that are invalid in every field"""
RECORD = (
    *("step", "from", "seconds", "step_seconds", "concluded", "plan", "parts", "sound_parts", "previewed_at"),
    *("evaluation_characters", "best", "training", "fingerprint", "machine"),
)
NESTED = {
    "plan": ("steps", "from_step", "from_progress"),
    "parts": ("evaluation", "preview", "report"),
    "best": ("step", "nats", "train_nats", "characters"),
    "training": tuple(TrainingConfig.__dataclass_fields__),
    "fingerprint": ("bytes", "modified", "sha256"),
    "machine": ("charrnn", "torch", "threads", "device"),
}
FIELDS = tuple((name,) for name in RECORD) + tuple((name, inner) for name in NESTED for inner in NESTED[name])
MAY_BE_MISSING = {
    *(("from",), ("sound_parts",), ("best", "train_nats"), ("plan", "from_step"), ("plan", "from_progress")),
    *((group, name) for group in ("fingerprint", "machine", "training") for name in NESTED[group]),
} - {("training", name) for name in ("batch", "length", "lr")}
"""fields that a checkpoint may lack"""
OLD, NEW = 4, 8
"""steps of the two checkpoints"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDirectory, dict[int, bytes]]:
    """Train for a few steps; return the directory and the content of its two checkpoints."""
    torch.set_num_threads(1)
    directory = RunDirectory(tmp_path_factory.mktemp("run"))
    text = directory.path.parent / "text.txt"
    text.write_text("".join(f"{n} green bottles (and {n * n % 97} walls).\n" for n in range(90)))
    corpus = encode_corpus([str(text)], directory.corpus)
    training = TrainingConfig(batch=2, length=8, lr=0.01, steps=12)
    trainer = Trainer(corpus, NetworkConfig(cell="lstm", hidden=8, embedding=4), training, "cpu")
    for _ in train_loop(trainer, sample_every=0):
        if trainer.step in (OLD, NEW) and not directory.checkpoint(trainer.step).exists():
            checkpoint.save_checkpoint(trainer, directory)
    assert trainer.best is not None
    return directory, {step: directory.checkpoint(step).read_bytes() for step in (OLD, NEW)}


@pytest.fixture
def run(trained: tuple[RunDirectory, dict[int, bytes]]) -> RunDirectory:
    """Return the run directory with its original checkpoints."""
    directory, contents = trained
    for path in directory.checkpoints():
        path.unlink()
    for step, content in contents.items():
        directory.checkpoint(step).write_bytes(content)
    return directory


def with_record(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the file with a changed record and correct checksums."""

    def changed(_: Header, words: Header) -> None:
        record = json.loads(words["run"])
        change(record)
        words["run"] = json.dumps(record)

    return forge(content, changed)


def with_field(content: bytes, field: tuple[str, ...], value: Any) -> bytes:
    """Return the file with another value in a field."""

    def change(record: dict[str, Any]) -> None:
        for name in field[:-1]:
            record = record[name]
        record[field[-1]] = value

    return with_record(content, change)


def without_field(content: bytes, field: tuple[str, ...]) -> bytes:
    """Return the file without a field."""

    def change(record: dict[str, Any]) -> None:
        for name in field[:-1]:
            record = record[name]
        del record[field[-1]]

    return with_record(content, change)


def with_array(content: bytes, name: str, change: Callable[[Any], object]) -> bytes:
    """Return the file with other numbers in an array and correct checksums."""
    layout, old = split_file(content)
    data, (start, stop) = bytearray(old), layout[name]["data_offsets"]
    dtype = np.float64 if layout[name]["dtype"] == "F64" else np.float32
    change(np.frombuffer(memoryview(data)[start:stop], dtype))
    return forge(content, lambda *_: None, bytes(data))


def falls_back(run: RunDirectory) -> bool:
    """Assert that resuming works or fails with a one-line error; return whether the previous checkpoint was used."""
    session = read_or_error(lambda path: resume(None, RunDirectory(path), TrainOptions(), "cpu"), run.path)
    if isinstance(session, CharrnnError):
        assert "\n" not in session.message
        assert len(session.message) < 600
        return False
    fallback_notes = [note for note in session.notes if "using the one before" in note]
    assert all("\n" not in note and run.checkpoint(NEW).name in note for note in fallback_notes)
    if not fallback_notes:
        with suppress(DivergedError):
            list(islice(train_loop(session.trainer, sample_every=0), 16))
    return bool(fallback_notes)


def is_damaged(path: Path) -> bool:
    """Assert that a record is valid or rejected with a one-line error; return whether it is rejected."""
    result = read_or_error(checkpoint_file.read_checkpoint_info, path)
    if isinstance(result, DamagedError):
        assert "\n" not in result.message
        assert path.name in result.message
        assert len(result.message) < 600
        return True
    assert not isinstance(result, CharrnnError)
    return False


@pytest.mark.parametrize("field", FIELDS, ids=".".join)
def test_any_value_in_the_record_of_a_run_causes_no_failure(field: tuple[str, ...], run: RunDirectory) -> None:
    """For each field and value, the run resumes from the checkpoint before or from the changed one.

    The run is resumed for each valid record and for the first invalid one: resuming reads all invalid ones alike.
    """
    newest, content = run.checkpoint(NEW), run.checkpoint(NEW).read_bytes()
    fell_back = False
    for value in VALUES:
        newest.write_bytes(with_field(content, field, value))
        went = (fell_back and is_damaged(newest)) or falls_back(run)
        fell_back |= went
        allowed = value is True and field == ("concluded",)
        never = any(value is other for other in NEVER)
        assert went or not never or allowed or field[0] == "fingerprint", value
    newest.write_bytes(without_field(content, field))
    assert falls_back(run) or field in MAY_BE_MISSING


def test_unknown_fields_are_ignored_except_in_the_settings(run: RunDirectory) -> None:
    """A later version may add fields; an unknown setting would change the training."""
    newest, content = run.checkpoint(NEW), run.checkpoint(NEW).read_bytes()
    newest.write_bytes(with_field(content, ("later",), {"x": [1, "y"]}))
    assert not falls_back(run)
    for field in (("training", "later"), ("plan", "later"), ("parts", "later"), ("best", "later")):
        newest.write_bytes(with_field(content, field, 1))
        assert falls_back(run)
    for value in (math.nan, [math.inf], 10**400, DEEP):
        newest.write_bytes(with_field(content, ("later",), value))
        assert falls_back(run)


LAWS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another step than its name": lambda record: record.update(step=NEW - 1),
    "a correction after the step": lambda record: record["plan"].update(from_step=NEW + 1),
    "a best step that is to come": lambda record: record["best"].update(step=NEW + 1),
    "a preview that is to come": lambda record: record.update(previewed_at=NEW + 1),
    "an end without an evaluation": lambda record: record.update(concluded=True, best=None),
    "no end": lambda record: (record["plan"].update(steps=None), record["training"].update(minutes=None)),
    "nothing held out": lambda record: record["training"].update(val_fraction=0),
    "nothing to learn": lambda record: record["training"].update(val_fraction=1),
    "other streams": lambda record: record["training"].update(batch=4),
    "a path that is none": lambda record: record.update({"from": "a\0b"}),
    "a path that no system has": lambda record: record.update({"from": "\ud800"}),
    "a million values": lambda record: record.update(later=[0] * 1_000_000),
}


@pytest.mark.parametrize("name", LAWS)
def test_a_record_that_contradicts_itself_is_refused(name: str, run: RunDirectory) -> None:
    """Each value alone is valid."""
    newest = run.checkpoint(NEW)
    newest.write_bytes(with_record(newest.read_bytes(), LAWS[name]))
    assert falls_back(run)


def test_a_missing_final_evaluation_is_made_up_for(run: RunDirectory) -> None:
    """The record is of a finished training without evaluations and reports."""
    newest = run.checkpoint(NEW)

    def change(record: dict[str, Any]) -> None:
        record.update(best=None, sound_parts=-1, parts={"evaluation": 20, "preview": 8, "report": 0})
        record["plan"]["steps"] = NEW

    content = with_array(with_record(newest.read_bytes(), change), "since_report", lambda sums: sums.fill(0))
    newest.write_bytes(content)
    trainer = resume(None, run, TrainOptions(), "cpu").trainer
    assert trainer.step == NEW
    list(checkpointer.save_during_training(train_loop(trainer, sample_every=0), trainer, run))
    list(final_evaluation(trainer, run))
    assert trainer.bookkeeping.final_evaluated


def set_first(value: float) -> Callable[[Any], object]:
    """Return a change that sets the first number of an array."""

    def change(array: Any) -> None:
        array[:1] = value

    return change


def test_every_array_must_be_finite(run: RunDirectory) -> None:
    """A single NaN or infinity in weights, averages, best weights, moments, state or sums is refused."""
    newest, content = run.checkpoint(NEW), run.checkpoint(NEW).read_bytes()
    names = [name for name in split_file(content)[0] if name != "__metadata__"]
    groups = {name.partition(".")[0] for name in names}
    assert {"best", "learning", "optimiser", "state", "since_report", "since_evaluation"} <= groups
    for name in names:
        for value in (math.nan, math.inf, -math.inf):
            newest.write_bytes(with_array(content, name, set_first(value)))
            with pytest.raises(DamagedError, match="contains NaN or infinity"):
                checkpoint_file.read_checkpoint(newest)
    assert falls_back(run)


def test_impossible_moments_and_sums_are_refused(run: RunDirectory) -> None:
    """Second moments are not negative, and sums are of at most as many steps as were made."""
    newest, content = run.checkpoint(NEW), run.checkpoint(NEW).read_bytes()
    for name in split_file(content)[0]:
        if name.startswith("optimiser.exp_avg_sq."):
            newest.write_bytes(with_array(content, name, set_first(-1e-9)))
            with pytest.raises(DamagedError, match="contains negative numbers"):
                checkpoint_file.read_checkpoint(newest)
    for name in ("since_report", "since_evaluation"):
        for sums in ([-1.0, 1, 1], [NEW + 1.0, 1, 1], [0.5, 1, 1], [1, -1.0, 1], [0, 1.0, 1], [1e300, 0, 0]):

            def change(array: Any, sums: list[float] = sums) -> None:
                array[:] = sums[: len(array)]

            newest.write_bytes(with_array(content, name, change))
            with pytest.raises(DamagedError, match=f"{name} "):
                checkpoint_file.read_checkpoint(newest)


def test_every_array_must_exist_with_its_type_and_shape(run: RunDirectory) -> None:
    """The check comes before any number is read and before a network is built."""
    newest, content = run.checkpoint(NEW), run.checkpoint(NEW).read_bytes()
    names = [name for name in split_file(content)[0] if name not in ("__metadata__", "since_evaluation")]

    def renamed(name: str) -> Callable[[Header, Header], None]:
        def change(layout: Header, _: Header) -> None:
            layout["zzz"] = layout.pop(name)

        return change

    def reshaped(name: str) -> Callable[[Header, Header], None]:
        def change(layout: Header, _: Header) -> None:
            layout[name]["shape"] = [1, *layout[name]["shape"]]

        return change

    for name in names:
        for change in (renamed(name), reshaped(name)):
            newest.write_bytes(forge(content, change))
            with pytest.raises(DamagedError):
                checkpoint_file.read_checkpoint_info(newest)
    assert falls_back(run)


def test_a_checkpoint_of_an_earlier_version_can_be_resumed(run: RunDirectory) -> None:
    """Missing state starts at its default; a loss stored as NaN is unknown."""
    newest = run.checkpoint(NEW)

    def older(record: dict[str, Any]) -> None:
        del record["sound_parts"], record["from"]
        record["best"]["train_nats"] = math.nan

    newest.write_bytes(with_record(newest.read_bytes(), older))
    trainer = resume(None, run, TrainOptions(), "cpu").trainer
    assert trainer.step == NEW
    assert trainer.best is not None
    assert math.isnan(trainer.best.train_nats)


def test_the_command_resumes_from_the_checkpoint_before_with_a_note(call: Call, book: Path) -> None:
    """The note is one line, and the training ends normally."""
    command = ("train", str(book), "--hidden", "8", "--batch", "2", "--length", "8", "--threads", "1", "--out", "run")
    assert call(*command, "--steps", "4").code == 0
    directory = RunDirectory(Path("run"))
    good = directory.checkpoint(4).read_bytes()
    damaged = with_record(good, lambda record: record.update(step=9, seconds="long"))
    directory.checkpoint(9).write_bytes(damaged)
    result = call(*command, "--steps", "8")
    assert result.code == 0
    assert "Traceback" not in result.err
    assert "run.seconds is 'long'; it must be a number; using the one before" in result.err.replace("\n", " ")
    assert directory.checkpoint(8) in directory.checkpoints()
    assert not directory.checkpoint(9).exists()


def test_if_all_checkpoints_are_damaged_the_error_is_one_line(call: Call, book: Path) -> None:
    """It names each of them, and nothing is deleted."""
    command = ("train", str(book), "--hidden", "8", "--batch", "2", "--length", "8", "--threads", "1", "--out", "run")
    assert call(*command, "--steps", "4").code == 0
    *rest, path = RunDirectory(Path("run")).checkpoints()
    for other in rest:
        other.unlink()
    for field, value in ((("step",), None), (("best", "nats"), math.nan), (("training", "val_fraction"), "half")):
        path.write_bytes(with_field(path.read_bytes(), field, value))
        content = path.read_bytes()
        result = call(*command, "--steps", "8")
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith(f"error: {path} is not a valid checkpoint: ")
        assert path.read_bytes() == content


def damage(path: Path) -> bytes:
    """Flip a bit in the numbers of a file; return its content."""
    content = bytearray(path.read_bytes())
    content[-3] ^= 4
    path.write_bytes(content)
    return bytes(content)


def damaged_copy(run: RunDirectory, step: int) -> Path:
    """Create a checkpoint of a later step from the newest one, with one flipped bit."""
    path = run.checkpoint(step)
    path.write_bytes(with_record(run.checkpoint(NEW).read_bytes(), lambda record: record.update(step=step)))
    damage(path)
    return path


def states(trainer: Trainer, run: RunDirectory) -> dict[int | None, CheckpointState]:
    """Return the state of each existing checkpoint."""
    return {checkpoint_file.step_of(path): state_of(trainer, path) for path in run.checkpoints()}


def full(number: int, monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Make every write into a directory fail."""
    original = atomic_file.atomic_write

    def write_whole(path: Path, *parts: Any) -> None:
        if path.parent == directory:
            raise OSError(number, os.strerror(number), str(path))
        original(path, *parts)

    monkeypatch.setattr(safetensors_file, "atomic_write", write_whole)


@pytest.mark.parametrize("number", [errno.EFBIG, errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("damaged", [(99,), (NEW, 99), (20, 99), ()])
def test_the_newest_good_checkpoint_remains_if_the_last_save_fails(
    number: int, damaged: tuple[int, ...], run: RunDirectory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """For each set of damaged files and each error; an older good one may be removed to free space."""
    for step in damaged:
        damage(run.checkpoint(step)) if step == NEW else damaged_copy(run, step)
    good = OLD if NEW in damaged else NEW
    content = run.checkpoint(good).read_bytes()
    session = resume(None, run, TrainOptions(), "cpu")
    assert session.trainer.step == good
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    full(number, monkeypatch, run.path)
    with pytest.raises(CharrnnError, match=f"could not save step 12 .*; step {good} is saved"):
        list(
            checkpointer.save_during_training(
                train_loop(session.trainer, sample_every=0), session.trainer, run, every_seconds=0.0
            )
        )
    assert run.checkpoint(good).read_bytes() == content
    assert resume(None, run, TrainOptions(), "cpu").trainer.step == good


def test_a_damaged_checkpoint_is_never_one_of_the_two_kept(run: RunDirectory) -> None:
    """Whether it is the oldest, in between or the newest, also during training."""
    damage(run.checkpoint(NEW))
    damaged_copy(run, 99)
    trainer = resume(None, run, TrainOptions(), "cpu").trainer
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, run)
    assert states(trainer, run) == {OLD: CheckpointState.GOOD, OLD + 1: CheckpointState.GOOD}
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, run)
    damage(run.checkpoint(OLD + 2))
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, run)
    assert states(trainer, run) == {OLD + 1: CheckpointState.GOOD, OLD + 3: CheckpointState.GOOD}


def test_a_good_checkpoint_of_a_later_step_is_not_removed(run: RunDirectory) -> None:
    """The hint for a full disk may have told the user to put it there."""
    content = run.checkpoint(NEW).read_bytes()
    run.checkpoint(NEW).unlink()
    trainer = resume(None, run, TrainOptions(), "cpu").trainer
    run.checkpoint(NEW).write_bytes(content)
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, run)
    assert states(trainer, run) == {
        OLD: CheckpointState.GOOD,
        OLD + 1: CheckpointState.GOOD,
        NEW: CheckpointState.GOOD,
    }


def test_checkpoint_names_that_are_not_files_are_neither_counted_nor_removed(
    run: RunDirectory, tmp_path: Path
) -> None:
    """Directories and links with such names remain, and so do the targets of links."""
    target = tmp_path / "target"
    target.write_bytes(run.checkpoint(NEW).read_bytes())
    run.checkpoint(NEW).unlink()
    trainer = resume(None, run, TrainOptions(), "cpu").trainer
    run.checkpoint(1).symlink_to(target)
    run.checkpoint(2).mkdir()
    run.checkpoint(99).symlink_to(tmp_path / "nothing")
    for _ in range(3):
        trainer.train_step()
        checkpoint.save_checkpoint(trainer, run)
    regular = [path for path in run.checkpoints() if checkpoint_file.identity_of(path)]
    assert regular == [run.checkpoint(OLD + 2), run.checkpoint(OLD + 3)]
    assert run.checkpoint(1).is_symlink()
    assert run.checkpoint(2).is_dir()
    assert run.checkpoint(99).is_symlink()
    assert target.exists()
    run.checkpoint(1).unlink()
    run.checkpoint(2).rmdir()
    run.checkpoint(99).unlink()


def test_nothing_is_removed_for_a_checkpoint_that_was_not_written_correctly(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk loses the end of a file: the save fails, and good files remain."""
    trainer = resume(None, run, TrainOptions(), "cpu").trainer
    trainer.train_step()
    original = atomic_file.atomic_write

    def losing(path: Path, *parts: Any) -> None:
        original(path, *parts)
        os.truncate(path, path.stat().st_size - 100)

    monkeypatch.setattr(safetensors_file, "atomic_write", losing)
    with pytest.raises(OSError, match="not written correctly"):
        checkpoint.save_checkpoint(trainer, run)
    assert states(trainer, run) == {
        OLD: CheckpointState.GOOD,
        NEW: CheckpointState.GOOD,
        NEW + 1: CheckpointState.DAMAGED,
    }


def test_a_usual_save_reads_no_complete_checkpoint(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process wrote or resumed from is known to be good, so saving remains fast."""
    trainer = resume(None, run, TrainOptions(), "cpu").trainer
    monkeypatch.setattr(checkpoint, "read_checkpoint", lambda path: pytest.fail(f"{path} was read"))
    for _ in range(4):
        trainer.train_step()
        checkpoint.save_checkpoint(trainer, run)
    assert [checkpoint_file.step_of(path) for path in run.checkpoints()] == [NEW + 3, NEW + 4]


def test_a_file_size_limit_does_not_remove_the_good_checkpoint_beside_a_damaged_one(
    launch: Launcher, book: Path
) -> None:
    """The command runs under RLIMIT_FSIZE, and the error names the good checkpoint."""
    arguments = ("train", "book.txt", "--hidden", "16", "--out", "run")
    assert launch(*arguments, "--steps", "30", at=book.parent).wait() == 0
    directory = RunDirectory(book.parent / "run")
    content = directory.checkpoint(30).read_bytes()
    directory.checkpoint(99).write_bytes(content[:-1000])
    command = launch(*arguments, "--steps", "40", at=book.parent, largest_file=20_000)
    assert command.wait() == 1
    assert "error: could not save step 40 in run: file too large" in command.err
    assert "step 30 is saved" in command.err
    assert directory.checkpoint(30).read_bytes() == content
    assert launch(*arguments, "--steps", "40", at=book.parent).wait() == 0
