"""Retention of checkpoints: which ones are kept, and which ones are superseded or damaged and can be removed.

The newest checkpoint that is known to be good stays until another one is written and verified. A checkpoint is
known to be good if this process wrote it or resumed from it, and the file has not changed since. Any other
checkpoint is read completely, but only if the removal of a file depends on its state.
"""

import errno
from enum import Enum
from pathlib import Path

from charrnn.errors import CharrnnError
from charrnn.storage import safetensors_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import remove_tensor_file
from charrnn.training.checkpoint_file import DamagedError, identity_of, read_checkpoint
from charrnn.training.trainer import Trainer

MAX_KEPT = 2
"""number of good checkpoints that are kept: the newest, and the one before in case the newest is damaged later"""


class CheckpointState(Enum):
    """What is known about a checkpoint."""

    GOOD = "good"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"
    """the file cannot be read at present"""


def note_written(trainer: Trainer, path: Path) -> None:
    """Record a checkpoint that was just written as verified; raise OSError if its metadata are not as written."""
    try:
        safetensors_file.read_metadata(path)
    except CharrnnError as error:
        raise OSError(errno.EIO, f"not written correctly: {error.message}", str(path)) from error
    if identity := identity_of(path):
        trainer.verified.add(identity)


def remove_superseded(trainer: Trainer, directory: RunDirectory, newest: Path) -> None:
    """Remove the checkpoints that a newly written and verified one supersedes (OSError).

    Of the older ones, the newest good one stays. Those of later steps are removed if they are damaged. A file whose
    state is unknown stays.
    """
    paths = directory.checkpoints()
    if newest not in paths:
        return
    index, kept = paths.index(newest), 1
    for path in reversed(paths[:index]):
        state = CheckpointState.DAMAGED if kept == MAX_KEPT else state_of(trainer, path)
        kept += state is CheckpointState.GOOD
        if state is CheckpointState.DAMAGED:
            remove_tensor_file(path)
    _remove_damaged(trainer, paths[index + 1 :])
    trainer.verified.intersection_update(map(identity_of, directory.checkpoints()))


def free_space(trainer: Trainer, directory: RunDirectory) -> None:
    """Remove all checkpoints but the newest good one and those whose state is unknown (OSError)."""
    paths, good = directory.checkpoints(), newest_good(trainer, directory)
    older = paths[: paths.index(good)] if good in paths else []
    for path in older:
        remove_tensor_file(path)
    _remove_damaged(trainer, [path for path in paths if path not in older])


def newest_good(trainer: Trainer, directory: RunDirectory) -> Path | None:
    """Return the newest checkpoint that is good; None if there is none."""
    newest_first = reversed(directory.checkpoints())
    return next((path for path in newest_first if state_of(trainer, path) is CheckpointState.GOOD), None)


def state_of(trainer: Trainer, path: Path) -> CheckpointState:
    """Return what is known about a checkpoint, which is read if it is not verified."""
    identity = identity_of(path)
    if identity is None:
        return CheckpointState.UNKNOWN
    if identity not in trainer.verified:
        try:
            read_checkpoint(path)
        except DamagedError as error:
            return CheckpointState.UNKNOWN if error.is_unreadable else CheckpointState.DAMAGED
        trainer.verified.add(identity)
    return CheckpointState.GOOD


def _remove_damaged(trainer: Trainer, paths: list[Path]) -> None:
    """Remove the damaged checkpoints among `paths` (OSError)."""
    for path in paths:
        if state_of(trainer, path) is CheckpointState.DAMAGED:
            remove_tensor_file(path)
