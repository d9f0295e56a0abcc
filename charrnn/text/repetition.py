"""A text that goes in circles: from where on, and how long a round is."""

from typing import NamedTuple

MAX_PERIOD = 1000
"""characters; what bounds the search"""
MIN_REPEATS = 3
MIN_LOOP_CHARS = 40
"""characters in all rounds: ordinary texts end with a few of the same"""


class Loop(NamedTuple):
    """How a text repeats itself to its end."""

    start: int
    """where the first round begins"""
    length: int
    """characters of a round"""


def find_loop(text: str) -> Loop | None:
    """Find the shortest round that a text repeats to its end, at least three times; None if it does not.

    >>> find_loop("to be, and so on" + " and so on" * 9)
    Loop(start=6, length=10)
    """
    for length in range(1, min(MAX_PERIOD, len(text) // MIN_REPEATS) + 1):
        if text[-length:] != text[-2 * length : -length]:
            continue
        start = len(text) - 2 * length
        while start > 0 and text[start - 1] == text[start - 1 + length]:
            start -= 1
        if len(text) - start >= max(MIN_REPEATS * length, MIN_LOOP_CHARS):
            return Loop(start, length)
    return None
