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
from charrnn.training.fitting import BEST, LEARNING, MOMENTS, expected_arrays, refuse_impossible, refuse_misfits
from charrnn.training.run import PARTS, Best, Run
from charrnn.training.run_record import RunRecord


def machine(run: Run) -> dict[str, Any]:
    """Say what the exactness of going on depends on beside the file."""
    versions = {"charrnn": __version__, "torch": torch.__version__}
    return {**versions, "threads": torch.get_num_threads(), "device": run.device.type}


def arrays_of(run: Run) -> Arrays:
    """Lay out everything that is made of numbers, under names that say whose they are (DivergedError)."""
    run.look()
    sums = {"since_report": run.since_report, "since_evaluation": run.since_evaluation}
    arrays: dict[str, NDArray[Any]] = {**run.averages(), **sums}
    arrays |= {f"{LEARNING}{name}": weight for name, weight in run.weights().items()}
    if run.step:
        arrays |= {name: moment.cpu().numpy() for name, moment in _moments(run).items()}
    arrays |= {f"state.{number}": part.float().cpu().numpy() for number, part in enumerate(run.state)}
    if run.best is not None:
        arrays |= {f"{BEST}{name}": weight for name, weight in run.best.weights.items()}
    return arrays


def metadata_of(run: Run) -> dict[str, str]:
    """Lay out everything that is not an array."""
    known = ("step", "nats", "train_nats", "characters")
    best = None if run.best is None else {name: getattr(run.best, name) for name in known}
    words = {
        "step": run.step,
        "from": run.origin,
        "seconds": run.seconds,
        "step_seconds": run.step_seconds,
        "concluded": run.concluded,
        "plan": dataclasses.asdict(run.plan),
        "parts": run.parts,
        "sound_parts": run.sound_parts,
        "previewed_at": run.previewed_at,
        "evaluation_characters": run.evaluation_characters,
        "best": best,
        "training": dataclasses.asdict(run.training),
        "fingerprint": dict(run.corpus.fingerprint),
        "machine": machine(run),
    }
    return model_metadata(run.model({})) | {"kind": "checkpoint", "run": json.dumps(words)}


def restore(run: Run, arrays: Arrays, words: Mapping[str, Any]) -> None:
    """Put a run of the same configuration where another one was.

    Raise CharrnnError where it does not fit; nothing is changed then.
    """
    record = from_mapping(RunRecord, words, "run", strict=False)
    network = run.network.config
    expected = expected_arrays(network, run.network.vocabulary_size, record, arrays)
    if record.training.batch != run.training.batch:
        raise CharrnnError(f"it is of {record.training.batch} streams, not {run.training.batch}")
    refuse_misfits(expected, arrays)
    refuse_impossible(expected, arrays, record)
    names = list(run.averaged.state_dict())
    averages = _part(arrays, "", names)
    # Runs begun before weights were averaged have one kind only: the means begin with it.
    learning = _part(arrays, LEARNING, names) if f"{LEARNING}{names[0]}" in expected else averages
    for weights_of, weights in ((run.averaged, averages), (run.network, learning)):
        weights_of.take(weights)
    _restore_record(run, record)
    if run.step:
        for name, moment in _moments(run).items():
            moment.copy_(torch.from_numpy(arrays[name]))
    for count in run.optimiser.counts.values():
        count.fill_(run.step)
    run.state = tuple(torch.from_numpy(arrays[f"state.{n}"].copy()).to(run.device) for n in range(len(run.state)))
    run.since_report = arrays["since_report"].copy()
    if "since_evaluation" in expected:
        run.since_evaluation = arrays["since_evaluation"].copy()
    if record.best is not None:
        best = record.best
        run.best = Best(**dataclasses.asdict(best), weights=_part(arrays, BEST, names))
    _restore_laws(run)


def _restore_record(run: Run, record: RunRecord) -> None:
    """Take over everything that is not an array."""
    run.step, run.seconds, run.plan = record.step, record.seconds, record.plan
    run.previewed_at, run.concluded = record.previewed_at, record.concluded
    run.step_seconds = record.step_seconds
    run.origin = record.from_
    run.parts, run.evaluation_characters = dataclasses.asdict(record.parts), record.evaluation_characters
    # Runs begun before there was patience know nothing of it: it begins here.
    run.sound_parts = run.parts["evaluation"] if record.sound_parts is None else record.sound_parts


def _restore_laws(run: Run) -> None:
    """Make up for what the rest of a training takes for granted: what was never done counts as still to do."""
    if run.best is None:
        # Patience needs a best evaluation, and the end of a training needs its weights.
        run.parts["evaluation"] = min(run.parts["evaluation"], PARTS["evaluation"] - 1)
        run.sound_parts = run.parts["evaluation"]
    if run.part_is_due("report") and not run.since_report[0]:
        # A report is a mean over steps.
        run.take_part("report")


def _moments(run: Run) -> dict[str, Tensor]:
    """Name the optimiser's running means, as torch does."""
    kept = zip(MOMENTS, (run.optimiser.first_moments, run.optimiser.second_moments), strict=True)
    return {f"optimiser.{moment}.{name}": mean for moment, means in kept for name, mean in means.items()}


def _part(arrays: Arrays, prefix: str, names: Iterable[str]) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of these names under a prefix, without it."""
    return {name: arrays[f"{prefix}{name}"] for name in names}
