"""The header of a safetensors file, parsed without trust: metadata, and the place of each array.

Whatever does not fit is rejected before memory is allocated for it.
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

FORMAT = "charrnn/1"
MAX_HEADER_BYTES = 8_000_000
"""bytes; the largest vocabulary takes less than two thirds of it"""
MAX_STRUCTURE = 100_000
"""quotes and bytes between strings; enough for a thousand arrays, too few to take much memory once it is parsed"""
MAX_DIMENSIONS = 8
MAX_DIMENSION = 2**48
LARGEST_EMPTY = 2**31
"""product of the dimensions of an array without numbers, those of no length aside"""

METADATA_CHECKSUM, LAYOUT_CHECKSUM = "words_sha256", "layout_sha256"

DTYPES = {
    "BOOL": np.dtype(np.bool_),
    **{f"{kind}{bits}": np.dtype(f"{kind.lower()}{bits // 8}") for kind in "IU" for bits in (8, 16, 32, 64)},
    **{f"F{bits}": np.dtype(f"f{bits // 8}") for bits in (16, 32, 64)},
}
"""the format's names of the types that NumPy has, which are little-endian as all of the format is"""

_STRING = re.compile(rb'"[^"]*"?')


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """Where an array lies among a file's data."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    """in bytes from where the data begins"""
    stop: int


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says of itself, its parts checked against each other."""

    metadata: Mapping[str, str]
    """about the arrays; their checksum is among them"""
    tensors: Mapping[str, TensorInfo]
    """by the arrays' names; they follow each other without a gap"""

    @property
    def data_bytes(self) -> int:
        """How long the data is."""
        return max((place.stop for place in self.tensors.values()), default=0)


def with_checksums(fields: Mapping[str, str], layout: Mapping[str, Any]) -> dict[str, str]:
    """Add to the words of a file which format it has, and the checksums of its layout and of the words themselves."""
    metadata = {**fields, "format": FORMAT, LAYOUT_CHECKSUM: _checksum(layout)}
    return metadata | {METADATA_CHECKSUM: _checksum(metadata)}


def parse_header(path: Path, content: bytearray) -> Header:
    """Take a header apart; raise CharrnnError, naming the file, if it is damaged, foreign or a trap."""
    layout = _layout(path, content)
    words = _check_metadata(path, layout.pop("__metadata__", {}))
    if words.get(LAYOUT_CHECKSUM, unsaid := _checksum(layout)) != unsaid:
        raise CharrnnError(f"{path} is damaged: checksum mismatch")
    try:
        places = {name: _parse_tensor(name, entry) for name, entry in layout.items()}
        _check_contiguous(places)
    except ValueError as error:
        raise CharrnnError(f"{path} is not a valid model file: {error}") from error
    return Header(metadata=words, tensors=places)


def _layout(path: Path, content: bytearray) -> dict[str, Any]:
    """Parse the JSON, once it is known to hold no more than a header needs."""
    if not content.isascii() or _structure(content) > MAX_STRUCTURE:
        raise CharrnnError(f"{path} is not a valid model file: its header is not one that charrnn writes")
    try:
        layout = json.loads(content, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise CharrnnError(f"{path} is not a valid model file: its header is not JSON") from error
    if not isinstance(layout, dict):
        raise CharrnnError(f"{path} is not a valid model file: its header is not a JSON object")
    return layout


def _structure(content: bytearray) -> int:
    """Count the quotes, and the bytes outside of strings: each value takes one or the other."""
    bare = content.replace(rb"\\", b"").replace(rb"\"", b"")
    quotes = bare.count(b'"')
    return quotes + (len(_STRING.sub(b"", bare)) if quotes <= MAX_STRUCTURE else 0)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object whose names are all different (ValueError): readers do not agree on which of two counts."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name is given twice")
    return values


def _check_metadata(path: Path, given: Any) -> Mapping[str, str]:
    """See that the words are ours, of a format that is known, and as they were written."""
    are_words = isinstance(given, dict) and all(type(word) is str for word in given.values())
    metadata: dict[str, str] = given if are_words else {}
    kind, _, version = metadata.get("format", "").partition("/")
    if kind != "charrnn":
        raise CharrnnError(f"{path} is not a charrnn model (no charrnn metadata)")
    if f"{kind}/{version}" != FORMAT:
        raise CharrnnError(
            f"{path} was made by another charrnn (format {version[:20]!r}); this one reads {FORMAT}",
            hint="`pip install --upgrade charrnn`",
        )
    described = {name: word for name, word in metadata.items() if name != METADATA_CHECKSUM}
    if metadata.get(METADATA_CHECKSUM) != _checksum(described):
        raise CharrnnError(f"{path} is damaged: checksum mismatch")
    return metadata


def _parse_tensor(name: str, entry: Any) -> TensorInfo:
    """Read where an array lies; raise ValueError if it takes another number of bytes than it should."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{_shown(name)} is not described as an array")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"{_shown(name)} is of a type that charrnn does not read")
    if not _are_sizes(shape) or len(shape) > MAX_DIMENSIONS or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{_shown(name)} has an impossible shape or place")
    start, stop = offsets
    size = math.prod(shape) * DTYPES[dtype].itemsize
    if not size and math.prod(length or 1 for length in shape) > LARGEST_EMPTY:
        # An array without numbers takes no bytes, whatever its other dimensions say.
        raise ValueError(f"{_shown(name)} has an impossible shape or place")
    if stop - start != size:
        raise ValueError(f"{_shown(name)} takes {size:,} bytes, but its place has {stop - start:,}")
    return TensorInfo(dtype=DTYPES[dtype], shape=tuple(shape), start=start, stop=stop)


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < MAX_DIMENSION for value in values)


def _check_contiguous(places: Mapping[str, TensorInfo]) -> None:
    """See that no two arrays overlap and nothing lies between them (ValueError)."""
    reached = 0
    for name, place in sorted(places.items(), key=lambda item: (item[1].start, item[1].stop)):
        if place.start != reached:
            raise ValueError(f"{_shown(name)} overlaps another array, or there is a gap before it")
        reached = place.stop


def _shown(name: str) -> str:
    """Give a name that somebody else chose on one line, and not for ever."""
    return reprlib.repr(name)


def _checksum(values: Mapping[str, Any]) -> str:
    """Hash plain values in an order of their own."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
