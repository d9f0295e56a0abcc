"""Checkpoint files: reading, and all validation that does not need the run.

An optimizer with an array of another shape writes out of bounds, so names, types, shapes and values are checked.
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
from charrnn.network.cells import CELLS
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

# The record in the metadata of a checkpoint, as a schema

StepOrNone = Annotated[int, Range(-1, LARGEST)]
"""a step or number of periods; -1: none"""
Word = Annotated[str, Text(200)]
"""a short string"""


@dataclass(frozen=True, kw_only=True)
class BestRecord:
    """The best evaluation, without its weights."""

    step: Count
    nats: Loss
    train_nats: Annotated[Loss, Unknown()] = math.nan
    """earlier versions did not record it"""
    characters: Count


@dataclass(frozen=True, kw_only=True)
class PartsRecord:
    """The numbers of periods that were evaluated, previewed and reported."""

    evaluation: StepOrNone
    preview: StepOrNone
    report: StepOrNone


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """Everything of a run that is not an array."""

    step: Count
    from_: PathText | None = None
    """path of the pretrained model that the run started from"""
    seconds: Amount
    step_seconds: Amount
    concluded: bool
    plan: Plan
    parts: PartsRecord
    sound_parts: StepOrNone | None = None
    """None in checkpoints of earlier versions, which had no early stopping"""
    previewed_at: StepOrNone
    evaluation_characters: Count | None
    best: BestRecord | None
    training: TrainingConfig
    fingerprint: dict[str, Word | int]
    machine: dict[str, Word | int]
    launch: Word | None = None
    """identifier of the launch by torchrun that wrote the checkpoint"""

    def __post_init__(self) -> None:
        plan, best = self.plan, self.best
        invariants = {
            "plan.from_step is after step": plan.from_step <= self.step,
            "plan.from_step is after plan.steps": plan.steps is None or plan.from_step <= plan.steps,
            "it has neither steps nor minutes": plan.steps is not None or bool(self.training.minutes),
            "best.step is after step": best is None or best.step <= self.step,
            "previewed_at is after step": self.previewed_at <= self.step,
            "it is concluded without an evaluation": best is not None or not self.concluded,
        }
        for message, holds in invariants.items():
            if not holds:
                raise CharrnnError(message)


# Validation of the arrays against the record

RAW_PREFIX, BEST_PREFIX = "learning.", "best."
"""prefixes of the names of weights; EMA weights have no prefix, so that a checkpoint is a model too"""
MOMENTS = ("exp_avg", "exp_avg_sq")
"""torch's names of the first and the second moment of AdamW"""
SUMS = {"since_report": 3, "since_evaluation": 2}
"""lengths of the arrays of sums since the last report or evaluation; the first value is the number of steps"""
ADDED_LATER = ("since_evaluation",)
"""arrays that checkpoints of earlier versions lack"""
LOSS_TOLERANCE = 0.001
"""amount by which rounding may make a mean loss negative"""


class ArraySpec(NamedTuple):
    """The type and shape that an array must have."""

    dtype: DTypeLike
    shape: tuple[int, ...]


class ArrayInfo(Protocol):
    """An array, or the description of an array in a file."""

    @property
    def dtype(self) -> "np.dtype[np.generic]":
        """Return the data type."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape."""


def expected_arrays(
    network: NetworkConfig, vocabulary_size: int, record: RunRecord, names: Iterable[str]
) -> dict[str, ArraySpec]:
    """Return the types and shapes of the arrays that a checkpoint must have; `names` are the arrays that it has.

    Checkpoints of earlier versions have no separate raw weights and lack the arrays that were added later.
    """
    present = set(names)
    weights = {name: ArraySpec(np.float32, shape) for name, shape in weight_shapes(network, vocabulary_size).items()}
    prefixes = [RAW_PREFIX] if any(name.startswith(RAW_PREFIX) for name in present) else []
    prefixes += [f"optimiser.{moment}." for moment in MOMENTS] if record.step else []
    prefixes += [BEST_PREFIX] if record.best is not None else []
    copies = {f"{prefix}{name}": spec for prefix in prefixes for name, spec in weights.items()}
    state = ArraySpec(np.float32, (network.layers, record.training.batch, network.hidden))
    states = {f"state.{number}": state for number in range(2 if CELLS[network.cell].has_cell_state else 1)}
    sums = {name: ArraySpec(np.float64, (length,)) for name, length in SUMS.items()}
    required_sums = {name: spec for name, spec in sums.items() if name in present or name not in ADDED_LATER}
    return weights | copies | states | required_sums


def validate_arrays(expected: Mapping[str, ArraySpec], arrays: Mapping[str, ArrayInfo]) -> None:
    """Raise CharrnnError unless all expected arrays exist with their types and shapes."""
    for name, spec in expected.items():
        array = arrays.get(name)
        if array is None:
            raise CharrnnError(f"it has no {name}")
        if array.shape != spec.shape or array.dtype != spec.dtype:
            dtype = np.dtype(spec.dtype)
            raise CharrnnError(f"{name} is {array.dtype} {array.shape}, not {dtype} {spec.shape}")


def validate_values(expected: Iterable[str], arrays: Arrays, record: RunRecord) -> None:
    """Raise CharrnnError if an expected array has values that no training produces."""
    for name in expected:
        array = arrays[name]
        if not np.isfinite(array).all():
            raise CharrnnError(f"{name} contains NaN or infinity")
        if name.startswith(f"optimiser.{MOMENTS[1]}.") and array.size and array.min() < 0:
            raise CharrnnError(f"{name}, a mean of squares, contains negative numbers")
        if name in SUMS:
            for message in _errors_in_sums(array.tolist(), record.step):
                raise CharrnnError(f"{name} {message}")


def _errors_in_sums(sums: list[float], step: int) -> Iterator[str]:
    """Yield the errors in an array of sums over steps, whose first value is the number of steps."""
    steps, *losses = sums
    if not 0 <= steps <= step or not steps.is_integer():
        yield f"covers {steps:g} steps of {step:,}"
    if min(losses) < -LOSS_TOLERANCE * max(steps, 1):
        yield "contains negative sums"
    if not steps and any(losses):
        yield "has sums over no steps"


# Files

MAX_RECORD_VALUES = 1000
"""maximum number of values in the record of a run"""
MAX_STEP_DIGITS = 18
"""maximum number of digits of a step in a file name"""

FileIdentity = tuple[str, int, int, int, int]
"""name, device, inode, size and modification time of a file; files with different contents differ in them"""


class DamagedError(CharrnnError):
    """A checkpoint from which a run cannot be resumed; the checkpoint before it may be good."""

    @property
    def is_unreadable(self) -> bool:
        """Return whether the file could not be read at all, so that its content may be good."""
        return isinstance(self.__cause__, UnreadableError)


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """The content of a checkpoint without its arrays."""

    network: NetworkConfig
    record: RunRecord
    metadata: Mapping[str, Any]
    """the record as plain values"""
    arrays: Mapping[str, ArraySpec]
    """types and shapes of the required arrays, all of which exist"""

    def to_dict(self) -> dict[str, Any]:
        """Return the record and the network as plain values."""
        return {**self.metadata, "network": self.network.to_mapping()}


@dataclass(frozen=True, kw_only=True)
class CheckpointContent:
    """The complete content of a checkpoint."""

    info: CheckpointInfo
    arrays: Arrays
    identity: FileIdentity | None
    """identity of the file; None for a link, whose target can change"""


def read_checkpoint_info(path: Path) -> CheckpointInfo:
    """Return the content of a checkpoint without reading its arrays (DamagedError)."""
    try:
        with safetensors_file.open_tensors(path) as file:
            return _validated_info(path, file)
    except CharrnnError as error:
        raise _damaged(path, error) from error


def read_checkpoint(path: Path) -> CheckpointContent:
    """Return the complete content of a checkpoint (DamagedError)."""
    identity = identity_of(path)
    try:
        with safetensors_file.open_tensors(path) as file:
            info = _validated_info(path, file)
            arrays = file.arrays()
        validate_values(info.arrays, arrays, info.record)
    except CharrnnError as error:
        raise _damaged(path, error) from error
    return CheckpointContent(info=info, arrays=arrays, identity=identity)


def identity_of(path: Path) -> FileIdentity | None:
    """Return the identity of a regular file; None for a link or a missing file."""
    if not is_regular(path):
        return None
    try:
        status = path.lstat()
    except OSError:
        return None
    return path.name, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def step_of(path: Path) -> int | None:
    """Return the step in the file name of a checkpoint; None for another name."""
    digits = path.stem.removeprefix("checkpoint-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= MAX_STEP_DIGITS else None


def _validated_info(path: Path, file: OpenTensorFile) -> CheckpointInfo:
    """Return the validated record of a run, with the types and shapes of its arrays (CharrnnError)."""
    info = model_file.parse_info(path, file.header)
    if "run" not in file.metadata:
        raise CharrnnError("it is not a checkpoint of a training")
    metadata = parse_json(file.metadata["run"], "run", dict, max_values=MAX_RECORD_VALUES)
    record = from_mapping(RunRecord, metadata, "run", strict=False)
    step_in_name = step_of(path)
    if step_in_name is not None and step_in_name != record.step:
        raise CharrnnError(f"it is of step {record.step:,}, but its name is of step {step_in_name:,}")
    expected = expected_arrays(info.config, len(info.vocabulary), record, file.header.tensors)
    validate_arrays(expected, file.header.tensors)
    return CheckpointInfo(network=info.config, record=record, metadata=metadata, arrays=expected)


def _damaged(path: Path, error: CharrnnError) -> DamagedError:
    """Return the error as a DamagedError whose message names the file."""
    names_file = str(path) in error.message
    return DamagedError(error.message if names_file else f"{path} is not a valid checkpoint: {error.message}")
