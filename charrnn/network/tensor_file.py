"""A file of named arrays with a few words about them: safetensors, with checksums over arrays and words.

No pickle, so opening a file runs no code; any flipped byte is noticed. What the arrays mean is left to others.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, reason
from charrnn.storage import write_whole

FORMAT = "charrnn/1"
LONGEST_HEADER = 32_000_000
"""bytes; a vocabulary of all of Unicode takes less than half of it"""

WORDS_CHECKSUM = "words_sha256"

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class TensorFile:
    """What a file holds."""

    arrays: Arrays
    metadata: Mapping[str, str]


def write(path: Path, arrays: Arrays, metadata: Mapping[str, str]) -> int:
    """Write arrays and metadata to `path`, wholly or not at all; give the number of bytes (OSError)."""
    content = safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    start = 8 + int.from_bytes(content[:8], "little")
    data = memoryview(content)[start:]
    words = {**metadata, "format": FORMAT, "sha256": hashlib.sha256(data).hexdigest()}
    words[WORDS_CHECKSUM] = _checksum_of_words(words)
    layout = json.loads(content[8:start])
    # The library writes metadata in the order of a hash table: the same model would not be the same bytes.
    header = json.dumps({"__metadata__": dict(sorted(words.items())), **layout}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    write_whole(path, len(header).to_bytes(8, "little"), header, data)
    return 8 + len(header) + len(data)


def read(path: Path) -> TensorFile:
    """Read a file that `write` made; raise CharrnnError if it is damaged, foreign or not there."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CharrnnError(f"cannot read {path}: {reason(error)}") from error
    header, data = _split(path, content)
    metadata = _metadata(path, header)
    if hashlib.sha256(data).hexdigest() != metadata.get("sha256"):
        raise CharrnnError(f"{path} is damaged: checksum mismatch")
    try:
        arrays = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
        raise CharrnnError(f"{path} is not a valid model file: {error}") from error
    return TensorFile(arrays=arrays, metadata=metadata)


def read_metadata(path: Path) -> Mapping[str, str]:
    """Read only the words about the arrays, whose own checksum is not looked at (CharrnnError)."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = min(int.from_bytes(start, "little"), LONGEST_HEADER)
            content = start + file.read(length)
    except OSError as error:
        raise CharrnnError(f"cannot read {path}: {reason(error)}") from error
    return _metadata(path, _split(path, content)[0])


def _split(path: Path, content: bytes) -> tuple[bytes, memoryview]:
    """Take header and data apart: 8 bytes of length (little endian), that many of JSON, then the data."""
    length = int.from_bytes(content[:8], "little")
    if len(content) >= 8 and length <= LONGEST_HEADER and 8 + length <= len(content) and content[8:9] == b"{":
        return content[8 : 8 + length], memoryview(content)[8 + length :]
    # Only what is no safetensors file can be guessed at: a header may have any length, and so begin with any byte.
    if content[:2] == b"PK" or content[:1] == b"\x80":
        raise CharrnnError(
            f"{path} is a PyTorch pickle file; charrnn does not open those because they can run code",
            hint="name a model.safetensors that `charrnn train` made",
        )
    raise CharrnnError(f"{path} is not a valid model file: no safetensors header, or a part of one")


def _metadata(path: Path, header: bytes) -> Mapping[str, str]:
    """Find the words about the arrays in a header, and see that they are ours."""
    try:
        metadata = json.loads(header).get("__metadata__", {})
    except (ValueError, RecursionError, AttributeError) as error:
        raise CharrnnError(f"{path} is not a valid model file: its header is not JSON") from error
    kind, _, version = str(metadata.get("format")).partition("/") if isinstance(metadata, dict) else ("", "", "")
    if kind != "charrnn":
        raise CharrnnError(f"{path} is not a charrnn model (no charrnn metadata)")
    if f"{kind}/{version}" != FORMAT:
        hint = "`pip install --upgrade charrnn`"
        raise CharrnnError(
            f"{path} was made by another charrnn (format {version[:20]!r}); this one reads {FORMAT}",
            hint=hint,
        )
    words = {str(key): str(value) for key, value in metadata.items()}
    if words.get(WORDS_CHECKSUM) != _checksum_of_words(words):
        raise CharrnnError(f"{path} is damaged: checksum mismatch")
    return words


def _checksum_of_words(words: Mapping[str, str]) -> str:
    """Hash every word but the checksum itself; the arrays' checksum is one of them."""
    plain = json.dumps({name: word for name, word in words.items() if name != WORDS_CHECKSUM}, sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()
