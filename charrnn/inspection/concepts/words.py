"""Concepts of words: how far into one, its capitals; numbers and addresses."""

import re

import numpy as np

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.marks import Marks, count_since, hold, inside, marked, since
from charrnn.inspection.concepts.source import Source

_NUMBER = re.compile(r"0[xX][0-9A-Fa-f_]*|\d+(?:[.,_]\d+)*[.,_]?")
_ADDRESS = re.compile(r"""(?:://|www\.)([^\s<>")\]]*)""")


@concept("counter", "characters since the word began, 0 outside")
def word_pos(source: Source) -> Marks:
    """Count the letters, digits, underscores and inner apostrophes of the word so far.

    >>> word_pos(Source.of("it's so")).tolist()
    [1, 2, 3, 4, 0, 1, 2]
    """
    return since(~source.word)


@concept("counter", "characters since the last blank, 0 on blanks")
def token_pos(source: Source) -> Marks:
    """Count the characters of whatever stands between blanks.

    >>> token_pos(Source.of("a, b")).tolist()
    [1, 2, 0, 1]
    """
    return since(source.where(str.isspace))


@concept("binary", "inside a word whose first letter is a capital")
def capword(source: Source) -> Marks:
    """Mark words from the capital on that is their first letter.

    >>> capword(Source.of("_Ab aB")).tolist()
    [0, 1, 1, 0, 0, 0]
    """
    letters = source.where(str.isalpha)
    first = letters & (count_since(letters, ~source.word) == 1)
    changes = np.flatnonzero(first | ~source.word)
    return hold(len(source.text), changes, marked(source.where(_is_capital) & source.word)[changes])


@concept("binary", "inside a word of capitals, from the second on")
def upper_word(source: Source) -> Marks:
    """Mark words from their second letter on, as long as all letters are capitals.

    >>> upper_word(Source.of("NO No A")).tolist()
    [0, 1, 0, 0, 0, 0, 0]
    """
    letters = count_since(source.where(str.isalpha), ~source.word)
    capitals = count_since(source.where(_is_capital), ~source.word)
    return marked(source.word & (letters > 1) & (capitals == letters))


@concept("binary", "inside a number")
def number(source: Source) -> Marks:
    """Mark digits, a point, comma or underscore right after them, and what follows 0x.

    >>> number(Source.of("a 1,5 0xf")).tolist()
    [0, 0, 1, 1, 1, 0, 1, 1, 1]
    """
    spans = [found.span() for found in _NUMBER.finditer(source.text)]
    return inside(len(source.text), [start for start, _ in spans], [stop for _, stop in spans])


@concept("binary", "inside an address, after :// or www.")
def url(source: Source) -> Marks:
    """Mark addresses, from when they can be told from other text.

    >>> url(Source.of("a://b c")).tolist()
    [0, 0, 0, 1, 1, 0, 0]
    """
    spans = [found.span(1) for found in _ADDRESS.finditer(source.text)]
    return inside(len(source.text), [start - 1 for start, _ in spans], [stop for _, stop in spans])


def _is_capital(character: str) -> bool:
    return character.isupper() or character.istitle()
