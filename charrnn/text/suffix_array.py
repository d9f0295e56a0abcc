"""Suffix array of a text: all suffixes in order, so that any substring is found by bisection.

The suffixes are sorted by as many characters as fit into 64 bits, then equal ones by twice as many, and so on, each
time by the known rank of the remainder (Manber and Myers 1993; Larsson and Sadakane 2007).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.text.vocabulary import Ids

SuffixOrder = NDArray[np.int32]

WORD_BITS = 64
"""bits that are compared at once"""
SHORT_COMPARE_CHARS = 64
"""characters that are compared before many are"""


class Match(NamedTuple):
    """A stretch that stands in the text."""

    length: int
    position: int
    """where it stands in the text"""


@dataclass(frozen=True, eq=False)
class SuffixArray:
    """A text, and where its suffixes begin, in their order.

    >>> ids = np.array([1, 0, 2, 0, 2, 0])
    >>> text = SuffixArray(ids, build_suffix_array(ids, 3))
    >>> text.order.tolist(), text.longest_match(np.array([2, 0, 1, 1]))
    ([5, 3, 1, 0, 4, 2], Match(length=2, position=2))
    """

    ids: Ids
    """the text (T,)"""
    order: SuffixOrder
    """(T,)"""

    def prefix_ranges(self, ids: Ids, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Find where in the order the suffixes are that begin as the stretches of that length of another text do.

        ids (N,) -> first (N - length + 1,) and the one after the last; the same where there is none.
        """
        count = max(0, len(ids) - length + 1)
        first, stop = np.zeros(count, dtype=np.int64), np.full(count, len(self.order))
        for depth in range(length):
            open_ = np.flatnonzero(first < stop)
            wanted = ids[open_ + depth].astype(np.int64)
            low, high = first[open_], stop[open_]
            first[open_] = self._first_from(wanted, depth, low, high)
            stop[open_] = self._first_from(wanted + 1, depth, first[open_], high)
        return first, stop

    def longest_match(self, ids: Ids, first: int = 0, stop: int | None = None) -> Match:
        """Find the longest beginning of ids (N,) that stands in the text, among the suffixes from first to stop."""
        low, high = first, len(self.order) if stop is None else stop
        best = Match(0, 0)
        while low < high and best.length < len(ids):
            middle = (low + high) // 2
            place = int(self.order[middle])
            length = self._shared(ids, place)
            if length > best.length:
                best = Match(length, place)
            end = place + length
            if end == len(self.ids) or (length < len(ids) and self.ids[end] < ids[length]):
                low = middle + 1
            else:
                high = middle
        return best

    def _shared(self, ids: Ids, place: int) -> int:
        """Count how many characters ids (N,) begin with that stand at a place of the text."""
        start, width = 0, SHORT_COMPARE_CHARS
        while start < len(ids):
            wanted = ids[start : start + width]
            there = self.ids[place + start : place + start + len(wanted)]
            differs = np.flatnonzero(there != wanted[: len(there)])[:1]
            if differs.size or len(there) < len(wanted):
                return start + (int(differs[0]) if differs.size else len(there))
            start, width = start + width, 4 * width
        return len(ids)

    def _first_from(
        self, wanted: NDArray[np.int64], depth: int, low: NDArray[np.int64], high: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Find the first suffix of each range, whose suffixes agree up to a depth, with at least that id there."""
        low, high = low.copy(), high.copy()
        while (halving := low < high).any():
            middle = (low + high) // 2
            places = self.order[np.minimum(middle, len(self.order) - 1)].astype(np.int64) + depth
            # A suffix that has ended stands before all that go on.
            there = np.where(
                places < len(self.ids), self.ids[np.minimum(places, len(self.ids) - 1)].astype(np.int64), -1
            )
            before = halving & (there < wanted)
            low = np.where(before, middle + 1, low)
            high = np.where(halving & ~before, middle, high)
        return low


def build_suffix_array(ids: Ids, size: int) -> SuffixOrder:
    """Sort the suffixes of a text: ids (T,), below `size` -> where they begin, (T,)."""
    words, depth = _words(ids, size)
    order = np.argsort(words).astype(np.int32)
    tied, ranks = np.arange(len(ids), dtype=np.int32), np.empty(len(ids), dtype=np.int32)
    tied = _rank(ranks, order, tied, words[order])
    del words
    while tied.size:
        suffixes = order[tied]
        pairs = _pairs(ranks, suffixes, depth)
        by_pair = np.argsort(pairs)
        suffixes = suffixes[by_pair]
        order[tied] = suffixes
        tied = _rank(ranks, suffixes, tied, pairs[by_pair])
        depth *= 2
    return order


def _words(ids: Ids, size: int) -> tuple[NDArray[np.uint64], int]:
    """Put what each suffix begins with into a word, (T,); and say how many characters that is."""
    bits = size.bit_length()
    count = WORD_BITS // bits
    # 0 stands for the end, before all characters.
    padded = np.zeros(len(ids) + count, dtype=np.uint64)
    padded[: len(ids)] = ids
    padded[: len(ids)] += np.uint64(1)
    words = np.zeros(len(ids), dtype=np.uint64)
    for offset in range(count):
        words <<= np.uint64(bits)
        words |= padded[offset : offset + len(ids)]
    return words, count


def _pairs(ranks: SuffixOrder, suffixes: SuffixOrder, depth: int) -> NDArray[np.uint64]:
    """Join the rank of each suffix with that of what follows after `depth` characters."""
    following = suffixes.astype(np.int64) + depth
    there = ranks[np.minimum(following, len(ranks) - 1)].astype(np.uint64) + np.uint64(1)
    there[following >= len(ranks)] = 0
    pairs: NDArray[np.uint64] = (ranks[suffixes].astype(np.uint64) << np.uint64(32)) | there
    return pairs


def _rank(ranks: SuffixOrder, suffixes: SuffixOrder, places: SuffixOrder, keys: NDArray[np.uint64]) -> SuffixOrder:
    """Rank suffixes that stand sorted at these places of the order; give the places of those that tie."""
    begins = np.empty(len(keys), dtype=np.bool_)
    begins[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=begins[1:])
    # Those that tie share the place of the first of them.
    ranks[suffixes] = np.maximum.accumulate(np.where(begins, places, 0))
    alone = begins & np.append(begins[1:], True)
    tied: SuffixOrder = places[~alone]
    return tied
