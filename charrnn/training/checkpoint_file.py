"""Checkpoint files: read, and validated as far as that is possible without the run that they belong to.

An optimizer that is given an array of another shape writes out of bounds, so names, types, shapes and values are
checked.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.network import model_file
from charrnn.network.model_file import weight_shapes
from charrnn.storage import safetensors_file
from charrnn.storage.atomic_file import is_regular
from charrnn.storage.safetensors_file import Arrays, OpenTensorFile, UnreadableError
from charrnn.storage.schema import (
    LARGEST,
    Amount,
    Count,
    Loss,
    PathText,
    Range,
    Text,
    Unknown,
    from_mapping,
    parse_json,
)
from charrnn.training.lr_schedule import Plan

# The record that a checkpoint carries beside its arrays, as a schema

Since = Annotated[int, Range(-1, LARGEST)]
"""a step or part, or -1 for none"""
Word = Annotated[str, Text(200)]


@dataclass(frozen=True, kw_only=True)
class BestRecord:
    """The best evaluation, its weights aside."""

    step: Count
    nats: Loss
    train_nats: Annotated[Loss, Unknown()] = math.nan
    """earlier versions did not record it"""
    characters: Count


@dataclass(frozen=True, kw_only=True)
class PartsRecord:
    """How many parts of the training were evaluated, shown in a preview, reported."""

    evaluation: Since
    preview: Since
    report: Since


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """Everything that a run consists of beside arrays."""

    step: Count
    from_: PathText | None = None
    """model file that the run started from"""
    seconds: Amount
    step_seconds: Amount
    concluded: bool
    plan: Plan
    parts: PartsRecord
    sound_parts: Since | None = None
    """None in checkpoints of earlier versions, which had no patience"""
    previewed_at: Since
    evaluation_characters: Count | None
    best: BestRecord | None
    training: TrainingConfig
    fingerprint: dict[str, Word | int]
    machine: dict[str, Word | int]

    def __post_init__(self) -> None:
        plan, best = self.plan, self.best
        laws = {
            "plan.from_step is after step": plan.from_step <= self.step,
            "plan.from_step is after plan.steps": plan.steps is None or plan.from_step <= plan.steps,
            "neither steps nor minutes end it": plan.steps is not None or bool(self.training.minutes),
            "best.step is after step": best is None or best.step <= self.step,
            "previewed_at is after step": self.previewed_at <= self.step,
            "it is concluded without an evaluation": best is not None or not self.concluded,
        }
        for message, holds in laws.items():
            if not holds:
                raise CharrnnError(message)


# Validation of the arrays against the record

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


class ArrayInfo(Protocol):
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


def validate_state(expected: Mapping[str, Kind], arrays: Mapping[str, ArrayInfo]) -> None:
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


# Files

MOST_VALUES = 1000
"""values that the record of a run may hold"""
LONGEST_STEP = 19
"""digits of a step in a name, not with"""

FileIdentity = tuple[str, int, int, int, int]
"""a file's name, device, inode, size and time of last change: another content has another identity"""


class DamagedError(CharrnnError):
    """A checkpoint cannot be gone on from; the one before perhaps can."""

    @property
    def says_nothing_of_the_content(self) -> bool:
        """Return whether the file could not be read at all, so that its content may be good."""
        return isinstance(self.__cause__, UnreadableError)


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a checkpoint says of its run."""

    network: NetworkConfig
    record: RunRecord
    words: Mapping[str, Any]
    """the record as plain values"""
    arrays: Mapping[str, Kind]
    """the arrays that it must have, and has"""

    def plain(self) -> dict[str, Any]:
        """Return the record and the network as plain values."""
        return {**self.words, "network": self.network.to_mapping()}


@dataclass(frozen=True, kw_only=True)
class Saved:
    """The whole content of a checkpoint."""

    about: Described
    arrays: Arrays
    identity: FileIdentity | None
    """None for a link, whose target can change"""


def describe(path: Path) -> Described:
    """Read and validate everything but the numbers in the arrays (DamagedError)."""
    try:
        with safetensors_file.open_tensors(path) as file:
            return _described(path, file)
    except CharrnnError as error:
        raise _damaged(path, error) from error


def read(path: Path) -> Saved:
    """Read and validate a whole checkpoint (DamagedError)."""
    identity = identity_of(path)
    try:
        with safetensors_file.open_tensors(path) as file:
            about = _described(path, file)
            arrays = file.arrays()
        refuse_impossible(about.arrays, arrays, about.record)
    except CharrnnError as error:
        raise _damaged(path, error) from error
    return Saved(about=about, arrays=arrays, identity=identity)


def identity_of(path: Path) -> FileIdentity | None:
    """Return what tells a regular file from a later one of the same name; None for a link or a missing file."""
    if not is_regular(path):
        return None
    try:
        status = path.lstat()
    except OSError:
        return None
    return path.name, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def step_of(path: Path) -> int | None:
    """Return the step that the name of a checkpoint says; None for another name."""
    digits = path.stem.removeprefix("checkpoint-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < LONGEST_STEP else None


def _described(path: Path, file: OpenTensorFile) -> Described:
    """Validate the record of a run, and the names, types and shapes of the arrays (CharrnnError)."""
    about = model_file.described(path, file.header)
    if "run" not in file.metadata:
        raise CharrnnError("it is not a checkpoint of a training")
    words = parse_json(file.metadata["run"], "run", dict, most=MOST_VALUES)
    record = from_mapping(RunRecord, words, "run", strict=False)
    named = step_of(path)
    if named is not None and named != record.step:
        raise CharrnnError(f"it is of step {record.step:,}, but its name is of step {named:,}")
    expected = expected_arrays(about.config, len(about.vocabulary), record, file.header.tensors)
    validate_state(expected, file.header.tensors)
    return Described(network=about.config, record=record, words=words, arrays=expected)


def _damaged(path: Path, error: CharrnnError) -> DamagedError:
    """Return the error with the file named in it."""
    named = str(path) in error.message
    return DamagedError(error.message if named else f"{path} is not a valid checkpoint: {error.message}")
