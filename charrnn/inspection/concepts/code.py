"""Concepts of program text: strings, comments, brackets."""

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.edges import falls_at
from charrnn.inspection.concepts.marks import Hits, Marks, later
from charrnn.inspection.concepts.source import Source


def before_closer(marks: Marks, source: Source) -> Hits:
    """Take the places in a string or comment before the first character of its closer (an Edge)."""
    return (marks > 0) & later(source.code.closing)


@concept("binary", "inside a string of program text", edge=before_closer)
def string(source: Source) -> Marks:
    """Mark strings, from the opening delimiter up to the closing one.

    >>> string(Source.of("a='b'", "a.py")).tolist()
    [0, 0, 1, 1, 0]
    """
    return source.code.string


@concept("binary", "inside a comment of program text", edge=before_closer)
def comment(source: Source) -> Marks:
    """Mark comments, from the character that makes the opener up to the end.

    >>> comment(Source.of("/*b*/", "a.c")).tolist()
    [0, 1, 1, 1, 0]
    """
    return source.code.comment


@concept("depth", "brackets open, outside strings and comments", edge=falls_at(")]}"))
def bracket_depth(source: Source) -> Marks:
    """Count the open brackets of all kinds.

    >>> bracket_depth(Source.of("a[(b)]")).tolist()
    [0, 1, 2, 2, 1, 0]
    """
    return source.code.depth


@concept("depth", "( open, outside strings and comments", edge=falls_at(")"))
def paren_depth(source: Source) -> Marks:
    """Count the open round brackets.

    >>> paren_depth(Source.of("a[(b)]")).tolist()
    [0, 0, 1, 1, 0, 0]
    """
    return source.code.depths["("]


@concept("depth", "[ open, outside strings and comments", edge=falls_at("]"))
def square_depth(source: Source) -> Marks:
    """Count the open square brackets.

    >>> square_depth(Source.of("a[(b)]")).tolist()
    [0, 1, 1, 1, 1, 0]
    """
    return source.code.depths["["]


@concept("depth", "{ open, outside strings and comments", edge=falls_at("}"))
def brace_depth(source: Source) -> Marks:
    """Count the open braces.

    >>> brace_depth(Source.of("{a[b]}")).tolist()
    [1, 1, 1, 1, 1, 0]
    """
    return source.code.depths["{"]
