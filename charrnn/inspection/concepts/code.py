"""Concepts of program text: strings, comments, brackets, indentation."""

import re

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.marks import Marks, hold
from charrnn.inspection.concepts.source import Source

TAB_STOP = 8
_LEADING_BLANKS = re.compile(r"\A[ \t]+|\n[ \t]*")


@concept("binary", "inside a string of program text")
def string(source: Source) -> Marks:
    """Mark strings, from the opening delimiter up to the closing one.

    >>> string(Source.of("a='b'", "a.py")).tolist()
    [0, 0, 1, 1, 0]
    """
    return source.code.string


@concept("binary", "inside a comment of program text")
def comment(source: Source) -> Marks:
    """Mark comments, from the character that makes the opener up to the end.

    >>> comment(Source.of("/*b*/", "a.c")).tolist()
    [0, 1, 1, 1, 0]
    """
    return source.code.comment


@concept("depth", "how many brackets are open, outside strings and comments")
def bracket_depth(source: Source) -> Marks:
    """Count the open brackets of all kinds.

    >>> bracket_depth(Source.of("a[(b)]")).tolist()
    [0, 1, 2, 2, 1, 0]
    """
    return source.code.depth


@concept("counter", "columns of blanks before the line's first other character")
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
