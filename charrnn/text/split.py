"""The split of a text into training text and held-out text: the end of each file, blocks, or files of their own.

The end is what char-rnn and nanoGPT hold out. An end of a different kind, such as a licence, an index or the last of
several joined texts, misleads: its loss rises while the network learns everything else. `measure_difference` detects
such an end with an n-gram model, which is learned twice: without the end, and without blocks from ten positions. The
end is of a different kind if it costs 1.5 times the bits of the blocks, or 1.25 times the bits of the blocks and 1.1
times those of any other tenth. The ratio of end and blocks was

- 1.02 to 1.15 for Tiny Shakespeare, Lua's source, I Am a Cat (Soseki) and the Bible; sections of prose of 5 to 400 kB
  were taken for a different kind in 0 to 20 % of the cases, sections of a few source files in up to 30 %,
- 1.26 for Tiny Shakespeare with the GPL at its end (3 % of the text), 1.6 for its first 300 kB with the GPL,
- 1.4 for Shakespeare with a tenth of Bible, 2.1 to 11 with a tenth of words, source code or Japanese at its end,
- 1.5 to 2.3 for sorted lists of words and names, in which nothing like the end occurs before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import AUTO
from charrnn.storage.schema import Amount, Choice, Count, Share, from_mapping
from charrnn.text.vocabulary import Ids

END, SPREAD, FILES = "end", "spread", "files"
"""kinds of held-out text: the end of each file, blocks from ten positions of each file, or separate files"""
BLOCKS = 10
"""blocks of a text, or of a long file"""
MIN_FILE_CHARS = 200
"""minimum number of held-out characters of one file among several; a shorter file is used for training only"""
MIN_BLOCK_CHARS = 500
"""minimum length of the blocks of one file among several, because each block begins without its context"""

Spans = NDArray[np.int64]
"""disjoint ranges of positions, in ascending order, (S, 2)"""


def held_out_spans(kind: str, file_chars: Sequence[int], val_fraction: float) -> Spans:
    """Return the held-out spans of a text that consists of files with so many characters each.

    If most of the text is in files that are too short, the files are split as one text.

    >>> held_out_spans("end", [5000, 100, 3000], 0.1).tolist()
    [[4500, 5000], [7800, 8100]]
    >>> held_out_spans("spread", [1000], 0.1)[:3].tolist()
    [[45, 55], [145, 155], [245, 255]]
    """
    starts, chars, held_out = _units(np.asarray(file_chars, np.int64), val_fraction)
    if kind == END:
        return np.stack([starts + chars - held_out, starts + chars], axis=1)
    blocks = np.clip(held_out // MIN_BLOCK_CHARS, 1, BLOCKS) if len(starts) > 1 else np.array([BLOCKS])
    unit = np.repeat(np.arange(len(starts)), blocks)
    index, count = np.arange(len(unit)) - np.repeat(np.cumsum(blocks) - blocks, blocks), blocks[unit]
    lower, upper = (starts[unit] + (index + offset) * chars[unit] // count for offset in (0, 1))
    length = (index + 1) * held_out[unit] // count - index * held_out[unit] // count
    first = lower + (upper - lower - length) // 2
    return np.stack([first, first + length], axis=1)


def complement(spans: Spans, characters: int) -> Spans:
    """Return the spans of a text that lie between the given ones.

    >>> complement(np.array([[2, 4], [4, 5], [8, 9]]), 9).tolist()
    [[0, 2], [5, 8]]
    """
    edges = np.concatenate([[0], spans.ravel(), [characters]]).reshape(-1, 2)
    between: Spans = edges[edges[:, 0] < edges[:, 1]]
    return between


def span_chars(spans: Spans) -> int:
    """Return the number of characters in spans."""
    return int((spans[:, 1] - spans[:, 0]).sum())


def count_parts(file_chars: Sequence[int], val_fraction: float) -> int:
    """Return the number of files that are split, which excludes short ones; 1 if all files are split as one text."""
    return len(_units(np.asarray(file_chars, np.int64), val_fraction)[0])


def _units(file_chars: NDArray[np.int64], val_fraction: float) -> tuple[NDArray[np.int64], ...]:
    """Return starts, lengths and held-out characters of the parts that are split: long files, or the whole text."""
    starts = np.cumsum(file_chars) - file_chars
    held_out = file_chars - (file_chars * (1 - val_fraction)).astype(np.int64)
    is_long = held_out >= MIN_FILE_CHARS
    if len(file_chars) == 1 or 2 * held_out[is_long].sum() < file_chars.sum() * val_fraction:
        total = int(file_chars.sum())
        return np.array([0]), np.array([total]), np.array([total - int(total * (1 - val_fraction))])
    return starts[is_long], file_chars[is_long], held_out[is_long]


# The record of a split, as the description of a corpus stores it

MIN_ROUNDED_FRACTION = 0.01
"""fraction of held-out text from which a label rounds it to a whole percentage"""
MAX_RECORDED_SPANS = 1000
"""maximum number of spans in a description, which nothing but a report needs: the held-out ids follow all others"""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Bits per character of an n-gram model that is learned from everything but the measured text."""

    held_out_bits: Amount
    """on the held-out text"""
    block_bits: Amount
    """on blocks from ten positions"""
    unseen_share: Share
    """share of the held-out characters that do not occur in the training text"""
    is_large: bool
    """whether the held-out text is of a different kind than the training text"""


@dataclass(frozen=True, kw_only=True)
class Split:
    """The split of a corpus, whose ids are those of the training text, followed by those of the held-out text."""

    kind: Annotated[str, Choice((END, SPREAD, FILES), "kind of split")]
    train_characters: Count
    """number of characters in the training text"""
    parts: Count = 1
    """number of files that were split; 1 if several files were split as one text"""
    difference: Difference | None = None
    """difference between the end, or the separate files, and the rest; None if it was not measured"""
    spans: tuple[tuple[int, int], ...] = ()
    """positions of the held-out text in the joined files; empty if there are too many, or for shuffled documents"""
    names: tuple[str, ...] = ()
    """names of the files that are held out as a whole"""

    @classmethod
    def from_values(cls, values: Mapping[str, Any], characters: int) -> "Split":
        """Return the record with these plain values, of a text of so many characters (CharrnnError, ValueError)."""
        plain = {name: value for name, value in values.items() if name not in ("spans", "names")}
        spans, names = tuple((start, stop) for start, stop in values["spans"]), tuple(values["names"])
        split = replace(from_mapping(cls, plain, "split"), spans=spans, names=names)
        edges = [0, *(position for span in spans for position in span), characters]
        is_typed = all(type(edge) is int for edge in edges) and all(type(name) is str for name in names)
        is_ordered = is_typed and edges == sorted(edges) and 0 < split.train_characters < characters
        if not is_ordered or len(spans) > MAX_RECORDED_SPANS or (split.kind == FILES) != bool(names):
            raise ValueError("its split is invalid")
        return split

    @property
    def is_different(self) -> bool:
        """Whether the held-out text is of a different kind than the training text."""
        return self.kind != SPREAD and self.difference is not None and self.difference.is_large

    def label(self, characters: int) -> str:
        """Return which part of a text of so many characters is held out.

        >>> Split(kind="end", train_characters=900, parts=3).label(1000)
        'the last 10% of each file'
        """
        if self.kind == FILES:
            return self.names[0] if len(self.names) == 1 else f"{self.names[0]} and {len(self.names) - 1:,} more"
        fraction = 1 - self.train_characters / characters
        share = f"{fraction:.0%}" if fraction >= MIN_ROUNDED_FRACTION else f"{fraction:.1%}"
        share = f"the last {share}" if self.kind == END else f"{share} in blocks"
        return share if self.parts == 1 else f"{share} of each file"


@dataclass(frozen=True, kw_only=True)
class SplitRequest:
    """The split that the settings of a run ask for."""

    val_fraction: float
    kind: str = AUTO
    """end, spread, or auto: blocks if the end is of a different kind than the rest"""
    val_files: int = 0
    """number of files at the end of the text that are held out as a whole"""


# The difference between the held-out text and the rest, by an n-gram model with additive smoothing towards the next
# lower order. Counts are stored by hash, which is faster than sorting; collisions change the bits by less than 1 %.

CERTAIN_RATIO = 1.5
"""ratio of the bits on the held-out text and on blocks from which the held-out text is of a different kind"""
POSSIBLE_RATIO, ELSEWHERE_RATIO = 1.25, 1.1
"""smaller ratio that is sufficient if the bits on every other tenth, when it is held out, are lower by this ratio"""
MIN_MEASURED_CHARS = 500
"""minimum number of held-out characters from which a difference is measured"""
HELD_OUT_SAMPLE, REST_SAMPLE = 40_000, 240_000
"""characters that are read of the held-out text, of the blocks, and of all other text"""
PIECE_CHARS = 4000
"""length of the pieces that represent a longer text"""
NGRAM_ORDER = 4
"""characters in the longest n-gram"""
SMOOTHING = 4.0
"""weight of the next lower order, as a number of occurrences"""
HASH_BITS = 20
HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""odd number near 2**64 divided by the golden ratio (Knuth, The Art of Computer Programming 3, section 6.4)"""

Reader = Callable[[int, int], Ids]
"""returns the ids between two positions of the text"""
Mask = NDArray[np.bool_]


def measure_difference(
    read: Reader, held_out: Spans, file_chars: Sequence[int], val_fraction: float, *, size: int
) -> Difference | None:
    """Return the difference between held-out spans and the rest of a text; None if the spans are too short.

    The ids are below `size`. Blocks are those of the files with `file_chars` characters, where they are not in the
    held-out spans.
    """
    if span_chars(held_out) < MIN_MEASURED_CHARS:
        return None
    blocks = _outside(held_out_spans(SPREAD, file_chars, val_fraction), held_out)
    rest = complement(_union(held_out, blocks), sum(file_chars))
    sizes = (HELD_OUT_SAMPLE, HELD_OUT_SAMPLE, REST_SAMPLE)
    pieces = [_pieces(spans, max_chars) for spans, max_chars in zip((held_out, blocks, rest), sizes, strict=True)]
    hashes = list(_hashes(np.concatenate([read(start, stop) for start, stop in np.concatenate(pieces).tolist()])))
    group = np.repeat(np.arange(3), [span_chars(spans) for spans in pieces])
    held_out_bits, unseen_share = _bits(hashes, group == 0, size)
    block_bits, _ = _bits(hashes, group == 1, size)
    ratio = held_out_bits / block_bits if block_bits else 1.0
    is_large = ratio > CERTAIN_RATIO
    if POSSIBLE_RATIO < ratio <= CERTAIN_RATIO:
        tenths = _tenths(np.concatenate(pieces), file_chars, val_fraction)
        elsewhere = max(
            _bits(hashes, (group > 0) & (tenths == tenth), size)[0] for tenth in np.unique(tenths[group > 0])
        )
        is_large = held_out_bits > ELSEWHERE_RATIO * elsewhere
    bits = {"held_out_bits": held_out_bits, "block_bits": block_bits}
    return Difference(**bits, unseen_share=unseen_share, is_large=is_large)


def _hashes(ids: Ids) -> Iterator[NDArray[np.int32]]:
    """Yield the hash of the n-gram that ends at each position, (T,), for orders 1 to NGRAM_ORDER."""
    key: NDArray[np.uint64] = np.zeros(len(ids), np.uint64)
    characters = ids.astype(np.uint64) + np.uint64(1)
    for _ in range(NGRAM_ORDER):
        key[1:] = key[:-1].copy()
        key = (key + characters) * HASH_FACTOR
        key ^= key >> np.uint64(29)
        yield (key * HASH_FACTOR >> np.uint64(64 - HASH_BITS)).astype(np.int32)


def _bits(hashes: Sequence[NDArray[np.int32]], is_scored: Mask, size: int) -> tuple[float, float]:
    """Return the mean bits of the scored characters, and the share of them that do not occur among the others."""
    context = np.full(int(is_scored.sum()), len(is_scored) - is_scored.sum())
    probability, unseen_share = np.full(len(context), 1 / size), 0.0
    before = np.flatnonzero(is_scored) - 1
    for order, ngrams in enumerate(hashes, 1):
        table = np.bincount(ngrams[~is_scored], minlength=1 << HASH_BITS)
        count = np.minimum(table[ngrams[is_scored]], context)
        probability = (count + SMOOTHING * probability) / (context + SMOOTHING)
        context = table[ngrams[before]]
        unseen_share = float((count == 0).mean()) if order == 1 else unseen_share
    return float(-np.log2(probability).mean()), unseen_share


def _tenths(pieces: Spans, file_chars: Sequence[int], val_fraction: float) -> NDArray[np.int64]:
    """Return the tenth of its file, or of the whole text, that each character of the pieces is in, (T,); 0 to 9."""
    position = np.concatenate([np.arange(start, stop) for start, stop in pieces.tolist()])
    starts, chars, _ = _units(np.asarray(file_chars, np.int64), val_fraction)
    unit = np.maximum(np.searchsorted(starts, position, side="right") - 1, 0)
    return np.clip((position - starts[unit]) * BLOCKS // np.maximum(chars[unit], 1), 0, BLOCKS - 1)


def _pieces(spans: Spans, max_chars: int) -> Spans:
    """Return about `max_chars` characters of spans, in evenly spaced pieces."""
    lengths = spans[:, 1] - spans[:, 0]
    total = int(lengths.sum())
    if total <= max_chars:
        return spans
    count = max_chars // max(1, min(PIECE_CHARS, total // len(spans)))
    ends = np.cumsum(lengths)
    position = np.arange(count) * total // count
    span = np.searchsorted(ends, position, side="right")
    start = spans[span, 1] - (ends[span] - position)
    return np.stack([start, np.minimum(start + max_chars // count, spans[span, 1])], axis=1)


def _union(first: Spans, second: Spans) -> Spans:
    """Return the union of two sets of spans, as disjoint spans."""
    joined = np.concatenate([first, second])
    joined = joined[np.argsort(joined[:, 0], kind="stable")]
    reach = np.maximum.accumulate(joined[:, 1])
    begins = np.concatenate([[True], joined[1:, 0] > reach[:-1]])
    last = np.append(np.flatnonzero(begins)[1:] - 1, len(joined) - 1)
    return np.stack([joined[begins, 0], reach[last]], axis=1)


def _outside(spans: Spans, excluded: Spans) -> Spans:
    """Return the parts of spans that lie outside of other spans."""
    end = int(max(spans[-1, 1], excluded[-1, 1]))
    return complement(_union(complement(spans, end), excluded), end)
