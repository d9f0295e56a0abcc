"""Checks of the values that callers pass to the Python API.

Each check returns the plain value, or raises WrongUsageError with the name of the argument. NumPy's scalars count
as Python's numbers; booleans do not count as numbers.
"""

import os
import reprlib
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from charrnn.errors import CharrnnError, WrongUsageError, os_reason

LARGEST_SEED = 2**62
"""largest seed of a random number generator"""
MAX_CHARACTERS = 10**12
"""largest number of characters that can be requested, as on the command line"""
DEVICES = ("cpu", "cuda", "mps")
"""types of devices that a network can run on: the CPU, then GPUs"""
LONGEST_PATH = 4095
"""bytes in a path; the limit of Linux, which is the highest of the common systems"""


def plain(value: Any) -> Any:
    """Return the Python value of a NumPy scalar; return any other value unchanged."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "shape", None) == () else value


def shown(value: object) -> str:
    """Return a short description of a value, on one line, for an error message.

    >>> shown("x" * 1000), shown(10**5000)
    ("'xxxxxxxxxxxx...xxxxxxxxxxxxx'", 'a number of very many digits')
    """
    try:
        return " ".join(reprlib.repr(value).split())
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number of very many digits"


def shortened(name: str, max_chars: int = 200) -> str:
    """Return a name, cut after `max_chars` characters if it is too long for an error message."""
    return name if len(name) <= max_chars else f"{name[:max_chars]}…"


def whole_number(value: object, name: str, *, low: int = 0, high: int = MAX_CHARACTERS) -> int:
    """Return a whole number within bounds (WrongUsageError).

    >>> whole_number(1.5, "length", low=1)
    Traceback (most recent call last):
    charrnn.errors.WrongUsageError: length is 1.5: it must be a whole number ≥ 1
    """
    number = plain(value)
    if isinstance(number, int) and not isinstance(number, bool):
        if low <= number <= high:
            return int(number)
        if number > high:
            raise WrongUsageError(f"{name} is {shown(number)}: it must be a whole number ≤ {high:,}")
    raise WrongUsageError(f"{name} is {shown(number)}: it must be a whole number ≥ {low}")


def number(
    value: object, name: str, *, low: float = 0.0, high: float = sys.float_info.max, low_excluded: bool = False
) -> float:
    """Return a finite number within bounds, without the lower bound itself if `low_excluded` (WrongUsageError)."""
    from numbers import Real  # not needed by the help

    given = plain(value)
    is_number = isinstance(given, Real) and not isinstance(given, bool)
    if is_number and low <= given <= high and not (low_excluded and given == low):
        return given if isinstance(given, int | float) else float(given)
    upper_bound = f" and ≤ {high:g}" if high < sys.float_info.max else ""
    raise WrongUsageError(
        f"{name} is {shown(given)}: it must be a number {'>' if low_excluded else '≥'} {low:g}{upper_bound}"
    )


def flag(value: object, name: str) -> bool:
    """Return a boolean (WrongUsageError)."""
    given = plain(value)
    if not isinstance(given, bool):
        raise WrongUsageError(f"{name} is {shown(given)}: it must be True or False")
    return given


def text(value: object, name: str) -> str:
    """Return a string (WrongUsageError)."""
    if isinstance(value, str):
        return value
    hint = "`.decode()` makes a string of bytes" if isinstance(value, bytes | bytearray) else None
    raise WrongUsageError(f"{name} is {shown(value)}: it must be a string", hint=hint)


def texts(values: object, name: str) -> tuple[str, ...]:
    """Return a tuple of strings; raise WrongUsageError for a single string, which would be split into characters."""
    return tuple(text(value, f"one of {name}") for value in several(values, name))


def several(values: object, name: str) -> Iterable[Any]:
    """Return an iterable, which must not be a string (WrongUsageError)."""
    if isinstance(values, str):
        raise WrongUsageError(f"{name} is a string: it must be a list", hint=f"`{name}=[{shown(values)}]`")
    if not isinstance(values, Iterable):
        raise WrongUsageError(f"{name} is {shown(values)}: it must be a list")
    try:
        return iter(values)
    except TypeError as error:  # a NumPy array without dimensions has the method, which refuses
        raise WrongUsageError(f"{name} is {shown(values)}: it must be a list") from error


def choice(value: object, name: str, choices: Collection[str]) -> str:
    """Return a string that is one of the choices (WrongUsageError)."""
    if not isinstance(value, str) or value not in choices:
        raise WrongUsageError(f"{name} is {shown(value)}", hint=f"one of {', '.join(choices)}")
    return value


def check_names(settings: Mapping[str, object], known: Collection[str]) -> None:
    """Raise WrongUsageError for the name of a setting that does not exist, with the most similar name as a hint."""
    for name in settings:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise WrongUsageError(f"there is no setting {name!r}", hint=f"did you mean {near[0]}?" if near else None)


def path_name(value: object, name: str) -> str:
    """Return a path as a string that the operating system accepts (WrongUsageError)."""
    if not isinstance(value, str | os.PathLike):
        raise WrongUsageError(f"{name} is {shown(value)}: it must be a string or a Path")
    written = os.fspath(value)
    if not isinstance(written, str):
        raise WrongUsageError(f"{name} is {shown(written)}: it must be a string or a Path", hint="`os.fsdecode`")
    try:
        length = len(os.fsencode(written))
    except UnicodeEncodeError as error:
        raise WrongUsageError(f"{name} is {shown(written)}: it is not valid text") from error
    if "\0" in written:
        raise WrongUsageError(f"{name} is {shown(written)}: no path contains NUL")
    if length > LONGEST_PATH:
        raise WrongUsageError(f"{name} is {shown(written)}: it has {length:,} bytes, more than any path")
    return written


@contextmanager
def system_errors() -> Iterator[None]:
    """Raise CharrnnError with the name of the file in place of each OSError of the block."""
    try:
        yield
    except OSError as error:
        where = "" if error.filename is None else f"{shortened(str(error.filename))}: "
        raise CharrnnError(f"{where}{os_reason(error)}") from error
