"""Checks of the values that callers pass to the Python API, and kinds of documents.

Each check returns the plain value, or raises WrongUsageError with the name of the argument. NumPy's scalars count
as Python's numbers; booleans do not count as numbers.
"""

import os
import re
import reprlib
import sys
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from charrnn.errors import CharrnnError, WrongUsageError, choice_hint, did_you_mean, os_reason

LARGEST_SEED = 2**62
"""largest seed of a random number generator"""
CODE_POINTS = 0x110000
"""number of Unicode code points, the largest possible vocabulary"""
MAX_CHARACTERS = 10**12
"""largest number of characters that can be requested, as on the command line"""
DEVICES = ("cpu", "cuda", "mps")
"""types of devices that a network can run on: the CPU, then GPUs"""
AUTO = "auto"
"""value of an option that the program chooses"""
LONGEST_PATH = 4095
"""bytes in a path; the limit of Linux, which is the highest of the common systems"""
_NUMERAL = re.compile(r"-?\d{1,15}(\.\d{1,15})?(e-?\d{1,3})?", re.ASCII)


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


def first_names(names: Sequence[str], max_names: int = 3) -> str:
    """Return the first names of a list, and how many more there are, for a message."""
    more = f" and {len(names) - max_names:,} more" if len(names) > max_names else ""
    return ", ".join(map(shortened, names[:max_names])) + more


def whole_number(value: object, name: str, *, low: int = 0, high: int = MAX_CHARACTERS) -> int:
    """Return a whole number within bounds (WrongUsageError).

    >>> whole_number(1.5, "length", low=1)
    Traceback (most recent call last):
    charrnn.errors.WrongUsageError: length is 1.5: it must be a whole number ≥ 1
    """
    number = plain(value)
    is_whole = isinstance(number, int) and not isinstance(number, bool)
    if is_whole and low <= number <= high:
        return int(number)
    bound = f"≤ {high:,}" if is_whole and number > high else f"≥ {low}"
    raise _not_a_number(number, name, f"a whole number {bound}")


def number(
    value: object, name: str, *, low: float = 0.0, high: float = sys.float_info.max, low_excluded: bool = False
) -> float:
    """Return a finite number within bounds, without the lower bound itself if `low_excluded` (WrongUsageError)."""
    from numbers import Real  # not needed by the help

    given = plain(value)
    is_number = isinstance(given, Real) and not isinstance(given, bool)
    if is_number and low <= given <= high and not (low_excluded and given == low):
        return given if isinstance(given, int | float) else float(given)
    upper_bound = f" and ≤ {high:,.15g}" if high < sys.float_info.max else ""
    raise _not_a_number(given, name, f"a number {'>' if low_excluded else '≥'} {low:g}{upper_bound}")


def _not_a_number(value: object, name: str, requirement: str) -> WrongUsageError:
    """Return the error for a value that is not a valid number; for a string in digits, with a hint.

    >>> _not_a_number("1", "minutes", "a number > 0").hint
    '`minutes=1`, without quotation marks'
    """
    hint = None
    if isinstance(value, str) and name.isidentifier() and _NUMERAL.fullmatch(value):
        hint = f"`{name}={value}`, without quotation marks"
    kind = ", not a string" if isinstance(value, str) else ""
    return WrongUsageError(f"{name} is {shown(value)}: it must be {requirement}{kind}", hint=hint)


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
    """Return an iterable, which must be no string, bytes or mapping (WrongUsageError)."""
    if isinstance(values, str):
        raise WrongUsageError(
            f"{name} is the string {shown(values)}: it must be a list", hint=f"`{name}=[{shown(values)}]`"
        )
    if not isinstance(values, Iterable) or isinstance(values, bytes | bytearray | Mapping):
        raise WrongUsageError(f"{name} is {shown(values)}: it must be a list")
    try:
        return iter(values)
    except TypeError as error:  # a NumPy array without dimensions has the method, which refuses
        raise WrongUsageError(f"{name} is {shown(values)}: it must be a list") from error


def choice(value: object, name: str, choices: Collection[str]) -> str:
    """Return a string that is one of the choices (WrongUsageError).

    >>> choice("LSTM", "cell", ("lstm", "gru"))
    Traceback (most recent call last):
    charrnn.errors.WrongUsageError: cell is 'LSTM': it must be 'lstm' or 'gru'
    hint: did you mean lstm?
    """
    if isinstance(value, str) and value in choices:
        return value
    *first_choices, last = map(repr, choices)
    hint = choice_hint(value, choices) if isinstance(value, str) else ""
    raise WrongUsageError(
        f"{name} is {shown(value)}: it must be {', '.join(first_choices)} or {last}", hint=hint or None
    )


def check_names(settings: Mapping[str, object], valid_names: Collection[str]) -> None:
    """Raise WrongUsageError for the name of a setting that does not exist, with the most similar name as a hint."""
    for name in settings:
        if name not in valid_names:
            raise WrongUsageError(f"there is no setting {shown(name)}", hint=did_you_mean(name, valid_names))


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


# Kinds of documents: "line", "blank", "file", the literal text between two documents, or /REGEX/, whose matches begin
# documents. A model file stores the kind, so a pattern can come from anybody. Therefore patterns are limited to those
# that never take much time: no group is repeated, and few of the repetitions can be combined.

DOCUMENT_KINDS = ("line", "blank", "file")
MAX_KIND_CHARS = 200
"""characters of a literal separator or a pattern"""
MATCH_CHARS = 256
"""characters within which a pattern matches, counted from the start of a document"""
MAX_PATHS = 1_000
"""ways to try a match at one position; more than one repetition without a bound exceeds this limit"""
MAX_PATHS_OF_LINES = 100_000
"""the same for patterns that match at the beginning of a line only, and whose repetitions end with the line"""

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "\\": "\\"}
_SYNTAX = (
    r"(?P<atom>\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\.)|(?P<flags>\(\?[aim]+\))|"
    r"(?P<open>\((?:\?(?:[:=!>]|<[=!]|P<\w+>))?(?!\?))|(?P<close>\))|(?P<bar>\|)"
    r"|(?P<repeat>[*+]|\{\d*,\}|\?|\{\d*,(?P<high>\d+)\}|\{\d+\})(?P<mode>[?+]?)|(?P<plain>[^(])"
)
_WITHIN_LINE = r"[^\\\[\n]|\\[dwS]|\\[^\w\n]|\[(?!\^)(?:\\[dw]|\\[^\w\n]|[^\\\x00-\x1f])*\]"
"""one element of a pattern that matches no line feed"""


class Separator(NamedTuple):
    """What separates the documents of a custom kind: a literal text, or a pattern."""

    literal: str
    """text between two documents, which belongs to neither; empty for a pattern"""
    pattern: re.Pattern[str] | None
    """pattern whose matches begin documents"""


def custom_separator(kind: str) -> Separator | None:
    r"""Return the separator of a custom kind of documents; None for a built-in kind (WrongUsageError).

    >>> custom_separator(r"\n---\n").literal, custom_separator(r"/^\[Event /").pattern.pattern
    ('\n---\n', '^\\[Event ')
    """
    if kind in DOCUMENT_KINDS:
        return None
    invalid = next((character for character in kind if character == "\0" or "\ud800" <= character <= "\udfff"), None)
    if not kind or invalid is not None:
        problem = "is empty" if not kind else f"has U+{ord(invalid or ''):04X}, which no text contains"
        raise WrongUsageError(f"the separator of documents {problem}", hint=f"one of {', '.join(DOCUMENT_KINDS)}")
    if len(kind) > MAX_KIND_CHARS:
        raise WrongUsageError(f"the separator of documents has more than {MAX_KIND_CHARS} characters")
    if len(kind) > 2 and kind[0] == kind[-1] == "/":
        return Separator("", _document_pattern(kind[1:-1]))
    return Separator(re.sub(r"\\([ntrf\\])", lambda match: _ESCAPES[match[1]], kind), None)


def _document_pattern(pattern: str) -> re.Pattern[str]:
    """Return a compiled pattern, in which ^ and $ match in every line (WrongUsageError)."""
    shown_pattern = f"--documents /{shortened(pattern, 60)}/"
    with warnings.catch_warnings():
        # Warnings about syntax that a future version of Python may change are of no use to the user.
        warnings.simplefilter("ignore")
        try:
            compiled = re.compile(pattern, re.MULTILINE)
        except (re.error, OverflowError, RecursionError) as error:
            hint = "`\\[`, `\\(` and the like match the characters themselves"
            raise WrongUsageError(f"{shown_pattern}: {error}", hint=hint) from error
    _check_cost(pattern, shown_pattern)
    if compiled.match(""):
        raise WrongUsageError(f"{shown_pattern} matches the empty text, so it does not tell where documents begin")
    return compiled


def _check_cost(pattern: str, shown_pattern: str) -> None:
    """Raise WrongUsageError for a pattern that can take much time, or whose time is not known."""
    paths, branches, before, within_lines, starts_line = 1, [1], "", True, re.match(r"(?:\(\?[aim]+\))?\^", pattern)
    position, tokens = 0, re.compile(_SYNTAX, re.DOTALL)  # compiled here, because the help does not need it
    while position < len(pattern):
        token = tokens.match(pattern, position)
        if not token or re.match(r"\\[1-9]", token[0]):
            hint = "groups, sets, alternatives, lookahead, lookbehind and repetitions are"
            raise WrongUsageError(
                f"{shown_pattern}: {pattern[position : position + 4]!r} is not supported", hint=hint
            )
        if token["repeat"]:
            if before == ")" and token["repeat"] != "?":
                hint = "`[A-Z ]+` repeats a set of characters"
                raise WrongUsageError(f"{shown_pattern}: a group cannot be repeated", hint=hint)
            paths *= _choices(token)
            within_lines &= bool(re.fullmatch(_WITHIN_LINE, before)) or token["repeat"] == "?"
        elif token["open"]:
            branches.append(1)
        elif token["close"]:
            paths *= branches.pop()
        elif token["bar"]:
            branches[-1] += 1
        before, position = token[0], token.end()
    of_lines = starts_line and within_lines and branches == [1]
    if paths * branches[0] > (MAX_PATHS_OF_LINES if of_lines else MAX_PATHS):
        hint = "`{1,3}` limits a repetition; one + or * is possible, or two after a ^ at the beginning"
        raise WrongUsageError(f"{shown_pattern} can take too much time", hint=hint)


def _choices(repeat: re.Match[str]) -> int:
    """Return the number of ways in which a repetition can match at one position."""
    if repeat["mode"] == "+" or re.fullmatch(r"\{\d+\}", repeat["repeat"]):
        return 1
    return 2 if repeat["repeat"] == "?" else int(repeat["high"] or MATCH_CHARS)
