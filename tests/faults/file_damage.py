"""Damaged and forged files: functions from the bytes of a file to other bytes."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from charrnn.errors import CharrnnError
from charrnn.storage.safetensors_header import with_checksums

Header = dict[str, Any]
Outcome = TypeVar("Outcome")

BOUNDARY_NUMBERS = (
    *(0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF),
    *(2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1),
)
"""numbers that parsers have handled incorrectly"""
UNEXPECTED_VALUES: tuple[Any, ...] = (
    *(None, True, "", "\x1b[31m", [], {}, [[]], {"a": {}}, 1.5, -1, 0, 1, 10**9, 2**63, 10**30, 1e308, float("nan")),
    *([0], [-1], [2**62, 4], [1] * 40, ["a", "a"], ["ab"], [1], "F64", "BF16", "lstm", "x" * 5000),
)
"""values of wrong types"""


def split_file(content: bytes) -> tuple[Header, bytes]:
    """Return the header and the data of a complete file."""
    start = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:start]), content[start:]


def join_file(header: Header | bytes, data: bytes) -> bytes:
    """Return a file with a header and data; a header that is bytes already is used unchanged."""
    header_bytes = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(header_bytes).to_bytes(8, "little") + header_bytes + data


def forge(content: bytes, change: Callable[[Header, Header], None], data: bytes | None = None) -> bytes:
    """Return a file with changed layout and metadata, with correct checksums."""
    layout, old = split_file(content)
    metadata = layout.pop("__metadata__")
    change(layout, metadata)
    data = old if data is None else data
    metadata |= {"sha256": hashlib.sha256(data).hexdigest()} if "sha256" in metadata else {}
    named = metadata.get("format", "")
    for checksum in ("words_sha256", "layout_sha256"):
        metadata.pop(checksum, None)
    sealed = with_checksums(metadata, layout)
    # A file may claim another format, but then its checksums are not compared.
    return join_file({"__metadata__": sealed | {"format": named}, **layout}, data)


def read_or_error(read: Callable[[Path], Outcome], path: Path) -> Outcome | CharrnnError:
    """Return the result of reading a file, or its CharrnnError; other exceptions are bugs and propagate."""
    try:
        return read(path)
    except CharrnnError as error:
        return error


def damage(content: bytes, rng: Random) -> bytes:
    """Return a file with random damage as by disks, copies and programs; it must be rejected or read unchanged."""
    return rng.choice(DAMAGES)(content, rng)


def random_forgery(content: bytes, rng: Random) -> bytes:
    """Return a file with random changes of its content and correct checksums, which may be read as another file."""
    return rng.choice(FORGERIES)(content, rng)


def _cut(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content))]


def _flipped(content: bytes, rng: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[_somewhere(content, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwritten(content: bytes, rng: Random) -> bytes:
    at, length = _somewhere(content, rng), rng.choice((1, 4, 64, 512))
    filling = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))
    return (content[:at] + filling + content[at + length :])[: len(content)]


def _spliced(content: bytes, rng: Random) -> bytes:
    """Overwrite a span of the file with another span."""
    length = rng.randrange(1, 600)
    start, at = _somewhere(content, rng), _somewhere(content, rng)
    return content[:at] + content[start : start + length] + content[at + rng.choice((0, length)) :]


def _swapped(content: bytes, rng: Random) -> bytes:
    """Exchange two spans of the same length."""
    length = rng.choice((1, 2, 8, 64))
    first, second = sorted(_somewhere(content, rng) for _ in range(2))
    if first + length > second:
        return content
    changed = bytearray(content)
    changed[first : first + length], changed[second : second + length] = (
        content[second : second + length],
        content[first : first + length],
    )
    return bytes(changed[: len(content)])


def _removed(content: bytes, rng: Random) -> bytes:
    at = _somewhere(content, rng)
    return content[:at] + content[at + rng.randrange(1, 600) :]


def _resized(content: bytes, rng: Random) -> bytes:
    """Change the length of the header."""
    length = int.from_bytes(content[:8], "little")
    near = (length - 8, length - 1, length + 1, length + 8, len(content), len(content) - 8)
    other = rng.choice((*BOUNDARY_NUMBERS, *near))
    return (other % 2**64).to_bytes(8, "little") + content[8:]


def _lied(content: bytes, rng: Random) -> bytes:
    """Change a value of the header and keep the checksums."""
    layout, data = split_file(content)
    _change(layout, rng)
    return join_file(layout, data)


def _forged(content: bytes, rng: Random) -> bytes:
    """Change a value of the header, with correct checksums."""
    return forge(content, lambda layout, metadata: _change_either(layout, metadata, rng))


def _forged_deeply(content: bytes, rng: Random) -> bytes:
    """Change a value inside the JSON of a metadata field, with correct checksums."""

    def change(_: Header, metadata: Header) -> None:
        name = rng.choice([name for name, word in metadata.items() if word[:1] in ("{", "[")])
        values = json.loads(metadata[name])
        _change(values, rng)
        metadata[name] = json.dumps(values)

    return forge(content, change)


def _change_either(layout: Header, metadata: Header, rng: Random) -> None:
    if rng.random() < 0.4:
        name = rng.choice(sorted(metadata))
        metadata[name] = rng.choice([value for value in UNEXPECTED_VALUES if isinstance(value, str)])
    else:
        _change(layout, rng)


def _change(values: Any, rng: Random) -> None:
    """Change one value in nested mappings and lists: replace it, remove it or rename it."""
    names = sorted(values) if isinstance(values, dict) else list(range(len(values)))
    if not names:
        return
    name, variant = rng.choice(names), rng.randrange(4)
    if isinstance(values[name], (dict, list)) and values[name] and rng.random() < 0.7:
        _change(values[name], rng)
    elif variant == 0:
        del values[name]
    elif variant == 1:
        other = rng.choice(names)
        values[name], values[other] = values[other], values[name]
    elif variant == 2 and isinstance(values[name], int):
        values[name] += rng.choice((-1, 1, -8, 8, 2**31, 2**62))
    else:
        values[name] = rng.choice(UNEXPECTED_VALUES)


def _somewhere(content: bytes, rng: Random) -> int:
    """Return a random position: in half of the cases in the header, which is short."""
    header = 8 + int.from_bytes(content[:8], "little")
    return rng.randrange(rng.choice((8, header, len(content))))


Change = Callable[[bytes, Random], bytes]

DAMAGES: tuple[Change, ...] = (_cut, _flipped, _overwritten, _spliced, _swapped, _removed, _resized, _lied)
FORGERIES: tuple[Change, ...] = (_forged, _forged_deeply)
