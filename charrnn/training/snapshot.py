"""A run as plain data, and back: arrays under names that say whose they are, and a few words.

Whoever has both goes on exactly. The files are left to `checkpoint`.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charrnn import __version__
from charrnn.errors import CharrnnError
from charrnn.network.model_file import model_metadata
from charrnn.network.tensor_file import Arrays
from charrnn.schema import from_mapping
from charrnn.training.fitting import (
    BEST_PREFIX,
    MOMENTS,
    RAW_PREFIX,
    expected_arrays,
    refuse_impossible,
    validate_state,
)
from charrnn.training.run import PERIODS, BestWeights, Trainer
from charrnn.training.run_record import RunRecord


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
