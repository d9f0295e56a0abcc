"""Discovery/confirmation split of a text into streams, and quantization of concept marks into codes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.inspection.concepts import Concept, Kind, Marks
from charrnn.inspection.search.findings import MIN_EPISODES, MIN_STREAMS_WITH_CONCEPT

# The stages of a search, for a progress bar

Step = TypeVar("Step")

MARKING, READING, SCRAMBLED = "marking concepts", "reading", "reading with scrambled weights"
ABLATION, DOSES = "ablating cells", "measuring dose-responses"
GROUPS_ABLATION, GROUP_DOSES = "ablating groups of cells", "measuring dose-responses of groups"
DIRECTIONS = "erasing directions"
DIRECTION_DOSES = "measuring dose-responses of directions"
STAGE_FRACTIONS = {
    MARKING: 0.05,
    SCRAMBLED: 0.16,
    READING: 0.3,
    ABLATION: 0.18,
    DOSES: 0.05,
    GROUPS_ABLATION: 0.14,
    GROUP_DOSES: 0.04,
    DIRECTIONS: 0.07,
    DIRECTION_DOSES: 0.01,
}
"""approximate fraction of the whole search's time for each stage, in their order; the last six may be omitted"""


class Progress(Protocol):
    """Wrapper of the steps of a stage that may show how many of them are done."""

    def __call__(self, steps: Iterable[Step], stage: str, count: int, /) -> Iterable[Step]:
        """Return the steps unchanged; `count` is their number."""


def no_progress(steps: Iterable[Step], stage: str, count: int) -> Iterator[Step]:  # noqa: ARG001 - a Progress
    """Return the steps without showing any progress."""
    return iter(steps)


# Streams: parts of a text that the network reads side by side

Positions = NDArray[np.int64]
StreamMask = NDArray[np.bool_]

MAX_STREAMS = 24
"""maximum number of streams"""
MIN_STREAMS = 8
"""minimum number of streams; with 4 confirmation streams the smallest p-value is 1/4! = 0.04"""
MIN_STREAM_CHARS = 1_000
"""minimum length of a stream in characters; a shorter text is split into fewer streams"""
STREAM_WARM_UP = 200
"""characters at the beginning of a stream that are read but not scored, because the state starts at zero"""
LINE_SEARCH_CHARS = 200
"""maximum distance in characters from a stream's nominal start to the beginning of a line"""
MIN_TEXT_CHARS = 4_000
"""minimum length of a text in characters for a search"""


@dataclass(frozen=True, kw_only=True, eq=False)
class SplitStreams:
    """B streams of equal length cut from a text: even streams for discovery, odd streams for confirmation.

    The two halves alternate, so that a change of the text's style half-way affects both of them equally.
    """

    starts: Positions
    """position in the text at which each stream begins (B,)"""
    length: int
    """characters of each stream"""
    warm_up: int
    """characters at the beginning of each stream that are read and not scored"""

    @property
    def count(self) -> int:
        """Return the number of streams B."""
        return len(self.starts)

    @property
    def discovery(self) -> StreamMask:
        """Return the mask of the streams on which cells are selected (B,)."""
        even: StreamMask = np.arange(self.count) % 2 == 0
        return even

    @property
    def confirmation(self) -> StreamMask:
        """Return the mask of the held-out streams on which the selected cells are scored (B,)."""
        return ~self.discovery

    @property
    def halves(self) -> tuple[StreamMask, StreamMask]:
        """Return the masks of the discovery and confirmation streams (B,), (B,)."""
        return self.discovery, self.confirmation

    @property
    def discovery_halves(self) -> tuple[StreamMask, StreamMask]:
        """Return the masks of the two cross-validation folds of the discovery streams (B,), (B,)."""
        remainder = np.arange(self.count) % 4
        return remainder == 0, remainder == 2

    def positions(self, first: int = 0, stop: int | None = None) -> Positions:
        """Return the positions in the text of the streams' characters `first` to `stop - 1`: (T, B)."""
        steps = np.arange(first, self.length if stop is None else min(stop, self.length))
        return steps[:, None] + self.starts[None, :]

    def scored(self) -> Positions:
        """Return the positions in the text of all scored characters: (length - warm_up, B)."""
        return self.positions(self.warm_up)

    def shortened(self, characters: int) -> "SplitStreams":
        """Return the beginnings of all streams, with at most `characters` characters in total.

        At least one character of each stream is scored.
        """
        length = max(characters // self.count, self.warm_up + 1)
        return replace(self, length=min(self.length, length))


def interleave(discovery_text: SplitStreams, confirmation_text: SplitStreams, offset: int) -> SplitStreams:
    """Return the alternating streams of two texts: cells are selected on the first text and confirmed on the second.

    The second text begins at `offset` in their concatenation. Both texts must have the same number of streams.
    """
    starts = np.stack([discovery_text.starts, confirmation_text.starts + offset], axis=1).ravel()
    length = min(discovery_text.length, confirmation_text.length)
    return SplitStreams(starts=starts, length=length, warm_up=min(STREAM_WARM_UP, length // 4))


def split_text(text: str, *, max_streams: int = MAX_STREAMS) -> SplitStreams:
    r"""Return the streams of a text; raise CharrnnError if the text is shorter than MIN_TEXT_CHARS.

    >>> split_text("a line\n" * 1000).count
    8
    """
    if len(text) < MIN_TEXT_CHARS:
        raise CharrnnError(
            f"too short to search: at least {MIN_TEXT_CHARS:,} characters are needed",
            hint="name a longer text with `--text FILE`, or read more with `--chars`; `--cell L.J` works on any text",
        )
    pairs = len(text) // (2 * MIN_STREAM_CHARS)
    count = 2 * min(max(pairs, MIN_STREAMS // 2), max_streams // 2)
    nominal_starts = np.arange(count) * len(text) // count
    reach = min(LINE_SEARCH_CHARS, len(text) // count // 8)
    starts = np.array([_line_start(text, int(start), reach) for start in nominal_starts], dtype=np.int64)
    length = int(np.diff(starts, append=len(text)).min())
    return SplitStreams(starts=starts, length=length, warm_up=min(STREAM_WARM_UP, length // 4))


def _line_start(text: str, start: int, reach: int) -> int:
    """Return the position after the next blank line or line end within `reach` characters, or else `start`."""
    if start == 0:
        return start
    for end in ("\n\n", "\n"):
        position = text.find(end, start - len(end), start + reach)
        if position >= 0:
            return position + len(end)
    return start


# Quantized marks: few enough codes per concept for sums by code

Codes = NDArray[np.uint8]
Counts = NDArray[np.int64]
CodeLevels = NDArray[np.float32]

MAX_CODES = 16
"""maximum number of codes of a concept"""
MAX_DEPTH = 8
"""nesting depth from which deeper levels share one code"""


@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptCodes:
    """Quantized marks of one concept: C codes, at most 16, over B streams of T scored characters."""

    concept: Concept
    """concept that was marked"""
    codes: Codes
    """codes from 0 to C - 1 (T, B); one byte each, because there are many concepts and long texts"""
    levels: tuple[float, ...]
    """mean mark of each code on the discovery streams (C,)"""
    episodes: Counts
    """complete episodes in each stream (B,)"""
    present: NDArray[np.bool_]
    """whether the concept's mark is above 0 anywhere in each stream (B,)"""

    def has_enough_evidence(self, streams: SplitStreams) -> bool:
        """Return whether there are enough episodes in both halves, and enough streams that contain the concept."""
        return min(self.episodes_in_halves(streams)) >= MIN_EPISODES and self.streams >= MIN_STREAMS_WITH_CONCEPT

    def episodes_in_halves(self, streams: SplitStreams) -> tuple[int, int]:
        """Return the number of complete episodes in the discovery and in the confirmation streams."""
        discovery, confirmation = (int(self.episodes[half].sum()) for half in streams.halves)
        return discovery, confirmation

    @property
    def streams(self) -> int:
        """Return the number of streams that contain the concept."""
        return int(self.present.sum())

    @property
    def labels(self) -> CodeLevels:
        """Return the level of each character's code (T, B)."""
        levels = np.array(self.levels, dtype=np.float32)
        labels: CodeLevels = levels[self.codes]
        return labels

    def subsample(self, steps: int | None = None, every: int = 1) -> "ConceptCodes":
        """Return the codes of the streams' first `steps` characters only, or of every `every`-th character."""
        return replace(self, codes=self.codes[:steps:every])


def quantize_marks(concept: Concept, marks: Marks, streams: SplitStreams) -> ConceptCodes:
    """Return the codes of a text's marks (length of the text,) in its streams.

    A counter is binned by sixteenths of the discovery streams' characters. The confirmation streams do not influence
    the bins, because they are the held-out half.
    """
    scored = marks[streams.scored()]
    discovery_marks = scored[:, streams.discovery]
    edges = _code_edges(concept.kind, discovery_marks)
    codes = np.searchsorted(edges, scored, side="right").astype(np.uint8)
    return ConceptCodes(
        concept=concept,
        codes=codes,
        levels=_levels(codes[:, streams.discovery], discovery_marks, count=len(edges) + 1),
        episodes=count_episodes(scored),
        present=scored.max(axis=0) > 0,
    )


def count_episodes(marks: Marks) -> Counts:
    """Return the number of episode ends, at which the mark falls: a quote closes, a counter restarts, a depth drops.

    Marks (T, B) -> (B,).
    """
    ends: Counts = (marks[1:] < marks[:-1]).sum(axis=0)
    return ends


def _code_edges(kind: Kind, marks: Marks) -> Marks:
    """Return the smallest mark of each code except the first."""
    if kind == "binary":
        return np.array([1])
    if kind == "depth":
        return np.arange(1, min(int(marks.max()), MAX_DEPTH) + 1)
    ranks = np.arange(1, MAX_CODES) / MAX_CODES
    edges = np.unique(np.quantile(marks, ranks, method="inverted_cdf"))
    above: Marks = edges[edges > marks.min()].astype(np.int64)
    return above


def _levels(codes: Codes, marks: Marks, *, count: int) -> tuple[float, ...]:
    """Return the mean mark of each code; 0 for a code that does not occur."""
    sizes = np.bincount(codes.ravel(), minlength=count)
    sums = np.bincount(codes.ravel(), weights=marks.ravel(), minlength=count)
    return tuple((sums / np.maximum(sizes, 1)).tolist())


# Trigram groups: what a cell can follow from the last three characters alone, without longer memory. A frequent
# trigram has its own group. A rare trigram falls back to the group of its last two characters, or of its last
# character if the bigram is rare, too (back-off as in Katz 1987).

TRIGRAMS, BIGRAMS, UNIGRAMS = 2560, 1280, 256
"""numbers of the most frequent n-grams with their own groups; single characters beyond the last number share
groups"""
GROUPS = TRIGRAMS + BIGRAMS + UNIGRAMS

Groups = NDArray[np.int64]


def trigram_groups(ids: NDArray[np.integer]) -> Groups:
    """Return the trigram group of each character: ids (T,) -> (T,), numbers below GROUPS."""
    kinds = int(ids.max(initial=0)) + 1
    padded = np.concatenate([[0, 0], ids.astype(np.int64)])
    bigram = padded[1:-1] * kinds + padded[2:]
    trigram = padded[:-2] * kinds**2 + bigram
    groups = _ranks(trigram)
    rare = groups >= TRIGRAMS
    groups[rare] = TRIGRAMS + _ranks(bigram[rare])
    rare = groups >= TRIGRAMS + BIGRAMS
    groups[rare] = TRIGRAMS + BIGRAMS + _ranks(padded[2:][rare]) % UNIGRAMS
    return groups


def _ranks(numbers: Groups) -> Groups:
    """Return the frequency rank of each number among the distinct numbers, the most frequent first (N,)."""
    _, inverse, count = np.unique(numbers, return_inverse=True, return_counts=True)
    rank = np.empty_like(count)
    rank[np.argsort(-count, kind="stable")] = np.arange(len(count))
    ranks: Groups = rank[inverse]
    return ranks
