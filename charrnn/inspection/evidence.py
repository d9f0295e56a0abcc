"""The evidence: sums over what cells did, by the codes of every concept, taken in one pass.

The activations come in chunks and are never kept. Which concepts are worth asking about, and what
to make of the answers, is left to the findings.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.coding import Codes, Coding
from charrnn.inspection.streams import Streams
from charrnn.inspection.sums import ConceptSums, Numbers
from charrnn.inspection.trigrams import GROUPS, Groups, WithinGroups, beyond_spelling, within_groups

Activations = NDArray[np.floating]

ROWS = 128
"""steps added up in the activations' own precision before the sums go on in float64"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """The sums of one pass over T scored steps: H cells by the K codes of all concepts, side by side."""

    streams: Streams
    """where they were taken"""
    codings: tuple[Coding, ...]
    """the concepts"""
    codes: Codes
    """the columns that count each character, one for every concept (T, B, concepts)"""
    groups: Groups
    """the last three characters (T, B)"""
    centre: Activations
    """near the cells' means, subtracted from all they did, so that squares keep their digits (H,)"""
    sums: Numbers
    """(B, K, H)"""
    squares: Numbers
    """(B, H)"""
    by_group: Numbers
    """sums by the last three characters, on discovery and on confirmation streams (2, GROUPS, H)"""

    def about(self, number: int) -> ConceptSums:
        """Pick out the concept of this number."""
        first = int(_offsets(self.codings)[number])
        count = len(self.codings[number].levels)
        codes = self.codings[number].codes
        return ConceptSums(
            sums=self.sums[:, first : first + count],
            counts=(codes[:, :, None] == np.arange(count)).sum(axis=0, dtype=np.float64),
            squares=self.squares,
        )

    def memory(self, number: int, cell: int) -> float:
        """Score what a concept explains of a cell beyond the last three characters.

        What each code means is learnt on discovery streams and scored on confirmation streams, as the fit is.
        """
        learnt, scored = (self._left(number, cell, half) for half in range(2))
        return beyond_spelling(learnt, scored)

    def _left(self, number: int, cell: int, half: int) -> WithinGroups:
        """Give what the last three characters leave of a concept and a cell in one half's streams."""
        streams = self.streams.halves[half]
        return within_groups(
            self.codings[number].codes[:, streams].ravel(),
            self.groups[:, streams].ravel(),
            self.about(number).sums[streams, :, cell].sum(axis=0),
            self.by_group[half, :, cell],
            float(self.squares[streams, cell].sum()),
        )


def gather(chunks: Iterable[Activations], codings: Sequence[Coding], groups: Groups, streams: Streams) -> Evidence:
    """Take the sums of activations, given in order as chunks (any number of steps, B, H).

    `groups` are those of the whole text (its length,); the chunks hold streams.length steps together.
    """
    parts = _scored(chunks, streams.warm_up)
    first = next(parts)
    evidence = _empty(first, tuple(codings), groups, streams)
    steps = _add(evidence, first, 0)
    for part in parts:
        steps += _add(evidence, part, steps)
    if steps != len(evidence.codes):
        raise ValueError(f"{steps} scored steps came in, not {len(evidence.codes)}")
    return evidence


def _scored(chunks: Iterable[Activations], warm_up: int) -> Iterator[Activations]:
    """Leave the warm-up out and hand the rest on in parts of at most ROWS steps."""
    for chunk in chunks:
        skipped = min(warm_up, len(chunk))
        warm_up -= skipped
        for first in range(skipped, len(chunk), ROWS):
            yield chunk[first : first + ROWS]


def _offsets(codings: tuple[Coding, ...]) -> Codes:
    """Give the column of each concept's first code, and the number of columns at the end."""
    return np.cumsum([0, *(len(coding.levels) for coding in codings)])


def _empty(part: Activations, codings: tuple[Coding, ...], groups: Groups, streams: Streams) -> Evidence:
    """Begin: any centre is right, and the mean of the first steps is near enough to be a good one."""
    cells, offsets = part.shape[2], _offsets(codings)
    return Evidence(
        streams=streams,
        codings=codings,
        codes=np.stack([coding.codes for coding in codings], axis=2) + offsets[:-1],
        groups=groups[streams.scored()],
        centre=part.mean(axis=(0, 1)),
        sums=np.zeros((streams.count, offsets[-1], cells)),
        squares=np.zeros((streams.count, cells)),
        by_group=np.zeros((2, GROUPS, cells)),
    )


def _add(evidence: Evidence, part: Activations, step: int) -> int:
    """Add the steps of a part (T, B, H), the first of them being this one; say how many they are."""
    here = slice(step, step + len(part))
    moved = part - evidence.centre
    evidence.squares[...] += np.square(moved).sum(axis=0, dtype=np.float64)
    codes = evidence.codes[here]
    one_hot = np.zeros((*codes.shape[:2], evidence.sums.shape[1]), dtype=part.dtype)
    np.put_along_axis(one_hot, codes, 1.0, axis=2)
    evidence.sums[...] += np.matmul(one_hot.transpose(1, 2, 0), moved.transpose(1, 0, 2))
    for half, streams in enumerate(evidence.streams.halves):
        _add_by_group(evidence.by_group[half], evidence.groups[here][:, streams].ravel(), moved[:, streams])
    return len(part)


def _add_by_group(by_group: Numbers, groups: Groups, moved: Activations) -> None:
    """Add rows to the sums of their groups, sorted into one run a group; groups (N,), rows (…, H), N in all."""
    order = np.argsort(groups, kind="stable")
    found, begins = np.unique(groups[order], return_index=True)
    runs = np.split(moved.reshape(len(groups), -1)[order], begins[1:])
    # half the time of add.reduceat, whose inner loop runs across the rows
    for group, rows in zip(found, runs, strict=True):
        by_group[group] += rows.sum(axis=0)
