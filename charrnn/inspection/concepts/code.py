"""Concepts of program text: strings, comments, brackets and statements."""

import re

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.concept import concept, ends_at
from charrnn.inspection.concepts.marks import Marks, Mask, distance_since, mark_spans, shifted_left
from charrnn.inspection.concepts.parsed_text import ParsedText


def before_closer(marks: Marks, parsed: ParsedText) -> Mask:
    """Take the places in a string or comment before the first character of its closer (an Edge)."""
    return (marks > 0) & shifted_left(parsed.code.closing)


@concept("binary", "inside a string of program text", edge=before_closer)
def string(parsed: ParsedText) -> Marks:
    """Mark strings, from the opening delimiter up to the closing one.

    >>> string(ParsedText.of("a='b'", "a.py")).tolist()
    [0, 0, 1, 1, 0]
    """
    return parsed.code.string


@concept("binary", "inside a comment of program text", edge=before_closer)
def comment(parsed: ParsedText) -> Marks:
    """Mark comments, from the character that makes the opener up to the end.

    >>> comment(ParsedText.of("/*b*/", "a.c")).tolist()
    [0, 1, 1, 1, 0]
    """
    return parsed.code.comment


@concept("depth", "brackets open, outside strings and comments", edge=ends_at(")]}"))
def bracket_depth(parsed: ParsedText) -> Marks:
    """Count the open brackets of all kinds.

    >>> bracket_depth(ParsedText.of("a[(b)]")).tolist()
    [0, 1, 2, 2, 1, 0]
    """
    return parsed.code.depth


@concept("depth", "( open, outside strings and comments", edge=ends_at(")"))
def paren_depth(parsed: ParsedText) -> Marks:
    """Count the open round brackets.

    >>> paren_depth(ParsedText.of("a[(b)]")).tolist()
    [0, 0, 1, 1, 0, 0]
    """
    return parsed.code.depths["("]


@concept("depth", "[ open, outside strings and comments", edge=ends_at("]"))
def square_depth(parsed: ParsedText) -> Marks:
    """Count the open square brackets.

    >>> square_depth(ParsedText.of("a[(b)]")).tolist()
    [0, 1, 1, 1, 1, 0]
    """
    return parsed.code.depths["["]


@concept("depth", "{ open, outside strings and comments", edge=ends_at("}"))
def brace_depth(parsed: ParsedText) -> Marks:
    """Count the open braces.

    >>> brace_depth(ParsedText.of("{a[b]}")).tolist()
    [1, 1, 1, 1, 1, 0]
    """
    return parsed.code.depths["{"]


# Statements, where the language has them

_CONDITION = re.compile(r"(?<!\w)(?:if|while|for|switch)\s*(\()")
_PYTHON_CONDITION = re.compile(r"^[ \t]*(?:if|elif|while)(\W)", re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*(#)", re.MULTILINE)
_LONG_STRING = re.compile(r"""^[ \t]*[rRuUbB]{0,2}("{3}|'{3})""", re.MULTILINE)


@concept(
    "binary",
    "inside the condition of an if or a loop",
    edge=ends_at("):"),
    needs=lambda language: language.conditions,
)
def if_cond(parsed: ParsedText) -> Marks:
    """Mark conditions: between their parentheses, or in Python after if, elif and while up to the colon.

    >>> if_cond(ParsedText.of("if (a) b", "a.c")).tolist()
    [0, 0, 0, 1, 1, 0, 0, 0]
    >>> if_cond(ParsedText.of("if a: b", "a.py")).tolist()
    [0, 0, 1, 1, 0, 0, 0]
    """
    return _between_parentheses(parsed) if parsed.language.conditions == "parentheses" else _up_to_colon(parsed)


@concept("counter", "characters since the statement began", needs=lambda language: language.statement_ends)
def stmt_pos(parsed: ParsedText) -> Marks:
    r"""Count the characters of the statement so far, 0 on what ends it: ; { } or the line's end.

    >>> stmt_pos(ParsedText.of("a(\n);", "a.c")).tolist(), stmt_pos(ParsedText.of("a(\n)\n", "a.py")).tolist()
    ([1, 2, 3, 4, 0], [1, 2, 3, 4, 0])
    """
    ends = parsed.language.statement_ends
    return distance_since(_line_over(parsed) if ends == "\n" else parsed.mask_of(ends) & ~parsed.hidden)


@concept("binary", "on a line for the preprocessor", needs=lambda language: language.directives)
def preproc(parsed: ParsedText) -> Marks:
    r"""Mark directives, from # up to the line's end that no backslash and no comment hides.

    >>> preproc(ParsedText.of("#if a\nb", "a.c")).tolist()
    [1, 1, 1, 1, 1, 0, 0]
    """
    ends = np.flatnonzero(parsed.mask_of("\n") & ~parsed.continued & (parsed.code.comment == 0))
    return _up_to(parsed, [match.start(1) for match in _DIRECTIVE.finditer(parsed.code_only)], ends)


@concept("binary", "inside a docstring", edge=before_closer, needs=lambda language: language.docstrings)
def docstring(parsed: ParsedText) -> Marks:
    '''Mark long strings that begin where a statement may, from the opener's third quote up to the closer's.

    >>> docstring(ParsedText.of('"""a"""', "a.py")).tolist()
    [0, 0, 1, 1, 1, 1, 0]
    '''
    string, depth, starts = parsed.code.string, parsed.code.depth, []
    for match in _LONG_STRING.finditer(parsed.text):
        line, quote = match.start(), match.start(1)
        opens = string[quote : quote + 3].tolist() == [1, 0, 1]
        if opens and not depth[quote] and not (line and parsed.continued[line - 1]):
            starts.append(quote + 2)
    return _up_to(parsed, starts, np.flatnonzero(string == 0))


def _between_parentheses(parsed: ParsedText) -> Marks:
    openers = [match.start(1) for match in _CONDITION.finditer(parsed.code_only)]
    end = len(parsed.text)
    return mark_spans(end, openers, [parsed.code.closed_at.get(opener, end) for opener in openers])


def _up_to_colon(parsed: ParsedText) -> Marks:
    """Mark what follows if, elif or while at a line's beginning; a := leaves the condition for its colon only."""
    outermost = parsed.code.depth == 0
    colon = parsed.mask_of(":") & ~parsed.hidden & outermost
    assigning = colon & shifted_left(parsed.mask_of("="))
    ends = np.flatnonzero((colon & ~assigning) | _line_over(parsed))
    starts = [match.start(1) for match in _PYTHON_CONDITION.finditer(parsed.code_only)]
    marks = _up_to(parsed, [start for start in starts if outermost[start - 1]], ends)
    return np.where(assigning, 0, marks)


def _line_over(parsed: ParsedText) -> Mask:
    """Say which ends of lines end a statement: none in brackets, in a long string or after a backslash (T,)."""
    outermost: Mask = parsed.code.depth == 0
    return parsed.mask_of("\n") & ~parsed.hidden & ~parsed.continued & outermost


def _up_to(parsed: ParsedText, starts: list[int], ends: NDArray[np.int64]) -> Marks:
    """Mark from each start up to the first of the ends, in order, that is not before it."""
    stops = np.append(ends, len(parsed.text))[np.searchsorted(ends, starts)]
    return mark_spans(len(parsed.text), starts, stops)
