"""Prepared directories: whatever is in a directory, a training changes no file that charrnn did not write."""

import errno
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from common import Call, CommandResult
from launcher import Launcher
from system_call_faults import inject_fault, os_error_fault

from charrnn.errors import CharrnnError
from charrnn.storage.atomic_file import atomic_write
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.run_lock import LockLostError, RunLock, check_lock, check_not_locked
from charrnn.storage.safetensors_file import check_replaceable, is_tensor_file, remove_tensor_file
from charrnn.text import corpus_encoder
from charrnn.text.corpus import counts_match, open_corpus
from charrnn.text.corpus_encoder import count_characters, encode
from charrnn.text.sources import open_sources
from charrnn.text.suffix_array import load_or_build_suffix_array
from charrnn.training import checkpointer
from charrnn.training.events import Step
from charrnn.training.loop import train_loop
from charrnn.training.metrics import log_events
from charrnn.training.new_run import NewRunRequest, start_new
from charrnn.training.resume import resume
from charrnn.training.run_files import check_run_directory, is_not_a_run
from charrnn.training.train_options import TrainOptions

RUN = RunDirectory(Path("run"))
COMMAND = ("train", "book.txt", "--out", "run", "--hidden", "8", "--batch", "4", "--length", "16", "--threads", "1")
SHORT = (*COMMAND, "--steps", "2", "--sample-every", "0")
LONGER = (*COMMAND, "--steps", "4", "--sample-every", "0")
PRECIOUS = b"precious\n" * 40
WRITTEN = ("model.safetensors", "metrics.jsonl", "checkpoint-00000002.safetensors", ".lock")
"""files that a resumed training replaces or deletes"""
ALL = (*WRITTEN, "corpus.bin", "corpus.json", "config.yaml")
"""files that a new training replaces"""


@pytest.fixture(autouse=True)
def _nothing_blocks() -> Iterator[None]:
    """Fail a test that blocks, as opening a FIFO does."""

    def fail(*_: object) -> None:
        raise AssertionError("a call has blocked")

    signal.signal(signal.SIGALRM, fail)
    signal.alarm(120)
    yield
    signal.alarm(0)


@pytest.fixture(scope="module")
def finished(launch: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small run to its end, once, and return the directory that contains it."""
    create_obstacle = tmp_path_factory.mktemp("finished")
    (create_obstacle / "book.txt").write_text(
        "".join(f"{n} green bottles, {n * n % 97} walls (and).\n" for n in range(120))
    )
    assert launch(*SHORT, at=create_obstacle).wait() == 0
    return create_obstacle


@pytest.fixture
def run(finished: Path, book: Path) -> RunDirectory:
    """Change to a copy of that directory; its text has the same content and modification time."""
    book.write_bytes((finished / "book.txt").read_bytes())
    status = (finished / "book.txt").stat()
    os.utime(book, ns=(status.st_atime_ns, status.st_mtime_ns))
    RUN.path.mkdir()
    for path in (finished / "run").iterdir():
        (RUN.path / path.name).write_bytes(path.read_bytes())
    return RUN


def contents(directory: Path) -> dict[str, bytes]:
    """Return the content of all regular files in a directory."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file() and not path.is_symlink()}


def assert_refused(result: CommandResult, path: Path) -> None:
    """Assert that a command failed with one line that names a path, and did nothing."""
    assert result.code == 1, result.err
    errors = [line for line in result.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.err
    assert str(path) in errors[0]
    assert "Traceback" not in result.err


def link(path: Path) -> None:
    """Create a link to the victim."""
    path.symlink_to("../victim")


def dangling(path: Path) -> None:
    """Create a link to a file that does not exist."""
    path.symlink_to("../created")


def pipe(path: Path) -> None:
    """Create a FIFO, which blocks whoever opens it."""
    os.mkfifo(path)


def device(path: Path) -> None:
    """Create a link to a device, because only the superuser can create a device."""
    path.symlink_to("/dev/null")


def directory(path: Path) -> None:
    """Create a directory."""
    path.mkdir()


def foreign(path: Path) -> None:
    """Create a file of another program."""
    path.write_bytes(PRECIOUS)


OBSTACLES = (link, dangling, pipe, device, directory, foreign)


def is_untouched(path: Path, create_obstacle: Callable[[Path], None]) -> bool:
    """Return whether an obstacle and its target are unchanged."""
    if create_obstacle is foreign:
        kind = path.read_bytes() == PRECIOUS
    elif create_obstacle is pipe:
        kind = path.is_fifo()
    else:
        kind = path.is_dir() if create_obstacle is directory else path.is_symlink()
    return kind and Path("victim").read_bytes() == PRECIOUS and not Path("created").exists()


def obstruct(run: RunDirectory, name: str, create_obstacle: Callable[[Path], None]) -> tuple[Path, object]:
    """Replace a file of a run by an obstacle; return its path and the content of the run directory."""
    path = run.path / name
    path.unlink()
    Path("victim").write_bytes(PRECIOUS)
    create_obstacle(path)
    return path, contents(run.path)


@pytest.mark.parametrize("create_obstacle", OBSTACLES, ids=lambda create_obstacle: create_obstacle.__name__)
@pytest.mark.parametrize("name", ALL)
def test_a_new_training_is_refused_where_a_file_of_the_run_is_something_else(
    call: Call, run: RunDirectory, name: str, create_obstacle: Callable[[Path], None]
) -> None:
    """With --new too, only files of charrnn are replaced, and the old run remains complete."""
    path, before = obstruct(run, name, create_obstacle)
    assert_refused(call(*SHORT, "--new"), path)
    assert is_untouched(path, create_obstacle)
    assert contents(run.path) == before


@pytest.mark.parametrize("create_obstacle", OBSTACLES, ids=lambda create_obstacle: create_obstacle.__name__)
@pytest.mark.parametrize("name", ["model.safetensors", ".lock"])
def test_a_training_is_not_continued_where_a_file_that_it_replaces_is_something_else(
    call: Call, run: RunDirectory, name: str, create_obstacle: Callable[[Path], None]
) -> None:
    """The checkpoints do not change."""
    path, before = obstruct(run, name, create_obstacle)
    assert_refused(call(*LONGER), path)
    assert is_untouched(path, create_obstacle)
    assert contents(run.path) == before


@pytest.mark.parametrize("create_obstacle", OBSTACLES, ids=lambda create_obstacle: create_obstacle.__name__)
def test_foreign_metrics_are_neither_read_nor_written(
    call: Call, run: RunDirectory, create_obstacle: Callable[[Path], None]
) -> None:
    """A file of another program is refused; without metrics the training continues with one warning."""
    run.metrics.unlink()
    Path("victim").write_bytes(PRECIOUS)
    create_obstacle(run.metrics)
    result = call(*LONGER)
    if create_obstacle is foreign:
        assert_refused(result, run.metrics)
    else:
        assert result.code == 0, result.err
        assert result.err.count(f"cannot write {run.metrics}") == 1
    assert is_untouched(run.metrics, create_obstacle)


@pytest.mark.parametrize("create_obstacle", OBSTACLES[:-1], ids=lambda create_obstacle: create_obstacle.__name__)
def test_a_training_is_not_continued_if_a_checkpoint_is_not_a_regular_file(
    call: Call, run: RunDirectory, create_obstacle: Callable[[Path], None]
) -> None:
    """Nothing is read or written through it."""
    path = run.checkpoint(3)
    Path("victim").write_bytes(PRECIOUS)
    create_obstacle(path)
    before = contents(run.path)
    assert_refused(call(*LONGER), path)
    assert is_untouched(path, create_obstacle)
    assert contents(run.path) == before


def test_a_checkpoint_of_another_program_is_passed_over_and_kept(call: Call, run: RunDirectory) -> None:
    """The training resumes from the one before; the foreign file is neither deleted nor replaced."""
    for step in (1, 3):
        run.checkpoint(step).write_bytes(PRECIOUS)
    result = call(*LONGER)
    assert result.code == 0, result.err
    assert str(run.checkpoint(3)) in result.err
    assert [run.checkpoint(step).read_bytes() for step in (1, 3)] == [PRECIOUS, PRECIOUS]
    assert is_tensor_file(run.checkpoint(4))


def test_a_checkpoint_of_another_program_is_not_replaced_by_one_of_the_same_step(
    call: Call, run: RunDirectory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The new checkpoint goes elsewhere, and the error says where."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    run.checkpoint(4).write_bytes(PRECIOUS)
    result = call(*LONGER)
    assert result.code == 1, result.err
    assert run.checkpoint(4).read_bytes() == PRECIOUS
    assert "Traceback" not in result.err
    assert list((tmp_path / "elsewhere").rglob("checkpoint-00000004.safetensors"))


FOREIGN: dict[str, dict[str, bytes]] = {
    "a description of another kind": {"corpus.json": b'{"name": "corpus", "size": 3}', "corpus.bin": PRECIOUS},
    "a description without its values": {"corpus.json": b'{"name": "x", "vocabulary": ["a", "b"]}'},
    "a description that fits no ids": {"corpus.json": b"", "corpus.bin": PRECIOUS},
    "a checkpoint of another program": {"checkpoint-00000001.safetensors": b"\x08\0\0\0\0\0\0\0{}      "},
    "a model of another program": {
        "model.safetensors": b'\x28\0\0\0\0\0\0\0{"__metadata__":{"format":"pt"}}         '
    },
    "settings": {"config.yaml": b"cell: lstm\nlr: 1\nseed: 3\n"},
    "a record": {"metrics.jsonl": b'{"event": "report", "step": 1}\n'},
    "a suffix array": {"corpus.suffixes": PRECIOUS},
    "a link to a run": {},
}


@pytest.mark.parametrize("more", [(), ("--new",)], ids=["", "new"])
@pytest.mark.parametrize("name", FOREIGN)
def test_file_names_alone_do_not_make_a_directory_a_run(
    call: Call, finished: Path, book: Path, name: str, more: tuple[str, ...]
) -> None:
    """All files keep their content, and no file is added."""
    RUN.path.mkdir()
    for file, content in FOREIGN[name].items():
        (RUN.path / file).write_bytes(content)
    if not FOREIGN[name]:
        RUN.checkpoint(2).symlink_to(finished / "run" / "checkpoint-00000002.safetensors")
    if name == "a description that fits no ids":
        RUN.description.write_bytes((finished / "run" / "corpus.json").read_bytes())
    before = contents(RUN.path)
    result = call(*SHORT, *more)
    assert result.code == 1, result.err
    assert "error: run exists and is not a charrnn run" in result.err.splitlines()
    assert contents(RUN.path) == before
    assert book.exists()


@pytest.mark.parametrize("name", ["corpus.bin", "metrics.jsonl", "config.yaml"])
def test_a_text_with_the_name_of_a_run_s_file_is_not_replaced(call: Call, book: Path, name: str) -> None:
    """A directory is not a run because it contains a text."""
    RUN.path.mkdir()
    text = RUN.path / name
    text.write_bytes(book.read_bytes())
    for more in ((), ("--new",)):
        assert_refused(call("train", str(text), *SHORT[2:], *more), RUN.path)
    assert contents(RUN.path) == {name: book.read_bytes()}


@pytest.mark.parametrize("name", ["corpus.bin", "corpus.json", "metrics.jsonl", "config.yaml", ".lock"])
def test_a_run_does_not_replace_its_own_text(call: Call, run: RunDirectory, name: str) -> None:
    """Also if the text is a file that charrnn wrote, under this name or another."""
    text = run.path / name
    text.write_bytes(text.read_bytes() or b'{"process": 1, "since": "2026-11-21T14:02:00+00:00"}')
    Path("alias").symlink_to(text)
    before = contents(run.path)
    for named in (str(text), "alias"):
        assert_refused(call("train", named, *SHORT[2:], "--encoding", "latin-1", "--new"), run.path)
    assert contents(run.path) == before


def test_hard_links_are_not_written_through(call: Call, run: RunDirectory) -> None:
    """A backup with hard links to the files of a run keeps its content; other files are rejected as locks."""
    run.lock.write_bytes(b'{"process": 1, "since": "2026-11-21T14:02:00+00:00"}')
    Path("backup").mkdir()
    for path in run.path.iterdir():
        os.link(path, Path("backup") / path.name)
    before = contents(Path("backup"))
    assert call(*LONGER).code == 0
    assert call(*SHORT, "--new").code == 0
    assert contents(Path("backup")) == before
    foreign(Path("victim"))
    run.lock.unlink()
    os.link("victim", run.lock)
    result = call(*SHORT, "--new")
    assert_refused(result, run.lock)
    assert "has several hard links" in result.err
    assert Path("victim").read_bytes() == PRECIOUS


@pytest.mark.parametrize("record", [b"", b'{"process": 1, "since": "2026-11-21T14:02:00+00:00"}'])
def test_runs_that_share_their_lock_file_are_locked_separately(record: bytes, tmp_path: Path) -> None:
    """A copy with hard links can be trained at the same time, with a separate lock file."""
    original, copy = RunDirectory(tmp_path / "original"), RunDirectory(tmp_path / "copy")
    for directory in (original, copy):
        directory.path.mkdir()
    original.lock.write_bytes(record)
    os.link(original.lock, copy.lock)
    check_not_locked(copy)
    with RunLock(copy) as lock, RunLock(original) as other, RunLock(original) as third:
        lock.acquire()
        assert original.lock.read_bytes() == record
        other.acquire()
        for directory in (original, copy):
            check_lock(directory.path)
            with pytest.raises(CharrnnError, match="already being trained"):
                check_not_locked(directory)
        os.link(original.lock, tmp_path / "link")
        check_lock(original.path)
        with pytest.raises(CharrnnError, match="already being trained"):
            third.acquire()
    assert sorted(path.name for path in copy.path.iterdir()) == [".lock"]


@pytest.mark.parametrize("old", [0o666, 0o777, 0o640, 0o600])
def test_a_file_that_others_may_change_is_not_replaced_by_another_one(old: int, tmp_path: Path) -> None:
    """Other permissions are kept, and with a umask that shares files with a group also those of the group."""
    path = tmp_path / "model.safetensors"
    for umask, shared in ((0o022, 0), (0o002, 0o020)):
        path.write_bytes(b"old")
        path.chmod(old)
        before = os.umask(umask)
        try:
            atomic_write(path, b"new")
        finally:
            os.umask(before)
        assert path.stat().st_mode & 0o777 == old & (0o755 | shared)


@pytest.mark.parametrize("error", ["EINVAL", "ENOTSUP", "ENOSYS", "EBADF", "EACCES", "EPERM"])
@pytest.mark.parametrize("function", ["open", "fsync"])
def test_a_file_system_that_cannot_synchronize_directories_can_hold_a_run(
    function: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such errors count for files, and other errors count for directories."""
    original: Any = getattr(os, function)
    number = getattr(errno, error)
    for_directories = True

    def fail(target: Any, *arguments: Any, **options: Any) -> Any:
        if os.path.isdir(target if function == "open" else f"/dev/fd/{target}") is for_directories:  # noqa: PTH112
            raise OSError(number, "failed")
        return original(target, *arguments, **options)

    monkeypatch.setattr(os, function, fail)
    atomic_write(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
    number = errno.EIO
    with pytest.raises(OSError, match="failed"):
        atomic_write(tmp_path / "file", b"new")
    for_directories, number = False, getattr(errno, error)
    with pytest.raises(OSError, match="failed"):
        atomic_write(tmp_path / "other", b"new")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("saved", ["model.safetensors", "checkpoint-00000002.safetensors", "corpus.json", "corpus"])
def test_a_run_is_recognized_by_each_of_its_files_alone(run: RunDirectory, saved: str) -> None:
    """A crash may leave one file; the others can be created again."""
    for path in run.path.iterdir():
        if not path.name.startswith(saved):
            path.unlink()
    assert not is_not_a_run(run)
    check_run_directory(run)


@pytest.mark.parametrize("share", [0, 2])
@pytest.mark.parametrize("name", [*sorted(set(ALL) - {".lock", "metrics.jsonl", "corpus.bin"})])
def test_truncated_files_of_a_run_can_be_replaced(run: RunDirectory, name: str, share: int) -> None:
    """They are recognized by their beginning; an empty file has nothing to lose."""
    path = run.path / name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // share] if share else b"")
    check_run_directory(run)


@pytest.mark.parametrize("fresh", [True, False])
def test_the_directory_can_be_used_again_wherever_encoding_is_interrupted(
    run: RunDirectory, book: Path, fresh: bool
) -> None:
    """There are never ids without their description, nor a description with other ids."""
    Path("longer.txt").write_bytes(book.read_bytes() * 2)
    texts = [open_sources([str(book)]), open_sources(["longer.txt"])]
    for name in ("model.safetensors", "checkpoint-00000002.safetensors", "metrics.jsonl", "config.yaml"):
        (run.path / name).unlink()
    for at in range(1, 60):
        if fresh:
            run.corpus.unlink(missing_ok=True)
            run.description.unlink(missing_ok=True)
        with inject_fault(os_error_fault(errno.EIO), at, persistent=True) as calls, suppress(OSError, CharrnnError):
            text = texts[at % 2]
            encode(text, "utf-8", count_characters(text, "utf-8"), run.corpus)
        for left in run.path.glob(".charrnn-*"):
            left.unlink()
        check_run_directory(run)
        assert run.description.exists() or not run.corpus.exists()
        if run.corpus.exists():
            assert counts_match(open_corpus(run.corpus))
        if calls.count < at:
            break
    assert 8 < at < 59


def test_tensor_files_of_charrnn_are_distinguished_from_other_files(run: RunDirectory, tmp_path: Path) -> None:
    """They may be truncated anywhere; only such files are replaced or deleted."""
    complete, path = run.model.read_bytes(), tmp_path / "x.safetensors"
    for length in (0, 9, 20, 100, 1000, len(complete)):
        path.write_bytes(complete[:length])
        assert is_tensor_file(path), length
        check_replaceable(path)
    for content in (PRECIOUS, b"damaged", b"\x28" + bytes(7) + b'{"__metadata__":{"format":"pt"}}', bytes(99)):
        path.write_bytes(content)
        assert not is_tensor_file(path), content
        remove_tensor_file(path)
        assert path.read_bytes() == content
        with pytest.raises(OSError, match="did not write"):
            check_replaceable(path)
    check_replaceable(tmp_path / "missing")
    path.unlink()
    path.symlink_to(run.model)
    assert not is_tensor_file(path)


@pytest.mark.parametrize(
    "create_obstacle", [foreign, link, dangling], ids=lambda create_obstacle: create_obstacle.__name__
)
def test_a_suffix_array_replaces_nothing_that_charrnn_did_not_write(
    run: RunDirectory, book: Path, create_obstacle: Callable[[Path], None]
) -> None:
    """The suffixes are sorted, but the result is not saved."""
    Path("victim").write_bytes(PRECIOUS)
    create_obstacle(run.suffixes)
    assert len(load_or_build_suffix_array(np.array([1, 0, 2]), 3, run.suffixes).order) == 3
    assert is_untouched(run.suffixes, create_obstacle)
    assert book.exists()


@pytest.mark.parametrize(
    "content",
    [
        PRECIOUS,
        b"\xff{",
        b"[]" * 5000,
        b'{"process": 1}',
        b'{"process": "x", "since": "2026-11-21T14:02:00+00:00"}',
        b'{"process": 1, "since": "today"}',
        b'{"process": 1, "since": "2026-11-21T14:02:00+00:00", "notes": "precious"}',
        b'{"process": 1, "since": "2026-11-21T14:02:00+00:00"}' + b" " * 1000,
        bytes(2000),
    ],
)
def test_a_lock_that_charrnn_did_not_write_stays_as_it_is(content: bytes, tmp_path: Path) -> None:
    """Neither checking nor acquiring changes it."""
    directory = RunDirectory(tmp_path)
    directory.lock.write_bytes(content)
    with RunLock(directory) as lock:
        with pytest.raises(CharrnnError, match="is not a lock file that charrnn wrote") as caught:
            check_not_locked(directory)
        assert caught.value.hint is not None
        with pytest.raises(CharrnnError, match="is not a lock file that charrnn wrote"):
            lock.acquire()
    assert directory.lock.read_bytes() == content


def test_a_lock_whose_file_was_removed_is_acquired_again(tmp_path: Path) -> None:
    """A second process is refused; without a lock there is nothing to check."""
    directory = RunDirectory(tmp_path / "run")
    with RunLock(directory) as lock, RunLock(directory) as other:
        lock.acquire()
        check_lock(directory.path)
        directory.lock.unlink()
        check_lock(directory.path)
        assert json.loads(directory.lock.read_bytes())["process"] == os.getpid()
        with pytest.raises(CharrnnError, match="already being trained"):
            other.acquire()
        check_lock(directory.path)
    assert directory.lock.read_bytes() == b""
    check_lock(directory.path)


@pytest.mark.parametrize("other_ended", [False, True])
def test_a_lock_whose_file_was_replaced_is_lost(other_ended: bool, tmp_path: Path) -> None:
    """Also if the other process has ended, because it may have written files."""
    directory = RunDirectory(tmp_path / "run")
    with RunLock(directory) as lock, RunLock(directory) as other:
        lock.acquire()
        directory.lock.unlink()
        other.acquire()
        if other_ended:
            other.__exit__(None, None, None)
        with pytest.raises(LockLostError, match="another process may be training in"):
            lock.check_still_held()
        before = directory.lock.read_bytes()
        lock.__exit__(None, None, None)
        assert directory.lock.read_bytes() == before


def test_a_training_that_lost_its_lock_overwrites_nothing_and_is_saved_elsewhere(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever file it would write next; it resumes there exactly."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    sources, options = open_sources([str(book)]), TrainOptions(hidden=8, batch=4, length=16, steps=12)
    with RunLock(RUN) as lock, RunLock(RUN) as other:
        counts = count_characters(sources, "utf-8")
        request = NewRunRequest(sources=sources, counts=counts, directory=RUN, options=options, device="cpu")
        session = start_new(request, lock)
        events: Any = log_events(train_loop(session.trainer, sample_every=0), RUN.metrics, step=0)
        events = checkpointer.save_during_training(events, session.trainer, RUN, every_seconds=0.0)
        for event in events:
            if isinstance(event, Step) and event.step == 5:
                break
        RUN.lock.unlink()
        other.acquire()
        before = contents(RUN.path)
        with pytest.raises(CharrnnError, match="could not save step") as caught:
            list(events)
        assert contents(RUN.path) == before
    create_obstacle = RunDirectory(next((tmp_path / "elsewhere").iterdir()))
    assert str(create_obstacle.path) in caught.value.message
    assert caught.value.hint == f"the same command with `--out {create_obstacle.path}` continues it"
    resumed = resume(sources, create_obstacle, TrainOptions(), "cpu")
    assert resumed.trainer.step == session.trainer.step >= 5
    assert np.array_equal(resumed.trainer.corpus.ids, session.trainer.corpus.ids)


def _in_training(book: Path, lock: RunLock) -> tuple[Any, Any]:
    """Start a training that saves after every step, and return the trainer and the events after step 5."""
    sources, options = open_sources([str(book)]), TrainOptions(hidden=8, batch=4, length=16, steps=12)
    counts = count_characters(sources, "utf-8")
    request = NewRunRequest(sources=sources, counts=counts, directory=RUN, options=options, device="cpu")
    trainer = start_new(request, lock).trainer
    events: Any = log_events(train_loop(trainer, sample_every=0), RUN.metrics, step=0)
    events = checkpointer.save_during_training(events, trainer, RUN, every_seconds=0.0)
    assert any(isinstance(event, Step) and event.step == 5 for event in events)
    return trainer, events


@pytest.mark.parametrize("linked", [False, True], ids=["directory", "link"])
def test_a_training_whose_directory_was_replaced_changes_nothing_in_the_new_one(
    book: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    """The new directory contains another run without a lock; the training is saved elsewhere and resumes there."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    other = Path("other")
    shutil.copytree(finished / "run", other)
    (other / ".lock").unlink()
    before = contents(other)
    if linked:
        Path("target").mkdir()
        RUN.path.symlink_to("target")
    with RunLock(RUN) as lock:
        trainer, events = _in_training(book, lock)
        if linked:
            RUN.path.unlink()
            RUN.path.symlink_to("other")
        else:
            RUN.path.rename("run-old")
            other.rename(RUN.path)
        with pytest.raises(CharrnnError, match="could not save step") as caught:
            list(events)
    assert contents(RUN.path) == before
    create_obstacle = RunDirectory(next((tmp_path / "elsewhere").iterdir()))
    assert str(create_obstacle.path) in caught.value.message
    assert resume(open_sources([str(book)]), create_obstacle, TrainOptions(), "cpu").trainer.step == trainer.step >= 5


def test_a_directory_that_is_replaced_while_its_text_is_encoded_is_not_changed(
    book: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that is there now keeps all files."""
    other = Path("other")
    shutil.copytree(finished / "run", other)
    before = contents(other)
    sources, options = open_sources([str(book)]), TrainOptions(hidden=8, batch=4, length=16, steps=12)
    counts = count_characters(sources, "utf-8")
    request = NewRunRequest(sources=sources, counts=counts, directory=RUN, options=options, device="cpu")
    write_ids = corpus_encoder._write_ids

    def replace_directory(*arguments: Any) -> None:
        write_ids(*arguments)
        RUN.path.rename("run-old")
        other.rename(RUN.path)

    monkeypatch.setattr(corpus_encoder, "_write_ids", replace_directory)
    with RunLock(RUN) as lock, pytest.raises(LockLostError, match="another directory"):
        start_new(request, lock)
    assert contents(RUN.path) == before


def test_a_directory_created_again_by_another_process_is_another_one(tmp_path: Path) -> None:
    """It cannot have the inode of the removed one, and nothing is created in it."""
    directory = RunDirectory(tmp_path / "run")
    with RunLock(directory) as lock:
        lock.acquire()
        for _ in range(20):
            shutil.rmtree(directory.path)
            directory.path.mkdir()
            with pytest.raises(LockLostError, match="another directory"):
                check_lock(directory.path)
            assert not list(directory.path.iterdir())


def test_a_training_whose_directory_was_removed_creates_it_again(book: Path) -> None:
    """With the text and the lock, and the run resumes from it."""
    with RunLock(RUN) as lock:
        trainer, events = _in_training(book, lock)
        shutil.rmtree(RUN.path)
        list(events)
        with RunLock(RUN) as other, pytest.raises(CharrnnError, match="already being trained"):
            other.acquire()
    assert resume(open_sources([str(book)]), RUN, TrainOptions(), "cpu").trainer.step == trainer.step == 12


def test_the_last_save_checks_the_lock_too(book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If there is no space, nothing is written anywhere else."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    sources, options = open_sources([str(book)]), TrainOptions(hidden=8, batch=4, length=16, steps=12)
    with RunLock(RUN) as lock, RunLock(RUN) as other:
        counts = count_characters(sources, "utf-8")
        request = NewRunRequest(sources=sources, counts=counts, directory=RUN, options=options, device="cpu")
        trainer = start_new(request, lock).trainer
        RUN.lock.unlink()
        other.acquire()
        before = contents(RUN.path)
        with pytest.raises(CharrnnError, match="it could not be saved in another directory either"):
            checkpointer.save_final(trainer, RUN)
        assert contents(RUN.path) == before


def test_only_a_typed_flag_replaces_a_run(call: Call, run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an environment variable nor a settings file can request it."""
    before = contents(run.path)
    monkeypatch.setenv("CHARRNN_TRAIN_NEW", "1")
    result = call(*SHORT)
    assert result.code == 2
    assert "error: CHARRNN_TRAIN_NEW cannot ask for --new, which replaces a run" in result.err.splitlines()
    monkeypatch.setenv("CHARRNN_TRAIN_NEW", "0")
    assert "already trained" in call(*SHORT).err
    monkeypatch.delenv("CHARRNN_TRAIN_NEW")
    Path("settings.yaml").write_text("new: true\n")
    assert call(*SHORT, "--config", "settings.yaml").code == 2
    assert contents(run.path) == before
