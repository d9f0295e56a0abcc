"""Validation of JSON from files: values are parsed within limits and checked against the fields of a dataclass.

A dataclass is a schema: the annotation of a field gives the type of the value, `Annotated` with rules its limits,
and a default means that the value may be missing. All numbers must be finite. A field whose name is a Python
keyword has a trailing underscore, which the name in the file lacks.
"""

import dataclasses
import math
import os
import reprlib
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar

from charrnn.errors import CharrnnError, choice_hint

LARGEST = 10**15
"""bound of counts, seconds and losses: exact in double precision, and far above any real value"""


class Rule(Protocol):
    """A condition on a value that already has the right type."""

    def check(self, value: Any, name: str) -> None:
        """Raise CharrnnError unless the value satisfies the condition."""


class Range(NamedTuple):
    """The smallest and the largest value of a number."""

    low: float
    high: float
    low_excluded: bool = False
    """whether `low` itself is excluded"""

    def check(self, value: float, name: str) -> None:
        """Raise CharrnnError unless the number is in the range; NaN is in no range."""
        if not self.low <= value <= self.high or (self.low_excluded and value == self.low):
            raise CharrnnError(f"{name} is {reprlib.repr(value)}; it must be {self.described(type(value))}")

    def described(self, kind: type) -> str:
        """Return the range in words."""
        number = "a whole number" if kind is int and isinstance(self.high, int) else "a number"
        bounds = "above {} and up to {}" if self.low_excluded else "from {} to {}"
        return f"{number} {bounds.format(_amount(self.low), _amount(self.high))}"


class Unknown:
    """Allow NaN in place of a number that is not known."""


class Text(NamedTuple):
    """The limits of a string."""

    longest: int
    path: bool = False
    """whether the string must be usable as the path of a file"""

    def check(self, value: str, name: str) -> None:
        """Raise CharrnnError unless the string is within the limits."""
        if len(value) > self.longest:
            raise CharrnnError(f"{name} has more than {self.longest:,} characters")
        if self.path and not _is_path(value):
            raise CharrnnError(f"{name} is {reprlib.repr(value)}, which cannot be a path")


class Choice(NamedTuple):
    """The values that a string may have."""

    values: tuple[str, ...]
    description: str

    def check(self, value: str, name: str) -> None:
        """Raise CharrnnError unless the string is one of the values."""
        if value not in self.values:
            message = f"unknown {self.description} {reprlib.repr(value)}"
            hint = choice_hint(value, self.values) or f"{name} is one of {', '.join(self.values)}"
            raise CharrnnError(message, hint=hint)


Count = Annotated[int, Range(0, LARGEST)]
PlannedSteps = Annotated[int, Range(0, 10**30)]
"""the limit is large because a time budget can allow any number of steps"""
Amount = Annotated[float, Range(0, LARGEST)]
Loss = Annotated[float, Range(-0.001, LARGEST)]
"""in nats a character; rounding can leave the loss of a perfect prediction a little below zero"""
Share = Annotated[float, Range(0, 1)]
PathText = Annotated[str, Text(4096, path=True)]


def _is_path(text: str) -> bool:
    """Return whether the system could have a file of that name."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _amount(number: float) -> str:
    """Return a bound as text."""
    return f"{number:,}" if isinstance(number, int) and number < LARGEST else f"{number:g}"


MAX_DEPTH = 8
"""levels of nested lists and objects"""
LARGEST_UNKNOWN = 2**64
"""bound of integers under names that no schema has"""

Record = TypeVar("Record")


class Partial(NamedTuple):
    """Check the known fields of a nested record; fields may be missing, and others may be there."""

    record: type

    def check(self, value: Mapping[str, Any], name: str) -> None:
        """Raise CharrnnError if a known field is not valid."""
        check_partial(self.record, value, name)


def parse_json(text: str, description: str, kind: type, *, max_values: int) -> Any:
    """Parse JSON of at most `max_values` values, whose type is `kind`; raise CharrnnError for anything else.

    Values are counted before they are parsed, because they take more memory than their text.
    """
    import json  # not needed by the help

    if sum(text.count(sign) for sign in ",[{") > max_values:
        raise CharrnnError(f"its {description} holds more than it should")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CharrnnError(f"its {description} is not JSON") from error
    if not isinstance(value, kind):
        raise CharrnnError(f"its {description} is not a {kind.__name__}")
    if _is_deep(value):
        raise CharrnnError(f"its {description} is nested too deeply")
    return value


def from_mapping(record: type[Record], values: Mapping[str, Any], name: str, *, strict: bool = True) -> Record:
    """Build a record from plain values; raise CharrnnError for a wrong type or value, or a missing field.

    Fields that the record does not have raise CharrnnError too if `strict`, and are left out otherwise.
    """
    hints = _hints(record)
    for key in sorted(values.keys() - hints.keys()):
        if strict:
            raise CharrnnError(f"{name} has an unknown {reprlib.repr(key)}")
        _check_unknown(values[key], f"{name}.{reprlib.repr(key)}")
    missing = sorted(_required(record) - values.keys())
    if missing:
        raise CharrnnError(f"{name} has no {missing[0]}")
    fields = {key: _built(hints[key], values[key], f"{name}.{key}") for key in hints if key in values}
    named = {field.name: fields[_key(field)] for field in _fields(record) if _key(field) in fields}
    try:
        return record(**named)
    except CharrnnError as error:
        raise CharrnnError(f"{name}: {error.message}", hint=error.hint) from error


def check_partial(record: type, values: Mapping[str, Any], name: str) -> None:
    """Check those of a record's fields that are there; others may have any finite plain value (CharrnnError)."""
    hints = _hints(record)
    for key, value in values.items():
        if key in hints:
            _built(hints[key], value, f"{name}.{key}")
        else:
            _check_unknown(value, f"{name}.{reprlib.repr(key)}")


def check_fields(record: Any) -> None:
    """Check the types and ranges of all fields of a dataclass instance (CharrnnError)."""
    for key, hint in _hints(type(record)).items():
        _built(hint, getattr(record, key), key)


def _built(hint: Any, value: Any, name: str) -> Any:
    """Return the value as the annotation says, nested records built; raise CharrnnError if it does not fit."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _ruled(arguments[0], arguments[1:], value, name)
    if origin in (types.UnionType, typing.Union):
        return _of_union(arguments, value, name)
    if origin is dict or hint is dict:
        return _mapping(arguments[1] if arguments else None, value, name)
    if dataclasses.is_dataclass(hint):
        return from_mapping(typing.cast("type", hint), _mapping(None, value, name, plain=False), name)
    fits = type(value) in ((int, float) if hint is float else (hint,))
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        raise _misfit(value, hint, name)
    return value


def _ruled(hint: Any, rules: tuple["Rule | Unknown", ...], value: Any, name: str) -> Any:
    """Return a value that satisfies the rules of its annotation."""
    if any(isinstance(rule, Unknown) for rule in rules) and isinstance(value, float) and math.isnan(value):
        return value
    built = _built(hint, value, name)
    for rule in rules:
        if not isinstance(rule, Unknown):
            rule.check(value, name)
    return built


def _of_union(hints: tuple[Any, ...], value: Any, name: str) -> Any:
    """Return a value that fits one of several annotations."""
    if value is None and type(None) in hints:
        return None
    without_none = [hint for hint in hints if hint is not type(None)]
    fitting = [hint for hint in without_none if _base(hint) is type(value)]
    return _built((fitting or without_none)[0], value, name)


def _mapping(hint: Any, value: Any, name: str, *, plain: bool = True) -> dict[str, Any]:
    """Return a mapping whose values all fit the annotation, or are plain values without one."""
    if type(value) is not dict:
        raise _misfit(value, dict, name)
    for key, entry in value.items():
        if hint not in (None, Any):
            _built(hint, entry, f"{name}.{reprlib.repr(key)}")
        elif plain:
            _check_unknown(entry, f"{name}.{reprlib.repr(key)}")
    return dict(value)


def _check_unknown(value: Any, name: str) -> None:
    """Check that all numbers in a value without a schema can be shown and written (CharrnnError)."""
    left = [value]
    while left:
        entry = left.pop()
        left += entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ()
        if isinstance(entry, int) and abs(entry) >= LARGEST_UNKNOWN:
            raise CharrnnError(f"{name} is too large a number")
        if isinstance(entry, float) and not math.isfinite(entry):
            raise CharrnnError(f"{name} is not a finite number")


def _is_deep(value: Any) -> bool:
    """Return whether lists and objects are nested more deeply than any record needs."""
    level = [value]
    for _ in range(MAX_DEPTH):
        nested = [entry.values() if isinstance(entry, dict) else entry for entry in level]
        level = [inner for entries in nested for inner in entries if isinstance(inner, (dict, list))]
        if not level:
            return False
    return True


def _misfit(value: Any, hint: Any, name: str) -> CharrnnError:
    """Return the error for a value of a wrong type."""
    kinds = {int: "a whole number", float: "a number", str: "text", bool: "true or false", dict: "an object"}
    return CharrnnError(f"{name} is {reprlib.repr(value)}; it must be {kinds.get(_base(hint), 'something else')}")


def _base(hint: Any) -> Any:
    """Return the plain type of an annotation."""
    if typing.get_origin(hint) is Annotated:
        return typing.get_args(hint)[0]
    return dict if dataclasses.is_dataclass(hint) else hint


def _hints(record: Any) -> Mapping[str, Any]:
    """Return the annotations of a record's fields, under their names in a file."""
    return _hints_of(record)


@cache
def _hints_of(record: Any) -> Mapping[str, Any]:
    """Evaluate the annotations of a record's fields, once, because that takes some time."""
    hints = typing.get_type_hints(record, include_extras=True)
    return {_key(field): hints[field.name] for field in _fields(record)}


def _required(record: type) -> set[str]:
    """Return the names of the fields that must be there."""
    missing = dataclasses.MISSING
    fields = _fields(record)
    return {_key(field) for field in fields if field.default is missing and field.default_factory is missing}


def _fields(record: Any) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of a record."""
    return dataclasses.fields(record)


def _key(field: dataclasses.Field[Any]) -> str:
    """Return the name of a field in a file."""
    return field.name.rstrip("_")
