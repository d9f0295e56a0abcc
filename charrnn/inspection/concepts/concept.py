"""A concept: a mark for every character of a text, known from the characters up to it alone.

What the marks are is left to the modules that fill the registry; what they explain, to the evidence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.language import Language, detect_language
from charrnn.inspection.concepts.scanner import CodeScan, scan

Marks = NDArray[np.int64]
Kind = Literal["binary", "counter", "depth"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text to be marked, with what several concepts read in it: done once and shared."""

    text: str
    """The characters themselves."""
    name: str = ""
    """What the text is called, for people."""
    language: Language
    """What counts as a string and as a comment."""

    @classmethod
    def of(cls, text: str, name: str = "") -> "Source":
        """Take a text, its language told by its name or else by its content."""
        return cls(text=text, name=name, language=detect_language(text, name))

    @cached_property
    def code(self) -> CodeScan:
        """Strings, comments and brackets, by one scan."""
        return scan(self.text, self.language)


@dataclass(frozen=True, kw_only=True)
class Concept:
    """Something a cell may follow: y(t) = f(x_1 … x_t), one whole number for each character."""

    name: str
    """As it is asked for and listed."""
    kind: Kind
    # binary: 0 or 1; depth: a small number; counter: a number without bound, binned before it is compared.
    description: str
    """One line for people."""
    mark: Callable[[Source], Marks]
    """The marks of a text of T characters (T,)."""


CONCEPTS: dict[str, Concept] = {}


def concept(kind: Kind, description: str) -> Callable[[Callable[[Source], Marks]], Callable[[Source], Marks]]:
    """Enter a marking function in the registry under its own name."""

    def enter(mark: Callable[[Source], Marks]) -> Callable[[Source], Marks]:
        CONCEPTS[mark.__name__] = Concept(name=mark.__name__, kind=kind, description=description, mark=mark)
        return mark

    return enter
