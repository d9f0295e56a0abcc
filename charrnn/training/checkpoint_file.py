"""Checkpoint files: read and validated as far as that is possible without the run that they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.network import model_file, tensor_file
from charrnn.network.tensor_file import Arrays, OpenTensorFile, UnreadableError
from charrnn.schema import from_mapping, parse_json
from charrnn.storage import is_regular
from charrnn.training.fitting import Kind, expected_arrays, refuse_impossible, validate_state
from charrnn.training.run_record import RunRecord

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
        with tensor_file.open_tensors(path) as file:
            return _described(path, file)
    except CharrnnError as error:
        raise _damaged(path, error) from error


def read(path: Path) -> Saved:
    """Read and validate a whole checkpoint (DamagedError)."""
    identity = identity_of(path)
    try:
        with tensor_file.open_tensors(path) as file:
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
