"""Streams: a text cut into pieces that are read side by side, half to find cells in, half to confirm them.

Which concept or cell is in question is left to others.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError

Positions = NDArray[np.int64]
StreamMask = NDArray[np.bool_]

MAX_STREAMS = 24
MIN_STREAMS = 8
MIN_STREAM_CHARS = 1_000
"""a text too short for the most streams of this length gets fewer of them"""
STREAM_WARM_UP = 200
"""characters that a network needs after its zero state before it is itself; they are not scored"""
LINE_SEARCH_CHARS = 200
"""how far to look for a line's beginning, where text and network start alike"""
MIN_TEXT_CHARS = 4_000


@dataclass(frozen=True, kw_only=True, eq=False)
class SplitStreams:
    """B pieces of a text, all of one length: even ones for discovery, odd ones for confirmation.

    They take turns, so that a text that changes its kind half-way changes it in both halves alike.
    """

    starts: Positions
    """where in the text each begins (B,)"""
    length: int
    """characters of each"""
    warm_up: int
    """how many of them, at the beginning, are read and not scored"""

    @property
    def count(self) -> int:
        """B."""
        return len(self.starts)

    @property
    def discovery(self) -> StreamMask:
        """The streams in which cells are chosen (B,)."""
        even: StreamMask = np.arange(self.count) % 2 == 0
        return even

    @property
    def confirmation(self) -> StreamMask:
        """The streams on which the chosen cells are scored (B,)."""
        return ~self.discovery

    @property
    def halves(self) -> tuple[StreamMask, StreamMask]:
        """Discovery, then confirmation."""
        return self.discovery, self.confirmation

    @property
    def discovery_halves(self) -> tuple[StreamMask, StreamMask]:
        """The two halves of discovery, in turns again: each chooses by what the other learnt."""
        turn = np.arange(self.count) % 4
        return turn == 0, turn == 2

    def positions(self, first: int = 0, stop: int | None = None) -> Positions:
        """Give the places in the text of the streams' characters first … stop - 1: (T, B)."""
        steps = np.arange(first, self.length if stop is None else min(stop, self.length))
        return steps[:, None] + self.starts[None, :]

    def scored(self) -> Positions:
        """Give the places in the text that count: (length - warm_up, B)."""
        return self.positions(self.warm_up)

    def shortened(self, characters: int) -> "SplitStreams":
        """Give the beginnings of all streams, of at most so many characters together, if any are left to score."""
        length = max(characters // self.count, self.warm_up + 1)
        return replace(self, length=min(self.length, length))


def interleave(discovery_text: SplitStreams, confirmation_text: SplitStreams, offset: int) -> SplitStreams:
    """Put the streams of two texts in turns: cells are chosen on the one text and confirmed on the other.

    The second text begins at `offset` of both together. Both must be as many streams.
    """
    starts = np.stack([discovery_text.starts, confirmation_text.starts + offset], axis=1).ravel()
    length = min(discovery_text.length, confirmation_text.length)
    return SplitStreams(starts=starts, length=length, warm_up=min(STREAM_WARM_UP, length // 4))


def split_text(text: str, *, most: int = MAX_STREAMS) -> SplitStreams:
    r"""Cut a text into streams; raise CharrnnError where it is too short to say anything.

    >>> split_text("a line\n" * 1000).count
    8
    """
    if len(text) < MIN_TEXT_CHARS:
        raise CharrnnError(
            f"{len(text):,} characters are too few to search: at least {MIN_TEXT_CHARS:,} characters are needed",
            hint="name a longer text with `--text FILE`, or read more with `--chars`; `--cell L.J` works on any text",
        )
    pairs = len(text) // (2 * MIN_STREAM_CHARS)
    count = 2 * min(max(pairs, MIN_STREAMS // 2), most // 2)
    even = np.arange(count) * len(text) // count
    reach = min(LINE_SEARCH_CHARS, len(text) // count // 8)
    starts = np.array([_line_start(text, int(start), reach) for start in even], dtype=np.int64)
    length = int(np.diff(starts, append=len(text)).min())
    return SplitStreams(starts=starts, length=length, warm_up=min(STREAM_WARM_UP, length // 4))


def _line_start(text: str, start: int, reach: int) -> int:
    """Move a start to just after the next blank line, or line end, within reach; else leave it."""
    if start == 0:
        return start
    for end in ("\n\n", "\n"):
        position = text.find(end, start - len(end), start + reach)
        if position >= 0:
            return position + len(end)
    return start
