"""Checkpoints: a run in one file, written whole, with everything needed to go on exactly.

When one is written, and what is done if that fails, is left to `saving`.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.config import TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.network import model_file, tensor_file
from charrnn.network.tensor_signature import check_replaceable
from charrnn.runs import RunDirectory
from charrnn.text.corpus import Corpus
from charrnn.training.checkpoint_file import DamagedError, Saved, describe, read
from charrnn.training.evaluation import FinalLosses
from charrnn.training.patience import should_stop
from charrnn.training.run import BestWeights, Trainer
from charrnn.training.snapshot import load_state, state_arrays, state_metadata
from charrnn.training.superseded import note_written, remove_superseded

FEWEST_CHARACTERS = 2
"""of text that is learned or held out: one predicts the other"""


def save_best_model(trainer: Trainer, directory: RunDirectory, *, losses: FinalLosses | None = None) -> None:
    """Write the best averaged weights, or those of now if none were evaluated yet, as the run's model.

    `losses`: the losses at the end, where those are known; otherwise the sample's stands in the file. Raise
    OSError, or DivergedError where a weight is no number.
    """
    best = trainer.best or BestWeights(
        step=trainer.step, nats=math.nan, train_nats=math.nan, characters=0, weights=trainer.ema_weights()
    )
    _check_finite(trainer, best.weights)
    carried = losses.carried if losses else best
    story = {
        "corpus": trainer.corpus.name,
        **({"from": trainer.init_from} if trainer.init_from else {}),
        "characters": trainer.corpus.characters,
        "train_characters": trainer.train_characters,
        "step": best.step,
        "steps": trainer.plan.steps,
        "epoch": round(best.step / trainer.batches.steps_per_epoch, 3),
        "val_nats": None if math.isnan(carried.nats) else carried.nats,
        **({"val_window256_nats": losses.window256.nats} if losses else {}),
        "val_characters": carried.characters,
        **({"stopped_early_at": trainer.step} if should_stop(trainer) else {}),
        "seconds": round(trainer.seconds, 1),
        "settings": dataclasses.asdict(trainer.training),
    }
    model_file.save_model(directory.model, dataclasses.replace(trainer.model(best.weights), training=story))


def save_checkpoint(trainer: Trainer, directory: RunDirectory) -> Path:
    """Write a checkpoint, wholly or not at all, and remove those that are superseded (OSError, DivergedError)."""
    path, arrays = directory.checkpoint(trainer.step), state_arrays(trainer)
    _check_finite(trainer, arrays)
    check_replaceable(path)
    tensor_file.write_tensors(path, arrays, state_metadata(trainer))
    note_written(trainer, path)
    remove_superseded(trainer, directory, path)
    return path


def size_bytes(trainer: Trainer) -> int:
    """Say how many bytes a checkpoint takes."""
    return sum(array.nbytes for array in state_arrays(trainer).values())


def _check_finite(trainer: Trainer, arrays: tensor_file.Arrays) -> None:
    """See that every number is one (DivergedError): what is saved can always be gone on from."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise trainer.divergence_error(name, trainer.step)


def load_checkpoint(trainer: Trainer, path: Path) -> None:
    """Put a run of the same configuration where a checkpoint was made.

    Raise DamagedError if the file is damaged or does not fit the run.
    """
    restore_from(trainer, read(path), path)


def restore_from(trainer: Trainer, saved: Saved, path: Path) -> None:
    """Put a run of the same configuration where a checkpoint was made (DamagedError: it does not fit)."""
    try:
        load_state(trainer, saved.arrays, saved.about.words)
    except CharrnnError as error:
        raise DamagedError(f"{path} does not fit this run: {error.message}", hint="`--new` starts over") from error
    if saved.identity:
        trainer.verified.add(saved.identity)


def read_metadata(path: Path) -> dict[str, Any]:
    """Read what a checkpoint says of its run, without its arrays (DamagedError)."""
    return describe(path).plain()


def refuse_unfit_text(path: Path, text: Corpus, training: TrainingConfig) -> None:
    """Check that a checkpoint's share of held-out text leaves something to learn and to measure (DamagedError)."""
    learned = text.split_position(training.val_fraction)
    if min(learned, text.characters - learned) < FEWEST_CHARACTERS:
        raise DamagedError(f"{path} is not a valid checkpoint: val_fraction is {training.val_fraction:g}")
