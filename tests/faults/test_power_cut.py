"""A power cut at any moment of a save, by a model of what a disk may hold then: never less than the save before.

The model, after SQLite's crash tests: what was written to a file and not made durable may be there, be missing, be
cut off or be garbage; names that were changed and not made durable may be the old ones or the new ones, in the order
in which they were changed.
"""

import errno
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from system_call_faults import replace_calls

from charrnn.errors import CharrnnError
from charrnn.storage import safetensors_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.training import checkpoint, checkpoint_file
from charrnn.training.trainer import Trainer

Names = dict[str, int]
"""number of the file with each name"""


@dataclass
class SimulatedDisk:
    """A record of operations on a directory, from which the possible contents after a power cut follow."""

    directory: Path
    contents: list[bytes] = field(default_factory=list)
    """of each file, as the system sees it"""
    durable: list[bytes] = field(default_factory=list)
    """content of each file that certainly survives a power cut"""
    names: list[Names] = field(default_factory=list)
    """as they were after each change since they were last made durable"""
    states: list[dict[str, bytes]] = field(default_factory=list)
    """what may be there after a cut, at all moments so far"""
    _open: dict[int, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.contents = [path.read_bytes() for path in sorted(self.directory.iterdir())]
        self.durable = list(self.contents)
        self.names = [{path.name: number for number, path in enumerate(sorted(self.directory.iterdir()))}]
        self.snapshot()

    def wrap(self, original: Any) -> Any:
        """Return a system call that is recorded, and after which a power cut is simulated."""

        def call(*arguments: Any, **named: Any) -> Any:
            result = original(*arguments, **named)
            getattr(self, original.__name__)(result, *arguments)
            self.snapshot()
            return result

        return call

    def open(self, descriptor: int, path: Path, flags: int, *_: Any) -> None:
        """Record a new file or the directory."""
        if not flags & os.O_CREAT:
            self._open[descriptor] = None
            return
        self._open[descriptor] = len(self.contents)
        self._renamed({**self.names[-1], Path(path).name: len(self.contents)})
        self.contents.append(b"")
        self.durable.append(b"")

    def write(self, count: int, descriptor: int, content: Any) -> None:
        """Record written bytes."""
        number = self._open[descriptor]
        assert number is not None
        self.contents[number] += bytes(content[:count])

    def fsync(self, _result: None, descriptor: int) -> None:
        """Record that the content of a file, or the names in the directory, are durable."""
        number = self._open[descriptor]
        if number is None:
            self.names = self.names[-1:]
        else:
            self.durable[number] = self.contents[number]

    def replace(self, _result: None, source: Path, target: Path) -> None:
        """Record a renamed file."""
        names = dict(self.names[-1])
        names[Path(target).name] = names.pop(Path(source).name)
        self._renamed(names)

    def unlink(self, _result: None, path: Path, *_: Any) -> None:
        """Record a removed name."""
        self._renamed({name: number for name, number in self.names[-1].items() if name != Path(path).name})

    def chmod(self, *_: Any) -> None:
        """Do nothing, because no content depends on it."""

    def snapshot(self) -> None:
        """Compute the contents that a power cut may leave at this moment."""
        self.states += list(self.possible_contents())

    def possible_contents(self) -> Iterator[dict[str, bytes]]:
        """Yield all contents that may exist: each list of names, with each content of unsynchronized files."""
        for names in self.names:
            for kind in range(KINDS_OF_LOSS):
                yield {name: self._survived(number, kind) for name, number in names.items()}

    def _survived(self, number: int, kind: int) -> bytes:
        content, durable = self.contents[number], self.durable[number]
        if content == durable:
            return content
        garbage = random.Random(number).randbytes(len(content))
        return (content, durable, content[: len(content) // 2], garbage, bytes(len(content)))[kind]

    def _renamed(self, names: Names) -> None:
        self.names.append(names)


KINDS_OF_LOSS = 5
"""complete, missing, truncated, garbage, zeros"""


def after_a_cut(work: Callable[[], None], directory: Path) -> SimulatedDisk:
    """Run an operation on a directory, and return the contents that a power cut at any moment may leave."""
    disk = SimulatedDisk(directory)
    with replace_calls(disk.wrap):
        work()
    return disk


def put(state: dict[str, bytes], path: Path) -> None:
    """Restore a possible content of a directory."""
    path.mkdir(exist_ok=True)
    for entry in path.iterdir():
        entry.unlink()
    for name, content in state.items():
        (path / name).write_bytes(content)


def write(path: Path, value: int) -> None:
    """Write a file whose content depends on a value."""
    safetensors_file.write_tensors(path, {"a": np.full(200, value, np.float32)}, {"value": str(value)})


def values_after_cuts(directory: Path, work: Callable[[], None]) -> tuple[set[str], set[str]]:
    """Return the values of model.safetensors that a power cut may leave: during the operation, and after it."""

    def value(state: dict[str, bytes]) -> str:
        put(state, directory.parent / "after")
        try:
            return safetensors_file.read_tensors(directory.parent / "after" / "model.safetensors").metadata["value"]
        except CharrnnError:
            return "damaged"

    disk = after_a_cut(work, directory)
    return {value(state) for state in disk.states}, {value(state) for state in disk.possible_contents()}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a directory that contains a file."""
    found = tmp_path / "run"
    found.mkdir()
    write(found / "model.safetensors", 1)
    return found


@pytest.mark.fault("F42")
def test_after_a_power_cut_the_old_or_the_new_file_exists(directory: Path) -> None:
    """At any moment; once the save has returned, it is the new file."""
    ever, at_the_end = values_after_cuts(directory, lambda: write(directory / "model.safetensors", 2))
    assert ever == {"1", "2"}
    assert at_the_end == {"2"}


def only_for(directories: bool, original: Callable[[int], None]) -> Callable[[int], None]:
    """Return an fsync that works only for directories, or only for files."""

    def fsync(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}") is directories:  # noqa: PTH112 - a descriptor's
            original(descriptor)

    return fsync


@pytest.mark.fault("F42")
@pytest.mark.parametrize("works_for_directories", [True, False])
def test_the_simulation_notices_a_missing_fsync(
    works_for_directories: bool, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the fsync of the file it may be damaged; without that of the directory the save may be undone."""
    from charrnn.storage import atomic_file

    class WithoutFsync:
        """The system calls, with an fsync that does not make all data durable."""

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name) if name != "fsync" else only_for(works_for_directories, os.fsync)

    monkeypatch.setattr(atomic_file, "os", WithoutFsync())
    ever, at_the_end = values_after_cuts(directory, lambda: write(directory / "model.safetensors", 2))
    if works_for_directories:
        assert "damaged" in ever
    else:
        assert at_the_end == {"1", "2"}


@pytest.mark.fault("F42")
def test_after_a_power_cut_a_saved_checkpoint_exists(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """Older ones are removed; the newest intact one is that of the previous or of this save."""
    trainer, directory, after = make_trainer(), RunDirectory(tmp_path / "run"), RunDirectory(tmp_path / "after")
    directory.path.mkdir()
    for _ in range(2):
        trainer.train_step()
        checkpoint.save_checkpoint(trainer, directory)
    trainer.train_step()
    disk = after_a_cut(lambda: void(checkpoint.save_checkpoint(trainer, directory)), directory.path)
    assert newest_intact_steps(disk.states, after) == {2, 3}
    assert newest_intact_steps(list(disk.possible_contents()), after) == {3}


def void(_: object) -> None:
    """Call a function and ignore its result."""


def newest_intact_steps(states: list[dict[str, bytes]], directory: RunDirectory) -> set[int | None]:
    """Return the steps of the newest intact checkpoints that a power cut may leave."""
    found: set[int | None] = set()
    for state in {tuple(sorted(state.items())) for state in states}:
        put(dict(state), directory.path)
        found.add(next(intact_steps(directory), None))
    return found


def intact_steps(directory: RunDirectory) -> Iterator[int]:
    """Yield the steps of intact checkpoints, the newest first."""
    for path in reversed(directory.checkpoints()):
        try:
            safetensors_file.read_tensors(path)
        except CharrnnError:
            continue
        yield checkpoint_file.read_checkpoint_info(path).record.step


def test_a_file_whose_fsync_failed_is_given_up(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may have dropped its pages, so fsync is not tried again."""

    def fails(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match=r"model\.safetensors"):
        write(directory / "model.safetensors", 2)
    assert [path.name for path in directory.iterdir()] == ["model.safetensors"]
    assert safetensors_file.read_tensors(directory / "model.safetensors").metadata["value"] == "1"
