"""Checkpoints: a run in one file, written whole, with everything needed to go on exactly.

Wraps the events of a run and saves as they pass. When to stop is left to others: the last save comes at their end.
"""

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from charrnn.errors import CharrnnError, reason
from charrnn.network import model_file, tensor_file
from charrnn.runs import RunDirectory
from charrnn.training.evaluation import Measured
from charrnn.training.events import Evaluation, Event, Step, Trouble
from charrnn.training.patience import overfits
from charrnn.training.run import Best, Run
from charrnn.training.snapshot import arrays_of, metadata_of, restore

KEPT = 2
"""checkpoints: the newest, and the one before in case the newest is damaged"""


class DamagedError(CharrnnError):
    """A checkpoint cannot be gone on from; the one before perhaps can."""


def kept(
    events: Iterator[Event],
    run: Run,
    directory: RunDirectory,
    *,
    every_seconds: float = 60.0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """Pass events through and save: the model whenever it is the best, a checkpoint now and then and at the end.

    A save that fails on the way is told as Trouble, and training goes on; at the end it raises CharrnnError.
    """
    saved_at, model_is_old = clock(), run.best is None
    for event in events:
        yield event
        improved = isinstance(event, Evaluation) and event.improved
        model_is_old = model_is_old or improved
        due = isinstance(event, Step) and clock() - saved_at >= every_seconds
        try:
            if improved or (due and model_is_old):
                save_model(run, directory)
                model_is_old = False
            if due:
                save(run, directory)
                saved_at = clock()
        except OSError as error:
            saved_at = clock()
            yield Trouble(step=run.step, message=f"could not save step {run.step:,}: {reason(error)}; will try again")
    save_all(run, directory, model=model_is_old)


def save_all(run: Run, directory: RunDirectory, *, model: bool) -> None:
    """Write a checkpoint, and the model too if what stands there is not the best (CharrnnError)."""
    try:
        save(run, directory)
        if model:
            save_model(run, directory)
    except OSError as error:
        raise CharrnnError(f"cannot save in {directory.path}: {reason(error)}") from error


def save_model(run: Run, directory: RunDirectory, *, measured: Measured | None = None) -> None:
    """Write the best weights, or those of now if none were evaluated yet, as the run's model (OSError).

    `measured`: the losses at the end, where those are known; otherwise the sample's stands in the file.
    """
    best = run.best or Best(step=run.step, nats=math.nan, train_nats=math.nan, characters=0, weights=run.weights())
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
    """Write a checkpoint, wholly or not at all, and drop those that are no longer needed (OSError)."""
    path = directory.checkpoint(run.step)
    tensor_file.write(path, arrays_of(run), metadata_of(run))
    for old in directory.checkpoints()[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


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
        metadata = tensor_file.read_metadata(path)
        return dict(json.loads(metadata["run"])) | {"network": json.loads(metadata["config"])}
    except CharrnnError as error:
        raise DamagedError(error.message) from error
    except (KeyError, ValueError, TypeError) as error:
        raise DamagedError(f"{path} is not a checkpoint of a training") from error
