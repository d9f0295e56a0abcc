"""Stretches: short pieces of the confirmation streams that are read again, with cells held, to see what they are for.

Where there are few edges of a concept, the stretches that have them are taken. What is held, and what comes of it, is
left to the causes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts import Hits
from charrnn.inspection.reading import SETTLING, Ids, States, stretch_length, stretch_starts
from charrnn.inspection.streams import Positions, Streams
from charrnn.network.reader import State
from charrnn.network.side_by_side import joined, picked

COUNTED = 20_000
"""characters in all stretches together"""

Places = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Stretches:
    """W pieces of a text, of T characters that count each, with the state in which the network comes to them."""

    ids: Ids
    """the characters that are read (settling + T, W)"""
    targets: Ids
    """the one that follows each (settling + T, W)"""
    state: State
    """before the first"""
    streams: Positions
    """which stream each is of (W,)"""
    first: Positions
    """where in its stream each begins (W,)"""
    positions: Positions
    """where in the text the characters that count stand (T, W)"""
    warm_up: int
    """characters at the streams' beginnings that are not scored"""

    @property
    def count(self) -> int:
        """W."""
        return len(self.first)

    def of_scored(self, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Pick the stretches out of what is known of every scored character: (steps, B) -> (T, W)."""
        steps = np.arange(len(self.positions))[:, None] + self.first + SETTLING - self.warm_up
        here: NDArray[np.uint8] = codes[steps, self.streams]
        return here

    def part(self, number: int) -> "Stretches":
        """Give the first few of them."""
        return Stretches(
            ids=self.ids[:, :number],
            targets=self.targets[:, :number],
            state=picked(self.state, np.arange(number)),
            streams=self.streams[:number],
            first=self.first[:number],
            positions=self.positions[:, :number],
            warm_up=self.warm_up,
        )


def choose(
    ids: Ids, streams: Streams, states: States, edges: Sequence[Hits], *, counted: int = COUNTED
) -> Stretches | None:
    """Choose the stretches with most of every concept's edges, in the text's ids (T,); None where none fits.

    `edges` are those of the whole text (T,), a row a concept; the states are those before every stretch.
    """
    length = stretch_length(streams)
    if not length:
        return None
    confirmation = np.flatnonzero(streams.confirmation).tolist()
    places = [(stream, first) for stream in confirmation for first in stretch_starts(streams)]
    worth = _worth(places, streams, length, edges)
    number = min(len(places), -(-counted // (length - SETTLING)))
    ranked = np.argsort(-worth, kind="stable")[:number]
    return _cut([places[place] for place in ranked.tolist()], ids, streams, states, length)


def _worth(
    places: list[tuple[int, int]], streams: Streams, length: int, edges: Sequence[Hits]
) -> NDArray[np.float64]:
    """Say what share of each concept's edges is in each place, of all concepts together."""
    begins = np.array([streams.starts[stream] + first + SETTLING for stream, first in places])
    worth = np.zeros(len(places))
    for hits in edges:
        so_far = np.concatenate([[0], np.cumsum(hits)])
        found = so_far[begins + length - SETTLING] - so_far[begins]
        worth += found / max(found.sum(), 1)
    return worth


def _cut(places: list[tuple[int, int]], ids: Ids, streams: Streams, states: States, length: int) -> Stretches:
    stream, first = (np.array(column, dtype=np.int64) for column in zip(*places, strict=True))
    positions = np.arange(length)[:, None] + streams.starts[stream] + first
    row = np.searchsorted(np.flatnonzero(streams.confirmation), stream)
    return Stretches(
        ids=ids[positions],
        targets=ids[positions + 1],
        state=joined([picked(states[step], [one]) for step, one in zip(first.tolist(), row.tolist(), strict=True)]),
        streams=stream,
        first=first,
        positions=positions[SETTLING:],
        warm_up=streams.warm_up,
    )
