"""Rules for the values of a record's fields, to be put into annotations: ranges, lengths, choices."""

import os
import reprlib
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from charrnn.errors import CharrnnError

LARGEST = 10**15
"""bound of counts, seconds and losses: exact in double precision, and far above any real value"""


class Rule(Protocol):
    """A condition on a value that already has the right type."""

    def check(self, value: Any, name: str) -> None:
        """Raise CharrnnError unless the value satisfies the condition."""


@dataclass(frozen=True)
class Range:
    """The smallest and the largest value of a number."""

    low: float
    high: float
    below: bool = False
    """whether `high` itself is excluded"""

    def check(self, value: float, name: str) -> None:
        """Raise CharrnnError unless the number is in the range; NaN is in no range."""
        if not self.low <= value <= self.high or (self.below and value == self.high):
            raise CharrnnError(f"{name} is {reprlib.repr(value)}; it must be {self.described(type(value))}")

    def described(self, kind: type) -> str:
        """Return the range in words."""
        what = "a whole number" if kind is int and isinstance(self.high, int) else "a number"
        end = f"up to, not with, {_amount(self.high)}" if self.below else f"to {_amount(self.high)}"
        return f"{what} from {_amount(self.low)} {end}"


@dataclass(frozen=True)
class Unknown:
    """Allow NaN in place of a number that is not known."""


@dataclass(frozen=True)
class Text:
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


@dataclass(frozen=True)
class Choice:
    """The values that a string may have."""

    values: tuple[str, ...]
    what: str

    def check(self, value: str, name: str) -> None:
        """Raise CharrnnError unless the string is one of the values."""
        if value not in self.values:
            message = f"unknown {self.what} {reprlib.repr(value)}"
            raise CharrnnError(message, hint=f"{name} is one of {', '.join(self.values)}")


Count = Annotated[int, Range(0, LARGEST)]
PlannedSteps = Annotated[int, Range(0, 10**30)]
"""what a time budget comes to has no bound of its own"""
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
