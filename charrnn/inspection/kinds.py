"""What kind of character stands at each place of a text, and how far from where its word, line or bracket began.

Numbers of a text of T characters, (T,). What they cost a model is left to the breakdown.
"""

from collections import Counter
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.brackets import OPENERS

Numbers = NDArray[np.int64]

CHAR_KINDS = (
    "space",
    "newline",
    "first letter",
    "second letter",
    "later letter",
    "digit",
    "punctuation",
    "opening bracket",
    "closing bracket",
)
SPACE, NEWLINE, LETTER, _, _, DIGIT, PUNCTUATION, OPENER, CLOSER = range(len(CHAR_KINDS))


def char_kinds(text: str) -> Numbers:
    """Say which of KINDS each character is; marks belong to the letters they stand on."""
    plain_kinds = _kinds_by_character(text)
    words = word_positions(text)
    return np.where(words > 0, LETTER + np.minimum(words, 3) - 1, plain_kinds)


def word_positions(text: str) -> Numbers:
    """Say which letter of its word each letter is, from 1; of what is no letter, 0.

    >>> word_positions("to be.").tolist()
    [1, 2, 0, 1, 2, 0]
    """
    letters = _kinds_by_character(text) == LETTER
    places = np.arange(1, len(text) + 1)
    return np.where(letters, places - np.maximum.accumulate(np.where(letters, 0, places)), 0)


def line_positions(text: str) -> Numbers:
    r"""Say how many characters of its line stand before each; a newline belongs to the line that it ends.

    >>> line_positions("ab\nc").tolist()
    [0, 1, 2, 0]
    """
    places = np.arange(len(text))
    after_newline = np.concatenate([[0], _kinds_by_character(text)[:-1] == NEWLINE]) > 0 if text else places > 0
    return places - np.maximum.accumulate(np.where(after_newline, places, 0))


def bracket_distances(text: str) -> Numbers:
    """Say how far back the bracket stands that each closing bracket closes; 0 for all else, -1 without one.

    >>> bracket_distances("(a[b])").tolist()
    [0, 0, 0, 0, 2, 5]
    """
    distances = np.zeros(len(text), np.int64)
    opened: list[tuple[str, int]] = []
    open_now: Counter[str] = Counter()
    for place in np.flatnonzero(np.isin(_kinds_by_character(text), (OPENER, CLOSER))).tolist():
        mark = text[place]
        if mark not in OPENERS:
            opened.append((mark, place))
            open_now[mark] += 1
        else:
            distances[place] = -1
            # It closes the nearest of its kind, and whatever was opened since; without one, nothing.
            while open_now[OPENERS[mark]] and distances[place] < 0:
                opener, begin = opened.pop()
                open_now[opener] -= 1
                distances[place] = place - begin if opener == OPENERS[mark] else -1
    return distances


def _kinds_by_character(text: str) -> Numbers:
    """Say which of KINDS each character is by itself, a letter being a first letter."""
    by_character = {character: _kind(character) for character in set(text)}
    return np.fromiter(map(by_character.__getitem__, text), np.int64, len(text))


def _kind(character: str) -> int:
    if character == "\n":
        return NEWLINE
    if character in OPENERS or character in OPENERS.values():
        return CLOSER if character in OPENERS else OPENER
    if character.isspace():
        return SPACE
    major = category(character)[0]
    if major == "N":
        return DIGIT
    return LETTER if major in "LM" else PUNCTUATION
