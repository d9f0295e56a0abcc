"""Vocabularies of other programs: a JSON list, a JSON object in either direction, or a text file of characters.

Charrnn's characters are single characters. Other vocabularies have special tokens, such as <unk>, and ids without a
character. An unknown token is read as U+FFFD, which stands for unknown characters in every model of charrnn; any
other special token, and any id without a character, becomes a private-use character, which no text contains.
"""

import json
import re
import reprlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charrnn.errors import CharrnnError, os_reason
from charrnn.storage.atomic_file import open_regular
from charrnn.text.vocabulary import MAX_VOCABULARY, UNKNOWN, Vocabulary

MAX_BYTES = 8_000_000
"""bytes of a vocabulary file"""
CHUNK_BYTES = 1 << 18
"""bytes read at a time, because memory is allocated for as many"""
PRIVATE_USE, MAX_PLACEHOLDERS = 0xE000, 256
"""first private-use character, and the number of them that a vocabulary may get"""
_UNKNOWN_TOKEN = re.compile(r"[<\[]\W*(unk|unknown|oov)\W*[>\]]", re.IGNORECASE)
_SPECIAL_TOKEN = re.compile(r"<[^<>]{1,40}>|\[[^\[\]]{1,40}\]|")

Tokens = Sequence[str | None]
"""entries in the order of ids; None: the id has no entry"""


@dataclass(frozen=True, kw_only=True)
class ImportedVocabulary:
    """A vocabulary, and the entries that are not the characters of the file."""

    vocabulary: Vocabulary
    replaced: Mapping[int, str | None]
    """special tokens by their ids; None: the id had no entry"""

    def notes(self) -> Iterator[str]:
        """Yield a note on each character that stands for something else."""
        for char_id, token in self.replaced.items():
            character = self.vocabulary.characters[char_id]
            what = f"id {char_id} has no character" if token is None else f"{token!r} is no character"
            yield f"{what}; U+{ord(character):04X} stands for it"


def read_vocabulary(path: Path, sizes: Sequence[int] = ()) -> ImportedVocabulary:
    """Return the vocabulary in a file; `sizes` are plausible ones, by which a final newline is recognized.

    Raise CharrnnError for a damaged file, repeated characters, and entries that are neither characters nor special
    tokens.
    """
    content = _read(path)
    try:
        tokens = _from_json(content) if _is_json(path, content) else _from_text(content, sizes)
        return _build(tokens)
    except CharrnnError as error:
        raise CharrnnError(f"{path}: {error.message}", hint=error.hint) from error


def _read(path: Path) -> str:
    """Return the content of a file of limited size (CharrnnError)."""
    try:
        with open_regular(path) as file:
            content = b""
            while len(content) <= MAX_BYTES and (chunk := file.read(CHUNK_BYTES)):
                content += chunk
    except OSError as error:
        raise CharrnnError(f"cannot read {path}: {os_reason(error)}") from error
    if len(content) > MAX_BYTES:
        raise CharrnnError(f"{path} has more than {MAX_BYTES:,} bytes, so it is no vocabulary")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CharrnnError(f"{path} is not valid UTF-8 at byte {error.start:,}") from error


def _is_json(path: Path, content: str) -> bool:
    """Return whether a file has JSON: by its name, or because its whole content is a JSON list or object."""
    if path.suffix.lower() == ".json":
        return True
    stripped = content.strip()
    if stripped[:1] + stripped[-1:] not in ("[]", "{}"):
        return False
    try:
        _parse(stripped)
    except CharrnnError:
        return False
    return True


def _parse(content: str) -> Any:
    """Return the value of some JSON with few values; objects become lists of pairs (CharrnnError)."""
    if sum(content.count(sign) for sign in ",[{") > MAX_VOCABULARY + 10:
        raise CharrnnError(f"it has more than {MAX_VOCABULARY:,} entries")
    try:
        return json.loads(content.removeprefix("\ufeff"), object_pairs_hook=lambda pairs: tuple(pairs))
    except (ValueError, RecursionError) as error:
        raise CharrnnError("it is not JSON") from error


def _from_json(content: str) -> Tokens:
    """Return the entries of a JSON list, or of an object in either direction (CharrnnError)."""
    value = _parse(content)
    if isinstance(value, list):
        wrong = next((entry for entry in value if not isinstance(entry, str)), None)
        if wrong is not None:
            raise CharrnnError(f"{reprlib.repr(wrong)} is not a string")
        return value
    if not isinstance(value, tuple):
        raise CharrnnError("it is neither a list nor an object")
    if all(type(entry) is int for _, entry in value):
        return _by_id([(char_id, token) for token, char_id in value])
    if all(isinstance(entry, str) and _is_id(key) for key, entry in value):
        return _by_id([(int(key), token) for key, token in value])
    raise CharrnnError("its object maps neither characters to ids nor ids to characters")


def _is_id(text: str) -> bool:
    """Return whether a string is a number that can be an id."""
    return text.isascii() and text.isdigit() and len(text) < 10


def _by_id(pairs: Sequence[tuple[int, str]]) -> Tokens:
    """Return entries in the order of their ids, None where an id is missing (CharrnnError)."""
    tokens = dict(pairs)
    if len(tokens) < len(pairs):
        (duplicate, _), *_ = Counter(char_id for char_id, _ in pairs).most_common(1)
        raise CharrnnError(f"the id {reprlib.repr(duplicate)} is given twice")
    low, high = min(tokens, default=0), max(tokens, default=0)
    if low < 0 or high >= len(tokens) + MAX_PLACEHOLDERS:
        wrong = low if low < 0 else high
        raise CharrnnError(f"the id {reprlib.repr(wrong)} does not fit {len(tokens):,} entries, whose ids begin at 0")
    return [tokens.get(char_id) for char_id in range(high + 1)] if tokens else []


def _from_text(content: str, sizes: Sequence[int]) -> Tokens:
    """Return the characters of a text file in order, or the entries of its lines if it has one in each line."""
    lines = content.removesuffix("\n").split("\n")
    one_per_line = len(lines) > 2 and all(len(line) == 1 or _SPECIAL_TOKEN.fullmatch(line) for line in lines)
    if one_per_line:
        if "" in lines:
            raise CharrnnError("a line is empty", hint="a JSON list can contain a newline")
        return lines
    without_end = content.removesuffix("\n")
    is_end = content != without_end and (
        "\n" in without_end or (len(content) not in sizes and len(without_end) in sizes)
    )
    return list(without_end if is_end else content)


def _build(tokens: Tokens) -> ImportedVocabulary:
    """Return the vocabulary of some entries (CharrnnError)."""
    characters: list[str] = []
    replaced: dict[int, str | None] = {}
    reserved = {token for token in tokens if token and len(token) == 1}
    private = (
        chr(point) for point in range(PRIVATE_USE, PRIVATE_USE + MAX_PLACEHOLDERS) if chr(point) not in reserved
    )
    for char_id, token in enumerate(tokens):
        if token is None or len(token) != 1:
            replaced[char_id] = token
            characters.append(_placeholder(token, char_id, private, reserved))
        else:
            characters.append(token)
    _check_distinct(characters)
    return ImportedVocabulary(vocabulary=Vocabulary(tuple(characters)), replaced=replaced)


def _placeholder(token: str | None, char_id: int, private: Iterator[str], reserved: set[str]) -> str:
    """Return the character that stands for a special token, or for a missing entry (CharrnnError)."""
    if token is not None and not _SPECIAL_TOKEN.fullmatch(token):
        raise CharrnnError(
            f"{reprlib.repr(token)} (id {char_id}) is not a single character",
            hint="charrnn reads characters, and special tokens such as <unk>",
        )
    if token and _UNKNOWN_TOKEN.fullmatch(token) and UNKNOWN not in reserved:
        reserved.add(UNKNOWN)
        return UNKNOWN
    character = next(private, None)
    if character is None:
        raise CharrnnError(f"more than {MAX_PLACEHOLDERS} ids have no character")
    return character


def _check_distinct(characters: Sequence[str]) -> None:
    """Raise CharrnnError for a repeated character."""
    first: dict[str, int] = {}
    for char_id, character in enumerate(characters):
        if character in first:
            raise CharrnnError(f"{character!r} has two ids, {first[character]} and {char_id}")
        first[character] = char_id
