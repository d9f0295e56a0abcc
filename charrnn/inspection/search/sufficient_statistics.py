"""Sufficient statistics of all cells and concepts: sums by the codes of every concept, in one pass.

The activations arrive in chunks and are never kept.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.splits import GROUPS, ConceptCodes, Counts, Groups, SplitStreams, StreamMask
from charrnn.inspection.search.statistics import (
    DEAD_VARIANCE,
    ConceptSums,
    Numbers,
    group_products,
    partial_explained_variance,
    residual_squares,
    residualize,
)

Activations = NDArray[np.floating]
Accumulator = Callable[[Activations, int], None]
"""takes what it needs of a part (T, B, H), the cells around the evidence's centre, its first step being this one"""

BLOCK_STEPS, BLOCK_NUMBERS = 256, 2_000_000
"""steps and numbers, about, that are added up in the activations' own precision before the sums go on in float64"""


@dataclass(frozen=True, kw_only=True, eq=False)
class SufficientStatistics:
    """The sums of one pass over T scored steps: H cells by the K codes of all concepts, side by side."""

    streams: SplitStreams
    """where they were taken"""
    codings: tuple[ConceptCodes, ...]
    """the concepts"""
    groups: Groups
    """the last three characters (T, B)"""
    center: Activations
    """near the cells' means, subtracted from all they did, so that squares keep their digits (H,)"""
    sums: Numbers
    """(B, K, H)"""
    counts: Numbers
    """characters by code (B, K)"""
    squares: Numbers
    """(B, H)"""
    by_group: Activations
    """sums by the last three characters, on discovery and on confirmation streams, in the activations' own precision,
    for there are many (2, GROUPS, H)"""

    @property
    def steps(self) -> int:
        """T."""
        return len(self.groups)

    @cached_property
    def alive(self) -> StreamMask:
        """Which cells move in both halves (H,)."""
        about = self.of_concept(0)
        alive: StreamMask = about.alive(self.streams.discovery) & about.alive(self.streams.confirmation)
        return alive

    def of_concept(self, number: int) -> ConceptSums:
        """Pick out the concept of this number."""
        return ConceptSums(
            sums=self._by_code(number),
            counts=self.counts[:, self.columns(number)],
            squares=self.squares,
        )

    def partial_ev(self, number: int) -> tuple[Numbers, Numbers]:
        """Score what a concept explains of the cells beyond the last three characters: (H,), (H,).

        What each code means is learnt on discovery streams, and scored there, to choose by, and on confirmation
        streams, as the fit is.
        """
        halves = zip(self.streams.halves, self.by_group, self._squares_left, strict=True)
        train, test = (
            residualize(
                self.groups[:, streams].ravel(),
                self.codings[number].codes[:, streams].ravel(),
                by_code=self._by_code(number)[streams].sum(axis=0),
                by_group=by_group,
                squares=squares,
            )
            for streams, by_group, squares in halves
        )
        return partial_explained_variance(train, train), partial_explained_variance(train, test)

    def unique(self, number: int, rival: int, cell: int) -> float:
        """Score what a concept explains of a cell beyond another concept."""
        train, test = (
            residualize(
                self.codings[rival].codes[:, streams].ravel(),
                self.codings[number].codes[:, streams].ravel(),
                by_code=self._by_code(number)[streams, :, cell : cell + 1].sum(axis=0),
                by_group=by_rival,
                squares=residual_squares(self.squares[streams, cell : cell + 1].sum(axis=0), by_rival, sizes),
            )
            for streams, by_rival, sizes in self._by_rival(rival, cell)
        )
        return float(partial_explained_variance(train, test)[0])

    @cached_property
    def trigram_ev(self) -> Numbers:
        """How much of the cells' variance the last three characters explain, learnt on discovery (H,)."""
        train, test = self.by_group
        sizes = self._group_sizes
        train_sizes = np.maximum(sizes[0], 1.0)
        # sums over groups of 2·m·S - n·m², without laying the means out
        gained = group_products(train, test, 2.0 / train_sizes) - group_products(
            train, train, sizes[1] / train_sizes**2
        )
        confirmation = self.streams.confirmation
        total = np.maximum(self.of_concept(0).variance(confirmation), DEAD_VARIANCE) * sizes[1].sum()
        error = self.squares[confirmation].sum(axis=0) - gained
        share: Numbers = np.where(self.alive, 1.0 - error / total, 0.0)
        return share

    def columns(self, number: int) -> slice:
        """Say which columns are a concept's codes."""
        first = int(_offsets(self.codings)[number])
        return slice(first, first + len(self.codings[number].levels))

    def _by_code(self, number: int) -> Numbers:
        return self.sums[:, self.columns(number)]

    def _by_rival(self, rival: int, cell: int) -> Iterator[tuple[StreamMask, Numbers, Numbers]]:
        """Give each half's streams, a cell's sums by the rival's codes there, and the characters of each code."""
        for streams in self.streams.halves:
            codes = self.codings[rival].codes[:, streams].ravel()
            sizes = np.bincount(codes, minlength=len(self.codings[rival].levels)).astype(np.float64)
            yield streams, self._by_code(rival)[streams, :, cell : cell + 1].sum(axis=0), sizes

    @cached_property
    def _group_sizes(self) -> Numbers:
        """Characters in each group, in each half (2, GROUPS)."""
        sizes = [np.bincount(self.groups[:, streams].ravel(), minlength=GROUPS) for streams in self.streams.halves]
        return np.array(sizes, dtype=np.float64)

    @cached_property
    def _squares_left(self) -> Numbers:
        """What the last three characters leave of the cells' squares, in each half (2, H)."""
        halves = zip(self.streams.halves, self.by_group, self._group_sizes, strict=True)
        return np.array([residual_squares(self.squares[half].sum(axis=0), by, sizes) for half, by, sizes in halves])


def accumulate(
    chunks: Iterable[Activations],
    codings: Sequence[ConceptCodes],
    groups: Groups,
    streams: SplitStreams,
    accumulators: Sequence[Accumulator] = (),
) -> SufficientStatistics:
    """Take the sums of activations, given in order as chunks (any number of steps, B, H).

    `groups` are those of the whole text (its length,); the chunks hold streams.length steps together. What else is
    to be taken in the same pass sees every part too.
    """
    parts = _scored(chunks, streams.warm_up)
    first = next(parts)
    statistics = _empty(first, tuple(codings), groups, streams)
    steps = _add(statistics, first, 0, accumulators)
    for part in parts:
        steps += _add(statistics, part, steps, accumulators)
    if steps != statistics.steps:
        raise ValueError(f"{steps} scored steps came in, not {statistics.steps}")
    return statistics


def _scored(chunks: Iterable[Activations], warm_up: int) -> Iterator[Activations]:
    """Leave the warm-up out and hand the rest on in parts of ROWS steps, the last one shorter."""
    waiting: list[Activations] = []
    for chunk in chunks:
        skipped = min(warm_up, len(chunk))
        warm_up -= skipped
        for first in range(skipped, len(chunk), BLOCK_STEPS):
            waiting.append(chunk[first : first + BLOCK_STEPS])
            if sum(map(len, waiting)) >= BLOCK_STEPS or sum(part.size for part in waiting) >= BLOCK_NUMBERS:
                yield np.concatenate(waiting)
                waiting = []
    if waiting:
        yield np.concatenate(waiting)


def _offsets(codings: tuple[ConceptCodes, ...]) -> Counts:
    """Give the column of each concept's first code, and the number of columns at the end."""
    return np.cumsum([0, *(len(coding.levels) for coding in codings)])


def _empty(
    part: Activations, codings: tuple[ConceptCodes, ...], groups: Groups, streams: SplitStreams
) -> SufficientStatistics:
    """Begin: any centre is right, and the mean of the first steps is near enough to be a good one."""
    cells = part.shape[2]
    return SufficientStatistics(
        streams=streams,
        codings=codings,
        groups=groups[streams.scored()],
        center=part.mean(axis=(0, 1)),
        sums=np.zeros((streams.count, _offsets(codings)[-1], cells)),
        counts=np.zeros((streams.count, _offsets(codings)[-1])),
        squares=np.zeros((streams.count, cells)),
        by_group=np.zeros((2, GROUPS, cells), dtype=part.dtype),
    )


def _add(statistics: SufficientStatistics, part: Activations, step: int, accumulators: Sequence[Accumulator]) -> int:
    """Add the steps of a part (T, B, H), the first of them being this one; say how many they are."""
    here = slice(step, step + len(part))
    moved = part - statistics.center
    one_hot = _one_hot(statistics.codings, here, moved)
    statistics.counts[...] += one_hot.sum(axis=2, dtype=np.float64)
    # one stream after the other: what all of them say by every code at once would not fit the cache
    for stream, (sums, squares) in enumerate(zip(statistics.sums, statistics.squares, strict=True)):
        sums += one_hot[stream] @ moved[:, stream]
        squares += np.square(moved[:, stream]).sum(axis=0, dtype=np.float64)
    for half, streams in enumerate(statistics.streams.halves):
        _add_by_group(statistics.by_group[half], statistics.groups[here][:, streams].ravel(), moved[:, streams])
    for take in accumulators:
        take(moved, step)
    return len(part)


def _one_hot(codings: tuple[ConceptCodes, ...], here: slice, part: Activations) -> Activations:
    """Lay out which codes of all concepts each character has (B, K, T)."""
    offsets = _offsets(codings)
    columns = np.stack([coding.codes[here] for coding in codings], axis=2) + offsets[:-1]
    one_hot = np.zeros((part.shape[1], offsets[-1], len(part)), dtype=part.dtype)
    np.put_along_axis(one_hot, columns.transpose(1, 2, 0), 1.0, axis=1)
    return one_hot


def _add_by_group(by_group: Activations, groups: Groups, moved: Activations) -> None:
    """Add rows to the sums of their groups, sorted into one run a group; groups (N,), rows (…, H), N in all."""
    order = np.argsort(groups, kind="stable")
    present_groups, begins = np.unique(groups[order], return_index=True)
    runs = np.split(moved.reshape(len(groups), -1)[order], begins[1:])
    # half the time of add.reduceat, whose inner loop runs across the rows
    for group, rows in zip(present_groups, runs, strict=True):
        by_group[group] += rows.sum(axis=0)
