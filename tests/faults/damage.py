"""Files that were damaged by chance or forged on purpose: bytes in, other bytes out."""

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

WORTH_TRYING = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
"""numbers at which readers have stumbled"""
VALUES: tuple[Any, ...] = (
    *(None, True, "", "\x1b[31m", [], {}, [[]], {"a": {}}, 1.5, -1, 0, 1, 10**9, 2**63, 10**30, 1e308, float("nan")),
    *([0], [-1], [2**62, 4], [1] * 40, ["a", "a"], ["ab"], [1], "F64", "BF16", "lstm", "x" * 5000),
)
"""values that stand where others should"""


def apart(content: bytes) -> tuple[Header, bytes]:
    """Take a whole file apart: its header, and its data."""
    start = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:start]), content[start:]


def together(header: Header | bytes, data: bytes) -> bytes:
    """Put a file together; a header that is bytes already stays as it is."""
    written = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(written).to_bytes(8, "little") + written + data


def forged(content: bytes, change: Callable[[Header, Header], None], data: bytes | None = None) -> bytes:
    """Change a file's layout and words as whoever means harm would: every checksum is right again."""
    layout, old = apart(content)
    words = layout.pop("__metadata__")
    change(layout, words)
    data = old if data is None else data
    words |= {"sha256": hashlib.sha256(data).hexdigest()} if "sha256" in words else {}
    named = words.get("format", "")
    for checksum in ("words_sha256", "layout_sha256"):
        words.pop(checksum, None)
    sealed = with_checksums(words, layout)
    # Of another format than ours it may call itself, but then nobody compares its checksums.
    return together({"__metadata__": sealed | {"format": named}, **layout}, data)


def outcome(read: Callable[[Path], Outcome], path: Path) -> Outcome | CharrnnError:
    """Read a file; give what came of it, or how it was refused. Anything else is a fault of ours and passes."""
    try:
        return read(path)
    except CharrnnError as error:
        return error


def damaged(content: bytes, chance: Random) -> bytes:
    """Damage a file in one of the ways in which disks, copies and programs do: what is read is what was written."""
    return chance.choice(DAMAGES)(content, chance)


def tampered(content: bytes, chance: Random) -> bytes:
    """Change what a file says, its checksums included: it may be read as another file, but nothing breaks."""
    return chance.choice(FORGERIES)(content, chance)


def _cut(content: bytes, chance: Random) -> bytes:
    return content[: chance.randrange(len(content))]


def _flipped(content: bytes, chance: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8))):
        changed[_somewhere(content, chance)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _overwritten(content: bytes, chance: Random) -> bytes:
    at, length = _somewhere(content, chance), chance.choice((1, 4, 64, 512))
    filling = chance.choice((bytes(length), b"\xff" * length, chance.randbytes(length)))
    return (content[:at] + filling + content[at + length :])[: len(content)]


def _spliced(content: bytes, chance: Random) -> bytes:
    """Put a stretch of the file where another should be."""
    length = chance.randrange(1, 600)
    start, at = _somewhere(content, chance), _somewhere(content, chance)
    return content[:at] + content[start : start + length] + content[at + chance.choice((0, length)) :]


def _swapped(content: bytes, chance: Random) -> bytes:
    """Exchange two stretches of the same length."""
    length = chance.choice((1, 2, 8, 64))
    one, other = sorted(_somewhere(content, chance) for _ in range(2))
    if one + length > other:
        return content
    changed = bytearray(content)
    changed[one : one + length], changed[other : other + length] = (
        content[other : other + length],
        content[one : one + length],
    )
    return bytes(changed[: len(content)])


def _removed(content: bytes, chance: Random) -> bytes:
    at = _somewhere(content, chance)
    return content[:at] + content[at + chance.randrange(1, 600) :]


def _resized(content: bytes, chance: Random) -> bytes:
    """Give the header another length."""
    length = int.from_bytes(content[:8], "little")
    near = (length - 8, length - 1, length + 1, length + 8, len(content), len(content) - 8)
    other = chance.choice((*WORTH_TRYING, *near))
    return (other % 2**64).to_bytes(8, "little") + content[8:]


def _lied(content: bytes, chance: Random) -> bytes:
    """Change something that the header says, and leave the checksums as they were."""
    layout, data = apart(content)
    _change(layout, chance)
    return together(layout, data)


def _forged(content: bytes, chance: Random) -> bytes:
    """Change something that the header says, with checksums that fit."""
    return forged(content, lambda layout, words: _change_either(layout, words, chance))


def _forged_deeply(content: bytes, chance: Random) -> bytes:
    """Change something within one of the words, which are JSON themselves, with checksums that fit."""

    def change(_: Header, words: Header) -> None:
        name = chance.choice([name for name, word in words.items() if word[:1] in ("{", "[")])
        values = json.loads(words[name])
        _change(values, chance)
        words[name] = json.dumps(values)

    return forged(content, change)


def _change_either(layout: Header, words: Header, chance: Random) -> None:
    if chance.random() < 0.4:
        name = chance.choice(sorted(words))
        words[name] = chance.choice([value for value in VALUES if isinstance(value, str)])
    else:
        _change(layout, chance)


def _change(values: Any, chance: Random) -> None:
    """Change one value somewhere within mappings and lists: another value, none, or under another name."""
    names = sorted(values) if isinstance(values, dict) else list(range(len(values)))
    if not names:
        return
    name, way = chance.choice(names), chance.randrange(4)
    if isinstance(values[name], (dict, list)) and values[name] and chance.random() < 0.7:
        _change(values[name], chance)
    elif way == 0:
        del values[name]
    elif way == 1:
        other = chance.choice(names)
        values[name], values[other] = values[other], values[name]
    elif way == 2 and isinstance(values[name], int):
        values[name] += chance.choice((-1, 1, -8, 8, 2**31, 2**62))
    else:
        values[name] = chance.choice(VALUES)


def _somewhere(content: bytes, chance: Random) -> int:
    """Choose a place: as often in the header, which is short, as in all of the file."""
    header = 8 + int.from_bytes(content[:8], "little")
    return chance.randrange(chance.choice((8, header, len(content))))


Change = Callable[[bytes, Random], bytes]

DAMAGES: tuple[Change, ...] = (_cut, _flipped, _overwritten, _spliced, _swapped, _removed, _resized, _lied)
FORGERIES: tuple[Change, ...] = (_forged, _forged_deeply)
