"""Concepts of lines: how far into one, at its beginning, its indentation, what stands above it."""

import re

import numpy as np

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.marks import Hits, Marks, count_since, hold, later, marked, since
from charrnn.inspection.concepts.source import Source

TAB_STOP = 8
_LEADING_BLANKS = re.compile(r"\A[ \t]+|\n[ \t]*")


@concept("counter", "characters since the line began")
def line_pos(source: Source) -> Marks:
    r"""Count the characters of the line so far, 0 on its end.

    >>> line_pos(Source.of("ab\nc")).tolist()
    [1, 2, 0, 1]
    """
    return since(source.one_of("\n"))


@concept("binary", "only blanks so far on this line")
def line_start(source: Source) -> Marks:
    r"""Mark the end of the line before and the blanks after it.

    >>> line_start(Source.of("a\n b")).tolist()
    [0, 1, 1, 0]
    """
    inked = source.where(lambda character: not character.isspace())
    return marked(count_since(inked, source.one_of("\n")) == 0)


@concept("binary", "on the line after an empty one: headings")
def after_blank(source: Source) -> Marks:
    r"""Mark the line, from the end of the empty one to before its own.

    >>> after_blank(Source.of("a\n\nb\nc")).tolist()
    [0, 0, 1, 1, 0, 0]
    """
    ends = np.flatnonzero(source.one_of("\n"))
    return hold(len(source.text), ends, marked(source.blank_line[ends]))


def _at_line_start(marks: Marks, source: Source) -> Hits:  # noqa: ARG001 - an Edge
    """Take the places where a blank more, or the first other character, is to come."""
    at_start: Hits = line_start(source) > 0
    return at_start & later(np.ones_like(at_start))


@concept("counter", "columns of blanks that the line begins with", edge=_at_line_start)
def indent(source: Source) -> Marks:
    r"""Count the columns of leading blanks so far, kept to the end of the line; a tab goes to its stop.

    >>> indent(Source.of("  a\nb")).tolist()
    [1, 2, 2, 0, 0]
    """
    positions, columns = [], []
    for found in _LEADING_BLANKS.finditer(source.text):
        column = 0
        for position, blank in enumerate(found.group(), found.start()):
            column = _next_column(column, blank)
            positions.append(position)
            columns.append(column)
    return hold(len(source.text), positions, columns)


def _next_column(column: int, blank: str) -> int:
    if blank == "\n":
        return 0
    return column + 1 if blank == " " else column - column % TAB_STOP + TAB_STOP
