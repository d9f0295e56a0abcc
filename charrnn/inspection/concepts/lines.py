"""Concepts of lines: how far into one, at its beginning, its indentation, what stands above it."""

import re

import numpy as np

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.marks import (
    Marks,
    Mask,
    as_marks,
    count_since,
    distance_since,
    forward_fill,
    shifted_left,
)
from charrnn.inspection.concepts.source import ParsedText

TAB_STOP = 8
_LEADING_BLANKS = re.compile(r"\A[ \t]+|\n[ \t]*")


@concept("counter", "characters since the line began")
def line_pos(parsed: ParsedText) -> Marks:
    r"""Count the characters of the line so far, 0 on its end.

    >>> line_pos(ParsedText.of("ab\nc")).tolist()
    [1, 2, 0, 1]
    """
    return distance_since(parsed.mask_of("\n"))


@concept("binary", "only blanks so far on this line")
def line_start(parsed: ParsedText) -> Marks:
    r"""Mark the end of the line before and the blanks after it.

    >>> line_start(ParsedText.of("a\n b")).tolist()
    [0, 1, 1, 0]
    """
    inked = parsed.mask_where(lambda character: not character.isspace())
    return as_marks(count_since(inked, parsed.mask_of("\n")) == 0)


@concept("binary", "on the line after an empty one: headings")
def after_blank(parsed: ParsedText) -> Marks:
    r"""Mark the line, from the end of the empty one to before its own.

    >>> after_blank(ParsedText.of("a\n\nb\nc")).tolist()
    [0, 0, 1, 1, 0, 0]
    """
    ends = np.flatnonzero(parsed.mask_of("\n"))
    return forward_fill(len(parsed.text), ends, as_marks(parsed.blank_line[ends]))


def _at_line_start(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Take the places where a blank more, or the first other character, is to come."""
    at_start: Mask = line_start(parsed) > 0
    return at_start & shifted_left(np.ones_like(at_start))


@concept("counter", "columns of blanks that the line begins with", edge=_at_line_start)
def indent(parsed: ParsedText) -> Marks:
    r"""Count the columns of leading blanks so far, kept to the end of the line; a tab goes to its stop.

    >>> indent(ParsedText.of("  a\nb")).tolist()
    [1, 2, 2, 0, 0]
    """
    positions, columns = [], []
    for match in _LEADING_BLANKS.finditer(parsed.text):
        column = 0
        for position, blank in enumerate(match.group(), match.start()):
            column = _next_column(column, blank)
            positions.append(position)
            columns.append(column)
    return forward_fill(len(parsed.text), positions, columns)


def _next_column(column: int, blank: str) -> int:
    if blank == "\n":
        return 0
    return column + 1 if blank == " " else column - column % TAB_STOP + TAB_STOP
