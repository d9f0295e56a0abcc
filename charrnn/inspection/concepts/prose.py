"""Concepts of any written text: quotation, the place in the line and in the word."""

import re

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.edges import falls_at
from charrnn.inspection.concepts.marks import Marks, hold, since
from charrnn.inspection.concepts.scanner import BLANK_LINE
from charrnn.inspection.concepts.source import Source

_QUOTES = re.compile(f'["“”«»「」]|{BLANK_LINE}')


@concept("binary", "inside double quotes; a blank line ends them", edge=falls_at('"”»」'))
def in_quote(source: Source) -> Marks:
    """Mark quotations: a straight mark toggles, a directed one sets or clears, a blank line clears.

    >>> in_quote(Source.of('a "b" c')).tolist()
    [0, 0, 1, 1, 0, 0, 0]
    """
    positions, values, inside = [], [], 0
    for found in _QUOTES.finditer(source.text):
        mark = found.group()
        inside = 1 - inside if mark == '"' else int(mark in "“«「")
        positions.append(found.end() - 1)
        values.append(inside)
    return hold(len(source.text), positions, values)


@concept("counter", "characters since the line began")
def line_pos(source: Source) -> Marks:
    r"""Count the characters of the line so far, 0 on its end.

    >>> line_pos(Source.of("ab\nc")).tolist()
    [1, 2, 0, 1]
    """
    return since(source.one_of("\n"))


@concept("counter", "characters since the word began, 0 outside words")
def word_pos(source: Source) -> Marks:
    """Count the letters, digits, underscores and inner apostrophes of the word so far.

    >>> word_pos(Source.of("it's so")).tolist()
    [1, 2, 3, 4, 0, 1, 2]
    """
    return since(~source.word)
