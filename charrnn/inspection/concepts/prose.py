"""Concepts of prose: quotations, sentences, paragraphs, lines and words."""

import re

import numpy as np

from charrnn.inspection.concepts.concept import APOSTROPHES, ParsedText, concept, ends, ends_at, next_char_in
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
from charrnn.inspection.concepts.scanner import BLANK_LINE

# Quotations, sentences, paragraphs

_QUOTES = re.compile(f'["“”«»「」]|{BLANK_LINE}')
_SINGLE_QUOTES = re.compile(f"['‘’]|{BLANK_LINE}")
_SENTENCE_ENDS = ".!?…。！？"
_SENTENCE_END = re.compile(r"""[.!?…]["'”’)\]»」』]*\s""")
_WIDE_SENTENCE_END = re.compile("[。！？][」』）”’]*")
"""ends of sentences in scripts without spaces between sentences"""


@concept("binary", "inside double quotes; a blank line ends them", edge=ends_at('"”»」'))
def in_quote(parsed: ParsedText) -> Marks:
    """Return 1 inside quotations: a straight mark toggles, a directed one sets or clears, a blank line clears.

    >>> in_quote(ParsedText.of('a "b" c')).tolist()
    [0, 0, 1, 1, 0, 0, 0]
    """
    positions, values, inside = [], [], 0
    for match in _QUOTES.finditer(parsed.text):
        mark = match.group()
        inside = 1 - inside if mark == '"' else int(mark in "“«「")
        positions.append(match.end() - 1)
        values.append(inside)
    return forward_fill(len(parsed.text), positions, values)


def _before_single_quote(marks: Marks, parsed: ParsedText) -> Mask:
    """Return the positions before a closing mark; the character after a mark shows whether it closes (T,)."""
    return shifted_left(ends(marks, parsed) & parsed.mask_of(APOSTROPHES))


@concept("binary", "inside single quotes; a blank line ends them", edge=_before_single_quote)
def in_squote(parsed: ParsedText) -> Marks:
    """Return 1 inside single quotes, up to the character after the closing mark, which tells it from an apostrophe.

    A straight mark opens a quotation unless it follows a letter or digit. Any mark closes it unless a letter follows.

    >>> in_squote(ParsedText.of("a 'b's' c")).tolist()
    [0, 0, 1, 1, 1, 1, 1, 0, 0]
    """
    text, positions, values, inside = parsed.text, [], [], False
    for match in _SINGLE_QUOTES.finditer(text):
        position, mark, after = match.end() - 1, match.group(), text[match.end() : match.end() + 1]
        if mark == "‘":
            inside = True
        elif mark not in APOSTROPHES:
            inside = False
        elif inside:
            inside = not after or after.isalpha()
            position += not inside
        else:
            inside = mark == "'" and not text[max(position - 1, 0) : position].isalnum()
        positions.append(position)
        values.append(int(inside))
    return forward_fill(len(text), positions, values)


@concept("counter", "characters since the sentence began", edge=next_char_in(_SENTENCE_ENDS))
def sent_pos(parsed: ParsedText) -> Marks:
    """Return the position in the sentence; 0 on the space after its end and on a blank line.

    >>> sent_pos(ParsedText.of("A b. C")).tolist()
    [1, 2, 3, 4, 0, 1]
    """
    return distance_since(_between_sentences(parsed))


@concept("counter", "words since the sentence began", edge=next_char_in(_SENTENCE_ENDS))
def sent_words(parsed: ParsedText) -> Marks:
    """Return the number of words since the sentence began, with the current word.

    >>> sent_words(ParsedText.of("A b. C")).tolist()
    [1, 1, 2, 2, 0, 1]
    """
    return count_since(parsed.word & ~shifted_right(parsed.word), _between_sentences(parsed))


@concept("counter", "how far into the paragraph, in doublings")
def para_pos(parsed: ParsedText) -> Marks:
    r"""Return the logarithm of the characters since the last blank line: floor(log2(1 + characters)).

    >>> para_pos(ParsedText.of("abc\n\nd")).tolist()
    [1, 1, 2, 2, 0, 1]
    """
    _, exponents = np.frexp(distance_since(parsed.blank_line) + 1.0)
    steps: Marks = exponents.astype(np.int64) - 1
    return steps


def _between_sentences(parsed: ParsedText) -> Mask:
    """Return the characters after the end of a sentence and before the next sentence (T,)."""
    between = parsed.blank_line.copy()
    between[[match.end() - 1 for match in _SENTENCE_END.finditer(parsed.text)]] = True
    spans = [match.span() for match in _WIDE_SENTENCE_END.finditer(parsed.text)]
    return between | (mark_spans(len(between), [start for start, _ in spans], [stop for _, stop in spans]) > 0)


# Lines: the position in a line, its indentation, the line above

TAB_STOP = 8
"""columns between tab stops"""
_LEADING_BLANKS = re.compile(r"\A[ \t]+|\n[ \t]*")


@concept("counter", "characters since the line began")
def line_pos(parsed: ParsedText) -> Marks:
    r"""Return the position in the line, 0 on the newline.

    >>> line_pos(ParsedText.of("ab\nc")).tolist()
    [1, 2, 0, 1]
    """
    return distance_since(parsed.mask_of("\n"))


@concept("binary", "only blanks so far on this line")
def line_start(parsed: ParsedText) -> Marks:
    r"""Return 1 on a newline and on the blanks after it.

    >>> line_start(ParsedText.of("a\n b")).tolist()
    [0, 1, 1, 0]
    """
    non_blank = parsed.mask_where(lambda character: not character.isspace())
    return as_marks(count_since(non_blank, parsed.mask_of("\n")) == 0)


@concept("binary", "on the line after an empty one: headings")
def after_blank(parsed: ParsedText) -> Marks:
    r"""Return 1 on the line after an empty line, from the newline of the empty line up to the next newline.

    >>> after_blank(ParsedText.of("a\n\nb\nc")).tolist()
    [0, 0, 1, 1, 0, 0]
    """
    newlines = np.flatnonzero(parsed.mask_of("\n"))
    return forward_fill(len(parsed.text), newlines, as_marks(parsed.blank_line[newlines]))


def _at_line_start(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Return the positions at which another blank or the first character of the line follows (T,)."""
    at_start: Mask = line_start(parsed) > 0
    return at_start & shifted_left(np.ones_like(at_start))


@concept("counter", "columns of blanks that the line begins with", edge=_at_line_start)
def indent(parsed: ParsedText) -> Marks:
    r"""Return the width of the indentation so far in columns, kept up to the end of the line.

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
    """Return the position in the word, which consists of letters, digits, underscores and inner apostrophes.

    >>> word_pos(ParsedText.of("it's so")).tolist()
    [1, 2, 3, 4, 0, 1, 2]
    """
    return distance_since(~parsed.word)


@concept("counter", "characters since the last blank, 0 on blanks")
def token_pos(parsed: ParsedText) -> Marks:
    """Return the position in a sequence of non-blank characters.

    >>> token_pos(ParsedText.of("a, b")).tolist()
    [1, 2, 0, 1]
    """
    return distance_since(parsed.mask_where(str.isspace))


@concept("binary", "inside a word whose first letter is a capital")
def capword(parsed: ParsedText) -> Marks:
    """Return 1 inside words whose first letter is a capital, from this letter.

    >>> capword(ParsedText.of("_Ab aB")).tolist()
    [0, 1, 1, 0, 0, 0]
    """
    letters = parsed.mask_where(str.isalpha)
    first = letters & (count_since(letters, ~parsed.word) == 1)
    changes = np.flatnonzero(first | ~parsed.word)
    return forward_fill(len(parsed.text), changes, as_marks(parsed.mask_where(_is_capital) & parsed.word)[changes])


@concept("binary", "inside a word of capitals, from the second on")
def upper_word(parsed: ParsedText) -> Marks:
    """Return 1 inside words from their second letter, as long as all letters are capitals.

    >>> upper_word(ParsedText.of("NO No A")).tolist()
    [0, 1, 0, 0, 0, 0, 0]
    """
    letters = count_since(parsed.mask_where(str.isalpha), ~parsed.word)
    capitals = count_since(parsed.mask_where(_is_capital), ~parsed.word)
    return as_marks(parsed.word & (letters > 1) & (capitals == letters))


@concept("binary", "inside a number", name="number")
def inside_number(parsed: ParsedText) -> Marks:
    """Return 1 on digits, on a point, comma or underscore right after them, and on hexadecimal digits after 0x.

    >>> inside_number(ParsedText.of("a 1,5 0xf")).tolist()
    [0, 0, 1, 1, 1, 0, 1, 1, 1]
    """
    spans = [match.span() for match in _NUMBER.finditer(parsed.text)]
    return mark_spans(len(parsed.text), [start for start, _ in spans], [stop for _, stop in spans])


@concept("binary", "inside an address, after :// or www.")
def url(parsed: ParsedText) -> Marks:
    """Return 1 inside addresses, from the last character of :// or www.

    >>> url(ParsedText.of("a://b c")).tolist()
    [0, 0, 0, 1, 1, 0, 0]
    """
    spans = [match.span(1) for match in _ADDRESS.finditer(parsed.text)]
    return mark_spans(len(parsed.text), [start - 1 for start, _ in spans], [stop for _, stop in spans])


def _is_capital(character: str) -> bool:
    return character.isupper() or character.istitle()
