"""Schemas of JSON values: every key with its types, one line per key, compared with a recorded file."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from difflib import ndiff
from itertools import chain
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "schemas.txt"
"""sections of lines, each below a heading in brackets and above an empty line"""

TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}

KEYED_BY_DATA = {"cells", "clamps", "marks"}
"""names of objects whose keys are data; their members are described together, as `*`"""

Keys = tuple[str, ...]


def _sections() -> dict[str, list[str]]:
    """Return the lines of each section of the recorded file."""
    text = RECORDED.read_text(encoding="utf-8")
    sections = re.finditer(r"^\[(.*)\]\n((?:.+\n)*)", text, re.MULTILINE)
    return {section[1]: section[2].splitlines() for section in sections}


def headings() -> list[str]:
    """Return the names of the recorded sections."""
    return list(_sections())


def changes(lines: list[str], section: str) -> list[str]:
    """Return the lines of a section that are missing, after "- ", and those that are new, after "+ " (KeyError)."""
    return [line for line in ndiff(_sections()[section], lines) if line.startswith(("- ", "+ "))]


def schema(values: Iterable[Any]) -> list[str]:
    """Return one line per key of the values, with all types that occur there, in the order of the keys.

    A key that some of the objects lack ends with a question mark.

    >>> schema([{"a": 1, "b": [{"c": None}, {"c": 2.5}]}, {"a": 3}])
    ['a: integer', 'b?: array', 'b[]: object', 'b[].c: null|number']
    >>> schema([{"cells": {"1.0": [0.5], "1.1": []}}])
    ['cells: object', 'cells.*: array', 'cells.*[]: number']
    """
    types: dict[Keys, set[str]] = defaultdict(set)
    counts: Counter[Keys] = Counter()
    objects: Counter[Keys] = Counter()
    for keys, value in chain.from_iterable(_members((), value) for value in values):
        types[keys].add("null" if value is None else TYPES[type(value)])
        counts[keys] += 1
        objects[keys] += isinstance(value, Mapping)

    def line(keys: Keys) -> str:
        optional = keys[-1] not in ("[]", "*") and counts[keys] < objects[keys[:-1]]
        path = ".".join(keys).replace(".[]", "[]")
        return f"{path}{'?' if optional else ''}: {'|'.join(sorted(types[keys]))}"

    return [line(keys) for keys in sorted(types) if keys]


def _members(keys: Keys, value: Any) -> Iterator[tuple[Keys, Any]]:
    """Yield a value and everything inside it, each with the keys that lead to it."""
    yield keys, value
    if isinstance(value, Mapping):
        keyed_by_data = keys[-1:] and keys[-1] in KEYED_BY_DATA
        for key, member in value.items():
            yield from _members((*keys, "*" if keyed_by_data else key), member)
    elif isinstance(value, list):
        for member in value:
            yield from _members((*keys, "[]"), member)
