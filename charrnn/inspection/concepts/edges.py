"""Edges: the places after which a network that follows a concept should predict better.

An edge is true at t where the next character, x_{t+1}, is one that the concept helps to foresee: the quote mark that
closes, the end of the line. Unlike marks, edges may look ahead. What they are worth is left to the evidence.
"""

import re
from collections.abc import Callable

import numpy as np

from charrnn.inspection.concepts.marks import Marks, Mask, shifted_left
from charrnn.inspection.concepts.source import ParsedText

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
