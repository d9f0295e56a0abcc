"""Checkpoints that were forged or damaged: the one before is gone on from, and no good one is ever lost."""

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
from damage import Header, apart, forged, outcome
from launching import Launcher
from small import Call

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError, DivergedError
from charrnn.storage import atomic_file, safetensors_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.text import corpus_encoder
from charrnn.text.sources import open_sources
from charrnn.training import checkpoint, checkpoint_file, checkpoint_retention, checkpointer
from charrnn.training.checkpoint_file import DamagedError
from charrnn.training.checkpoint_retention import CheckpointState, state_of
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
"""what a field may hold in a forged file"""
NEVER = tuple(VALUES[number] for number in (1, 6, 8, 9, -1))
"""of these, what no field may hold"""
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
    """Train a little; return the directory and the content of its two checkpoints."""
    torch.set_num_threads(1)
    directory = RunDirectory(tmp_path_factory.mktemp("run"))
    text = directory.path.parent / "text.txt"
    text.write_text("".join(f"{n} green bottles (and {n * n % 97} walls).\n" for n in range(90)))
    sources = open_sources([str(text)])
    corpus = corpus_encoder.encode(
        sources, "utf-8", corpus_encoder.count_characters(sources, "utf-8"), directory.corpus
    )
    training = TrainingConfig(batch=2, length=8, lr=0.01, steps=12)
    trainer = Trainer(corpus, NetworkConfig(cell="lstm", hidden=8, embedding=4), training, "cpu")
    for _ in train_loop(trainer, sample_every=0):
        if trainer.step in (OLD, NEW) and not directory.checkpoint(trainer.step).exists():
            checkpoint.save_checkpoint(trainer, directory)
    assert trainer.best is not None
    return directory, {step: directory.checkpoint(step).read_bytes() for step in (OLD, NEW)}


@pytest.fixture
def place(trained: tuple[RunDirectory, dict[int, bytes]]) -> RunDirectory:
    """Return the run's directory with both checkpoints as they were."""
    directory, contents = trained
    for path in directory.checkpoints():
        path.unlink()
    for step, content in contents.items():
        directory.checkpoint(step).write_bytes(content)
    return directory


def with_record(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the file with its record changed, every checksum right."""

    def changed(_: Header, words: Header) -> None:
        record = json.loads(words["run"])
        change(record)
        words["run"] = json.dumps(record)

    return forged(content, changed)


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
    """Return the file with other numbers in an array, every checksum right."""
    layout, old = apart(content)
    data, (start, stop) = bytearray(old), layout[name]["data_offsets"]
    dtype = np.float64 if layout[name]["dtype"] == "F64" else np.float32
    change(np.frombuffer(memoryview(data)[start:stop], dtype))
    return forged(content, lambda *_: None, bytes(data))


def gives_way(place: RunDirectory) -> bool:
    """Check that resuming works, or is refused in one line; return whether the checkpoint before was taken."""
    session = outcome(lambda path: resume(None, RunDirectory(path), TrainOptions(), "cpu"), place.path)
    if isinstance(session, CharrnnError):
        assert "\n" not in session.message
        assert len(session.message) < 600
        return False
    taken = [note for note in session.notes if "using the one before" in note]
    assert all("\n" not in note and place.checkpoint(NEW).name in note for note in taken)
    if not taken:
        with suppress(DivergedError):
            list(islice(train_loop(session.trainer, sample_every=0), 16))
    return bool(taken)


@pytest.mark.parametrize("field", FIELDS, ids=".".join)
def test_whatever_a_record_of_a_run_holds_nothing_breaks(field: tuple[str, ...], place: RunDirectory) -> None:
    """Each field with each value: the checkpoint before is taken, or the training goes on from what it now says."""
    newest, content = place.checkpoint(NEW), place.checkpoint(NEW).read_bytes()
    for value in VALUES:
        newest.write_bytes(with_field(content, field, value))
        went = gives_way(place)
        allowed = value is True and field == ("concluded",)
        never = any(value is other for other in NEVER)
        assert went or not never or allowed or field[0] == "fingerprint", value
    newest.write_bytes(without_field(content, field))
    assert gives_way(place) or field in MAY_BE_MISSING


def test_an_unknown_field_is_left_out_only_where_it_changes_nothing(place: RunDirectory) -> None:
    """A later version may add to the record; a setting that is not known would make another training."""
    newest, content = place.checkpoint(NEW), place.checkpoint(NEW).read_bytes()
    newest.write_bytes(with_field(content, ("later",), {"x": [1, "y"]}))
    assert not gives_way(place)
    for field in (("training", "later"), ("plan", "later"), ("parts", "later"), ("best", "later")):
        newest.write_bytes(with_field(content, field, 1))
        assert gives_way(place)
    for value in (math.nan, [math.inf], 10**400, DEEP):
        newest.write_bytes(with_field(content, ("later",), value))
        assert gives_way(place)


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
def test_a_record_that_contradicts_itself_is_refused(name: str, place: RunDirectory) -> None:
    """Though each value by itself is possible."""
    newest = place.checkpoint(NEW)
    newest.write_bytes(with_record(newest.read_bytes(), LAWS[name]))
    assert gives_way(place)


def test_what_was_never_done_is_done_before_the_end(place: RunDirectory) -> None:
    """A record of a finished training that had no evaluation and no report: both are made up for."""
    newest = place.checkpoint(NEW)

    def change(record: dict[str, Any]) -> None:
        record.update(best=None, sound_parts=-1, parts={"evaluation": 20, "preview": 8, "report": 0})
        record["plan"]["steps"] = NEW

    content = with_array(with_record(newest.read_bytes(), change), "since_report", lambda sums: sums.fill(0))
    newest.write_bytes(content)
    trainer = resume(None, place, TrainOptions(), "cpu").trainer
    assert trainer.step == NEW
    list(checkpointer.save_during_training(train_loop(trainer, sample_every=0), trainer, place))
    list(final_evaluation(trainer, place))
    assert trainer.bookkeeping.final_evaluated


def set_first(value: float) -> Callable[[Any], object]:
    """Return a change that sets the first number of an array."""

    def change(array: Any) -> None:
        array[:1] = value

    return change


def test_every_array_must_be_finite(place: RunDirectory) -> None:
    """One NaN or infinity anywhere: weights, averages, best weights, moments, state, sums."""
    newest, content = place.checkpoint(NEW), place.checkpoint(NEW).read_bytes()
    names = [name for name in apart(content)[0] if name != "__metadata__"]
    groups = {name.partition(".")[0] for name in names}
    assert {"best", "learning", "optimiser", "state", "since_report", "since_evaluation"} <= groups
    for name in names:
        for value in (math.nan, math.inf, -math.inf):
            newest.write_bytes(with_array(content, name, set_first(value)))
            with pytest.raises(DamagedError, match="contains NaN or infinity"):
                checkpoint_file.read_checkpoint(newest)
    assert gives_way(place)


def test_means_of_squares_and_sums_have_their_laws(place: RunDirectory) -> None:
    """No square is negative; sums are of as many steps as were made, at most, and of none there is nothing."""
    newest, content = place.checkpoint(NEW), place.checkpoint(NEW).read_bytes()
    for name in apart(content)[0]:
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


def test_every_array_must_be_there_with_its_type_and_shape(place: RunDirectory) -> None:
    """Before any number is read, or a network built."""
    newest, content = place.checkpoint(NEW), place.checkpoint(NEW).read_bytes()
    names = [name for name in apart(content)[0] if name not in ("__metadata__", "since_evaluation")]

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
            newest.write_bytes(forged(content, change))
            with pytest.raises(DamagedError):
                checkpoint_file.read_checkpoint_info(newest)
    assert gives_way(place)


def test_a_checkpoint_of_an_earlier_version_is_gone_on_from(place: RunDirectory) -> None:
    """What it does not tell begins now; the loss that it wrote as NaN was not known."""
    newest = place.checkpoint(NEW)

    def older(record: dict[str, Any]) -> None:
        del record["sound_parts"], record["from"]
        record["best"]["train_nats"] = math.nan

    newest.write_bytes(with_record(newest.read_bytes(), older))
    trainer = resume(None, place, TrainOptions(), "cpu").trainer
    assert trainer.step == NEW
    assert trainer.best is not None
    assert math.isnan(trainer.best.train_nats)


def test_the_command_takes_the_checkpoint_before_and_says_so(call: Call, book: Path) -> None:
    """With a note of one line, and the training ends well."""
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


def test_the_best_of_a_damaged_lot_is_refused_in_one_line(call: Call, book: Path) -> None:
    """If none is good, each is named, and nothing is deleted."""
    command = ("train", str(book), "--hidden", "8", "--batch", "2", "--length", "8", "--threads", "1", "--out", "run")
    assert call(*command, "--steps", "4").code == 0
    *others, path = RunDirectory(Path("run")).checkpoints()
    for other in others:
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


def copied(place: RunDirectory, step: int) -> Path:
    """Make a checkpoint of a later step out of the newest, damaged by one bit."""
    path = place.checkpoint(step)
    path.write_bytes(with_record(place.checkpoint(NEW).read_bytes(), lambda record: record.update(step=step)))
    damage(path)
    return path


def states(trainer: Trainer, place: RunDirectory) -> dict[int | None, CheckpointState]:
    """Return the state of each checkpoint there is."""
    return {checkpoint_file.step_of(path): state_of(trainer, path) for path in place.checkpoints()}


def full(number: int, monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Have every write into a directory fail."""
    original = atomic_file.atomic_write

    def write_whole(path: Path, *parts: Any) -> None:
        if path.parent == directory:
            raise OSError(number, os.strerror(number), str(path))
        original(path, *parts)

    monkeypatch.setattr(safetensors_file, "atomic_write", write_whole)


@pytest.mark.parametrize("number", [errno.EFBIG, errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("damaged", [(99,), (NEW, 99), (20, 99), ()])
def test_the_newest_good_checkpoint_stays_where_the_last_save_fails(
    number: int, damaged: tuple[int, ...], place: RunDirectory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever stands beside it, and whichever error it is; the one before may make room."""
    for step in damaged:
        damage(place.checkpoint(step)) if step == NEW else copied(place, step)
    good = OLD if NEW in damaged else NEW
    content = place.checkpoint(good).read_bytes()
    session = resume(None, place, TrainOptions(), "cpu")
    assert session.trainer.step == good
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    full(number, monkeypatch, place.path)
    with pytest.raises(CharrnnError, match=f"could not save step 12 .*; step {good} is saved"):
        list(
            checkpointer.save_during_training(
                train_loop(session.trainer, sample_every=0), session.trainer, place, every_seconds=0.0
            )
        )
    assert place.checkpoint(good).read_bytes() == content
    assert resume(None, place, TrainOptions(), "cpu").trainer.step == good


def test_a_damaged_checkpoint_is_never_one_of_the_two_that_are_kept(place: RunDirectory) -> None:
    """Damaged before, between or after; while training, too."""
    damage(place.checkpoint(NEW))
    copied(place, 99)
    trainer = resume(None, place, TrainOptions(), "cpu").trainer
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, place)
    assert states(trainer, place) == {OLD: CheckpointState.GOOD, OLD + 1: CheckpointState.GOOD}
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, place)
    damage(place.checkpoint(OLD + 2))
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, place)
    assert states(trainer, place) == {OLD + 1: CheckpointState.GOOD, OLD + 3: CheckpointState.GOOD}


def test_a_good_checkpoint_of_a_later_step_is_not_removed(place: RunDirectory) -> None:
    """It was put there meanwhile, as the hint of a full disk says."""
    content = place.checkpoint(NEW).read_bytes()
    place.checkpoint(NEW).unlink()
    trainer = resume(None, place, TrainOptions(), "cpu").trainer
    place.checkpoint(NEW).write_bytes(content)
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, place)
    assert states(trainer, place) == {
        OLD: CheckpointState.GOOD,
        OLD + 1: CheckpointState.GOOD,
        NEW: CheckpointState.GOOD,
    }


def test_what_is_no_file_is_neither_counted_nor_removed(place: RunDirectory, tmp_path: Path) -> None:
    """Directories and links with the names of checkpoints stay, as does what they lead to."""
    target = tmp_path / "target"
    target.write_bytes(place.checkpoint(NEW).read_bytes())
    place.checkpoint(NEW).unlink()
    trainer = resume(None, place, TrainOptions(), "cpu").trainer
    place.checkpoint(1).symlink_to(target)
    place.checkpoint(2).mkdir()
    place.checkpoint(99).symlink_to(tmp_path / "nothing")
    for _ in range(3):
        trainer.train_step()
        checkpoint.save_checkpoint(trainer, place)
    regular = [path for path in place.checkpoints() if checkpoint_file.identity_of(path)]
    assert regular == [place.checkpoint(OLD + 2), place.checkpoint(OLD + 3)]
    assert place.checkpoint(1).is_symlink()
    assert place.checkpoint(2).is_dir()
    assert place.checkpoint(99).is_symlink()
    assert target.exists()
    place.checkpoint(1).unlink()
    place.checkpoint(2).rmdir()
    place.checkpoint(99).unlink()


def test_nothing_is_removed_for_a_checkpoint_that_was_not_written_as_it_should_be(
    place: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that loses the end of a file: the save fails, and what was good stays."""
    trainer = resume(None, place, TrainOptions(), "cpu").trainer
    trainer.train_step()
    original = atomic_file.atomic_write

    def losing(path: Path, *parts: Any) -> None:
        original(path, *parts)
        os.truncate(path, path.stat().st_size - 100)

    monkeypatch.setattr(safetensors_file, "atomic_write", losing)
    with pytest.raises(OSError, match="not written correctly"):
        checkpoint.save_checkpoint(trainer, place)
    assert states(trainer, place) == {
        OLD: CheckpointState.GOOD,
        NEW: CheckpointState.GOOD,
        NEW + 1: CheckpointState.DAMAGED,
    }


def test_a_usual_save_reads_no_checkpoint_whole(place: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process wrote or went on from is known to be good, so saving stays as fast as it was."""
    trainer = resume(None, place, TrainOptions(), "cpu").trainer
    monkeypatch.setattr(checkpoint_retention, "read_checkpoint", lambda path: pytest.fail(f"{path} was read"))
    for _ in range(4):
        trainer.train_step()
        checkpoint.save_checkpoint(trainer, place)
    assert [checkpoint_file.step_of(path) for path in place.checkpoints()] == [NEW + 3, NEW + 4]


def test_a_limit_on_files_costs_no_checkpoint_beside_a_damaged_one(launch: Launcher, book: Path) -> None:
    """The command itself, under RLIMIT_FSIZE: the good one is as it was, and the error says where it is."""
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
