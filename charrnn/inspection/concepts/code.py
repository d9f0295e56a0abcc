"""Concepts of program text: strings, comments, brackets."""

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.edges import ends_at
from charrnn.inspection.concepts.marks import Marks, Mask, shifted_left
from charrnn.inspection.concepts.source import ParsedText


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
