"""Batches of a text: windows of parallel streams for truncated BPTT, rows for evaluation, and sampled substrings."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.text.corpus import Corpus
from charrnn.text.vocabulary import Ids

# Training windows. The text is treated as a ring. Stream r of B begins at r/B of the ring, and each window begins
# where the previous window of its stream ended, so the recurrent state can always be carried. After an epoch, stream
# r is where stream r + 1 began. The length of the ring is rarely a multiple of the length of a window, so each epoch
# splits the text differently.

STEPS_BETWEEN_RELEASES = 1024
"""steps between two releases of the pages of a memory-mapped corpus"""


def steps_for_epochs(epochs: float, *, characters: int, batch: int, length: int) -> int:
    """Return the number of steps for a number of epochs over a text of so many characters.

    >>> steps_for_epochs(2, characters=1000, batch=10, length=30)
    7
    """
    return math.ceil(epochs * characters / (batch * length))


class Shard(NamedTuple):
    """The contiguous rows of a batch that one process computes."""

    batch: int
    """rows of the whole batch, over all processes"""
    start: int
    stop: int

    @property
    def rows(self) -> slice:
        """The rows as a slice."""
        return slice(self.start, self.stop)

    @property
    def size(self) -> int:
        """Number of rows."""
        return self.stop - self.start

    @classmethod
    def whole(cls, batch: int) -> "Shard":
        """Return the shard of a single process."""
        return cls(batch, 0, batch)


@dataclass(frozen=True, kw_only=True)
class TrainingBatches:
    """The training text, the first `characters` of a corpus, as windows of `batch` parallel streams.

    >>> batches.batch_ids(7).shape                       # doctest: +SKIP
    (length + 1, batch)
    """

    corpus: Corpus
    characters: int
    """length of the training text"""
    batch: int
    """number of streams, B"""
    length: int
    """characters in a window, T"""
    shard: Shard | None = None
    """the streams of this process, where several processes share the batch; None: all"""

    @property
    def steps_per_epoch(self) -> float:
        """Number of steps in which every character is read once."""
        return self.characters / (self.batch * self.length)

    def starts(self, step: int) -> NDArray[np.int64]:
        """Return the position of each stream's window at a step, (B,); it depends on nothing but the step."""
        rows = (self.shard or Shard.whole(self.batch)).rows
        first = np.arange(self.batch)[rows] * self.characters // self.batch
        return (first + step * self.length) % self.characters

    def batch_ids(self, step: int) -> NDArray[np.int64]:
        """Return the ids of a step, (T + 1, B): inputs without the last row, targets without the first row."""
        if step % STEPS_BETWEEN_RELEASES == 0:
            self.corpus.release_pages()
        positions = self.starts(step) + np.arange(self.length + 1)[:, None]
        return np.asarray(self.corpus.ids[positions % self.characters], dtype=np.int64)


# Evaluation rows: overlapping sections of a text that are read in parallel, so that every character is scored once.
# Each row except the first begins with warm-up characters, which the previous row scores.


ALL = slice(None)


class Chunk(NamedTuple):
    """T characters of each of B rows; the next chunk continues where this chunk ends."""

    inputs: NDArray[np.int64]
    """input ids, (T, B)"""
    targets: NDArray[np.int64]
    """the id that follows each input, (T, B)"""
    positions: NDArray[np.int64]
    """position of each target in the text, (T, B)"""
    is_scored: NDArray[np.bool_]
    """whether the target is scored in this row, (T, B)"""


@dataclass(frozen=True, kw_only=True)
class EvalRows:
    """The division of a text into rows: row r begins at r·stride, and every row has stride + warm_up characters.

    Eleven characters in two rows with a warm-up of two: the first row reads 0 to 5 and is scored on 1 to 6, the
    second row reads 4 to 9 and is scored on 7 to 10. The first character of the text is not predicted.

    >>> rows = split_into_rows(11, rows=2, warm_up=2)
    >>> rows.starts.tolist(), rows.length
    ([0, 4], 6)
    """

    characters: int
    """characters in the text"""
    count: int
    """number of rows"""
    stride: int
    """distance between the starts of two rows, in characters"""
    warm_up: int
    """characters that each row except the first reads before it is scored"""

    @property
    def length(self) -> int:
        """Characters that each row reads."""
        return self.stride + self.warm_up

    @property
    def starts(self) -> NDArray[np.int64]:
        """Position at which each row begins, (B,)."""
        return np.arange(self.count, dtype=np.int64) * self.stride

    def chunks(self, ids: Ids, length: int, rows: slice = ALL) -> Iterator[Chunk]:
        """Yield the rows of a text, ids (characters,), or a slice of the rows, in chunks of `length` characters.

        Rows that extend beyond the end of the text repeat its last character, which is not scored there.
        """
        starts = self.starts[rows]
        first_scored = np.where(starts == 0, 0, self.warm_up)
        for begin in range(0, self.length, length):
            times = np.arange(begin, min(begin + length, self.length) + 1)[:, None]
            positions = starts + times
            chunk_ids = np.asarray(ids[positions.clip(max=self.characters - 1)], dtype=np.int64)
            is_scored = (times[:-1] >= first_scored) & (positions[1:] < self.characters)
            yield Chunk(chunk_ids[:-1], chunk_ids[1:], positions[1:], is_scored)

    def scored_before(self, time: int) -> int:
        """Return the number of characters that are scored in the first `time` characters of all rows."""
        first_scored = np.where(self.starts == 0, 0, self.warm_up)
        end = np.minimum(min(time, self.length), self.characters - 1 - self.starts)
        return int((end - first_scored).clip(min=0).sum())


def split_into_rows(characters: int, *, rows: int, warm_up: int, stride_multiple: int = 1) -> EvalRows:
    """Return the division of a text of at least two characters into `rows` rows, or fewer if the text is short.

    The stride is a multiple of `stride_multiple` characters.
    """
    scored_chars = characters - 1 - warm_up
    count = max(1, min(rows, scored_chars))
    if count == 1:
        return EvalRows(characters=characters, count=1, stride=characters - 1, warm_up=0)
    stride = -(-scored_chars // (count * stride_multiple)) * stride_multiple
    # The rounded stride may need fewer rows: every row has at least one character to score.
    return EvalRows(characters=characters, count=-(-scored_chars // stride), stride=stride, warm_up=warm_up)


# Repetition: the fraction of substrings that are distinct, estimated from a sample. Whether a substring is in the
# sample depends on its characters alone, so the sample contains all of its occurrences or none, wherever they are in
# the text. Such samples are used for finding near-duplicate documents (Broder 1997).

SUBSTRING_CHARS = 32
"""characters of a substring; most substrings of this length occur once in prose and in ordinary source code"""
SAMPLED = 1 << 15
"""approximate number of substrings in a sample of a text without repetition; more for over two billion characters"""
MIN_DISTINCT = 256
"""number of distinct substrings below which the sample is enlarged"""
MERGED = 1 << 18
"""number of hashes that are collected before they are merged"""
SCANNED_CHARS = 1 << 18
"""characters that are scanned at a time; their hashes fit into the cache of a core"""

Hashes = NDArray[np.uint64]


def distinct_fraction(corpus: Corpus, characters: int, *, scanned: int = SCANNED_CHARS) -> float:
    """Return the number of distinct substrings of the first `characters` relative to all of them, between 0 and 1.

    The substrings have 32 characters. The text is read `scanned` characters at a time.
    """
    substrings = characters - SUBSTRING_CHARS + 1
    if substrings <= 0:
        return 1.0
    bits = min(16, max(0, (characters // SAMPLED).bit_length() - 1))
    while (distinct := _count_distinct(corpus, substrings, bits, scanned)) < MIN_DISTINCT and bits:
        bits = max(0, bits - 2)
    return min(1.0, (distinct << bits) / substrings)


def _count_distinct(corpus: Corpus, substrings: int, bits: int, scanned: int) -> int:
    """Return the number of distinct substrings in a sample of one in 2 ** bits."""
    distinct, collected = np.empty(0, np.uint64), list[Hashes]()
    for start in range(0, substrings, scanned):
        stop = min(substrings, start + scanned) + SUBSTRING_CHARS - 1
        collected.append(_sampled_hashes(corpus.ids[start:stop], bits))
        if sum(map(len, collected)) > MERGED:
            distinct, collected = np.unique(np.concatenate([distinct, *collected])), []
        corpus.release_pages()
    return len(np.unique(np.concatenate([distinct, *collected])))


def _sampled_hashes(ids: Ids, bits: int) -> Hashes:
    """Return the hashes of the substrings in a sample of one in 2 ** bits: those with high keys of both halves."""
    keys, half = ids.astype(np.uint8, copy=False), SUBSTRING_CHARS // 2
    for level, factor in enumerate((167, 59, 101, 213)):
        # The arithmetic is modulo 256; after the last level, a key depends on half a substring.
        distance = 1 << level
        halves, keys = keys, keys[:-distance] * np.uint8(factor)
        keys += halves[distance:]
    first_bits = min(bits, 8)
    positions = np.flatnonzero(keys[:-half] >= 256 - (256 >> first_bits))
    positions = positions[keys[positions + half] >= 256 - (256 >> (bits - first_bits))]
    words = np.lib.stride_tricks.sliding_window_view(ids, SUBSTRING_CHARS)[positions].view(np.uint64)
    hashes = np.zeros(len(words), np.uint64)
    for word in words.T:
        hashes = (hashes ^ word) * np.uint64(0x9E3779B97F4A7C15)
        hashes ^= hashes >> np.uint64(32)
    return hashes
