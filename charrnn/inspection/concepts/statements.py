"""Concepts of statements of program text: conditions, docstrings, directives; where the language has them."""

import re

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.code import before_closer
from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.edges import falls_at
from charrnn.inspection.concepts.marks import Hits, Marks, inside, later, since
from charrnn.inspection.concepts.source import Source

_CONDITION = re.compile(r"(?<!\w)(?:if|while|for|switch)\s*(\()")
_PYTHON_CONDITION = re.compile(r"^[ \t]*(?:if|elif|while)(\W)", re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*(#)", re.MULTILINE)
_LONG_STRING = re.compile(r"""^[ \t]*[rRuUbB]{0,2}("{3}|'{3})""", re.MULTILINE)


@concept(
    "binary",
    "inside the condition of an if or a loop",
    edge=falls_at("):"),
    needs=lambda language: language.conditions,
)
def if_cond(source: Source) -> Marks:
    """Mark conditions: between their parentheses, or in Python after if, elif and while up to the colon.

    >>> if_cond(Source.of("if (a) b", "a.c")).tolist()
    [0, 0, 0, 1, 1, 0, 0, 0]
    >>> if_cond(Source.of("if a: b", "a.py")).tolist()
    [0, 0, 1, 1, 0, 0, 0]
    """
    return _between_parentheses(source) if source.language.conditions == "parentheses" else _up_to_colon(source)


@concept("counter", "characters since the statement began", needs=lambda language: language.statement_ends)
def stmt_pos(source: Source) -> Marks:
    r"""Count the characters of the statement so far, 0 on what ends it: ; { } or the line's end.

    >>> stmt_pos(Source.of("a(\n);", "a.c")).tolist(), stmt_pos(Source.of("a(\n)\n", "a.py")).tolist()
    ([1, 2, 3, 4, 0], [1, 2, 3, 4, 0])
    """
    ends = source.language.statement_ends
    return since(_line_over(source) if ends == "\n" else source.one_of(ends) & ~source.hidden)


@concept("binary", "on a line for the preprocessor", needs=lambda language: language.directives)
def preproc(source: Source) -> Marks:
    r"""Mark directives, from # up to the line's end that no backslash and no comment hides.

    >>> preproc(Source.of("#if a\nb", "a.c")).tolist()
    [1, 1, 1, 1, 1, 0, 0]
    """
    ends = np.flatnonzero(source.one_of("\n") & ~source.continued & (source.code.comment == 0))
    return _up_to(source, [found.start(1) for found in _DIRECTIVE.finditer(source.bare)], ends)


@concept("binary", "inside a docstring", edge=before_closer, needs=lambda language: language.docstrings)
def docstring(source: Source) -> Marks:
    '''Mark long strings that begin where a statement may, from the opener's third quote up to the closer's.

    >>> docstring(Source.of('"""a"""', "a.py")).tolist()
    [0, 0, 1, 1, 1, 1, 0]
    '''
    string, depth, starts = source.code.string, source.code.depth, []
    for found in _LONG_STRING.finditer(source.text):
        line, quote = found.start(), found.start(1)
        opens = string[quote : quote + 3].tolist() == [1, 0, 1]
        if opens and not depth[quote] and not (line and source.continued[line - 1]):
            starts.append(quote + 2)
    return _up_to(source, starts, np.flatnonzero(string == 0))


def _between_parentheses(source: Source) -> Marks:
    openers = [found.start(1) for found in _CONDITION.finditer(source.bare)]
    end = len(source.text)
    return inside(end, openers, [source.code.closed_at.get(opener, end) for opener in openers])


def _up_to_colon(source: Source) -> Marks:
    """Mark what follows if, elif or while at a line's beginning; a := leaves the condition for its colon only."""
    outermost = source.code.depth == 0
    colon = source.one_of(":") & ~source.hidden & outermost
    assigning = colon & later(source.one_of("="))
    ends = np.flatnonzero((colon & ~assigning) | _line_over(source))
    starts = [found.start(1) for found in _PYTHON_CONDITION.finditer(source.bare)]
    marks = _up_to(source, [start for start in starts if outermost[start - 1]], ends)
    return np.where(assigning, 0, marks)


def _line_over(source: Source) -> Hits:
    """Say which ends of lines end a statement: none in brackets, in a long string or after a backslash (T,)."""
    outermost: Hits = source.code.depth == 0
    return source.one_of("\n") & ~source.hidden & ~source.continued & outermost


def _up_to(source: Source, starts: list[int], ends: NDArray[np.int64]) -> Marks:
    """Mark from each start up to the first of the ends, in order, that is not before it."""
    stops = np.append(ends, len(source.text))[np.searchsorted(ends, starts)]
    return inside(len(source.text), starts, stops)
