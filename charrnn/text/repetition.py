"""A text that goes in circles: from where on, and how long a round is."""

from typing import NamedTuple

LONGEST_ROUND = 1000
"""characters; what bounds the search"""
FEWEST_ROUNDS = 3
SHORTEST = 40
"""characters in all rounds: ordinary texts end with a few of the same"""


class Circle(NamedTuple):
    """How a text repeats itself to its end."""

    start: int
    """where the first round begins"""
    length: int
    """characters of a round"""


def circle_of(text: str) -> Circle | None:
    """Find the shortest round that a text repeats to its end, at least three times; None if it does not.

    >>> circle_of("to be, and so on" + " and so on" * 9)
    Circle(start=6, length=10)
    """
    for length in range(1, min(LONGEST_ROUND, len(text) // FEWEST_ROUNDS) + 1):
        if text[-length:] != text[-2 * length : -length]:
            continue
        start = len(text) - 2 * length
        while start > 0 and text[start - 1] == text[start - 1 + length]:
            start -= 1
        if len(text) - start >= max(FEWEST_ROUNDS * length, SHORTEST):
            return Circle(start, length)
    return None
