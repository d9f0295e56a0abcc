"""Headers of safetensors files, parsed without trust: metadata, and type, shape and offsets of each array.

An invalid header is rejected before memory is allocated for its content.
"""

import hashlib
import json
import math
import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.errors import CharrnnError
from charrnn.storage.half_precision import BFLOAT16, HALF_DTYPES

FORMAT = "charrnn/1"
MAX_HEADER_BYTES = 8_000_000
"""bytes of a header; the largest vocabulary takes less than two thirds of them"""
MAX_STRUCTURE = 100_000
"""quotes, and bytes outside of strings, in a header; enough for a thousand arrays, too few to take much memory"""
MAX_DIMENSIONS = 8
"""dimensions of an array"""
MAX_DIMENSION = 2**48
"""length of a dimension, and offset in bytes"""
MAX_EMPTY_PRODUCT = 2**31
"""product of the dimensions other than 0 of an empty array"""

METADATA_CHECKSUM, LAYOUT_CHECKSUM = "words_sha256", "layout_sha256"
"""metadata fields with the checksums of the metadata and of the layout"""

DTYPES = {
    "BOOL": np.dtype(np.bool_),
    **{f"{kind}{bits}": np.dtype(f"{kind.lower()}{bits // 8}") for kind in "IU" for bits in (8, 16, 32, 64)},
    **{f"F{bits}": np.dtype(f"f{bits // 8}") for bits in (16, 32, 64)},
    "BF16": BFLOAT16,
}
"""NumPy types by their names in the format; the format is little-endian"""

_STRING = re.compile(rb'"[^"]*"?')


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """Type, shape and offsets of an array in the data of a file."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    """in bytes from the beginning of the data"""
    stop: int
    """in bytes from the beginning of the data"""


@dataclass(frozen=True, kw_only=True)
class Header:
    """A valid header."""

    metadata: Mapping[str, str]
    """metadata fields, with the checksum of the arrays"""
    tensors: Mapping[str, TensorInfo]
    """arrays by name; they follow each other without gaps"""

    @property
    def data_bytes(self) -> int:
        """Size of the data."""
        return max((tensor.stop for tensor in self.tensors.values()), default=0)

    @property
    def memory_bytes(self) -> int:
        """Memory for the data and for float32 copies of the arrays in half precision."""
        half = (tensor.stop - tensor.start for tensor in self.tensors.values() if tensor.dtype in HALF_DTYPES)
        return self.data_bytes + 2 * sum(half)


def with_checksums(fields: Mapping[str, str], layout: Mapping[str, Any]) -> dict[str, str]:
    """Return metadata with the name of the format and the checksums of the layout and of the metadata."""
    metadata = {**fields, "format": FORMAT, LAYOUT_CHECKSUM: _checksum(layout)}
    return metadata | {METADATA_CHECKSUM: _checksum(metadata)}


def parse_header(path: Path, content: bytearray) -> Header:
    """Return the header in some JSON; raise CharrnnError, with the name of the file, if it is not valid."""
    layout = _layout(path, content)
    metadata = _check_metadata(path, layout.pop("__metadata__", {}))
    checksum = _checksum(layout)
    if metadata.get(LAYOUT_CHECKSUM, checksum) != checksum:
        raise CharrnnError(f"{path} is damaged: checksum mismatch")
    try:
        tensors = {name: _parse_tensor(name, entry) for name, entry in layout.items()}
        _check_contiguous(tensors)
    except ValueError as error:
        raise CharrnnError(f"{path} is not a valid model file: {error}") from error
    return Header(metadata=metadata, tensors=tensors)


def parse_foreign_header(path: Path, content: bytearray) -> Header:
    """Return the header of a safetensors file by another program, without its metadata (CharrnnError)."""
    layout = _layout(path, content, foreign=True)
    metadata = layout.pop("__metadata__", {})
    if isinstance(metadata, dict) and str(metadata.get("format", "")).startswith("charrnn/"):
        raise CharrnnError(f"{path} is a charrnn model already", hint="all commands read it as it is")
    try:
        tensors = {name: _parse_tensor(name, entry) for name, entry in layout.items()}
        _check_contiguous(tensors)
    except ValueError as error:
        raise CharrnnError(f"{path} is not a valid safetensors file: {error}") from error
    return Header(metadata={}, tensors=tensors)


def _layout(path: Path, content: bytearray, *, foreign: bool = False) -> dict[str, Any]:
    """Return the parsed JSON object of a header, after checking that it has few values (CharrnnError)."""
    if not (foreign or content.isascii()) or _structure(content) > MAX_STRUCTURE:
        raise CharrnnError(f"{path} is not a valid model file: its header is not one that charrnn writes")
    try:
        layout = json.loads(content, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise CharrnnError(f"{path} is not a valid model file: its header is not JSON") from error
    if not isinstance(layout, dict):
        raise CharrnnError(f"{path} is not a valid model file: its header is not a JSON object")
    return layout


def _structure(content: bytearray) -> int:
    """Return the number of quotes and of bytes outside of strings; each JSON value takes at least one of them."""
    unescaped = content.replace(rb"\\", b"").replace(rb"\"", b"")
    quotes = unescaped.count(b'"')
    return quotes + (len(_STRING.sub(b"", unescaped)) if quotes <= MAX_STRUCTURE else 0)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; raise ValueError for a repeated name, which programs read in different ways."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name is given twice")
    return values


def _check_metadata(path: Path, value: Any) -> Mapping[str, str]:
    """Return metadata; raise CharrnnError if another program wrote them, or for another version or checksum."""
    are_strings = isinstance(value, dict) and all(type(entry) is str for entry in value.values())
    metadata: dict[str, str] = value if are_strings else {}
    kind, _, version = metadata.get("format", "").partition("/")
    if kind != "charrnn":
        raise CharrnnError(f"{path} is not a charrnn model (no charrnn metadata)")
    if f"{kind}/{version}" != FORMAT:
        raise CharrnnError(
            f"{path} was written by another version of charrnn (format {version[:20]!r}); this one reads {FORMAT}",
            hint="read it with that version, or with a newer one",
        )
    checked = {name: value for name, value in metadata.items() if name != METADATA_CHECKSUM}
    if metadata.get(METADATA_CHECKSUM) != _checksum(checked):
        raise CharrnnError(f"{path} is damaged: checksum mismatch")
    return metadata


def _parse_tensor(name: str, entry: Any) -> TensorInfo:
    """Return the description of an array; raise ValueError if it is not valid or its size is wrong."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{_shown(name)} is not described as an array")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"{_shown(name)} has a type that charrnn does not read")
    if not _are_sizes(shape) or len(shape) > MAX_DIMENSIONS or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{_shown(name)} has an impossible shape or offsets")
    start, stop = offsets
    size = math.prod(shape) * DTYPES[dtype].itemsize
    if not size and math.prod(length or 1 for length in shape) > MAX_EMPTY_PRODUCT:
        # An empty array takes no bytes, whatever its other dimensions are.
        raise ValueError(f"{_shown(name)} has an impossible shape or offsets")
    if stop - start != size:
        raise ValueError(f"{_shown(name)} takes {size:,} bytes, but its offsets have {stop - start:,}")
    return TensorInfo(dtype=DTYPES[dtype], shape=tuple(shape), start=start, stop=stop)


def _are_sizes(values: Any) -> bool:
    """Return whether a value is a list of sizes."""
    return isinstance(values, list) and all(type(value) is int and 0 <= value < MAX_DIMENSION for value in values)


def _check_contiguous(tensors: Mapping[str, TensorInfo]) -> None:
    """Raise ValueError if arrays overlap or there are gaps between them."""
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].stop)):
        if tensor.start != end:
            raise ValueError(f"{_shown(name)} overlaps another array, or there is a gap before it")
        end = tensor.stop


def _shown(name: str) -> str:
    """Return an untrusted name on one line, shortened."""
    return reprlib.repr(name)


def _checksum(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of plain values as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
