"""Stretches: short pieces of the confirmation streams that are read again, with cells held, to see what they are for.

Where there are few edges of a concept, the stretches that have them are taken. What is held, and what comes of it, is
left to the causes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts import Mask
from charrnn.inspection.reading import ABLATION_WARM_UP, Ids, States, segment_length, segment_starts
from charrnn.inspection.streams import Positions, SplitStreams
from charrnn.network.reader import State
from charrnn.network.side_by_side import concat_rows, select_rows

MAX_COUNTED_CHARS = 20_000
"""characters in all stretches together"""

PositionMask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationSegments:
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
        steps = np.arange(len(self.positions))[:, None] + self.first + ABLATION_WARM_UP - self.warm_up
        here: NDArray[np.uint8] = codes[steps, self.streams]
        return here

    def first_segments(self, number: int) -> "AblationSegments":
        """Give the first few of them."""
        return AblationSegments(
            ids=self.ids[:, :number],
            targets=self.targets[:, :number],
            state=select_rows(self.state, np.arange(number)),
            streams=self.streams[:number],
            first=self.first[:number],
            positions=self.positions[:, :number],
            warm_up=self.warm_up,
        )


def choose_segments(
    ids: Ids, streams: SplitStreams, states: States, edges: Sequence[Mask], *, counted: int = MAX_COUNTED_CHARS
) -> AblationSegments | None:
    """Choose the stretches with most of every concept's edges, in the text's ids (T,); None where none fits.

    `edges` are those of the whole text (T,), a row a concept; the states are those before every stretch.
    """
    length = segment_length(streams)
    if not length:
        return None
    confirmation = np.flatnonzero(streams.confirmation).tolist()
    places = [(stream, first) for stream in confirmation for first in segment_starts(streams)]
    worth = _edge_fractions(places, streams, length, edges)
    number = min(len(places), -(-counted // (length - ABLATION_WARM_UP)))
    ranked = np.argsort(-worth, kind="stable")[:number]
    return _cut_segments([places[place] for place in ranked.tolist()], ids, streams, states, length)


def _edge_fractions(
    places: list[tuple[int, int]], streams: SplitStreams, length: int, edges: Sequence[Mask]
) -> NDArray[np.float64]:
    """Say what share of each concept's edges is in each place, of all concepts together."""
    begins = np.array([streams.starts[stream] + first + ABLATION_WARM_UP for stream, first in places])
    worth = np.zeros(len(places))
    for hits in edges:
        so_far = np.concatenate([[0], np.cumsum(hits)])
        counts = so_far[begins + length - ABLATION_WARM_UP] - so_far[begins]
        worth += counts / max(counts.sum(), 1)
    return worth


def _cut_segments(
    places: list[tuple[int, int]], ids: Ids, streams: SplitStreams, states: States, length: int
) -> AblationSegments:
    stream, first = (np.array(column, dtype=np.int64) for column in zip(*places, strict=True))
    positions = np.arange(length)[:, None] + streams.starts[stream] + first
    row = np.searchsorted(np.flatnonzero(streams.confirmation), stream)
    return AblationSegments(
        ids=ids[positions],
        targets=ids[positions + 1],
        state=concat_rows(
            [
                select_rows(states[step], [row_number])
                for step, row_number in zip(first.tolist(), row.tolist(), strict=True)
            ]
        ),
        streams=stream,
        first=first,
        positions=positions[ABLATION_WARM_UP:],
        warm_up=streams.warm_up,
    )
