"""Concepts of any written text: quotation, sentences, paragraphs."""

import re

import numpy as np

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.edges import ends, ends_at, next_char_in
from charrnn.inspection.concepts.marks import (
    Marks,
    Mask,
    count_since,
    distance_since,
    forward_fill,
    mark_spans,
    shifted_left,
    shifted_right,
)
from charrnn.inspection.concepts.scanner import BLANK_LINE
from charrnn.inspection.concepts.source import APOSTROPHES, ParsedText

_QUOTES = re.compile(f'["“”«»「」]|{BLANK_LINE}')
_SINGLE_QUOTES = re.compile(f"['‘’]|{BLANK_LINE}")
_SENTENCE_ENDS = ".!?…。！？"
_SENTENCE_END = re.compile(r"""[.!?…]["'”’)\]»」』]*\s""")
_WIDE_SENTENCE_END = re.compile("[。！？][」』）”’]*")
"""after which no space comes"""


@concept("binary", "inside double quotes; a blank line ends them", edge=ends_at('"”»」'))
def in_quote(parsed: ParsedText) -> Marks:
    """Mark quotations: a straight mark toggles, a directed one sets or clears, a blank line clears.

    >>> in_quote(ParsedText.of('a "b" c')).tolist()
    [0, 0, 1, 1, 0, 0, 0]
    """
    positions, values, inside_one = [], [], 0
    for match in _QUOTES.finditer(parsed.text):
        mark = match.group()
        inside_one = 1 - inside_one if mark == '"' else int(mark in "“«「")
        positions.append(match.end() - 1)
        values.append(inside_one)
    return forward_fill(len(parsed.text), positions, values)


def _before_single_quote(marks: Marks, parsed: ParsedText) -> Mask:
    """Take the places before a mark that closes; that it does is decided by the character after it."""
    return shifted_left(ends(marks, parsed) & parsed.mask_of(APOSTROPHES))


@concept("binary", "inside single quotes; a blank line ends them", edge=_before_single_quote)
def in_squote(parsed: ParsedText) -> Marks:
    """Mark quotations in single quotes, up to the character that shows the last mark to be no apostrophe.

    A straight mark opens after what is no letter or digit; any mark closes before what is no letter.

    >>> in_squote(ParsedText.of("a 'b's' c")).tolist()
    [0, 0, 1, 1, 1, 1, 1, 0, 0]
    """
    text, positions, values, inside_one = parsed.text, [], [], False
    for match in _SINGLE_QUOTES.finditer(text):
        position, mark, after = match.end() - 1, match.group(), text[match.end() : match.end() + 1]
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
    return forward_fill(len(text), positions, values)


@concept("counter", "characters since the sentence began", edge=next_char_in(_SENTENCE_ENDS))
def sent_pos(parsed: ParsedText) -> Marks:
    """Count the characters of the sentence so far; 0 on the space after an end, and on a blank line.

    >>> sent_pos(ParsedText.of("A b. C")).tolist()
    [1, 2, 3, 4, 0, 1]
    """
    return distance_since(_sentence_over(parsed))


@concept("counter", "words since the sentence began", edge=next_char_in(_SENTENCE_ENDS))
def sent_words(parsed: ParsedText) -> Marks:
    """Count the words of the sentence so far, the one that is being read among them.

    >>> sent_words(ParsedText.of("A b. C")).tolist()
    [1, 1, 2, 2, 0, 1]
    """
    return count_since(parsed.word & ~shifted_right(parsed.word), _sentence_over(parsed))


@concept("counter", "how far into the paragraph, in doublings")
def para_pos(parsed: ParsedText) -> Marks:
    r"""Count the characters since the blank line by powers of two: floor(log2(1 + characters)).

    >>> para_pos(ParsedText.of("abc\n\nd")).tolist()
    [1, 1, 2, 2, 0, 1]
    """
    _, exponents = np.frexp(distance_since(parsed.blank_line) + 1.0)
    steps: Marks = exponents.astype(np.int64) - 1
    return steps


def _sentence_over(parsed: ParsedText) -> Mask:
    """Say where the last sentence is over and the next has not begun (T,)."""
    over = parsed.blank_line.copy()
    over[[match.end() - 1 for match in _SENTENCE_END.finditer(parsed.text)]] = True
    spans = [match.span() for match in _WIDE_SENTENCE_END.finditer(parsed.text)]
    return over | (mark_spans(len(over), [start for start, _ in spans], [stop for _, stop in spans]) > 0)
