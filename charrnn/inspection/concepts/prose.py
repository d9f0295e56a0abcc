"""Concepts of written text: quotations, sentences, paragraphs, lines and words."""

import re

import numpy as np

from charrnn.inspection.concepts.concept import concept, ends, ends_at, next_char_in
from charrnn.inspection.concepts.marks import (
    Marks,
    Mask,
    as_marks,
    count_since,
    distance_since,
    forward_fill,
    mark_spans,
    shifted_left,
    shifted_right,
)
from charrnn.inspection.concepts.parsed_text import APOSTROPHES, ParsedText
from charrnn.inspection.concepts.scanner import BLANK_LINE

# Quotations, sentences, paragraphs

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


# Lines: the position in a line, its indentation, the line above

TAB_STOP = 8
_LEADING_BLANKS = re.compile(r"\A[ \t]+|\n[ \t]*")


@concept("counter", "characters since the line began")
def line_pos(parsed: ParsedText) -> Marks:
    r"""Count the characters of the line so far, 0 on its end.

    >>> line_pos(ParsedText.of("ab\nc")).tolist()
    [1, 2, 0, 1]
    """
    return distance_since(parsed.mask_of("\n"))


@concept("binary", "only blanks so far on this line")
def line_start(parsed: ParsedText) -> Marks:
    r"""Mark the end of the line before and the blanks after it.

    >>> line_start(ParsedText.of("a\n b")).tolist()
    [0, 1, 1, 0]
    """
    inked = parsed.mask_where(lambda character: not character.isspace())
    return as_marks(count_since(inked, parsed.mask_of("\n")) == 0)


@concept("binary", "on the line after an empty one: headings")
def after_blank(parsed: ParsedText) -> Marks:
    r"""Mark the line, from the end of the empty one to before its own.

    >>> after_blank(ParsedText.of("a\n\nb\nc")).tolist()
    [0, 0, 1, 1, 0, 0]
    """
    ends = np.flatnonzero(parsed.mask_of("\n"))
    return forward_fill(len(parsed.text), ends, as_marks(parsed.blank_line[ends]))


def _at_line_start(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Take the places where a blank more, or the first other character, is to come."""
    at_start: Mask = line_start(parsed) > 0
    return at_start & shifted_left(np.ones_like(at_start))


@concept("counter", "columns of blanks that the line begins with", edge=_at_line_start)
def indent(parsed: ParsedText) -> Marks:
    r"""Count the columns of leading blanks so far, kept to the end of the line; a tab goes to its stop.

    >>> indent(ParsedText.of("  a\nb")).tolist()
    [1, 2, 2, 0, 0]
    """
    positions, columns = [], []
    for match in _LEADING_BLANKS.finditer(parsed.text):
        column = 0
        for position, blank in enumerate(match.group(), match.start()):
            column = _next_column(column, blank)
            positions.append(position)
            columns.append(column)
    return forward_fill(len(parsed.text), positions, columns)


def _next_column(column: int, blank: str) -> int:
    if blank == "\n":
        return 0
    return column + 1 if blank == " " else column - column % TAB_STOP + TAB_STOP


# Words: the position in a word, capitals, numbers and addresses

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
