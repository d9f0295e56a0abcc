"""A run as plain data, and back: arrays under names that say whose they are, and a few words.

Whoever has both goes on exactly. The files are left to `checkpoint`.
"""

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charrnn import __version__
from charrnn.network.model_file import model_metadata
from charrnn.network.tensor_file import Arrays
from charrnn.training.fitting import BEST, LEARNING, refuse_misfits
from charrnn.training.run import Best, Run
from charrnn.training.schedule import Plan

MOMENTS = ("exp_avg", "exp_avg_sq")
"""AdamW's running means of the gradient and of its square"""


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
    """Put a run of the same configuration where another one was (KeyError, ValueError, TypeError: none fits)."""
    refuse_misfits(run, arrays, words, moments=MOMENTS)
    averages = {name: arrays[name] for name in run.averaged.state_dict()}
    # Runs begun before weights were averaged have one kind only: the means begin with it.
    for network, weights in ((run.averaged, averages), (run.network, _part(arrays, LEARNING) or averages)):
        network.take(weights)
    run.step, run.seconds, run.plan = words["step"], words["seconds"], Plan(**words["plan"])
    run.previewed_at, run.concluded = words["previewed_at"], words["concluded"]
    run.step_seconds = words["step_seconds"]
    run.origin = words.get("from")
    run.parts, run.evaluation_characters = dict(words["parts"]), words["evaluation_characters"]
    # Runs begun before there was patience know nothing of it: it begins here.
    run.sound_parts = words.get("sound_parts", run.parts["evaluation"])
    if run.step:
        for name, moment in _moments(run).items():
            moment.copy_(torch.from_numpy(arrays[name]))
    for count in run.optimiser.counts.values():
        count.fill_(run.step)
    run.state = tuple(torch.from_numpy(arrays[f"state.{n}"].copy()).to(run.device) for n in range(len(run.state)))
    run.since_report = arrays["since_report"].copy()
    if "since_evaluation" in arrays:
        run.since_evaluation = arrays["since_evaluation"].copy()
    if words["best"] is not None:
        run.best = Best(**{"train_nats": math.nan} | words["best"], weights=_part(arrays, BEST))


def _moments(run: Run) -> dict[str, Tensor]:
    """Name the optimiser's running means, as torch does."""
    kept = zip(MOMENTS, (run.optimiser.first_moments, run.optimiser.second_moments), strict=True)
    return {f"optimiser.{moment}.{name}": mean for moment, means in kept for name, mean in means.items()}


def _part(arrays: Arrays, prefix: str) -> dict[str, NDArray[np.float32]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
