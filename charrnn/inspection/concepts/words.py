"""Concepts of words: how far into one, its capitals; numbers and addresses."""

import re

import numpy as np

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.marks import Marks, as_marks, count_since, distance_since, forward_fill, mark_spans
from charrnn.inspection.concepts.source import ParsedText

_NUMBER = re.compile(r"0[xX][0-9A-Fa-f_]*|\d+(?:[.,_]\d+)*[.,_]?")
_ADDRESS = re.compile(r"""(?:://|www\.)([^\s<>")\]]*)""")


@concept("counter", "characters since the word began, 0 outside")
def word_pos(parsed: ParsedText) -> Marks:
    """Count the letters, digits, underscores and inner apostrophes of the word so far.

    >>> word_pos(ParsedText.of("it's so")).tolist()
    [1, 2, 3, 4, 0, 1, 2]
    """
    return distance_since(~parsed.word)


@concept("counter", "characters since the last blank, 0 on blanks")
def token_pos(parsed: ParsedText) -> Marks:
    """Count the characters of whatever stands between blanks.

    >>> token_pos(ParsedText.of("a, b")).tolist()
    [1, 2, 0, 1]
    """
    return distance_since(parsed.mask_where(str.isspace))


@concept("binary", "inside a word whose first letter is a capital")
def capword(parsed: ParsedText) -> Marks:
    """Mark words from the capital on that is their first letter.

    >>> capword(ParsedText.of("_Ab aB")).tolist()
    [0, 1, 1, 0, 0, 0]
    """
    letters = parsed.mask_where(str.isalpha)
    first = letters & (count_since(letters, ~parsed.word) == 1)
    changes = np.flatnonzero(first | ~parsed.word)
    return forward_fill(len(parsed.text), changes, as_marks(parsed.mask_where(_is_capital) & parsed.word)[changes])


@concept("binary", "inside a word of capitals, from the second on")
def upper_word(parsed: ParsedText) -> Marks:
    """Mark words from their second letter on, as long as all letters are capitals.

    >>> upper_word(ParsedText.of("NO No A")).tolist()
    [0, 1, 0, 0, 0, 0, 0]
    """
    letters = count_since(parsed.mask_where(str.isalpha), ~parsed.word)
    capitals = count_since(parsed.mask_where(_is_capital), ~parsed.word)
    return as_marks(parsed.word & (letters > 1) & (capitals == letters))


@concept("binary", "inside a number")
def number(parsed: ParsedText) -> Marks:
    """Mark digits, a point, comma or underscore right after them, and what follows 0x.

    >>> number(ParsedText.of("a 1,5 0xf")).tolist()
    [0, 0, 1, 1, 1, 0, 1, 1, 1]
    """
    spans = [match.span() for match in _NUMBER.finditer(parsed.text)]
    return mark_spans(len(parsed.text), [start for start, _ in spans], [stop for _, stop in spans])


@concept("binary", "inside an address, after :// or www.")
def url(parsed: ParsedText) -> Marks:
    """Mark addresses, from when they can be told from other text.

    >>> url(ParsedText.of("a://b c")).tolist()
    [0, 0, 0, 1, 1, 0, 0]
    """
    spans = [match.span(1) for match in _ADDRESS.finditer(parsed.text)]
    return mark_spans(len(parsed.text), [start - 1 for start, _ in spans], [stop for _, stop in spans])


def _is_capital(character: str) -> bool:
    return character.isupper() or character.istitle()
