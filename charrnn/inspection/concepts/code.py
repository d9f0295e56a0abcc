"""Concepts of source code: strings, comments, brackets and statements."""

import re

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.concept import ParsedText, concept, ends_at
from charrnn.inspection.concepts.marks import Marks, Mask, distance_since, mark_spans, shifted_left


def before_closer(marks: Marks, parsed: ParsedText) -> Mask:
    """Return the positions in a string or comment before the first character of its closer (T,)."""
    return (marks > 0) & shifted_left(parsed.code.closing)


@concept("binary", "inside a string of program text", edge=before_closer)
def string(parsed: ParsedText) -> Marks:
    """Return 1 inside strings, from the opening delimiter up to the closing one.

    >>> string(ParsedText.of("a='b'", "a.py")).tolist()
    [0, 0, 1, 1, 0]
    """
    return parsed.code.string


@concept("binary", "inside a comment of program text", edge=before_closer)
def comment(parsed: ParsedText) -> Marks:
    """Return 1 inside comments, from the last character of the opener up to the end.

    >>> comment(ParsedText.of("/*b*/", "a.c")).tolist()
    [0, 1, 1, 1, 0]
    """
    return parsed.code.comment


@concept("depth", "brackets open, outside strings and comments", edge=ends_at(")]}"))
def bracket_depth(parsed: ParsedText) -> Marks:
    """Return the number of open brackets of all kinds.

    >>> bracket_depth(ParsedText.of("a[(b)]")).tolist()
    [0, 1, 2, 2, 1, 0]
    """
    return parsed.code.depth


@concept("depth", "( open, outside strings and comments", edge=ends_at(")"))
def paren_depth(parsed: ParsedText) -> Marks:
    """Return the number of open parentheses.

    >>> paren_depth(ParsedText.of("a[(b)]")).tolist()
    [0, 0, 1, 1, 0, 0]
    """
    return parsed.code.depths["("]


@concept("depth", "[ open, outside strings and comments", edge=ends_at("]"))
def square_depth(parsed: ParsedText) -> Marks:
    """Return the number of open square brackets.

    >>> square_depth(ParsedText.of("a[(b)]")).tolist()
    [0, 1, 1, 1, 1, 0]
    """
    return parsed.code.depths["["]


@concept("depth", "{ open, outside strings and comments", edge=ends_at("}"))
def brace_depth(parsed: ParsedText) -> Marks:
    """Return the number of open braces.

    >>> brace_depth(ParsedText.of("{a[b]}")).tolist()
    [1, 1, 1, 1, 1, 0]
    """
    return parsed.code.depths["{"]


# Statements, for the languages that have them

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
    """Return 1 inside conditions: between the parentheses, or in Python after if, elif and while up to the colon.

    >>> if_cond(ParsedText.of("if (a) b", "a.c")).tolist()
    [0, 0, 0, 1, 1, 0, 0, 0]
    >>> if_cond(ParsedText.of("if a: b", "a.py")).tolist()
    [0, 0, 1, 1, 0, 0, 0]
    """
    return _between_parentheses(parsed) if parsed.language.conditions == "parentheses" else _up_to_colon(parsed)


@concept("counter", "characters since the statement began", needs=lambda language: language.statement_ends)
def stmt_pos(parsed: ParsedText) -> Marks:
    r"""Return the position in the statement, 0 on its end: one of ; { } or a newline, depending on the language.

    >>> stmt_pos(ParsedText.of("a(\n);", "a.c")).tolist(), stmt_pos(ParsedText.of("a(\n)\n", "a.py")).tolist()
    ([1, 2, 3, 4, 0], [1, 2, 3, 4, 0])
    """
    ends = parsed.language.statement_ends
    return distance_since(_ends_of_lines(parsed) if ends == "\n" else parsed.mask_of(ends) & ~parsed.hidden)


@concept("binary", "on a line for the preprocessor", needs=lambda language: language.directives)
def preproc(parsed: ParsedText) -> Marks:
    r"""Return 1 inside directives, from # up to the first newline that is neither escaped nor in a comment.

    >>> preproc(ParsedText.of("#if a\nb", "a.c")).tolist()
    [1, 1, 1, 1, 1, 0, 0]
    """
    ends = np.flatnonzero(parsed.mask_of("\n") & ~parsed.continued & (parsed.code.comment == 0))
    return _up_to(parsed, [match.start(1) for match in _DIRECTIVE.finditer(parsed.code_only)], ends)


@concept("binary", "inside a docstring", edge=before_closer, needs=lambda language: language.docstrings)
def docstring(parsed: ParsedText) -> Marks:
    '''Return 1 inside long strings at the beginning of a statement, from the third quote up to the last one.

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
    """Return 1 after if, elif or while at the beginning of a line up to the colon; the colon of := is 0."""
    outermost = parsed.code.depth == 0
    colon = parsed.mask_of(":") & ~parsed.hidden & outermost
    walrus = colon & shifted_left(parsed.mask_of("="))
    ends = np.flatnonzero((colon & ~walrus) | _ends_of_lines(parsed))
    starts = [match.start(1) for match in _PYTHON_CONDITION.finditer(parsed.code_only)]
    marks = _up_to(parsed, [start for start in starts if outermost[start - 1]], ends)
    return np.where(walrus, 0, marks)


def _ends_of_lines(parsed: ParsedText) -> Mask:
    """Return the newlines that end a statement: none in brackets, in a long string or after a backslash (T,)."""
    outermost: Mask = parsed.code.depth == 0
    return parsed.mask_of("\n") & ~parsed.hidden & ~parsed.continued & outermost


def _up_to(parsed: ParsedText, starts: list[int], ends: NDArray[np.int64]) -> Marks:
    """Return 1 from each start up to the next of the ends, which are in ascending order (T,)."""
    stops = np.append(ends, len(parsed.text))[np.searchsorted(ends, starts)]
    return mark_spans(len(parsed.text), starts, stops)
