"""Suffix array of a text: the positions of all suffixes in sorted order, in which substrings are found by bisection.

Prefix doubling: the suffixes are sorted by as many characters as fit into 64 bits, then equal suffixes by twice as
many, using the rank of the remainder, and so on (Manber and Myers 1993; Larsson and Sadakane 2007).
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.storage import safetensors_file
from charrnn.storage.safetensors_file import check_replaceable
from charrnn.text.corpus import Corpus
from charrnn.text.documents import ensure_terminated
from charrnn.text.vocabulary import Ids

SuffixOrder = NDArray[np.int32]

WORD_BITS = 64
"""bits of the first sort key"""
MAX_TRAINING_CHARS = 100_000_000
"""characters; building the suffix array takes about 40 bytes for each"""
SHORT_COMPARE_CHARS = 64
"""characters of the first comparison; later ones are four times as long each"""


class Match(NamedTuple):
    """An occurrence of a string in the text."""

    length: int
    """characters"""
    position: int
    """position in the text"""


@dataclass(frozen=True, eq=False)
class SuffixArray:
    """A text and the positions of its suffixes in sorted order.

    >>> ids = np.array([1, 0, 2, 0, 2, 0])
    >>> text = SuffixArray(ids, build_suffix_array(ids, 3))
    >>> text.order.tolist(), text.longest_match(np.array([2, 0, 1, 1]))
    ([5, 3, 1, 0, 4, 2], Match(length=2, position=2))
    """

    ids: Ids
    """ids of the text, (T,)"""
    order: SuffixOrder
    """positions of the suffixes in sorted order, (T,)"""

    def prefix_ranges(self, ids: Ids, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the ranges of suffixes that begin with the substrings of a given length of another text.

        ids (N,) -> first and stop indices in the order, (N - length + 1,) each; equal if there is no such suffix.
        """
        count = max(0, len(ids) - length + 1)
        first, stop = np.zeros(count, dtype=np.int64), np.full(count, len(self.order))
        for depth in range(length):
            nonempty = np.flatnonzero(first < stop)
            char_ids = ids[nonempty + depth].astype(np.int64)
            low, high = first[nonempty], stop[nonempty]
            first[nonempty] = self._lower_bound(char_ids, depth, low, high)
            stop[nonempty] = self._lower_bound(char_ids + 1, depth, first[nonempty], high)
        return first, stop

    def longest_match(self, ids: Ids, first: int = 0, stop: int | None = None) -> Match:
        """Return the longest prefix of ids (N,) that occurs in the text, among the suffixes from first to stop."""
        low, high = first, len(self.order) if stop is None else stop
        best = Match(0, 0)
        while low < high and best.length < len(ids):
            middle = (low + high) // 2
            position = int(self.order[middle])
            length = self._common_prefix_length(ids, position)
            if length > best.length:
                best = Match(length, position)
            end = position + length
            if end == len(self.ids) or (length < len(ids) and self.ids[end] < ids[length]):
                low = middle + 1
            else:
                high = middle
        return best

    def _common_prefix_length(self, ids: Ids, position: int) -> int:
        """Return the number of characters that ids (N,) and the suffix at a position have in common."""
        start, width = 0, SHORT_COMPARE_CHARS
        while start < len(ids):
            expected = ids[start : start + width]
            actual = self.ids[position + start : position + start + len(expected)]
            differs = np.flatnonzero(actual != expected[: len(actual)])[:1]
            if differs.size or len(actual) < len(expected):
                return start + (int(differs[0]) if differs.size else len(actual))
            start, width = start + width, 4 * width
        return len(ids)

    def _lower_bound(
        self, char_ids: NDArray[np.int64], depth: int, low: NDArray[np.int64], high: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return for each range the first suffix whose id at `depth` is at least the given one, by bisection."""
        low, high = low.copy(), high.copy()
        while (is_open := low < high).any():
            middle = (low + high) // 2
            positions = self.order[np.minimum(middle, len(self.order) - 1)].astype(np.int64) + depth
            # The end of the text, as id -1, comes before all characters.
            actual = np.where(
                positions < len(self.ids), self.ids[np.minimum(positions, len(self.ids) - 1)].astype(np.int64), -1
            )
            is_less = is_open & (actual < char_ids)
            low = np.where(is_less, middle + 1, low)
            high = np.where(is_open & ~is_less, middle, high)
        return low


def build_suffix_array(ids: Ids, size: int) -> SuffixOrder:
    """Return the positions of the suffixes of a text in sorted order: ids (T,) below `size` -> (T,)."""
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
    """Return the first characters of each suffix as a 64-bit word, (T,), and their number."""
    bits = size.bit_length()
    count = WORD_BITS // bits
    # 0 is the end of the text, which comes before all characters.
    padded = np.zeros(len(ids) + count, dtype=np.uint64)
    padded[: len(ids)] = ids
    padded[: len(ids)] += np.uint64(1)
    words = np.zeros(len(ids), dtype=np.uint64)
    for offset in range(count):
        words <<= np.uint64(bits)
        words |= padded[offset : offset + len(ids)]
    return words, count


def _pairs(ranks: SuffixOrder, suffixes: SuffixOrder, depth: int) -> NDArray[np.uint64]:
    """Return for each suffix its rank, joined with the rank of the suffix `depth` characters later."""
    following = suffixes.astype(np.int64) + depth
    following_ranks = ranks[np.minimum(following, len(ranks) - 1)].astype(np.uint64) + np.uint64(1)
    following_ranks[following >= len(ranks)] = 0
    pairs: NDArray[np.uint64] = (ranks[suffixes].astype(np.uint64) << np.uint64(32)) | following_ranks
    return pairs


def _rank(ranks: SuffixOrder, suffixes: SuffixOrder, indices: SuffixOrder, keys: NDArray[np.uint64]) -> SuffixOrder:
    """Set the ranks of suffixes, sorted by their keys, at these indices of the order; return the indices of ties."""
    is_first = np.empty(len(keys), dtype=np.bool_)
    is_first[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    # Suffixes with equal keys have the rank of the first of them.
    ranks[suffixes] = np.maximum.accumulate(np.where(is_first, indices, 0))
    is_unique = is_first & np.append(is_first[1:], True)
    tied: SuffixOrder = indices[~is_unique]
    return tied


# The suffix array of a training text, which is built once and kept in a file


def load_or_build_suffix_array(ids: Ids, size: int, path: Path) -> SuffixArray:
    """Return the suffix array of a training text, ids (T,) below `size`, from the file `path`.

    If the file is missing, damaged or belongs to another text, the suffix array is built, and saved if possible.
    Raise CharrnnError if the text is damaged or too long.
    """
    if len(ids) > MAX_TRAINING_CHARS:
        raise CharrnnError(f"the training text is too long to look for copies in: {len(ids):,} characters")
    if len(ids) and ids.max() >= size:
        raise CharrnnError("the training text is damaged: it contains ids that are not in the vocabulary")
    checksum = hashlib.sha256(np.ascontiguousarray(ids).data).hexdigest()
    order = _read_cached_order(path, checksum, len(ids))
    if order is None:
        order = build_suffix_array(ids, size)
        with suppress(OSError):
            check_replaceable(path)
            safetensors_file.write_tensors(path, {"order": order}, {"kind": "suffixes", "text_sha256": checksum})
    return SuffixArray(ids, order)


def _read_cached_order(path: Path, checksum: str, characters: int) -> SuffixOrder | None:
    """Return the suffix order in a file; None if the file is missing, damaged, or belongs to another text.

    The arrays are read only if the header describes nothing but a suffix order of this length.
    """
    try:
        with safetensors_file.open_tensors(path) as file:
            shapes = {name: (tensor.dtype, tensor.shape) for name, tensor in file.header.tensors.items()}
            if shapes != {"order": (np.dtype(np.int32), (characters,))}:
                return None
            if file.metadata.get("text_sha256") != checksum:
                return None
            order = file.arrays()["order"]
    except CharrnnError:
        return None
    return order if not characters or (order.min() >= 0 and order.max() < characters) else None


# Passages of a text that another text contains: a sample, searched for without a suffix array

PASSAGE_CHARS, MIN_PASSAGE_CHARS = 64, 20
"""maximum length of a passage, and minimum length of a text that is a single passage"""
PASSAGES, FIRST_PASSAGES = 64, 8
"""maximum number of passages; if none of the first ones is found, the others are not searched for"""


class Passage(NamedTuple):
    """A passage of a text."""

    start: int
    """position in the text"""
    text: str


def contained_share(text: str, corpus: Corpus, characters: int) -> float | None:
    """Return the fraction of the passages of a text that the first `characters` of a corpus contain.

    Return None if the text is too short or the corpus too long for that.
    """
    end = None if corpus.end_id is None else corpus.vocabulary.characters[corpus.end_id]
    passages = sample_passages(ensure_terminated(text, corpus.documents), end)
    if not passages or characters > MAX_TRAINING_CHARS:
        return None
    content, size = corpus.ids[:characters].tobytes(), corpus.ids.itemsize
    shift, matches = 0, 0
    for number, passage in enumerate(passages):
        ids = corpus.vocabulary.encode(passage.text, unknown="replace").astype(corpus.dtype)
        position = find_aligned(content, ids.tobytes(), size, guess=(passage.start + shift) * size)
        if position >= 0:
            matches, shift = matches + 1, position // size - passage.start
        elif number + 1 == FIRST_PASSAGES and not matches:
            return 0.0
    return matches / len(passages)


def sample_passages(text: str, end: str | None = None) -> list[Passage]:
    r"""Return evenly spaced passages of a text; with the end character of documents, the beginnings of documents.

    A document has an end character on both sides. The first passages are spread over the whole text, too.

    >>> sample_passages("Ann\nBob\n", "\n")
    [Passage(start=3, text='\nBob\n')]
    """
    if end is not None:
        ends = [position for position, character in enumerate(text) if character == end]
        bounds = list(pairwise(ends))[:: max(1, len(ends) // PASSAGES)]
        passages = [Passage(start, text[start : min(stop + 1, start + PASSAGE_CHARS)]) for start, stop in bounds]
    else:
        count = min(PASSAGES, len(text) // PASSAGE_CHARS) or int(len(text) >= MIN_PASSAGE_CHARS)
        starts = [len(text) * number // count for number in range(count)]
        passages = [Passage(start, text[start : start + PASSAGE_CHARS]) for start in starts]
    step = -(-len(passages) // FIRST_PASSAGES)
    return [passage for first in range(step) for passage in passages[first::step]]


def find_aligned(content: bytes, passage: bytes, size: int, *, guess: int = -1) -> int:
    """Return the offset of a passage of ids of `size` bytes, perhaps `guess`; -1 if there is none."""
    if guess >= 0 and content.startswith(passage, guess):
        return guess
    offset = content.find(passage)
    while offset % size and offset >= 0:
        offset = content.find(passage, offset + 1)
    return offset
