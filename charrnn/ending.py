"""What ends a text that is being written: its length, or what has been written last.

Choosing characters is left to `sampling`; here they are only watched.
"""

from collections.abc import Callable
from dataclasses import dataclass

from charrnn.errors import WrongUsageError

USUAL_LENGTH, LONGEST_DOCUMENT = 500, 100_000
"""characters; a document ends by itself, but one by a model that has hardly learned may not"""

Watch = Callable[[str], bool]
"""is shown each character of one text as it is written, and says whether that was the last one"""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What ends a text, whichever comes first; with nothing of it the text goes on for ever.

    >>> last = Ending(length=9, stops=("na",)).watch()
    >>> [last(character) for character in "bana"]
    [False, False, False, True]
    """

    length: int | None = None
    """characters, the prompt not counted"""
    stops: tuple[str, ...] = ()
    """texts that end it as soon as one of them has been written, the prompt not counted; they stay in it"""

    def __post_init__(self) -> None:
        if self.length is not None and self.length < 1:
            raise WrongUsageError(f"length is {self.length}: it must be a whole number ≥ 1")
        if "" in self.stops:
            raise WrongUsageError("the text to stop at is empty")
        if self.length is not None and max(map(len, self.stops), default=0) > self.length:
            longest = _shortened(max(self.stops, key=len))
            raise WrongUsageError(f"the text to stop at {longest} is longer than the length, {self.length:,}")

    def watch(self) -> Watch:
        """Begin to watch a text."""
        longest, left, tail = max(map(len, self.stops), default=0), self.length, ""

        def was_last(character: str) -> bool:
            nonlocal left, tail
            if longest:
                tail = (tail + character)[-longest:]
            if left is not None:
                left -= 1
            return left == 0 or (longest > 0 and tail.endswith(self.stops))

        return was_last

    def stop_in(self, text: str) -> str | None:
        """Say which stop text ended a text, the longest if several did; None: none of them."""
        return max((stop for stop in self.stops if text.endswith(stop)), key=len, default=None)


ENDLESS = Ending()


def usual_length(*, documents: bool) -> int:
    """Say how many characters are written where nobody says it: a document is to end by itself."""
    return LONGEST_DOCUMENT if documents else USUAL_LENGTH


def _shortened(text: str, most: int = 40) -> str:
    return repr(text if len(text) <= most else f"{text[:most]}…")
