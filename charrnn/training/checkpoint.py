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
from charrnn.training.evaluation import Measured
from charrnn.training.patience import overfits
from charrnn.training.run import Best, Run
from charrnn.training.snapshot import arrays_of, metadata_of, restore
from charrnn.training.superseded import note_written, remove_superseded

FEWEST_CHARACTERS = 2
"""of text that is learned or held out: one predicts the other"""


def save_model(run: Run, directory: RunDirectory, *, measured: Measured | None = None) -> None:
    """Write the best averaged weights, or those of now if none were evaluated yet, as the run's model.

    `measured`: the losses at the end, where those are known; otherwise the sample's stands in the file. Raise
    OSError, or DivergedError where a weight is no number.
    """
    best = run.best or Best(step=run.step, nats=math.nan, train_nats=math.nan, characters=0, weights=run.averages())
    _refuse_nonsense(run, best.weights)
    carried = measured.carried if measured else best
    story = {
        "corpus": run.corpus.name,
        **({"from": run.origin} if run.origin else {}),
        "characters": run.corpus.characters,
        "train_characters": run.train_characters,
        "step": best.step,
        "steps": run.plan.steps,
        "epoch": round(best.step / run.windows.per_epoch, 3),
        "val_nats": None if math.isnan(carried.nats) else carried.nats,
        **({"val_window256_nats": measured.window256.nats} if measured else {}),
        "val_characters": carried.characters,
        **({"stopped_early_at": run.step} if overfits(run) else {}),
        "seconds": round(run.seconds, 1),
        "settings": dataclasses.asdict(run.training),
    }
    model_file.save(directory.model, dataclasses.replace(run.model(best.weights), training=story))


def save(run: Run, directory: RunDirectory) -> Path:
    """Write a checkpoint, wholly or not at all, and remove those that are superseded (OSError, DivergedError)."""
    path, arrays = directory.checkpoint(run.step), arrays_of(run)
    _refuse_nonsense(run, arrays)
    check_replaceable(path)
    tensor_file.write(path, arrays, metadata_of(run))
    note_written(run, path)
    remove_superseded(run, directory, path)
    return path


def size(run: Run) -> int:
    """Say how many bytes a checkpoint takes."""
    return sum(array.nbytes for array in arrays_of(run).values())


def _refuse_nonsense(run: Run, arrays: tensor_file.Arrays) -> None:
    """See that every number is one (DivergedError): what is saved can always be gone on from."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise run.diverged(name, run.step)


def load(run: Run, path: Path) -> None:
    """Put a run of the same configuration where a checkpoint was made.

    Raise DamagedError if the file is damaged or does not fit the run.
    """
    restore_from(run, read(path), path)


def restore_from(run: Run, saved: Saved, path: Path) -> None:
    """Put a run of the same configuration where a checkpoint was made (DamagedError: it does not fit)."""
    try:
        restore(run, saved.arrays, saved.about.words)
    except CharrnnError as error:
        raise DamagedError(f"{path} does not fit this run: {error.message}", hint="`--new` starts over") from error
    if saved.identity:
        run.verified.add(saved.identity)


def described(path: Path) -> dict[str, Any]:
    """Read what a checkpoint says of its run, without its arrays (DamagedError)."""
    return describe(path).plain()


def refuse_unfit_text(path: Path, text: Corpus, training: TrainingConfig) -> None:
    """Check that a checkpoint's share of held-out text leaves something to learn and to measure (DamagedError)."""
    learned = text.split(training.val_fraction)
    if min(learned, text.characters - learned) < FEWEST_CHARACTERS:
        raise DamagedError(f"{path} is not a valid checkpoint: val_fraction is {training.val_fraction:g}")
