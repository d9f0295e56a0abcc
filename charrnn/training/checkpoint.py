"""Checkpoints: a run in one file, written whole, with everything needed to go on exactly.

When one is written, and what is done if that fails, is left to `saving`.
"""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.config import TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.network import model_file, tensor_file
from charrnn.network.tensor_signature import check_replaceable, remove_tensor_file
from charrnn.runs import RunDirectory
from charrnn.training.evaluation import Measured
from charrnn.training.patience import overfits
from charrnn.training.run import Best, Run
from charrnn.training.snapshot import arrays_of, metadata_of, restore

KEPT = 2
"""checkpoints: the newest, and the one before in case the newest is damaged"""


class DamagedError(CharrnnError):
    """A checkpoint cannot be gone on from; the one before perhaps can."""


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
    """Write a checkpoint, wholly or not at all, and drop those that are no longer needed (OSError, DivergedError).

    What stands there of later steps was damaged, or the run would have gone on from it.
    """
    path, arrays = directory.checkpoint(run.step), arrays_of(run)
    _refuse_nonsense(run, arrays)
    check_replaceable(path)
    tensor_file.write(path, arrays, metadata_of(run))
    there = directory.checkpoints()
    here = there.index(path) + 1 if path in there else len(there)
    for old in (*there[: max(0, here - KEPT)], *there[here:]):
        remove_tensor_file(old)
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
    try:
        file = tensor_file.read(path)
        restore(run, file.arrays, json.loads(file.metadata["run"]))
    except CharrnnError as error:
        raise DamagedError(error.message) from error
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise DamagedError(f"{path} does not fit this run: {error}", hint="`--new` starts over") from error


def described(path: Path) -> dict[str, Any]:
    """Read what a checkpoint says of its run, without its arrays (DamagedError)."""
    try:
        # The network is that of the file's arrays, so building it takes no more memory than they do.
        network = model_file.describe(path).config.to_mapping()
        words = json.loads(tensor_file.read_metadata(path)["run"])
        TrainingConfig(**words["training"])
        return dict(words) | {"network": network} | {name: dict(words[name]) for name in ("fingerprint", "machine")}
    except CharrnnError as error:
        raise DamagedError(error.message) from error
    except (KeyError, ValueError, TypeError) as error:
        raise DamagedError(f"{path} is not a checkpoint of a training") from error
