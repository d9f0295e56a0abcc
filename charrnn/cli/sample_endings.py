"""Ends of samples: degenerate repetition, and stop texts that did not occur, with the notes about both."""

from collections import deque
from typing import NamedTuple

from charrnn.arguments import shortened
from charrnn.cli.streams import write_note
from charrnn.generation.generate import StopCriteria
from charrnn.generation.sampling import SamplingParams

EXCERPT_CHARS = 60
"""number of characters of a text in a note"""


def excerpt(text: str) -> str:
    """Return the beginning of a text in quotes, for a note."""
    return repr(shortened(text, EXCERPT_CHARS))


# Loops: degenerate repetition (Holtzman et al. 2020)

MAX_PERIOD = 1000
"""characters of a repetition, which bounds the time of the search"""
MIN_REPEATS = 3
MIN_LOOP_CHARS = 40
"""characters of all repetitions: ordinary texts often end with a short repetition such as `...`"""

LOOP_CHARS = 4 * MAX_PERIOD
"""characters at the end of a text in which a repetition is searched"""


class Loop(NamedTuple):
    """The repetition at the end of a text."""

    start: int
    """position of the first repetition"""
    length: int
    """characters of one repetition"""


def find_loop(text: str) -> Loop | None:
    """Return the shortest string that a text repeats at least three times up to its end; None if there is none.

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


def repeated_text(text: str, loop: Loop) -> str:
    """Return the repeated string of a loop in quotes, shortened."""
    return excerpt(text[loop.start : loop.start + loop.length])


# The ends of all samples of a command


class Endings:
    """The ends of samples that are written one after the other."""

    def __init__(self, stop: StopCriteria) -> None:
        self.stop = stop
        self.samples = self.stopped = 0
        self._length = max(LOOP_CHARS, *map(len, stop.stop), 0)
        self._last_chars = deque[str](maxlen=self._length)

    def start(self) -> None:
        """Start a sample."""
        self._count()
        self.samples += 1
        self._last_chars.clear()

    def add(self, characters: str) -> None:
        """Append characters to the sample."""
        self._last_chars.extend(characters)

    def write_notes(self, params: SamplingParams, *, quiet: bool) -> None:
        """Write the notes about the complete samples, unless quiet: a repetition, and samples without a stop text."""
        self._count()
        text = "".join(self._last_chars)[-LOOP_CHARS:]
        if quiet:
            return
        # A text of the most likely characters may repeat nothing but blanks.
        if not params.temperature and (loop := find_loop(text)):
            repeated = repeated_text(text, loop)
            write_note(
                f"note: the text repeats {repeated} up to its end; hint: `-t 0.8` chooses characters at random"
            )
        if self.stop.stop and (missed := self.samples - self.stopped):
            among = f" in {missed:,} of {self.samples:,} samples" if self.samples > 1 else ""
            write_note(f"note: no stop text occurred{among}")

    def _count(self) -> None:
        """Count the sample if a stop text ended it."""
        self.stopped += self.stop.matched_stop("".join(self._last_chars)) is not None
