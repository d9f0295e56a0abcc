"""Retention of checkpoints: which ones are good, and which ones are superseded or damaged and can be removed.

The newest checkpoint that is known to be good stays until another one is written and verified. A checkpoint is
known to be good if this process wrote it or resumed from it, and the file has not changed since. Any other one is
read whole, but only where the removal of a file depends on it.
"""

import errno
from enum import Enum
from pathlib import Path

from charrnn.errors import CharrnnError
from charrnn.storage import safetensors_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import remove_tensor_file
from charrnn.training.checkpoint_file import DamagedError, identity_of, read
from charrnn.training.trainer import Trainer

KEPT = 2
"""good checkpoints: the newest, and the one before in case the newest is damaged later"""


class State(Enum):
    """What is known of a checkpoint."""

    GOOD = "good"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"
    """it cannot be read now"""


def note_written(trainer: Trainer, path: Path) -> None:
    """Look at a checkpoint that was just written, its arrays aside; raise OSError if it is not there as written."""
    try:
        safetensors_file.read_metadata(path)
    except CharrnnError as error:
        raise OSError(errno.EIO, f"not written as it should be: {error.message}", str(path)) from error
    if identity := identity_of(path):
        trainer.verified.add(identity)


def remove_superseded(trainer: Trainer, directory: RunDirectory, newest: Path) -> None:
    """Remove what is not needed beside a checkpoint that was just written and verified (OSError).

    Of older ones the newest good one stays. Later ones are removed if they are damaged: the run did not go on from
    them. A file whose state is unknown stays.
    """
    there = directory.checkpoints()
    if newest not in there:
        return
    place, kept = there.index(newest), 1
    for path in reversed(there[:place]):
        state = State.DAMAGED if kept == KEPT else state_of(trainer, path)
        kept += state is State.GOOD
        if state is State.DAMAGED:
            remove_tensor_file(path)
    _remove_damaged(trainer, there[place + 1 :])
    trainer.verified.intersection_update(map(identity_of, directory.checkpoints()))


def make_room(trainer: Trainer, directory: RunDirectory) -> None:
    """Remove all checkpoints but the newest good one, and those whose state is unknown (OSError)."""
    there, good = directory.checkpoints(), newest_good(trainer, directory)
    older = there[: there.index(good)] if good in there else []
    for path in older:
        remove_tensor_file(path)
    _remove_damaged(trainer, [path for path in there if path not in older])


def newest_good(trainer: Trainer, directory: RunDirectory) -> Path | None:
    """Return the newest checkpoint that is good; None if there is none."""
    newest_first = reversed(directory.checkpoints())
    return next((path for path in newest_first if state_of(trainer, path) is State.GOOD), None)


def state_of(trainer: Trainer, path: Path) -> State:
    """Return what is known of a checkpoint, which is read if nothing is."""
    identity = identity_of(path)
    if identity is None:
        return State.UNKNOWN
    if identity not in trainer.verified:
        try:
            read(path)
        except DamagedError as error:
            return State.UNKNOWN if error.says_nothing_of_the_content else State.DAMAGED
        trainer.verified.add(identity)
    return State.GOOD


def _remove_damaged(trainer: Trainer, paths: list[Path]) -> None:
    """Remove the damaged ones among some checkpoints (OSError)."""
    for path in paths:
        if state_of(trainer, path) is State.DAMAGED:
            remove_tensor_file(path)
