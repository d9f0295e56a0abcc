"""Concepts: a mark for every character of a text, and the registry of the built-in concepts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from charrnn.inspection.concepts.language import Language
from charrnn.inspection.concepts.marks import Marks, Mask, shifted_left
from charrnn.inspection.concepts.parsed_text import ParsedText

# Edges: the places after which a network that follows a concept should predict better. An edge is true at t where the
# concept helps to predict the next character, x_{t+1}: the closing quotation mark, the end of the line. Unlike marks,
# edges may look ahead.

Edge = Callable[[Marks, ParsedText], Mask]
"""from a concept's marks of a text (T,), and the text, to its edges (T,)"""


def ends(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Take the ends of episodes: an inside that is left, a counter that begins again, a depth that drops.

    >>> ends(np.array([0, 1, 1, 0]), ParsedText.of("a(b)")).tolist()
    [False, False, True, False]
    """
    return np.append(marks[1:] < marks[:-1], False)[: len(marks)]


def ends_at(characters: str) -> Edge:
    """Take the ends of episodes that one of these characters brings about."""
    return lambda marks, parsed: ends(marks, parsed) & shifted_left(parsed.mask_of(characters))


def next_char_in(characters: str) -> Edge:
    """Take the places before these characters, whatever the marks."""
    return lambda marks, parsed: shifted_left(parsed.mask_of(characters))  # noqa: ARG005 - an Edge


def before_pattern(pattern: str) -> Edge:
    """Take the places where the concept holds and a closer of this pattern begins with the next character."""
    closer = re.compile(pattern, re.MULTILINE)
    return lambda marks, parsed: (marks > 0) & _matches_next(closer, parsed)


def everywhere_marked(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Take every place where the concept holds."""
    return marks > 0


def no_edges(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Take no place: what only speaks of the character just read helps to foresee none."""
    return np.zeros(len(marks), dtype=np.bool_)


def _matches_next(closer: re.Pattern[str], parsed: ParsedText) -> Mask:
    begins = np.zeros(len(parsed.text), dtype=np.bool_)
    begins[[match.start() for match in closer.finditer(parsed.text)]] = True
    return shifted_left(begins)


# Concepts and their registry

Kind = Literal["binary", "counter", "depth"]
Family = Literal["state", "local", "anticipation", "placebo"]
"""state: what a reader of the text so far has to remember; local: a function of the character just read;
anticipation: of the one to come; placebo: a state that nothing depends on"""
Mark = Callable[[ParsedText], Marks]


@dataclass(frozen=True, kw_only=True)
class Concept:
    """Something a cell may follow: y(t) = f(x_1 … x_t), one whole number for each character."""

    name: str
    """As it is asked for and listed."""
    kind: Kind
    """binary: 0 or 1; depth: a small number; counter: a number without bound, binned before it is compared."""
    description: str
    """One line for people."""
    mark: Mark
    """The marks of a text of T characters (T,)."""
    family: Family = "state"
    """What sort of thing it is, and with it what a cell that follows it shows."""
    uses_future: bool = False
    """Whether a mark may depend on characters that come after it: no cell can know such a one for certain."""
    edge: Edge = ends
    """Where it should pay, from its marks and the text."""

    def edges(self, parsed: ParsedText) -> Mask:
        """Say at which characters the next one is one that the concept helps to foresee (T,)."""
        return self.edge(self.mark(parsed), parsed)


CONCEPTS: dict[str, Concept] = {}


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
    """Enter a marking function in the registry, under its own name if it is given none.

    Texts in a language that has not what it needs are not marked anywhere.
    """

    def register(mark: Mark) -> Mark:
        entered = Concept(
            name=name or mark.__name__,
            kind=kind,
            description=description,
            mark=_where(needs, mark) if needs else mark,
            family=family,
            uses_future=uses_future,
            edge=edge,
        )
        CONCEPTS[entered.name] = entered
        return mark

    return register


def _where(needs: Callable[[Language], object], mark: Mark) -> Mark:
    """Mark texts in languages that have what it needs, and no character of others."""

    def mark_or_not(parsed: ParsedText) -> Marks:
        return mark(parsed) if needs(parsed.language) else np.zeros(len(parsed.text), dtype=np.int64)

    return mark_or_not
