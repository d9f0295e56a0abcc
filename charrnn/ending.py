"""What ends a text that is being written: its length, or what has been written last.

Choosing characters is left to `sampling`; here they are only watched.
"""

from collections.abc import Callable
from dataclasses import dataclass

from charrnn.errors import WrongUsageError

DEFAULT_CHARS, MAX_DOCUMENT_CHARS = 500, 100_000
"""characters; a document ends by itself, but one by a model that has hardly learned may not"""

StopCheck = Callable[[str], bool]
"""is shown each character of one text as it is written, and says whether that was the last one"""


@dataclass(frozen=True, kw_only=True)
class StopCriteria:
    """What ends a text, whichever comes first; with nothing of it the text goes on for ever.

    >>> last = StopCriteria(max_chars=9, stop=("na",)).checker()
    >>> [last(character) for character in "bana"]
    [False, False, False, True]
    """

    max_chars: int | None = None
    """characters, the prompt not counted"""
    stop: tuple[str, ...] = ()
    """texts that end it as soon as one of them has been written, the prompt not counted; they stay in it"""

    def __post_init__(self) -> None:
        if self.max_chars is not None and self.max_chars < 1:
            raise WrongUsageError(f"length is {self.max_chars}: it must be a whole number ≥ 1")
        if "" in self.stop:
            raise WrongUsageError("the text to stop at is empty")
        if self.max_chars is not None and max(map(len, self.stop), default=0) > self.max_chars:
            longest = _truncated(max(self.stop, key=len))
            raise WrongUsageError(f"the text to stop at {longest} is longer than the length, {self.max_chars:,}")

    def checker(self) -> StopCheck:
        """Begin to watch a text."""
        longest, left, tail = max(map(len, self.stop), default=0), self.max_chars, ""

        def is_last(character: str) -> bool:
            nonlocal left, tail
            if longest:
                tail = (tail + character)[-longest:]
            if left is not None:
                left -= 1
            return left == 0 or (longest > 0 and tail.endswith(self.stop))

        return is_last

    def matched_stop(self, text: str) -> str | None:
        """Say which stop text ended a text, the longest if several did; None: none of them."""
        return max((stop for stop in self.stop if text.endswith(stop)), key=len, default=None)


NO_STOP = StopCriteria()


def default_max_chars(*, documents: bool) -> int:
    """Say how many characters are written where nobody says it: a document is to end by itself."""
    return MAX_DOCUMENT_CHARS if documents else DEFAULT_CHARS


def _truncated(text: str, most: int = 40) -> str:
    return repr(text if len(text) <= most else f"{text[:most]}…")
