"""Whether the arrays of a checkpoint are those of the run that it describes: names, types, shapes and values.

An optimizer that is given an array of another shape writes where it should not.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.network.model_file import weight_shapes
from charrnn.network.tensor_file import Arrays
from charrnn.training.run_record import RunRecord

RAW_PREFIX, BEST_PREFIX = "learning.", "best."
"""before the names of weights; those without are the averaged ones, so that a checkpoint is a model too"""
MOMENTS = ("exp_avg", "exp_avg_sq")
"""AdamW's running means of the gradient and of its square"""
SUMS = {"since_report": 3, "since_evaluation": 2}
"""arrays of sums over the steps since an event, the number of steps first, and their lengths"""
ADDED_LATER = ("since_evaluation",)
"""arrays that checkpoints of earlier versions lack"""


SLACK = 0.001
"""what rounding may leave below zero of a loss that is zero"""


class Kind(NamedTuple):
    """The type and shape that an array must have."""

    dtype: DTypeLike
    shape: tuple[int, ...]


class Described(Protocol):
    """An array, or the place of an array in a file."""

    @property
    def dtype(self) -> "np.dtype[np.generic]":
        """Return the type of the numbers."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape."""


def expected_arrays(
    network: NetworkConfig, vocabulary_size: int, record: RunRecord, names: Iterable[str]
) -> dict[str, Kind]:
    """Return the arrays that a checkpoint must have; `names` are those that it has.

    Checkpoints of earlier versions have no separate learning weights, and lack the arrays that were added later.
    """
    there = set(names)
    kinds = {name: Kind(np.float32, shape) for name, shape in weight_shapes(network, vocabulary_size).items()}
    prefixes = [RAW_PREFIX] if any(name.startswith(RAW_PREFIX) for name in there) else []
    prefixes += [f"optimiser.{moment}." for moment in MOMENTS] if record.step else []
    prefixes += [BEST_PREFIX] if record.best is not None else []
    copies = {f"{prefix}{name}": kind for prefix in prefixes for name, kind in kinds.items()}
    state = Kind(np.float32, (network.layers, record.training.batch, network.hidden))
    states = {f"state.{number}": state for number in range(2 if network.cell == "lstm" else 1)}
    sums = {name: Kind(np.float64, (length,)) for name, length in SUMS.items()}
    known = {name: kind for name, kind in sums.items() if name in there or name not in ADDED_LATER}
    return kinds | copies | states | known


def validate_state(expected: Mapping[str, Kind], arrays: Mapping[str, Described]) -> None:
    """Check that all expected arrays are there, with their types and shapes (CharrnnError)."""
    for name, kind in expected.items():
        array = arrays.get(name)
        if array is None:
            raise CharrnnError(f"it has no {name}")
        if array.shape != kind.shape or array.dtype != kind.dtype:
            dtype = np.dtype(kind.dtype)
            raise CharrnnError(f"{name} is {array.dtype} {array.shape}, not {dtype} {kind.shape}")


def refuse_impossible(expected: Iterable[str], arrays: Arrays, record: RunRecord) -> None:
    """Check that all expected arrays have values that a training can come to (CharrnnError)."""
    for name in expected:
        array = arrays[name]
        if not np.isfinite(array).all():
            raise CharrnnError(f"{name} contains NaN or infinity")
        if name.startswith(f"optimiser.{MOMENTS[1]}.") and array.size and array.min() < 0:
            raise CharrnnError(f"{name}, a mean of squares, contains negative numbers")
        if name in SUMS:
            for message in _laws_broken(array.tolist(), record.step):
                raise CharrnnError(f"{name} {message}")


def _laws_broken(sums: list[float], step: int) -> Iterator[str]:
    """Yield what is wrong with sums over steps, the number of steps first."""
    steps, *others = sums
    if not 0 <= steps <= step or not steps.is_integer():
        yield f"is of {steps:g} steps, of {step:,} that were made"
    if min(others) < -SLACK * max(steps, 1):
        yield "contains negative sums"
    if not steps and any(others):
        yield "has sums of no steps"
