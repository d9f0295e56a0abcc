"""Splits of a text into streams, half of them for discovery and half for confirmation, and the codes of concepts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.inspection.concepts import Concept, Kind, Marks

# The stages of a search, for a progress bar

Step = TypeVar("Step")

MARKING, READING, SCRAMBLED = "marking concepts", "reading", "reading with scrambled weights"
HOLDING, DOSES = "holding cells still", "trying doses"
STAGE_FRACTIONS = {MARKING: 0.07, READING: 0.4, SCRAMBLED: 0.22, HOLDING: 0.23, DOSES: 0.08}
"""what each stage takes of the whole, about, in the order in which they go by"""


class Progress(Protocol):
    """Passes the steps of a stage on, one by one, and may show how many of how many have gone by."""

    def __call__(self, steps: Iterable[Step], stage: str, count: int, /) -> Iterable[Step]:
        """Pass the steps on."""


def no_progress(steps: Iterable[Step], stage: str, count: int) -> Iterator[Step]:  # noqa: ARG001 - a Watch
    """Pass the steps on, and show nothing."""
    return iter(steps)


# Streams: parts of a text that are read side by side

Positions = NDArray[np.int64]
StreamMask = NDArray[np.bool_]

MAX_STREAMS = 24
MIN_STREAMS = 8
MIN_STREAM_CHARS = 1_000
"""a text too short for the most streams of this length gets fewer of them"""
STREAM_WARM_UP = 200
"""characters that a network needs after its zero state before it is itself; they are not scored"""
LINE_SEARCH_CHARS = 200
"""how far to look for a line's beginning, where text and network start alike"""
MIN_TEXT_CHARS = 4_000


@dataclass(frozen=True, kw_only=True, eq=False)
class SplitStreams:
    """B pieces of a text, all of one length: even ones for discovery, odd ones for confirmation.

    They take turns, so that a text that changes its kind half-way changes it in both halves alike.
    """

    starts: Positions
    """where in the text each begins (B,)"""
    length: int
    """characters of each"""
    warm_up: int
    """how many of them, at the beginning, are read and not scored"""

    @property
    def count(self) -> int:
        """B."""
        return len(self.starts)

    @property
    def discovery(self) -> StreamMask:
        """The streams in which cells are chosen (B,)."""
        even: StreamMask = np.arange(self.count) % 2 == 0
        return even

    @property
    def confirmation(self) -> StreamMask:
        """The streams on which the chosen cells are scored (B,)."""
        return ~self.discovery

    @property
    def halves(self) -> tuple[StreamMask, StreamMask]:
        """Discovery, then confirmation."""
        return self.discovery, self.confirmation

    @property
    def discovery_halves(self) -> tuple[StreamMask, StreamMask]:
        """The two halves of discovery, in turns again: each chooses by what the other learnt."""
        turn = np.arange(self.count) % 4
        return turn == 0, turn == 2

    def positions(self, first: int = 0, stop: int | None = None) -> Positions:
        """Give the places in the text of the streams' characters first … stop - 1: (T, B)."""
        steps = np.arange(first, self.length if stop is None else min(stop, self.length))
        return steps[:, None] + self.starts[None, :]

    def scored(self) -> Positions:
        """Give the places in the text that count: (length - warm_up, B)."""
        return self.positions(self.warm_up)

    def shortened(self, characters: int) -> "SplitStreams":
        """Give the beginnings of all streams, of at most so many characters together, if any are left to score."""
        length = max(characters // self.count, self.warm_up + 1)
        return replace(self, length=min(self.length, length))


def interleave(discovery_text: SplitStreams, confirmation_text: SplitStreams, offset: int) -> SplitStreams:
    """Put the streams of two texts in turns: cells are chosen on the one text and confirmed on the other.

    The second text begins at `offset` of both together. Both must be as many streams.
    """
    starts = np.stack([discovery_text.starts, confirmation_text.starts + offset], axis=1).ravel()
    length = min(discovery_text.length, confirmation_text.length)
    return SplitStreams(starts=starts, length=length, warm_up=min(STREAM_WARM_UP, length // 4))


def split_text(text: str, *, most: int = MAX_STREAMS) -> SplitStreams:
    r"""Cut a text into streams; raise CharrnnError where it is too short to say anything.

    >>> split_text("a line\n" * 1000).count
    8
    """
    if len(text) < MIN_TEXT_CHARS:
        raise CharrnnError(
            f"{len(text):,} characters are too few to search: at least {MIN_TEXT_CHARS:,} characters are needed",
            hint="name a longer text with `--text FILE`, or read more with `--chars`; `--cell L.J` works on any text",
        )
    pairs = len(text) // (2 * MIN_STREAM_CHARS)
    count = 2 * min(max(pairs, MIN_STREAMS // 2), most // 2)
    even = np.arange(count) * len(text) // count
    reach = min(LINE_SEARCH_CHARS, len(text) // count // 8)
    starts = np.array([_line_start(text, int(start), reach) for start in even], dtype=np.int64)
    length = int(np.diff(starts, append=len(text)).min())
    return SplitStreams(starts=starts, length=length, warm_up=min(STREAM_WARM_UP, length // 4))


def _line_start(text: str, start: int, reach: int) -> int:
    """Move a start to just after the next blank line, or line end, within reach; else leave it."""
    if start == 0:
        return start
    for end in ("\n\n", "\n"):
        position = text.find(end, start - len(end), start + reach)
        if position >= 0:
            return position + len(end)
    return start


# The marks of a concept in the streams, as few enough codes to count by

Codes = NDArray[np.uint8]
Counts = NDArray[np.int64]
CodeLevels = NDArray[np.float32]

MAX_CODES = 16
MAX_DEPTH = 8
"""depths from here on are one"""
MIN_EPISODES = 30
MIN_STREAMS_WITH_CONCEPT = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptCodes:
    """One concept in C codes, at most 16, over B streams of T scored characters."""

    concept: Concept
    """whose marks these are"""
    codes: Codes
    """(T, B), numbers from 0 to C - 1, in the least memory: there are many concepts and long texts"""
    levels: tuple[float, ...]
    """the mean mark of each code on discovery streams (C,)"""
    episodes: Counts
    """complete episodes of each stream (B,)"""
    present: NDArray[np.bool_]
    """whether it was ever above 0 in a stream (B,)"""

    def has_enough_evidence(self, streams: SplitStreams) -> bool:
        """Say whether there is evidence to speak of: it counts in episodes, not in characters."""
        halves = (self.episodes[streams.discovery].sum(), self.episodes[streams.confirmation].sum())
        return bool(min(halves) >= MIN_EPISODES and self.present.sum() >= MIN_STREAMS_WITH_CONCEPT)

    @property
    def labels(self) -> CodeLevels:
        """The concept as a number: each code's level (T, B)."""
        levels = np.array(self.levels, dtype=np.float32)
        labels: CodeLevels = levels[self.codes]
        return labels

    def subsample(self, steps: int | None = None, every: int = 1) -> "ConceptCodes":
        """Give the coding of the streams' first steps alone, or of one step in so many."""
        return replace(self, codes=self.codes[:steps:every])


def quantize_marks(concept: Concept, marks: Marks, streams: SplitStreams) -> ConceptCodes:
    """Cut the marks of a text (its length,) into its streams and code them.

    A counter is binned by sixteenths of the discovery streams' characters; bins for rates that the
    confirmation streams had a say in would let them confirm themselves.
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
    """Count the ends of episodes, where the mark falls: a quote closes, a counter begins again, a depth drops.

    Marks (T, B) -> (B,).
    """
    ends: Counts = (marks[1:] < marks[:-1]).sum(axis=0)
    return ends


def _code_edges(kind: Kind, marks: Marks) -> Marks:
    """Give the smallest mark of each code but the first."""
    if kind == "binary":
        return np.array([1])
    if kind == "depth":
        return np.arange(1, min(int(marks.max()), MAX_DEPTH) + 1)
    ranks = np.arange(1, MAX_CODES) / MAX_CODES
    edges = np.unique(np.quantile(marks, ranks, method="inverted_cdf"))
    above: Marks = edges[edges > marks.min()].astype(np.int64)
    return above


def _levels(codes: Codes, marks: Marks, *, count: int) -> tuple[float, ...]:
    """Take the mean mark of each code; of a code that never came, 0."""
    times = np.bincount(codes.ravel(), minlength=count)
    total = np.bincount(codes.ravel(), weights=marks.ravel(), minlength=count)
    return tuple((total / np.maximum(times, 1)).tolist())


# Groups of the last three characters: what a cell could know from spelling alone, without memory. A frequent trigram
# is a group of its own; a rare one belongs to its last two characters, and if these are rare too, to the last one. So
# hardly any group mixes different last characters.

TRIGRAMS, BIGRAMS, SINGLES = 2560, 1280, 256
"""how many of the commonest have a group to themselves; single characters beyond that share theirs"""
GROUPS = TRIGRAMS + BIGRAMS + SINGLES

Groups = NDArray[np.int64]


def trigram_groups(ids: NDArray[np.integer]) -> Groups:
    """Give each character's group, by it and the two before it: ids (T,) -> (T,), numbers below GROUPS."""
    kinds = int(ids.max(initial=0)) + 1
    padded = np.concatenate([[0, 0], ids.astype(np.int64)])
    bigram = padded[1:-1] * kinds + padded[2:]
    trigram = padded[:-2] * kinds**2 + bigram
    groups = _ranks(trigram)
    rare = groups >= TRIGRAMS
    groups[rare] = TRIGRAMS + _ranks(bigram[rare])
    rare = groups >= TRIGRAMS + BIGRAMS
    groups[rare] = TRIGRAMS + BIGRAMS + _ranks(padded[2:][rare]) % SINGLES
    return groups


def _ranks(numbers: Groups) -> Groups:
    """Replace each number by its rank among the distinct ones, the commonest first (N,)."""
    _, inverse, count = np.unique(numbers, return_inverse=True, return_counts=True)
    rank = np.empty_like(count)
    rank[np.argsort(-count, kind="stable")] = np.arange(len(count))
    ranks: Groups = rank[inverse]
    return ranks
