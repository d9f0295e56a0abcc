"""Tensors of other programs in safetensors files, read without trust, in any precision."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, os_reason
from charrnn.storage.atomic_file import open_regular
from charrnn.storage.foreign_formats import RECOGNITION_BYTES, ForeignFormat, recognize_format
from charrnn.storage.half_precision import BFLOAT16, to_float32
from charrnn.storage.safetensors_file import OTHER_KINDS, Arrays, UnreadableError, open_tensors
from charrnn.storage.safetensors_header import TensorInfo, parse_foreign_header

MAX_NAME_CHARS = 1000
"""characters of the name of a tensor"""


class ForeignFormatError(CharrnnError):
    """A file in a format of another program, which has to be converted first."""

    def __init__(self, path: Path, kind: ForeignFormat) -> None:
        reason = "which charrnn never opens because that can run code" if kind.runs_code else "not a safetensors file"
        super().__init__(
            f"{path} is {kind.title}, {reason}",
            hint=f"the lines above convert it to safetensors; they need {kind.packages}",
        )
        self.script = kind.script(path)


@dataclass(frozen=True, kw_only=True)
class ForeignTensors:
    """The floating-point tensors of a file."""

    arrays: Arrays
    sha256: str
    """checksum of the file"""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor by its name."""
        return {name: array.shape for name, array in self.arrays.items()}


def read_foreign_tensors(path: Path) -> ForeignTensors:
    """Return the floating-point tensors of a safetensors file by another program (CharrnnError)."""
    _check_format(path)
    with open_tensors(path, parse=parse_foreign_header) as file:
        floats = _float_tensors(path, file.header.tensors)
        digest = hashlib.sha256(file.beginning)
        arrays = file.split(file.read_data(digest))
    return ForeignTensors(arrays={name: arrays[name] for name in floats}, sha256=digest.hexdigest())


def as_float32(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return a tensor of any floating-point type in float32; numbers that are too large become infinite."""
    with np.errstate(over="ignore"):
        return to_float32(array)


def _check_format(path: Path) -> None:
    """Raise CharrnnError if a file is not a regular file that may be a safetensors file."""
    try:
        with open_regular(path) as file:
            beginning = file.read(RECOGNITION_BYTES)
    except OSError as error:
        raise UnreadableError(f"cannot read {path}: {os_reason(error)}") from error
    if kind := recognize_format(path, beginning):
        raise ForeignFormatError(path, kind)
    if beginning[8:9] != b"{":
        raise _not_safetensors(path, beginning)


def _not_safetensors(path: Path, beginning: bytes) -> CharrnnError:
    """Return the error for a file in an unknown format, with its kind if its first bytes show it."""
    begins = beginning.lstrip().lower().startswith
    for beginnings, kind, remedy in OTHER_KINDS:
        if begins(beginnings):
            return CharrnnError(f"{path} is {kind}, not a model", hint=remedy)
    return CharrnnError(
        f"{path} is not a safetensors file", hint="`charrnn import model.pt` shows how to convert other files"
    )


def _float_tensors(path: Path, tensors: Mapping[str, TensorInfo]) -> list[str]:
    """Return the names of the floating-point tensors (CharrnnError if there are none)."""
    names = [name for name, info in tensors.items() if info.dtype.kind == "f" or info.dtype == BFLOAT16]
    if not names:
        raise CharrnnError(f"{path} has no floating-point tensors")
    if max(map(len, names)) > MAX_NAME_CHARS:
        raise CharrnnError(f"{path} has a tensor whose name is longer than {MAX_NAME_CHARS:,} characters")
    return sorted(names)
