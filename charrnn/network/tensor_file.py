"""A file of named arrays with a few words about them: safetensors, with checksums over arrays, places and words.

No pickle, so opening a file runs no code; any flipped byte is noticed. What the arrays mean is left to others.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, reason
from charrnn.network.tensor_header import DTYPES, LONGEST, Header, parse, with_checksums
from charrnn.storage import write_whole

PIECE = 1 << 17
"""bytes read at a time"""

NAMES = {dtype: name for name, dtype in DTYPES.items()}
"""of the types of numbers that can be written, as the format has them"""
PICKLES = (b"\x02", b"\x03", b"\x04", b"\x05")
"""the protocols that a pickle names after its first byte"""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class TensorFile:
    """What a file holds."""

    arrays: Arrays
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A file whose header has been read and fits itself; the arrays are still to come."""

    path: Path
    header: Header
    file: BinaryIO

    @property
    def metadata(self) -> Mapping[str, str]:
        """The words about the arrays."""
        return self.header.words

    def arrays(self) -> Arrays:
        """Read the arrays, once; raise CharrnnError if they are not all there or not as they were written."""
        size = self.header.data_bytes
        data = _read(self.file, size)
        longer = len(data) == size and self.file.read(1)
        if len(data) < size or longer:
            there = f"more than {size:,}" if longer else f"{len(data):,} of {size:,}"
            raise CharrnnError(f"{self.path} is damaged: {there} bytes of data are there")
        if hashlib.sha256(data).hexdigest() != self.metadata.get("sha256"):
            raise CharrnnError(f"{self.path} is damaged: checksum mismatch")
        places = self.header.places.items()
        return {name: np.ndarray(place.shape, place.dtype, data, place.start) for name, place in places}


def write(path: Path, arrays: Arrays, metadata: Mapping[str, str]) -> int:
    """Write arrays and metadata to `path`, wholly or not at all; give the number of bytes (OSError)."""
    # The larger numbers come first, so that every array lies where its numbers may; the library does the same.
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    parts = [np.ascontiguousarray(arrays[name]) for name in order]
    digest, layout, start = hashlib.sha256(), {}, 0
    for name, part in zip(order, parts, strict=True):
        digest.update(part.data)
        place = [start, start + part.nbytes]
        layout[name] = {"dtype": NAMES[part.dtype], "shape": part.shape, "data_offsets": place}
        start = place[1]
    words = with_checksums({**metadata, "sha256": digest.hexdigest()}, layout)
    header = json.dumps({"__metadata__": dict(sorted(words.items())), **layout}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    write_whole(path, len(header).to_bytes(8, "little"), header, *(part.data for part in parts))
    return 8 + len(header) + start


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a file that `write` made and read its header (CharrnnError: damaged, foreign or not there)."""
    try:
        with path.open("rb") as file:
            yield Opened(path=path, header=parse(path, _header(path, file)), file=file)
    except OSError as error:
        raise CharrnnError(f"cannot read {path}: {reason(error)}") from error


def read(path: Path) -> TensorFile:
    """Read a whole file that `write` made (CharrnnError)."""
    with opened(path) as file:
        return TensorFile(arrays=file.arrays(), metadata=file.metadata)


def read_metadata(path: Path) -> Mapping[str, str]:
    """Read only the words about the arrays (CharrnnError)."""
    with opened(path) as file:
        return file.metadata


def _header(path: Path, file: BinaryIO) -> bytearray:
    """Read the header: 8 bytes of length (little endian), then that many of JSON."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    header = _read(file, length) if len(start) == 8 and length <= LONGEST else bytearray()
    if not header.startswith(b"{"):
        raise _foreign(path, start)
    if len(header) < length:
        raise CharrnnError(f"{path} is damaged: it ends within its header")
    return header


def _foreign(path: Path, start: bytes) -> CharrnnError:
    """Say what a file is that is none of ours."""
    hint = "name a model.safetensors, or a checkpoint, that `charrnn train` made"
    pickle = start[:1] == b"\x80" and start[1:2] in PICKLES
    if pickle or start.startswith(b"PK\x03\x04"):
        kind = "pickle file" if pickle else "zip file, as those of PyTorch are"
        return CharrnnError(f"{path} is a {kind}; charrnn does not open those because they can run code", hint=hint)
    return CharrnnError(f"{path} is not a valid model file: no safetensors header, or a part of one", hint=hint)


def _read(file: BinaryIO, size: int) -> bytearray:
    """Read so many bytes, or what there is; memory is taken as they come, whatever was said of them."""
    content = bytearray()
    while len(content) < size and (piece := file.read(min(size - len(content), PIECE))):
        content += piece
    return content
