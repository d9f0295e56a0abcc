"""Concepts of any written text: quotation, sentences, paragraphs."""

import re

import numpy as np

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.edges import falls, falls_at, next_is
from charrnn.inspection.concepts.marks import Hits, Marks, count_since, earlier, hold, inside, later, since
from charrnn.inspection.concepts.scanner import BLANK_LINE
from charrnn.inspection.concepts.source import APOSTROPHES, Source

_QUOTES = re.compile(f'["“”«»「」]|{BLANK_LINE}')
_SINGLE_QUOTES = re.compile(f"['‘’]|{BLANK_LINE}")
_SENTENCE_ENDS = ".!?…。！？"
_SENTENCE_END = re.compile(r"""[.!?…]["'”’)\]»」』]*\s""")
_WIDE_SENTENCE_END = re.compile("[。！？][」』）”’]*")
"""after which no space comes"""


@concept("binary", "inside double quotes; a blank line ends them", edge=falls_at('"”»」'))
def in_quote(source: Source) -> Marks:
    """Mark quotations: a straight mark toggles, a directed one sets or clears, a blank line clears.

    >>> in_quote(Source.of('a "b" c')).tolist()
    [0, 0, 1, 1, 0, 0, 0]
    """
    positions, values, inside_one = [], [], 0
    for found in _QUOTES.finditer(source.text):
        mark = found.group()
        inside_one = 1 - inside_one if mark == '"' else int(mark in "“«「")
        positions.append(found.end() - 1)
        values.append(inside_one)
    return hold(len(source.text), positions, values)


def _before_single_quote(marks: Marks, source: Source) -> Hits:
    """Take the places before a mark that closes; that it does is decided by the character after it."""
    return later(falls(marks, source) & source.one_of(APOSTROPHES))


@concept("binary", "inside single quotes; a blank line ends them", edge=_before_single_quote)
def in_squote(source: Source) -> Marks:
    """Mark quotations in single quotes, up to the character that shows the last mark to be no apostrophe.

    A straight mark opens after what is no letter or digit; any mark closes before what is no letter.

    >>> in_squote(Source.of("a 'b's' c")).tolist()
    [0, 0, 1, 1, 1, 1, 1, 0, 0]
    """
    text, positions, values, inside_one = source.text, [], [], False
    for found in _SINGLE_QUOTES.finditer(text):
        position, mark, after = found.end() - 1, found.group(), text[found.end() : found.end() + 1]
        if mark == "‘":
            inside_one = True
        elif mark not in APOSTROPHES:
            inside_one = False
        elif inside_one:
            inside_one = not after or after.isalpha()
            position += not inside_one
        else:
            inside_one = mark == "'" and not text[max(position - 1, 0) : position].isalnum()
        positions.append(position)
        values.append(int(inside_one))
    return hold(len(text), positions, values)


@concept("counter", "characters since the sentence began", edge=next_is(_SENTENCE_ENDS))
def sent_pos(source: Source) -> Marks:
    """Count the characters of the sentence so far; 0 on the space after an end, and on a blank line.

    >>> sent_pos(Source.of("A b. C")).tolist()
    [1, 2, 3, 4, 0, 1]
    """
    return since(_sentence_over(source))


@concept("counter", "words since the sentence began", edge=next_is(_SENTENCE_ENDS))
def sent_words(source: Source) -> Marks:
    """Count the words of the sentence so far, the one that is being read among them.

    >>> sent_words(Source.of("A b. C")).tolist()
    [1, 1, 2, 2, 0, 1]
    """
    return count_since(source.word & ~earlier(source.word), _sentence_over(source))


@concept("counter", "how far into the paragraph, in doublings")
def para_pos(source: Source) -> Marks:
    r"""Count the characters since the blank line by powers of two: floor(log2(1 + characters)).

    >>> para_pos(Source.of("abc\n\nd")).tolist()
    [1, 1, 2, 2, 0, 1]
    """
    _, exponents = np.frexp(since(source.blank_line) + 1.0)
    steps: Marks = exponents.astype(np.int64) - 1
    return steps


def _sentence_over(source: Source) -> Hits:
    """Say where the last sentence is over and the next has not begun (T,)."""
    over = source.blank_line.copy()
    over[[found.end() - 1 for found in _SENTENCE_END.finditer(source.text)]] = True
    spans = [found.span() for found in _WIDE_SENTENCE_END.finditer(source.text)]
    return over | (inside(len(over), [start for start, _ in spans], [stop for _, stop in spans]) > 0)
