"""Locks: a second training of a run is refused, and a lock never outlives its process."""

import os
import re
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from launcher import Launcher, wait_until

from charrnn.errors import CharrnnError
from charrnn.network.model_file import load_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.run_lock import RunLock, check_not_locked
from charrnn.training.run_files import is_not_a_run

COMMAND = ("train", "book.txt", "--hidden", "16", "--batch", "4", "--length", "16", "--sample-every", "0")
LONG = (*COMMAND, "--steps", "200", "--save-every", "0.05")
RUN = RunDirectory(Path("checkpoints/book"))


@pytest.mark.fault("F50")
def test_a_second_training_of_a_run_is_refused_with_the_first_one_s_process_and_time(
    launch: Launcher, book: Path
) -> None:
    """With --new too; the first training continues and ends normally."""
    first = launch(*LONG, at=book.parent, slow_phase="step")
    first.reach_slow_phase()
    for more in ((), ("--new",)):
        second = launch(*COMMAND, "--steps", "30", *more, at=book.parent)
        assert second.wait() == 1
        lines = second.err.splitlines()
        owner = rf"process {first.process} since \d\d:\d\d"
        assert re.fullmatch(f"error: checkpoints/book is already being trained by {owner}", lines[0])
        assert "--out" in lines[-1]
    first.signal(signal.SIGINT)
    assert first.wait() == -signal.SIGINT
    assert launch(*COMMAND, "--steps", "30", at=book.parent).wait() == 0


@pytest.mark.fault("F50")
def test_of_two_trainings_that_start_at_the_same_time_one_is_refused(launch: Launcher, book: Path) -> None:
    """Neither has written a file yet."""
    commands = [launch(*COMMAND, "--steps", "3", at=book.parent, slow_phase="encoding") for _ in range(2)]
    wait_until(lambda: all(command.slow_steps or command.poll() is not None for command in commands))
    for command in commands:
        command.release()
    assert sorted(command.wait() for command in commands) == [0, 1]
    refused = next(command for command in commands if command.wait() == 1)
    assert "is already being trained by" in refused.err or "meanwhile" in refused.err


@pytest.mark.fault("F41", "F51")
def test_a_killed_training_resumes_at_once_with_a_note(launch: Launcher, book: Path) -> None:
    """The lock ends with the process, and incomplete files are removed."""
    first = launch(*LONG, at=book.parent, slow_phase="save")
    first.reach_slow_phase()
    first.signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    (RUN.path / f".charrnn-{first.process}-0123456789abcdef.tmp").write_bytes(b"half")
    resumed = launch(*COMMAND, "--steps", "200", at=book.parent, slow_phase="step")
    resumed.reach_slow_phase()
    resumed.signal(signal.SIGINT)
    assert resumed.wait() == -signal.SIGINT
    if "resuming" in resumed.err:
        assert "note: the last training in checkpoints/book did not end cleanly" in resumed.err
    assert not list(RUN.path.glob(".*.tmp"))
    once_more = launch(*COMMAND, "--steps", "8", at=book.parent)
    assert once_more.wait() == 0
    assert "did not end cleanly" not in once_more.err


@pytest.mark.fault("F51")
def test_the_content_of_a_lock_file_does_not_matter(tmp_path: Path) -> None:
    """Not even the zeros that a power failure leaves; the note has the owner if it is known."""
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    for left in (b'{"process": 1, "since": "2026-11-21T14:02:00+00:00"}', bytes(52)):
        directory.lock.write_bytes(left)
        check_not_locked(directory)
        with RunLock(directory) as lock:
            lock.acquire()
            assert lock.left_by_a_killed_process
    with RunLock(directory) as lock:
        lock.acquire()
        lock.acquire()
        assert not lock.left_by_a_killed_process


@pytest.mark.fault("F50")
@pytest.mark.parametrize("record", [b"", b"{", b"[1]", b'{"process": "x", "since": "today"}'])
def test_a_lock_without_an_owner_is_respected(record: bytes, tmp_path: Path) -> None:
    """The system knows that the file is locked."""
    directory = RunDirectory(tmp_path / "run")
    with RunLock(directory) as lock, RunLock(directory) as other:
        lock.acquire()
        directory.lock.write_bytes(record)
        for refused in (other.acquire, lambda: check_not_locked(directory)):
            with pytest.raises(CharrnnError, match="already being trained by another process"):
                refused()
    with RunLock(directory) as lock:
        lock.acquire()


def test_checking_a_lock_does_not_prevent_acquiring_it(tmp_path: Path) -> None:
    """A check holds the lock for a moment only."""
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    directory.lock.touch()
    finished = threading.Event()

    def look() -> None:
        while not finished.is_set():
            with suppress(CharrnnError):
                check_not_locked(directory)
            time.sleep(0.001)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(50):
            with RunLock(directory) as lock:
                lock.acquire()
    finally:
        finished.set()
        watcher.join()


def test_a_directory_with_only_a_lock_file_can_be_used(tmp_path: Path) -> None:
    """A training that is refused because of its settings leaves such a directory."""
    directory = RunDirectory(tmp_path / "run")
    with RunLock(directory) as lock:
        lock.acquire()
    assert not is_not_a_run(directory)
    (directory.path / "thesis.tex").write_text("precious")
    assert is_not_a_run(directory)


@pytest.mark.fault("F50")
def test_reading_needs_no_lock(launch: Launcher, book: Path) -> None:
    """The model of a run can be read, complete, at any time during training."""
    command = launch(*LONG, at=book.parent, slow_phase="save")
    command.reach_slow_phase()
    loaded = 0
    while loaded < 30:
        if RUN.model.exists():
            assert load_model(RUN.model).parameters > 0
            loaded += 1
        time.sleep(0.01)
    command.signal(signal.SIGKILL)
    assert command.wait() == -signal.SIGKILL


@pytest.mark.fault("F48")
def test_a_path_that_is_not_a_directory_cannot_be_locked(tmp_path: Path) -> None:
    """The error is one line."""
    (tmp_path / "file").touch()
    with (
        RunLock(RunDirectory(tmp_path / "file" / "run")) as lock,
        pytest.raises(CharrnnError, match="cannot write in"),
    ):
        lock.acquire()
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208 - names are all that is wanted
