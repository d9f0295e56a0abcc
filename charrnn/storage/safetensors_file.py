"""safetensors files of named arrays with metadata, and checksums over arrays, layout and metadata.

The format has no pickle, so opening a file runs no code; any flipped byte is detected.
"""

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, os_reason
from charrnn.memory_limits import free_memory
from charrnn.storage.atomic_file import atomic_write, is_regular, open_input, open_regular, remove_file
from charrnn.storage.safetensors_header import DTYPES, MAX_HEADER_BYTES, Header, parse_header, with_checksums

if TYPE_CHECKING:
    from io import BufferedReader


CHUNK_BYTES = 1 << 20
"""bytes read and hashed at a time"""
MEMORY_NEEDED = 1.3
"""bytes of memory that reading takes for each byte of the arrays, the checks that follow included"""
SMALL = 1 << 24
"""bytes of arrays up to which neither holes nor free memory matter"""
LEAST_WRITTEN = 1 / 16
"""share of a file that must have been written; the rest can be holes, which take no space on the disk.

Weights and their copies are never all zero, so a file of charrnn has few holes even on a file system that makes them.
"""

DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
"""of the types of numbers that can be written, as the format has them"""
PICKLES = (b"\x02", b"\x03", b"\x04", b"\x05")
"""the protocols that a pickle names after its first byte"""

Arrays = Mapping[str, NDArray[Any]]


class UnreadableError(CharrnnError):
    """A file that cannot be read now, which says nothing about its content."""


@dataclass(frozen=True, kw_only=True)
class TensorFile:
    """What a file holds."""

    arrays: Arrays
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class OpenTensorFile:
    """A file whose header has been read and fits itself; the arrays are still to come."""

    path: Path
    header: Header
    file: BinaryIO

    @property
    def metadata(self) -> Mapping[str, str]:
        """The words about the arrays."""
        return self.header.metadata

    def arrays(self) -> Arrays:
        """Read the arrays, once; raise CharrnnError if they are not all there or not as they were written."""
        size, digest = self.header.data_bytes, hashlib.sha256()
        _refuse_holes(self.path, self.file, size)
        _refuse_too_large(self.path, size)
        try:
            data = bytearray(size)
        except MemoryError as error:
            raise _too_large(self.path, size) from error
        source, read = cast("BufferedReader", self.file), 0
        while read < size and (count := source.readinto(memoryview(data)[read : read + CHUNK_BYTES])):
            digest.update(memoryview(data)[read : read + count])
            read += count
        if read < size or self.file.read(1):
            raise _wrong_size(self.path, read if read < size else size + 1, size)
        if digest.hexdigest() != self.metadata.get("sha256"):
            raise CharrnnError(f"{self.path} is damaged: checksum mismatch")
        places = self.header.tensors.items()
        return {name: np.ndarray(place.shape, place.dtype, data, place.start) for name, place in places}


def write_tensors(path: Path, arrays: Arrays, metadata: Mapping[str, str]) -> int:
    """Write arrays and metadata to `path`, wholly or not at all; give the number of bytes (OSError)."""
    # The larger numbers come first, so that every array lies where its numbers may; the library does the same.
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    parts = [np.ascontiguousarray(arrays[name]) for name in order]
    digest, layout, start = hashlib.sha256(), {}, 0
    for name, part in zip(order, parts, strict=True):
        digest.update(part.data)
        place = [start, start + part.nbytes]
        layout[name] = {"dtype": DTYPE_NAMES[part.dtype], "shape": part.shape, "data_offsets": place}
        start = place[1]
    words = with_checksums({**metadata, "sha256": digest.hexdigest()}, layout)
    header = json.dumps({"__metadata__": dict(sorted(words.items())), **layout}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    atomic_write(path, len(header).to_bytes(8, "little"), header, *(part.data for part in parts))
    return 8 + len(header) + start


@contextmanager
def open_tensors(path: Path) -> Iterator[OpenTensorFile]:
    """Open a file that `write_tensors` made and read its header (CharrnnError: damaged, foreign or not there)."""
    try:
        with open_input(path) as file:
            content = _header(path, file)
            header = parse_header(path, content)
            _refuse_another_size(path, file, 8 + len(content), header.data_bytes)
            yield OpenTensorFile(path=path, header=header, file=file)
    except OSError as error:
        raise UnreadableError(f"cannot read {path}: {os_reason(error)}") from error


def read_tensors(path: Path) -> TensorFile:
    """Read a whole file that `write_tensors` made (CharrnnError)."""
    with open_tensors(path) as file:
        return TensorFile(arrays=file.arrays(), metadata=file.metadata)


def read_metadata(path: Path) -> Mapping[str, str]:
    """Read only the words about the arrays (CharrnnError)."""
    with open_tensors(path) as file:
        return file.metadata


def _refuse_another_size(path: Path, file: BinaryIO, start: int, size: int) -> None:
    """Compare the size of a regular file with what its header says, before any data are read (CharrnnError)."""
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size != start + size:
        raise _wrong_size(path, status.st_size - start, size)


def _wrong_size(path: Path, there: int, size: int) -> CharrnnError:
    """Return the error for a file with another number of bytes of data than its header says."""
    told = f"more than {size:,}" if there > size else f"{there:,} of {size:,}"
    return CharrnnError(f"{path} is damaged: {told} bytes of data are there")


def _refuse_holes(path: Path, file: BinaryIO, size: int) -> None:
    """Refuse a large file of which nearly nothing was ever written, so that it claims memory for nothing.

    Where the system or the file system cannot tell, every byte counts as written.
    """
    if size <= SMALL or not hasattr(os, "SEEK_DATA") or not file.seekable():
        return
    descriptor, written = file.fileno(), 0
    # Not the file object's position: what it has buffered lies before that of the descriptor.
    place = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        at = os.lseek(descriptor, 0, os.SEEK_DATA)
        while written < LEAST_WRITTEN * size:
            end = os.lseek(descriptor, at, os.SEEK_HOLE)
            written += end - at
            at = os.lseek(descriptor, end, os.SEEK_DATA)
    except OSError as error:
        # ENXIO: there are no more data.
        if error.errno == errno.ENXIO and written < LEAST_WRITTEN * size:
            message = f"{path} is damaged: only {written:,} of {size:,} bytes of data were ever written"
            raise CharrnnError(message) from error
    finally:
        os.lseek(descriptor, place, os.SEEK_SET)


def _refuse_too_large(path: Path, size: int) -> None:
    """Compare the size of the arrays with the memory that is free (UnreadableError)."""
    if size > SMALL and MEMORY_NEEDED * size > free_memory():
        raise _too_large(path, size)


def _too_large(path: Path, size: int) -> UnreadableError:
    """Return the error for arrays that do not fit into memory."""
    needed, free = MEMORY_NEEDED * size / 1e9, free_memory() / 1e9
    return UnreadableError(f"out of memory: {path} needs about {needed:,.1f} GB, and {free:,.1f} GB are free")


def _header(path: Path, file: BinaryIO) -> bytearray:
    """Read the header: 8 bytes of length (little endian), then that many of JSON."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    header = _read(file, length) if len(start) == 8 and length <= MAX_HEADER_BYTES else bytearray()
    if not header.startswith(b"{"):
        raise _not_ours(path, start)
    if len(header) < length:
        raise CharrnnError(f"{path} is damaged: it ends within its header")
    return header


def _not_ours(path: Path, start: bytes) -> CharrnnError:
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
    while len(content) < size and (piece := file.read(min(size - len(content), CHUNK_BYTES))):
        content += piece
    return content


# Files that charrnn wrote, recognized by their first bytes, damaged ones included. Only such files are ever replaced
# or deleted.

LONGEST_READ = 1 << 18
"""bytes in which the format's name stands"""
_NAME = re.compile(rb'"format"\s*:\s*"charrnn/')
_BEGINNINGS = (b'{"__metadata__":{"config":"{\\"cell\\":', b'{"__metadata__":{"format":"charrnn/')
"""of files that were cut off before the name of the format"""
_LENGTH_BYTES = 8


def is_tensor_file(path: Path) -> bool:
    """Return whether a regular file is a tensor file of charrnn, damaged or not; an empty file counts as one."""
    if not is_regular(path):
        return False
    try:
        with open_regular(path) as file:
            content = file.read(LONGEST_READ)
    except OSError:
        return False
    header = content[_LENGTH_BYTES:]
    begins_so = any(header.startswith(beginning) or beginning.startswith(header) for beginning in _BEGINNINGS)
    return not content or (
        bool(header) and (begins_so or (header.startswith(b"{") and _NAME.search(header) is not None))
    )


def check_replaceable(path: Path) -> None:
    """Raise OSError if there is anything at `path` that is not a tensor file of charrnn."""
    try:
        path.lstat()
    except FileNotFoundError:
        return
    if not is_tensor_file(path):
        raise OSError(errno.EEXIST, "A file that charrnn did not write is there", str(path))


def remove_tensor_file(path: Path) -> None:
    """Remove a tensor file of charrnn, and leave any other file (OSError)."""
    if is_tensor_file(path):
        remove_file(path)
