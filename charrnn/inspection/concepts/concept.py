"""Concepts: labeling functions of a text that a cell may detect, and the registry of the built-in ones."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from charrnn.inspection.concepts.language import Language
from charrnn.inspection.concepts.marks import Marks, Mask, shifted_left
from charrnn.inspection.concepts.parsed_text import ParsedText

# Edges: the positions at which knowledge of a concept should lower the loss. An edge is true at t if the concept
# helps to predict the next character x_{t+1}, such as the closing quotation mark or the newline. Unlike marks, edges
# may depend on later characters.

Edge = Callable[[Marks, ParsedText], Mask]
"""function from the marks of a concept (T,) and the text to the edges (T,)"""


def ends(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Return whether an episode ends: the mark of the next character is lower (T,).

    >>> ends(np.array([0, 1, 1, 0]), ParsedText.of("a(b)")).tolist()
    [False, False, True, False]
    """
    return np.append(marks[1:] < marks[:-1], False)[: len(marks)]


def ends_at(characters: str) -> Edge:
    """Return an edge function: episodes that end with one of the given characters."""
    return lambda marks, parsed: ends(marks, parsed) & shifted_left(parsed.mask_of(characters))


def next_char_in(characters: str) -> Edge:
    """Return an edge function: positions before one of the given characters, regardless of the marks."""
    return lambda marks, parsed: shifted_left(parsed.mask_of(characters))  # noqa: ARG005 - an Edge


def before_pattern(pattern: str) -> Edge:
    """Return an edge function: positions inside the concept before a match of the pattern of a closer."""
    closer = re.compile(pattern, re.MULTILINE)
    return lambda marks, parsed: (marks > 0) & _matches_next(closer, parsed)


def everywhere_marked(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Return whether the concept is present (T,)."""
    return marks > 0


def no_edges(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Return no edges (T,): a property of the last character alone does not predict the next one."""
    return np.zeros(len(marks), dtype=np.bool_)


def _matches_next(closer: re.Pattern[str], parsed: ParsedText) -> Mask:
    starts = np.zeros(len(parsed.text), dtype=np.bool_)
    starts[[match.start() for match in closer.finditer(parsed.text)]] = True
    return shifted_left(starts)


# Registry of concepts

Kind = Literal["binary", "counter", "depth"]
Family = Literal["state", "local", "anticipation", "placebo"]
"""state: a function of the text so far that needs memory; local: a function of the last character alone;
anticipation: a function of the next character; placebo: a state on which no text depends"""
Mark = Callable[[ParsedText], Marks]
"""function from a text of T characters to its marks (T,)"""


@dataclass(frozen=True, kw_only=True)
class Concept:
    """A function y(t) = f(x_1 … x_t) with one whole number per character, which a cell may detect."""

    name: str
    """name on the command line and in listings"""
    kind: Kind
    """binary: 0 or 1; depth: a small number; counter: an unbounded number, quantized before comparison"""
    description: str
    """description in one line"""
    mark: Mark
    """function from a text of T characters to its marks (T,)"""
    family: Family = "state"
    """family of the concept, which decides how a detecting cell is interpreted"""
    uses_future: bool = False
    """whether a mark may depend on later characters, so that no cell can know it for certain"""
    edge: Edge = ends
    """function from the marks and the text to the positions at which the concept should lower the loss"""

    def edges(self, parsed: ParsedText) -> Mask:
        """Return the positions at which the concept should help to predict the next character (T,)."""
        return self.edge(self.mark(parsed), parsed)


CONCEPTS: dict[str, Concept] = {}
"""registered concepts by name, in the order of registration"""


def concept(
    kind: Kind,
    description: str,
    *,
    name: str = "",
    family: Family = "state",
    uses_future: bool = False,
    edge: Edge = ends,
    needs: Callable[[Language], object] | None = None,
) -> Callable[[Mark], Mark]:
    """Return a decorator that registers a marking function as a concept, by default under the name of the function.

    If `needs` is false for the language of a text, all marks are 0.
    """

    def register(mark: Mark) -> Mark:
        registered = Concept(
            name=name or mark.__name__,
            kind=kind,
            description=description,
            mark=_only_if(needs, mark) if needs else mark,
            family=family,
            uses_future=uses_future,
            edge=edge,
        )
        CONCEPTS[registered.name] = registered
        return mark

    return register


def _only_if(needs: Callable[[Language], object], mark: Mark) -> Mark:
    """Return a marking function with marks of 0 for languages that lack a feature."""

    def mark_if_supported(parsed: ParsedText) -> Marks:
        return mark(parsed) if needs(parsed.language) else np.zeros(len(parsed.text), dtype=np.int64)

    return mark_if_supported
