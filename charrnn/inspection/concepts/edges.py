"""Edges: the places after which a network that follows a concept should predict better.

An edge is true at t where the next character, x_{t+1}, is one that the concept helps to foresee: the quote mark that
closes, the end of the line. Unlike marks, edges may look ahead. What they are worth is left to the evidence.
"""

import re
from collections.abc import Callable

import numpy as np

from charrnn.inspection.concepts.marks import Hits, Marks, later
from charrnn.inspection.concepts.source import Source

Edge = Callable[[Marks, Source], Hits]
"""from a concept's marks of a text (T,), and the text, to its edges (T,)"""


def falls(marks: Marks, source: Source) -> Hits:  # noqa: ARG001 - an Edge
    """Take the ends of episodes: an inside that is left, a counter that begins again, a depth that drops.

    >>> falls(np.array([0, 1, 1, 0]), Source.of("a(b)")).tolist()
    [False, False, True, False]
    """
    return np.append(marks[1:] < marks[:-1], False)[: len(marks)]


def falls_at(characters: str) -> Edge:
    """Take the ends of episodes that one of these characters brings about."""
    return lambda marks, source: falls(marks, source) & later(source.one_of(characters))


def next_is(characters: str) -> Edge:
    """Take the places before these characters, whatever the marks."""
    return lambda marks, source: later(source.one_of(characters))  # noqa: ARG005 - an Edge


def before(pattern: str) -> Edge:
    """Take the places where the concept holds and a closer of this pattern begins with the next character."""
    closer = re.compile(pattern, re.MULTILINE)
    return lambda marks, source: (marks > 0) & _matches_next(closer, source)


def where_marked(marks: Marks, source: Source) -> Hits:  # noqa: ARG001 - an Edge
    """Take every place where the concept holds."""
    return marks > 0


def nowhere(marks: Marks, source: Source) -> Hits:  # noqa: ARG001 - an Edge
    """Take no place: what only speaks of the character just read helps to foresee none."""
    return np.zeros(len(marks), dtype=np.bool_)


def _matches_next(closer: re.Pattern[str], source: Source) -> Hits:
    begins = np.zeros(len(source.text), dtype=np.bool_)
    begins[[found.start() for found in closer.finditer(source.text)]] = True
    return later(begins)
