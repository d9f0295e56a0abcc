"""Checkpoints: a run in one safetensors file, with all that resumption needs, and the retention of checkpoints.

The newest checkpoint that is known to be good stays until another one is written and verified. A checkpoint is
known to be good if this process wrote it or resumed from it, and the file has not changed since. Any other
checkpoint is read completely, but only if the removal of a file depends on its state.
"""

import dataclasses
import errno
import json
import math
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charrnn.config import TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.network import model_file
from charrnn.network.model_file import model_metadata
from charrnn.storage import safetensors_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import Arrays, check_replaceable, remove_tensor_file
from charrnn.storage.schema import from_mapping
from charrnn.text.corpus import Corpus
from charrnn.text.split import FILES
from charrnn.training.checkpoint_file import (
    MOMENTS,
    RAW_PREFIX,
    CheckpointContent,
    DamagedError,
    RunRecord,
    expected_arrays,
    identity_of,
    read_checkpoint,
    validate_arrays,
    validate_values,
)
from charrnn.training.device import environment
from charrnn.training.early_stopping import should_stop
from charrnn.training.evaluation import FinalLosses
from charrnn.training.progress import BestWeights, Bookkeeping, RunProgress
from charrnn.training.train_options import PARTIAL_SPLIT_SETTINGS
from charrnn.training.trainer import Trainer

# The state of a run as arrays and metadata


def state_arrays(trainer: Trainer) -> Arrays:
    """Return all arrays of a run by their names in a checkpoint (DivergedError)."""
    trainer.sync()
    arrays: dict[str, NDArray[Any]] = {**trainer.ema_weights(), **trainer.bookkeeping.to_arrays()}
    arrays |= {f"{RAW_PREFIX}{name}": weight for name, weight in trainer.raw_weights().items()}
    if trainer.step:
        arrays |= {name: moment.cpu().numpy() for name, moment in _moments(trainer).items()}
    return arrays | {f"state.{number}": part.float().cpu().numpy() for number, part in enumerate(trainer.full_state)}


def state_metadata(trainer: Trainer) -> dict[str, str]:
    """Return everything of a run that is not an array, as the metadata of a checkpoint."""
    record = {
        **trainer.progress.to_dict(),
        **trainer.bookkeeping.to_dict(),
        "from": trainer.init_from,
        "training": dataclasses.asdict(trainer.training),
        "fingerprint": dict(trainer.corpus.fingerprint),
        "machine": environment(trainer.device, trainer.group.world),
        **({"launch": run_id} if (run_id := trainer.group.world.run_id) else {}),
    }
    return model_metadata(trainer.model({})) | {"kind": "checkpoint", "run": json.dumps(record)}


def load_state(trainer: Trainer, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
    """Restore a run of the same configuration from the arrays and the record of a checkpoint.

    Raise CharrnnError if they do not fit the run, which is not changed then.
    """
    record = from_mapping(RunRecord, metadata, "run", strict=False)
    network = trainer.network.config
    expected = expected_arrays(network, trainer.network.vocabulary_size, record, arrays)
    if record.training.batch != trainer.training.batch:
        raise CharrnnError(f"it is of {record.training.batch} streams, not {trainer.training.batch}")
    validate_arrays(expected, arrays)
    validate_values(expected, arrays, record)
    names = list(trainer.ema_network.state_dict())
    ema_weights = _with_prefix(arrays, "", names)
    # Earlier versions had no weight averaging: for their runs the average starts at the weights.
    raw_weights = _with_prefix(arrays, RAW_PREFIX, names) if f"{RAW_PREFIX}{names[0]}" in expected else ema_weights
    trainer.ema_network.load_weights(ema_weights)
    trainer.network.load_weights(raw_weights)
    dtype = trainer.network.output.weight.dtype
    state = [
        torch.from_numpy(arrays[f"state.{n}"].copy()).to(trainer.device, dtype) for n in range(len(trainer.state))
    ]
    trainer.restore(
        RunProgress.from_record(record),
        Bookkeeping.from_record(record, arrays, names),
        tuple(state),
        init_from=record.from_,
    )
    if trainer.step:
        for name, moment in _moments(trainer).items():
            moment.copy_(torch.from_numpy(arrays[name]))
    for count in trainer.optimizer.counts.values():
        count.fill_(trainer.step)


def _moments(trainer: Trainer) -> dict[str, Tensor]:
    """Return the moments of the optimizer by their names in a checkpoint, which are torch's."""
    moments = zip(MOMENTS, (trainer.optimizer.first_moments, trainer.optimizer.second_moments), strict=True)
    return {f"optimiser.{moment}.{name}": mean for moment, means in moments for name, mean in means.items()}


def _with_prefix(arrays: Arrays, prefix: str, names: Iterable[str]) -> dict[str, NDArray[np.float32]]:
    """Return the arrays whose names are a prefix and one of `names`, without the prefix."""
    return {name: arrays[f"{prefix}{name}"] for name in names}


# Saving and loading

MIN_CHARACTERS = 2
"""minimum number of characters of training text and of held-out text: one character predicts the next"""


def save_best_model(trainer: Trainer, directory: RunDirectory, *, losses: FinalLosses | None = None) -> None:
    """Write the best EMA weights, or the current ones before the first evaluation, as the run's model.

    `losses` are the final losses; without them the file records the loss of the best evaluation. Raise OSError, or
    DivergedError if a weight is not finite.
    """
    best = trainer.best or BestWeights(
        step=trainer.step, nats=math.nan, train_nats=math.nan, characters=0, weights=trainer.ema_weights()
    )
    _check_finite(trainer, best.weights)
    carried = losses.carried if losses else best
    training = {
        "corpus": trainer.corpus.name,
        **({"from": trainer.init_from} if trainer.init_from else {}),
        **({"normalization": trainer.corpus.normalization} if trainer.corpus.normalization else {}),
        "characters": trainer.corpus.characters,
        "train_characters": trainer.train_characters,
        "held_out": trainer.held_out_label,
        "step": best.step,
        "steps": trainer.plan.steps,
        "epoch": round(best.step / trainer.batches.steps_per_epoch, 3),
        "val_nats": None if math.isnan(carried.nats) else carried.nats,
        **({"val_window256_nats": losses.window256.nats} if losses else {}),
        "val_characters": carried.characters,
        **({"stopped_early_at": trainer.step} if should_stop(trainer) else {}),
        "seconds": round(trainer.seconds, 1),
        "settings": _training_settings(trainer),
    }
    model_file.save_model(directory.model, dataclasses.replace(trainer.model(best.weights), training=training))


def _training_settings(trainer: Trainer) -> dict[str, Any]:
    """Return the settings of the training, without those of the split if whole files are held out."""
    split = trainer.corpus.split
    omitted = PARTIAL_SPLIT_SETTINGS if split is not None and split.kind == FILES else ()
    return {name: value for name, value in dataclasses.asdict(trainer.training).items() if name not in omitted}


def save_checkpoint(trainer: Trainer, directory: RunDirectory) -> Path:
    """Write a checkpoint atomically, remove superseded ones, and return its path (OSError, DivergedError)."""
    path, arrays = directory.checkpoint(trainer.step), state_arrays(trainer)
    _check_finite(trainer, arrays)
    check_replaceable(path)
    safetensors_file.write_tensors(path, arrays, state_metadata(trainer))
    note_written(trainer, path)
    remove_superseded(trainer, directory, path)
    return path


def size_bytes(trainer: Trainer) -> int:
    """Return the size of a checkpoint in bytes."""
    return sum(array.nbytes for array in state_arrays(trainer).values())


def _check_finite(trainer: Trainer, arrays: Arrays) -> None:
    """Raise DivergedError if an array has NaN or infinity, so that every saved run can be resumed."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise trainer.divergence_error(name, trainer.step)


def load_checkpoint(trainer: Trainer, path: Path) -> None:
    """Restore a run of the same configuration from a checkpoint.

    Raise DamagedError if the file is damaged or does not fit the run.
    """
    restore_content(trainer, read_checkpoint(path), path)


def restore_content(trainer: Trainer, saved: CheckpointContent, path: Path) -> None:
    """Restore a run of the same configuration from the content of a checkpoint (DamagedError)."""
    try:
        load_state(trainer, saved.arrays, saved.info.metadata)
    except CharrnnError as error:
        raise DamagedError(f"{path} does not fit this run: {error.message}", hint="`--new` starts over") from error
    if saved.identity:
        trainer.verified.add(saved.identity)


def check_text_split(path: Path, text: Corpus, training: TrainingConfig) -> None:
    """Raise DamagedError if a checkpoint's validation fraction leaves no training text or no held-out text."""
    train_characters = text.split_position(training.val_fraction)
    if min(train_characters, text.characters - train_characters) < MIN_CHARACTERS:
        raise DamagedError(f"{path} is not a valid checkpoint: val_fraction is {training.val_fraction:g}")


# Retention: which checkpoints are kept, and which ones are superseded or damaged and can be removed

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
    index, good_checkpoints = paths.index(newest), 1
    for path in reversed(paths[:index]):
        state = CheckpointState.DAMAGED if good_checkpoints == MAX_KEPT else state_of(trainer, path)
        good_checkpoints += state is CheckpointState.GOOD
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
