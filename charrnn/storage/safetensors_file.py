"""safetensors files: named arrays with metadata, and checksums of arrays, layout and metadata.

The format has no pickle, so opening a file runs no code; any changed byte is detected.

The `safetensors` library (0.8) serves as the reference in tests, but it cannot keep the promises of this module. It
accepts names that are given twice and arrays of size 0 with a dimension of 2**60, and takes 1.3 GB for a header of 92
MB. It reads and writes named files only: no pipes, no exclusive creation, no fsync, and `save_file` replaces even a
device. Its in-memory functions take twice the memory: 390 MB instead of 195 MB to read 200 MB of arrays, and 390 MB
instead of none to write them. The order of its metadata, and so the bytes of a file, differ from call to call.
"""

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, os_reason
from charrnn.resources import free_memory
from charrnn.storage.atomic_file import atomic_write, is_regular, open_input, open_regular, remove_file
from charrnn.storage.safetensors_header import DTYPES, MAX_HEADER_BYTES, Header, parse_header, with_checksums

if TYPE_CHECKING:
    from io import BufferedReader


CHUNK_BYTES = 1 << 20
"""bytes read and hashed at a time"""
MEMORY_NEEDED = 1.3
"""bytes of memory per byte of the arrays that reading takes, with the checks that follow"""
SMALL = 1 << 24
"""bytes of arrays up to which neither holes nor free memory are checked"""
MIN_WRITTEN_FRACTION = 1 / 16
"""fraction of a file that must have been written; the rest can be holes, which take no space on the disk.

Weights and their copies are not all zero, so a file of charrnn has few holes even where the file system creates them.
"""

DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
"""names of the types in the format, by NumPy type"""
OTHER_KINDS = (
    ((b"version https://git-lfs",), "a git-lfs pointer", "`git lfs pull` downloads the model"),
    (
        (b"<!doctype html", b"<html", b"<?xml"),
        "a web page, as a failed download leaves it",
        "download the file again",
    ),
    ((b"\x1f\x8b",), "compressed by gzip", "`gunzip` decompresses a file that ends in .gz"),
)
"""beginnings of files that are taken for models, in lower case, with their kinds and what helps"""
RECOGNITION_CHARS = 64
"""bytes after the length of the header that show another kind of file"""
PICKLES = (b"\x02", b"\x03", b"\x04", b"\x05")
"""protocol numbers, the second byte of a pickle"""

Arrays = Mapping[str, NDArray[Any]]
ParseHeader = Callable[[Path, bytearray], Header]


class UnreadableError(CharrnnError):
    """A file that cannot be read at this moment; its content may be good."""


@dataclass(frozen=True, kw_only=True)
class TensorFile:
    """The content of a file."""

    arrays: Arrays
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class OpenTensorFile:
    """An open file whose header was read and is valid; the arrays are not read yet."""

    path: Path
    header: Header
    file: BinaryIO
    beginning: bytes
    """all bytes before the data"""

    @property
    def metadata(self) -> Mapping[str, str]:
        """The metadata of the header."""
        return self.header.metadata

    def arrays(self) -> Arrays:
        """Read and return the arrays, once; raise CharrnnError if they are incomplete or their checksum is wrong."""
        digest = hashlib.sha256()
        data = self.read_data(digest)
        if digest.hexdigest() != self.metadata.get("sha256"):
            raise CharrnnError(f"{self.path} is damaged: checksum mismatch")
        return self.split(data)

    def split(self, data: bytearray) -> Arrays:
        """Return the arrays in the data of the file."""
        tensors = self.header.tensors.items()
        return {name: np.ndarray(tensor.shape, tensor.dtype, data, tensor.start) for name, tensor in tensors}

    def read_data(self, digest: "hashlib._Hash") -> bytearray:
        """Read and return the data, once, and update a digest with them (CharrnnError if they are incomplete)."""
        size = self.header.data_bytes
        _check_holes(self.path, self.file, size)
        _check_memory(self.path, self.header.memory_bytes)
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
        return data


def write_tensors(path: Path, arrays: Arrays, metadata: Mapping[str, str]) -> int:
    """Write arrays and metadata to `path` atomically and return the number of bytes (OSError)."""
    # Arrays with larger numbers come first, so that all arrays are aligned, as in files of the safetensors library.
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    parts = [np.ascontiguousarray(arrays[name]) for name in order]
    digest, layout, start = hashlib.sha256(), {}, 0
    for name, part in zip(order, parts, strict=True):
        digest.update(part.data)
        offsets = [start, start + part.nbytes]
        layout[name] = {"dtype": DTYPE_NAMES[part.dtype], "shape": part.shape, "data_offsets": offsets}
        start = offsets[1]
    metadata = with_checksums({**metadata, "sha256": digest.hexdigest()}, layout)
    header = json.dumps({"__metadata__": dict(sorted(metadata.items())), **layout}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    atomic_write(path, len(header).to_bytes(8, "little"), header, *(part.data for part in parts))
    return 8 + len(header) + start


@contextmanager
def open_tensors(path: Path, *, parse: ParseHeader = parse_header) -> Iterator[OpenTensorFile]:
    """Open a file of `write_tensors` and read its header; raise CharrnnError if it is damaged, foreign or missing."""
    try:
        with open_input(path) as file:
            content = _header(path, file)
            header = parse(path, content)
            _check_size(path, file, 8 + len(content), header.data_bytes)
            beginning = len(content).to_bytes(8, "little") + content
            yield OpenTensorFile(path=path, header=header, file=file, beginning=beginning)
    except OSError as error:
        raise UnreadableError(f"cannot read {path}: {os_reason(error)}") from error


def read_tensors(path: Path) -> TensorFile:
    """Read and return a whole file of `write_tensors` (CharrnnError)."""
    with open_tensors(path) as file:
        return TensorFile(arrays=file.arrays(), metadata=file.metadata)


def read_metadata(path: Path) -> Mapping[str, str]:
    """Return only the metadata of a file (CharrnnError)."""
    with open_tensors(path) as file:
        return file.metadata


def _check_size(path: Path, file: BinaryIO, start: int, size: int) -> None:
    """Raise CharrnnError unless a regular file has the size in its header, before any data is read."""
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size != start + size:
        raise _wrong_size(path, status.st_size - start, size)


def _wrong_size(path: Path, actual: int, size: int) -> CharrnnError:
    """Return the error for a file whose data have another size than in its header."""
    amount = f"more than {size:,}" if actual > size else f"{actual:,} of {size:,}"
    return CharrnnError(f"{path} is damaged: {amount} bytes of data are there")


def _check_holes(path: Path, file: BinaryIO, size: int) -> None:
    """Raise CharrnnError for a large sparse file of which nearly nothing was written, before memory is allocated.

    Where the system cannot report holes, every byte counts as written.
    """
    if size <= SMALL or not hasattr(os, "SEEK_DATA") or not file.seekable():
        return
    descriptor, written = file.fileno(), 0
    # The position of the descriptor, which is behind that of the file object by what is buffered.
    initial_position = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        position = os.lseek(descriptor, 0, os.SEEK_DATA)
        while written < MIN_WRITTEN_FRACTION * size:
            end = os.lseek(descriptor, position, os.SEEK_HOLE)
            written += end - position
            position = os.lseek(descriptor, end, os.SEEK_DATA)
    except OSError as error:
        # ENXIO: there is no more data.
        if error.errno == errno.ENXIO and written < MIN_WRITTEN_FRACTION * size:
            message = f"{path} is damaged: only {written:,} of {size:,} bytes of data were ever written"
            raise CharrnnError(message) from error
    finally:
        os.lseek(descriptor, initial_position, os.SEEK_SET)


def _check_memory(path: Path, size: int) -> None:
    """Raise UnreadableError if the arrays need more than the free memory."""
    if size > SMALL and MEMORY_NEEDED * size > free_memory():
        raise _too_large(path, size)


def _too_large(path: Path, size: int) -> UnreadableError:
    """Return the error for arrays that do not fit into memory."""
    needed, free = MEMORY_NEEDED * size / 1e9, free_memory() / 1e9
    return UnreadableError(f"out of memory: {path} needs about {needed:,.1f} GB, and {free:,.1f} GB are free")


def _header(path: Path, file: BinaryIO) -> bytearray:
    """Read and return the JSON of the header, after its length in 8 bytes, little endian (CharrnnError)."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    header = _read(file, length) if len(start) == 8 and length <= MAX_HEADER_BYTES else bytearray()
    if not header.startswith(b"{"):
        raise _not_ours(path, start + header[:RECOGNITION_CHARS] + file.read(RECOGNITION_CHARS))
    if len(header) < length:
        raise CharrnnError(f"{path} is damaged: it ends within its header")
    return header


def _not_ours(path: Path, start: bytes) -> CharrnnError:
    """Return the error for a file that is not a safetensors file, with its kind if its first bytes show it."""
    hint = "name a model.safetensors, or a checkpoint, that `charrnn train` made"
    pickle = start[:1] == b"\x80" and start[1:2] in PICKLES
    if pickle or start.startswith(b"PK\x03\x04"):
        kind = "pickle file" if pickle else "zip file, as those of PyTorch are"
        return CharrnnError(f"{path} is a {kind}; charrnn does not open those because they can run code", hint=hint)
    begins = start.lstrip().lower().startswith
    for beginnings, kind, remedy in OTHER_KINDS:
        if begins(beginnings):
            return CharrnnError(f"{path} is {kind}, not a model", hint=remedy)
    return CharrnnError(
        f"{path} is not a valid model file: its safetensors header is missing or incomplete", hint=hint
    )


def _read(file: BinaryIO, size: int) -> bytearray:
    """Read up to `size` bytes in chunks, so that memory is allocated only for bytes that are there."""
    content = bytearray()
    while len(content) < size and (chunk := file.read(min(size - len(content), CHUNK_BYTES))):
        content += chunk
    return content


# Recognition of files that charrnn wrote, damaged ones included, by their first bytes. Only such files are replaced
# or deleted.

RECOGNITION_BYTES = 1 << 18
"""bytes at the beginning of a file that contain the name of the format"""
_NAME = re.compile(rb'"format"\s*:\s*"charrnn/')
_BEGINNINGS = (b'{"__metadata__":{"config":"{\\"cell\\":', b'{"__metadata__":{"format":"charrnn/')
"""beginnings of headers, for files that were cut off before the name of the format"""
_LENGTH_BYTES = 8


def is_tensor_file(path: Path) -> bool:
    """Return whether a regular file is a tensor file of charrnn, damaged or not; an empty file counts as one."""
    if not is_regular(path):
        return False
    try:
        with open_regular(path) as file:
            content = file.read(RECOGNITION_BYTES)
    except OSError:
        return False
    header = content[_LENGTH_BYTES:]
    has_known_beginning = any(
        header.startswith(beginning) or beginning.startswith(header) for beginning in _BEGINNINGS
    )
    return not content or (
        bool(header) and (has_known_beginning or (header.startswith(b"{") and _NAME.search(header) is not None))
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
    """Remove a tensor file of charrnn; leave any other file (OSError)."""
    if is_tensor_file(path):
        remove_file(path)
