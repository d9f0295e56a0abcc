"""Whether what a file holds of a run fits the run that is to go on from it: torch itself does not look everywhere.

An optimiser given an array of another shape writes where it should not. Reading and restoring is left to others.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.network.tensor_file import Arrays
from charrnn.training.run import PARTS, Run

NUMBERS = ("step", "seconds", "step_seconds", "previewed_at", "sound_parts", "evaluation_characters")
WHOLE = ("step", "previewed_at", "sound_parts", "evaluation_characters", *PARTS)
GROUPS: dict[str, tuple[str, ...]] = {
    "plan": ("steps", "from_step", "from_progress"),
    "parts": tuple(PARTS),
    "best": ("step", "nats", "train_nats", "characters"),
}
"""mappings of numbers, and what stands in each"""
LARGEST = 1e15

LEARNING, BEST = "learning.", "best."
"""before the names of weights; those without are the averaged ones, so that a checkpoint is a model too"""


def refuse_misfits(run: Run, arrays: Arrays, words: Mapping[str, Any], *, moments: Any) -> None:
    """See that arrays and numbers are those of such a run (KeyError, ValueError, TypeError)."""
    for name in NUMBERS:
        _refuse_no_number(name, words.get(name))
    for group, names in GROUPS.items():
        values = words[group]
        if values is not None:
            for name, value in dict(values).items():
                if name not in names:
                    raise ValueError(f"{group} has an unknown {name!r:.40}")
                _refuse_no_number(name, value)
    for name, like in _expected(run, arrays, words, moments):
        array = arrays[name]
        if array.shape != like.shape or array.dtype != like.dtype:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, not {like.dtype} {like.shape}")


def _refuse_no_number(name: str, value: Any) -> None:
    if value is None:
        return
    if type(value) not in ((int,) if name in WHOLE else (int, float)) or value < -1 or value > LARGEST:
        raise ValueError(f"{name} is {value!r:.40}")


def _expected(run: Run, arrays: Arrays, words: Mapping[str, Any], moments: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Name the arrays that a file of this run has, each with one that is like it."""
    weights = run.weights()
    yield from weights.items()
    yield "since_report", run.since_report
    for number, part in enumerate(run.state):
        yield f"state.{number}", np.empty(tuple(part.shape), np.float32)
    averaged = any(name.startswith(LEARNING) for name in arrays)
    for name, weight in weights.items():
        if averaged:
            yield f"{LEARNING}{name}", weight
        if words["step"]:
            yield from ((f"optimiser.{moment}.{name}", weight) for moment in moments)
        if words["best"] is not None:
            yield f"{BEST}{name}", weight
