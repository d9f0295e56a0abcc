"""Checkpoints: a run in one file, written atomically, with everything that an exact continuation needs."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charrnn._version import __version__
from charrnn.config import TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.network import model_file
from charrnn.network.model_file import model_metadata
from charrnn.storage import safetensors_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import Arrays, check_replaceable
from charrnn.storage.schema import from_mapping
from charrnn.text.corpus import Corpus
from charrnn.training.checkpoint_file import (
    BEST_PREFIX,
    MOMENTS,
    RAW_PREFIX,
    DamagedError,
    RunRecord,
    Saved,
    describe,
    expected_arrays,
    read,
    refuse_impossible,
    validate_state,
)
from charrnn.training.checkpoint_retention import note_written, remove_superseded
from charrnn.training.early_stopping import should_stop
from charrnn.training.evaluation import FinalLosses
from charrnn.training.trainer import PERIODS, BestWeights, Trainer

# A run as arrays and metadata, and back


def environment(trainer: Trainer) -> dict[str, Any]:
    """Say what the exactness of going on depends on beside the file."""
    versions = {"charrnn": __version__, "torch": torch.__version__}
    return {**versions, "threads": torch.get_num_threads(), "device": trainer.device.type}


def state_arrays(trainer: Trainer) -> Arrays:
    """Lay out everything that is made of numbers, under names that say whose they are (DivergedError)."""
    trainer.sync()
    sums = {"since_report": trainer.report_sums, "since_evaluation": trainer.train_sums}
    arrays: dict[str, NDArray[Any]] = {**trainer.ema_weights(), **sums}
    arrays |= {f"{RAW_PREFIX}{name}": weight for name, weight in trainer.raw_weights().items()}
    if trainer.step:
        arrays |= {name: moment.cpu().numpy() for name, moment in _moments(trainer).items()}
    arrays |= {f"state.{number}": part.float().cpu().numpy() for number, part in enumerate(trainer.state)}
    if trainer.best is not None:
        arrays |= {f"{BEST_PREFIX}{name}": weight for name, weight in trainer.best.weights.items()}
    return arrays


def state_metadata(trainer: Trainer) -> dict[str, str]:
    """Lay out everything that is not an array."""
    names = ("step", "nats", "train_nats", "characters")
    best = None if trainer.best is None else {name: getattr(trainer.best, name) for name in names}
    words = {
        "step": trainer.step,
        "from": trainer.init_from,
        "seconds": trainer.seconds,
        "step_seconds": trainer.step_seconds,
        "concluded": trainer.final_evaluated,
        "plan": dataclasses.asdict(trainer.plan),
        "parts": trainer.periods_done,
        "sound_parts": trainer.last_good_period,
        "previewed_at": trainer.last_preview_step,
        "evaluation_characters": trainer.eval_chars,
        "best": best,
        "training": dataclasses.asdict(trainer.training),
        "fingerprint": dict(trainer.corpus.fingerprint),
        "machine": environment(trainer),
    }
    return model_metadata(trainer.model({})) | {"kind": "checkpoint", "run": json.dumps(words)}


def load_state(trainer: Trainer, arrays: Arrays, words: Mapping[str, Any]) -> None:
    """Put a run of the same configuration where another one was.

    Raise CharrnnError where it does not fit; nothing is changed then.
    """
    record = from_mapping(RunRecord, words, "run", strict=False)
    network = trainer.network.config
    expected = expected_arrays(network, trainer.network.vocabulary_size, record, arrays)
    if record.training.batch != trainer.training.batch:
        raise CharrnnError(f"it is of {record.training.batch} streams, not {trainer.training.batch}")
    validate_state(expected, arrays)
    refuse_impossible(expected, arrays, record)
    names = list(trainer.ema_network.state_dict())
    averages = _with_prefix(arrays, "", names)
    # Runs begun before weights were averaged have one kind only: the means begin with it.
    learning = _with_prefix(arrays, RAW_PREFIX, names) if f"{RAW_PREFIX}{names[0]}" in expected else averages
    for weights_of, weights in ((trainer.ema_network, averages), (trainer.network, learning)):
        weights_of.load_weights(weights)
    _restore_record(trainer, record)
    if trainer.step:
        for name, moment in _moments(trainer).items():
            moment.copy_(torch.from_numpy(arrays[name]))
    for count in trainer.optimizer.counts.values():
        count.fill_(trainer.step)
    trainer.state = tuple(
        torch.from_numpy(arrays[f"state.{n}"].copy()).to(trainer.device) for n in range(len(trainer.state))
    )
    trainer.report_sums = arrays["since_report"].copy()
    if "since_evaluation" in expected:
        trainer.train_sums = arrays["since_evaluation"].copy()
    if record.best is not None:
        best = record.best
        trainer.best = BestWeights(**dataclasses.asdict(best), weights=_with_prefix(arrays, BEST_PREFIX, names))
    _restore_laws(trainer)


def _restore_record(trainer: Trainer, record: RunRecord) -> None:
    """Take over everything that is not an array."""
    trainer.step, trainer.seconds, trainer.plan = record.step, record.seconds, record.plan
    trainer.last_preview_step, trainer.final_evaluated = record.previewed_at, record.concluded
    trainer.step_seconds = record.step_seconds
    trainer.init_from = record.from_
    trainer.periods_done, trainer.eval_chars = dataclasses.asdict(record.parts), record.evaluation_characters
    # Runs begun before there was patience know nothing of it: it begins here.
    trainer.last_good_period = (
        trainer.periods_done["evaluation"] if record.sound_parts is None else record.sound_parts
    )


def _restore_laws(trainer: Trainer) -> None:
    """Make up for what the rest of a training takes for granted: what was never done counts as still to do."""
    if trainer.best is None:
        # Patience needs a best evaluation, and the end of a training needs its weights.
        trainer.periods_done["evaluation"] = min(trainer.periods_done["evaluation"], PERIODS["evaluation"] - 1)
        trainer.last_good_period = trainer.periods_done["evaluation"]
    if trainer.is_due("report") and not trainer.report_sums[0]:
        # A report is a mean over steps.
        trainer.mark_done("report")


def _moments(trainer: Trainer) -> dict[str, Tensor]:
    """Name the optimiser's running means, as torch does."""
    moments = zip(MOMENTS, (trainer.optimizer.first_moments, trainer.optimizer.second_moments), strict=True)
    return {f"optimiser.{moment}.{name}": mean for moment, means in moments for name, mean in means.items()}


def _with_prefix(arrays: Arrays, prefix: str, names: Iterable[str]) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of these names under a prefix, without it."""
    return {name: arrays[f"{prefix}{name}"] for name in names}


# Saving and loading

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
    safetensors_file.write_tensors(path, arrays, state_metadata(trainer))
    note_written(trainer, path)
    remove_superseded(trainer, directory, path)
    return path


def size_bytes(trainer: Trainer) -> int:
    """Say how many bytes a checkpoint takes."""
    return sum(array.nbytes for array in state_arrays(trainer).values())


def _check_finite(trainer: Trainer, arrays: safetensors_file.Arrays) -> None:
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
