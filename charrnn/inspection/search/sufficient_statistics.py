"""Sufficient statistics of all cells and concepts: sums by the codes of every concept, in one streaming pass.

Activations arrive in chunks and are not kept in memory.
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
    Residuals,
    group_products,
    partial_explained_variance,
    residual_squares,
    residualize,
)

Activations = NDArray[np.floating]
Accumulator = Callable[[Activations, int], None]
"""callback for each block of activations (T, B, H), centered near the cells' means, and the number of its first
step"""

BLOCK_STEPS, BLOCK_NUMBERS = 256, 2_000_000
"""approximate limits of a block, which is summed in the activations' precision before being added in float64"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Half:
    """Sums by trigram group over the discovery streams or the confirmation streams."""

    streams: StreamMask
    """streams of this half (B,)"""
    by_group: Activations
    """sums of the centered activations by trigram group (GROUPS, H)"""
    group_sizes: Numbers
    """characters of each trigram group (GROUPS,)"""
    residual_squares: Numbers
    """sums of squares around the means of the trigram groups (H,)"""


@dataclass(frozen=True, kw_only=True, eq=False)
class SufficientStatistics:
    """Sums over one pass of T scored steps: H cells by the K codes of all concepts, side by side."""

    streams: SplitStreams
    """streams over which the sums were computed"""
    codings: tuple[ConceptCodes, ...]
    """quantized marks of each concept"""
    groups: Groups
    """trigram group of each character (T, B)"""
    center: Activations
    """approximate mean of each cell, subtracted from all activations so that sums of squares keep their precision
    (H,)"""
    sums: Numbers
    """sums of the centered activations by code (B, K, H)"""
    counts: Numbers
    """characters by code (B, K)"""
    squares: Numbers
    """sums of squares of the centered activations (B, H)"""
    by_group: Activations
    """sums by trigram group on the discovery and confirmation streams, in the activations' precision to save memory
    (2, GROUPS, H)"""

    @property
    def steps(self) -> int:
        """Return the number of scored steps T."""
        return len(self.groups)

    @cached_property
    def alive(self) -> StreamMask:
        """Return the mask of the cells whose activation varies in both halves (H,)."""
        sums = self.of_concept(0)
        alive: StreamMask = sums.alive(self.streams.discovery) & sums.alive(self.streams.confirmation)
        return alive

    def of_concept(self, number: int) -> ConceptSums:
        """Return the sums of one concept, given its number."""
        return ConceptSums(
            sums=self._by_code(number),
            counts=self.counts[:, self.columns(number)],
            squares=self.squares,
        )

    def partial_ev(self, number: int) -> tuple[Numbers, Numbers]:
        """Return the variance that a concept explains beyond the last three characters: partial EV (H,), (H,).

        Code means are estimated on the discovery streams. The first array scores them there, for selection; the
        second one scores them on the confirmation streams.
        """
        discovery, confirmation = self.halves
        train, test = self._within_trigrams(number, discovery), self._within_trigrams(number, confirmation)
        return partial_explained_variance(train, train), partial_explained_variance(train, test)

    def unique(self, number: int, rival: int, cell: int) -> float:
        """Return the held-out partial EV of a concept for one cell beyond another concept."""
        discovery, confirmation = self.streams.halves
        train = self._within_rival(number, rival, cell, discovery)
        test = self._within_rival(number, rival, cell, confirmation)
        return float(partial_explained_variance(train, test)[0])

    @cached_property
    def trigram_ev(self) -> Numbers:
        """Return the held-out explained variance of the cells by trigram groups (H,)."""
        train, test = self.halves
        train_sizes = np.maximum(train.group_sizes, 1.0)
        # Σ 2·m·S - n·m² over groups, without an array of the means m
        gained = group_products(train.by_group, test.by_group, 2.0 / train_sizes) - group_products(
            train.by_group, train.by_group, test.group_sizes / train_sizes**2
        )
        total = np.maximum(self.of_concept(0).variance(test.streams), DEAD_VARIANCE) * test.group_sizes.sum()
        error = self.squares[test.streams].sum(axis=0) - gained
        trigram_ev: Numbers = np.where(self.alive, 1.0 - error / total, 0.0)
        return trigram_ev

    def columns(self, number: int) -> slice:
        """Return the columns of a concept's codes."""
        first = int(_offsets(self.codings)[number])
        return slice(first, first + len(self.codings[number].levels))

    def _by_code(self, number: int) -> Numbers:
        return self.sums[:, self.columns(number)]

    @cached_property
    def halves(self) -> tuple[Half, Half]:
        """Return the sums by trigram group on the discovery streams and on the confirmation streams."""
        discovery, confirmation = self.streams.halves
        return self._half(discovery, self.by_group[0]), self._half(confirmation, self.by_group[1])

    def _half(self, streams: StreamMask, by_group: Activations) -> Half:
        sizes = np.bincount(self.groups[:, streams].ravel(), minlength=GROUPS).astype(np.float64)
        squares = residual_squares(self.squares[streams].sum(axis=0), by_group, sizes)
        return Half(streams=streams, by_group=by_group, group_sizes=sizes, residual_squares=squares)

    def _within_trigrams(self, number: int, half: Half) -> Residuals:
        """Return a concept's codes and all cells, centered within each trigram group."""
        return residualize(
            self.groups[:, half.streams].ravel(),
            self.codings[number].codes[:, half.streams].ravel(),
            by_code=self._by_code(number)[half.streams].sum(axis=0),
            by_group=half.by_group,
            squares=half.residual_squares,
        )

    def _within_rival(self, number: int, rival: int, cell: int, streams: StreamMask) -> Residuals:
        """Return a concept's codes and one cell, centered within each code of another concept."""
        column = slice(cell, cell + 1)
        rival_codes = self.codings[rival].codes[:, streams].ravel()
        sizes = np.bincount(rival_codes, minlength=len(self.codings[rival].levels)).astype(np.float64)
        by_rival = self._by_code(rival)[streams, :, column].sum(axis=0)
        return residualize(
            rival_codes,
            self.codings[number].codes[:, streams].ravel(),
            by_code=self._by_code(number)[streams, :, column].sum(axis=0),
            by_group=by_rival,
            squares=residual_squares(self.squares[streams, column].sum(axis=0), by_rival, sizes),
        )


def accumulate(
    chunks: Iterable[Activations],
    codings: Sequence[ConceptCodes],
    groups: Groups,
    streams: SplitStreams,
    accumulators: Sequence[Accumulator] = (),
) -> SufficientStatistics:
    """Return the sufficient statistics of activations, given in order as chunks (any number of steps, B, H).

    `groups` covers the whole text (length of the text,); the chunks contain streams.length steps in total. Each
    accumulator receives every block of the same pass.
    """
    parts = _scored(chunks, streams.warm_up)
    first = next(parts)
    statistics = _empty(first, tuple(codings), groups, streams)
    steps = _add(statistics, first, 0, accumulators)
    for part in parts:
        steps += _add(statistics, part, steps, accumulators)
    if steps != statistics.steps:
        raise ValueError(f"{steps} scored steps were read instead of {statistics.steps}")
    return statistics


def _scored(chunks: Iterable[Activations], warm_up: int) -> Iterator[Activations]:
    """Yield the steps after the warm-up in blocks of about BLOCK_STEPS steps, the last one shorter."""
    pending: list[Activations] = []
    for chunk in chunks:
        skipped = min(warm_up, len(chunk))
        warm_up -= skipped
        for first in range(skipped, len(chunk), BLOCK_STEPS):
            pending.append(chunk[first : first + BLOCK_STEPS])
            if sum(map(len, pending)) >= BLOCK_STEPS or sum(part.size for part in pending) >= BLOCK_NUMBERS:
                yield np.concatenate(pending)
                pending = []
    if pending:
        yield np.concatenate(pending)


def _offsets(codings: tuple[ConceptCodes, ...]) -> Counts:
    """Return the column of each concept's first code, and the total number of columns at the end."""
    return np.cumsum([0, *(len(coding.levels) for coding in codings)])


def _empty(
    part: Activations, codings: tuple[ConceptCodes, ...], groups: Groups, streams: SplitStreams
) -> SufficientStatistics:
    """Return statistics with zero sums, centered at the mean of the first block."""
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
    """Add a block (T, B, H) that begins at a step; return its number of steps."""
    steps = slice(step, step + len(part))
    centered = part - statistics.center
    one_hot = _one_hot(statistics.codings, steps, centered)
    statistics.counts[...] += one_hot.sum(axis=2, dtype=np.float64)
    # one stream at a time, because the products of all streams would not fit the CPU cache
    for stream, (sums, squares) in enumerate(zip(statistics.sums, statistics.squares, strict=True)):
        sums += one_hot[stream] @ centered[:, stream]
        squares += np.square(centered[:, stream]).sum(axis=0, dtype=np.float64)
    for half, streams in enumerate(statistics.streams.halves):
        _add_by_group(statistics.by_group[half], statistics.groups[steps][:, streams].ravel(), centered[:, streams])
    for accumulator in accumulators:
        accumulator(centered, step)
    return len(part)


def _one_hot(codings: tuple[ConceptCodes, ...], steps: slice, part: Activations) -> Activations:
    """Return the one-hot codes of all concepts (B, K, T)."""
    offsets = _offsets(codings)
    columns = np.stack([coding.codes[steps] for coding in codings], axis=2) + offsets[:-1]
    one_hot = np.zeros((part.shape[1], offsets[-1], len(part)), dtype=part.dtype)
    np.put_along_axis(one_hot, columns.transpose(1, 2, 0), 1.0, axis=1)
    return one_hot


def _add_by_group(by_group: Activations, groups: Groups, centered: Activations) -> None:
    """Add rows to the sums of their groups, sorted by group; groups (N,), rows (…, H), N in total."""
    order = np.argsort(groups, kind="stable")
    present_groups, starts = np.unique(groups[order], return_index=True)
    runs = np.split(centered.reshape(len(groups), -1)[order], starts[1:])
    # twice as fast as add.reduceat, whose inner loop is over the rows
    for group, rows in zip(present_groups, runs, strict=True):
        by_group[group] += rows.sum(axis=0)
