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
from faulty import replaced

from charrnn.errors import CharrnnError
from charrnn.storage import safetensors_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.training import checkpoint, checkpoint_file
from charrnn.training.trainer import Trainer

Names = dict[str, int]
"""which file stands under each name"""


@dataclass
class Disk:
    """What was done to the files of a directory, from which follows what a cut may leave."""

    directory: Path
    contents: list[bytes] = field(default_factory=list)
    """of each file, as the system sees it"""
    durable: list[bytes] = field(default_factory=list)
    """of each file, what is sure to outlive a cut"""
    names: list[Names] = field(default_factory=list)
    """as they were after each change since they were last made durable"""
    states: list[dict[str, bytes]] = field(default_factory=list)
    """what may be there after a cut, at all moments so far"""
    _open: dict[int, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.contents = [path.read_bytes() for path in sorted(self.directory.iterdir())]
        self.durable = list(self.contents)
        self.names = [{path.name: number for number, path in enumerate(sorted(self.directory.iterdir()))}]
        self.look()

    def wrap(self, original: Any) -> Any:
        """Watch one of the system's calls, and have a cut come after it."""

        def call(*arguments: Any, **named: Any) -> Any:
            result = original(*arguments, **named)
            getattr(self, original.__name__)(result, *arguments)
            self.look()
            return result

        return call

    def open(self, descriptor: int, path: Path, flags: int, *_: Any) -> None:
        """Take note of a new file, or of the directory."""
        if not flags & os.O_CREAT:
            self._open[descriptor] = None
            return
        self._open[descriptor] = len(self.contents)
        self._renamed({**self.names[-1], Path(path).name: len(self.contents)})
        self.contents.append(b"")
        self.durable.append(b"")

    def write(self, count: int, descriptor: int, content: Any) -> None:
        """Take note of what was written."""
        number = self._open[descriptor]
        assert number is not None
        self.contents[number] += bytes(content[:count])

    def fsync(self, _result: None, descriptor: int) -> None:
        """Take note of what is durable now: a file's content, or the directory's names."""
        number = self._open[descriptor]
        if number is None:
            self.names = self.names[-1:]
        else:
            self.durable[number] = self.contents[number]

    def replace(self, _result: None, source: Path, target: Path) -> None:
        """Take note of a name that was given to another file."""
        names = dict(self.names[-1])
        names[Path(target).name] = names.pop(Path(source).name)
        self._renamed(names)

    def unlink(self, _result: None, path: Path, *_: Any) -> None:
        """Take note of a name that is gone."""
        self._renamed({name: number for name, number in self.names[-1].items() if name != Path(path).name})

    def chmod(self, *_: Any) -> None:
        """Nothing depends on it."""

    def look(self) -> None:
        """Work out what may be there if the power is cut now."""
        self.states += list(self.now())

    def now(self) -> Iterator[dict[str, bytes]]:
        """Give all that may be there now: each list of names, with each of what an unsure file may hold."""
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
"""all written, nothing, cut off, garbage, zeros"""


def after_a_cut(work: Callable[[], None], directory: Path) -> Disk:
    """Do something to a directory's files, and find what may be left of it by a cut at any moment."""
    disk = Disk(directory)
    with replaced(disk.wrap):
        work()
    return disk


def put(state: dict[str, bytes], place: Path) -> None:
    """Have a directory hold what a cut has left."""
    place.mkdir(exist_ok=True)
    for path in place.iterdir():
        path.unlink()
    for name, content in state.items():
        (place / name).write_bytes(content)


def write(path: Path, value: int) -> None:
    """Write a file whose content is known by its value."""
    safetensors_file.write_tensors(path, {"a": np.full(200, value, np.float32)}, {"value": str(value)})


def values_after_cuts(directory: Path, work: Callable[[], None]) -> tuple[set[str], set[str]]:
    """Give the values of model.safetensors that a cut may leave: at any moment, and once the work was done."""

    def value(state: dict[str, bytes]) -> str:
        put(state, directory.parent / "after")
        try:
            return safetensors_file.read_tensors(directory.parent / "after" / "model.safetensors").metadata["value"]
        except CharrnnError:
            return "damaged"

    disk = after_a_cut(work, directory)
    return {value(state) for state in disk.states}, {value(state) for state in disk.now()}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Make a directory that holds a file."""
    found = tmp_path / "run"
    found.mkdir()
    write(found / "model.safetensors", 1)
    return found


@pytest.mark.fault("F42")
def test_after_a_power_cut_the_old_file_or_the_new_one_is_there(directory: Path) -> None:
    """At any moment; and once the save has returned, the new one, whatever happens."""
    ever, at_the_end = values_after_cuts(directory, lambda: write(directory / "model.safetensors", 2))
    assert ever == {"1", "2"}
    assert at_the_end == {"2"}


def only_for(directories: bool, original: Callable[[int], None]) -> Callable[[int], None]:
    """Make an fsync that works for directories only, or for files only."""

    def fsync(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}") is directories:  # noqa: PTH112 - a descriptor's
            original(descriptor)

    return fsync


@pytest.mark.fault("F42")
@pytest.mark.parametrize("works_for_directories", [True, False])
def test_the_model_notices_when_something_is_not_made_durable(
    works_for_directories: bool, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the file's fsync a damaged file may stand there; without the directory's, the save may be undone."""
    from charrnn.storage import atomic_file

    class Lazy:
        """The system, but for what it makes durable."""

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name) if name != "fsync" else only_for(works_for_directories, os.fsync)

    monkeypatch.setattr(atomic_file, "os", Lazy())
    ever, at_the_end = values_after_cuts(directory, lambda: write(directory / "model.safetensors", 2))
    if works_for_directories:
        assert "damaged" in ever
    else:
        assert at_the_end == {"1", "2"}


@pytest.mark.fault("F42")
def test_after_a_power_cut_there_is_a_checkpoint_that_was_saved(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    """Older ones are dropped on the way; the newest that is whole is that of the save before, or of this one."""
    trainer, place, after = make_trainer(), RunDirectory(tmp_path / "run"), RunDirectory(tmp_path / "after")
    place.path.mkdir()
    for _ in range(2):
        trainer.train_step()
        checkpoint.save_checkpoint(trainer, place)
    trainer.train_step()
    disk = after_a_cut(lambda: void(checkpoint.save_checkpoint(trainer, place)), place.path)
    assert newest_whole(disk.states, after) == {2, 3}
    assert newest_whole(list(disk.now()), after) == {3}


def void(_: object) -> None:
    """Take a value and make nothing of it."""


def newest_whole(states: list[dict[str, bytes]], place: RunDirectory) -> set[int | None]:
    """Give the steps of the newest whole checkpoints that a cut may leave."""
    found: set[int | None] = set()
    for state in {tuple(sorted(state.items())) for state in states}:
        put(dict(state), place.path)
        found.add(next(whole_steps(place), None))
    return found


def whole_steps(place: RunDirectory) -> Iterator[int]:
    """Give the steps of checkpoints that are whole, the newest first."""
    for path in reversed(place.checkpoints()):
        try:
            safetensors_file.read_tensors(path)
        except CharrnnError:
            continue
        yield checkpoint_file.read_checkpoint_info(path).record.step


def test_an_fsync_that_fails_leaves_nothing_that_was_not_made_durable(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After such an error the system may have dropped the pages: that file is given up, never tried again."""

    def fails(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match=r"model\.safetensors"):
        write(directory / "model.safetensors", 2)
    assert [path.name for path in directory.iterdir()] == ["model.safetensors"]
    assert safetensors_file.read_tensors(directory / "model.safetensors").metadata["value"] == "1"
