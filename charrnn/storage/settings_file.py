"""Files of settings: a flat YAML mapping, parsed strictly, and written with the origin of each value."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from charrnn.arguments import shortened, shown
from charrnn.errors import WrongUsageError, os_reason
from charrnn.storage.atomic_file import open_input
from charrnn.storage.run_directory import similar_path

if TYPE_CHECKING:
    import yaml


Value = str | int | float | bool | None | list["Value"]

MAX_BYTES = 1_000_000
"""bytes in a file of settings; a larger file is a mistake or an attack"""

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_NUMBER = re.compile(r"[-+]?(\d[\d_]*)?(\.\d*)?(e[-+]?\d+)?", re.IGNORECASE)
_INFINITE = re.compile(r"([-+]?)\.(inf|nan)", re.IGNORECASE)
_BARE = re.compile(r"[A-Za-z][\w./-]*", re.ASCII)


@dataclass(frozen=True)
class _Parser:
    """Parser of a YAML document by its events: the result has plain values only, and no code can run."""

    name: str
    events: "Iterator[yaml.Event]"

    def settings(self) -> dict[str, tuple[Value, int]]:
        """Return the value and the line of each setting (WrongUsageError)."""
        import yaml

        settings: dict[str, tuple[Value, int]] = {}
        for event in self._document():
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(event, "a setting's name must be a plain word")
            key, line = event.value, _line(event)
            if key in settings:
                raise WrongUsageError(f"{self.name}: {key!r} is given twice (lines {settings[key][1]} and {line})")
            settings[key] = self._value(self._next()), line
        return settings

    def _document(self) -> "Iterator[yaml.Event]":
        """Yield the events of the keys of the one mapping in the file; the caller reads the values in between."""
        import yaml

        in_mapping = False
        for event in self.events:
            self._check(event)
            if isinstance(event, yaml.MappingStartEvent) and not in_mapping:
                in_mapping = True
            elif isinstance(event, yaml.DocumentStartEvent) and in_mapping:
                raise self._error(event, "a second document begins here")
            elif isinstance(event, yaml.NodeEvent):
                if not in_mapping:
                    raise self._error(event, "settings are lines of `name: value`")
                yield event

    def _value(self, event: "yaml.Event") -> Value:
        """Return the value that begins with an event; read the events of the items of a list."""
        import yaml

        if isinstance(event, yaml.ScalarEvent):
            return _plain_value(event.value) if event.implicit[0] else str(event.value)
        if not isinstance(event, yaml.SequenceStartEvent):
            raise self._error(event, "a setting cannot hold a mapping")
        items: list[Value] = []
        while not isinstance(item := self._next(), yaml.SequenceEndEvent):
            if not isinstance(item, yaml.ScalarEvent):
                raise self._error(item, "a list can only hold plain values")
            items.append(self._value(item))
        return items

    def _next(self) -> "yaml.Event":
        """Return the next event (WrongUsageError)."""
        event = next(self.events)
        self._check(event)
        return event

    def _check(self, event: "yaml.Event") -> None:
        """Raise WrongUsageError if an event has an anchor, an alias or a tag."""
        import yaml

        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._error(event, "anchors and aliases are not allowed")
        if getattr(event, "tag", None):
            raise self._error(event, "tags are not allowed")

    def _error(self, event: "yaml.Event", reason: str) -> WrongUsageError:
        """Return the error for an event, with its line."""
        return WrongUsageError(f"{self.name} line {_line(event)}: {reason}")


def read_settings(path: Path, names: Collection[str]) -> dict[str, Value]:
    """Return the settings in a file, whose names must be among the known ones.

    Raise WrongUsageError, with the line, for anything but a flat mapping of plain values.
    """
    try:
        with open_input(path) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        hint = similar_path(path) if isinstance(error, FileNotFoundError) else None
        raise WrongUsageError(f"cannot read {shortened(str(path))}: {os_reason(error)}", hint=hint) from error
    except ValueError as error:  # a NUL, or half a surrogate pair
        raise WrongUsageError(f"{shown(str(path))} cannot be the name of a file") from error
    if len(content) > MAX_BYTES:
        raise WrongUsageError(f"{path} is larger than {MAX_BYTES:,} bytes, so it is not a file of settings")
    return parse_settings(content, str(path), names)


def parse_settings(content: bytes | str, name: str, names: Collection[str]) -> dict[str, Value]:
    """Return the settings in a text, whose name error messages contain; see `read_settings`."""
    import yaml

    try:
        settings = _Parser(name, iter(yaml.parse(content, Loader=yaml.SafeLoader))).settings()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise WrongUsageError(f"{name}{where}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise WrongUsageError(f"{name} is not text: {str(error).splitlines()[0]}") from error
    for key, (_, line) in settings.items():
        if key not in names:
            raise WrongUsageError(f"{name} line {line}: unknown setting {key!r}", hint=_suggestion(key, names))
    return {key: value for key, (value, _) in settings.items()}


def format_settings(settings: Mapping[str, tuple[Value, str]]) -> str:
    """Return a text of settings, each with its origin, from which `parse_settings` returns equal values.

    >>> print(format_settings({"lr": (0.001, "default"), "corpus": (["a b.txt"], "command line")}), end="")
    lr: 0.001  # default
    corpus: ["a b.txt"]  # command line
    """
    lines = (f"{name}: {_formatted(value)}  # {_escaped(origin)}\n" for name, (value, origin) in settings.items())
    return "".join(lines)


def _plain_value(text: str) -> Value:
    """Return the value of an unquoted scalar by YAML 1.2: `no` is a string, `010` is ten, `1e-3` is a float.

    >>> [_plain_value(text) for text in ("1e-3", "010", "no", "true", "3.5.1")]
    [0.001, 10, 'no', True, '3.5.1']
    """
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if special := _INFINITE.fullmatch(text):
        return float(special[1] + special[2])
    match = _NUMBER.fullmatch(text)
    if not match or not any(character.isdigit() for character in (match[1] or "") + (match[2] or "")):
        return text
    try:
        return float(text) if match[2] or match[3] else int(text)
    except ValueError:
        return text


def _formatted(value: Value) -> str:
    """Return a value in YAML."""
    if isinstance(value, list):
        return f"[{', '.join(map(_formatted, value))}]"
    if isinstance(value, float):
        return re.sub(r"(inf|nan)", r".\1", repr(value))
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) and _plain_value(value) == value else f'"{_escaped(value)}"'
    return "null" if value is None else str(value).lower()


def _escaped(text: str) -> str:
    r"""Return a text on one line of printable characters, with the escapes of a double-quoted YAML string.

    >>> _escaped('a "b"\n\x1b')
    'a \\"b\\"\\n\\x1b'
    """
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    """Return a character, escaped if it is a quote, a backslash or not printable."""
    if character in '"\\':
        return "\\" + character
    if character == " " or character.isprintable():
        return character
    code = ord(character)
    short = {"\n": "\\n", "\t": "\\t"}.get(character)
    return short or (f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")


def _suggestion(key: str, names: Collection[str]) -> str:
    """Return the hint for an unknown key: the most similar name, or all names."""
    matches = get_close_matches(key, names, n=1)
    return f"did you mean {matches[0]!r}?" if matches else f"known are {', '.join(sorted(names))}"


def _line(event: "yaml.Event") -> int:
    """Return the number of the line, from 1, in which an event begins."""
    assert event.start_mark is not None
    return event.start_mark.line + 1
