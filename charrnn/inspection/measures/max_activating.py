"""Max-activating examples: contexts of the highest and lowest activations of a cell, and random contexts.

The highest examples alone suggest a pattern in any cell (Bolukbasi et al. 2021, arXiv:2104.07143); the random ones
guard against this illusion. The text is read once; only candidates and a histogram are kept in memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.measures.activations import CONTEXT_CHARS, CellIndex, Places, Values, with_context
from charrnn.inspection.measures.cell_profile import BINS as PROFILE_BINS
from charrnn.inspection.measures.cell_profile import CellProfile, profile_cell
from charrnn.inspection.measures.provenance import DIGITS, Provenance, SourceNames, rounded_list
from charrnn.network.cell_id import check_cell
from charrnn.network.inference import InferenceRNN
from charrnn.text.vocabulary import Ids, Vocabulary

# The positions of the lowest scores. With the activation as the score they are the minima of a cell, with the
# negative activation its maxima, with random numbers a uniform sample (reservoir sampling by random keys).

Numbers = NDArray[np.floating]


class ScoredPlace(NamedTuple):
    """A candidate for an example."""

    score: float
    """score of the position; a lower one is better"""
    position: int
    """position in the content"""
    values: Numbers
    """activations at the position and on each side (2·CONTEXT_CHARS + 1,); nan outside the text"""


class TopPlaces:
    """The positions of the lowest scores so far, without duplicate examples."""

    def __init__(self, count: int, key: Callable[[int], str]) -> None:
        self.count = count
        """number of positions kept"""
        self.key = key
        """function from a position to a key; of positions with equal keys only the best is kept"""
        self._candidates: list[ScoredPlace] = []
        self._max_score = np.inf

    def add(self, scores: Numbers, places: Places, windows: Numbers) -> None:
        """Add positions (T, B) with scores (T, B), inf for none, and the activations around them (T, B, window)."""
        for step, row in zip(*(scores < self._max_score).nonzero(), strict=True):
            self._candidates.append(
                ScoredPlace(float(scores[step, row]), int(places[step, row]), windows[step, row].copy())
            )
        if len(self._candidates) > 4 * self.count:
            self._candidates = self.top()
            if len(self._candidates) == self.count:
                self._max_score = self._candidates[-1].score

    def top(self) -> list[ScoredPlace]:
        """Return at most `count` candidates without duplicates, the lowest score first."""
        by_key: dict[str, ScoredPlace] = {}
        for candidate in sorted(self._candidates, key=lambda candidate: (candidate.score, candidate.position)):
            by_key.setdefault(self.key(candidate.position), candidate)
        return list(by_key.values())[: self.count]


# Contexts

MAX_SHOWN = 5
"""number of examples of each sort"""
DUPLICATE_CHARS = 12
"""number of characters up to a position that make two examples duplicates if they are equal"""
MAX_CANDIDATES = 64
"""number of candidates for the highest and for the lowest examples; some are dropped because they overlap"""
BLOCK_CHARS = 64
"""characters of which only the best is a candidate; fewer than the 81 characters of a context"""
SMALLEST_DIFFERENCE = 1e-9
"""scale of the random numbers that break ties; below the spacing of float32 activations near 1"""
RANDOM_SAMPLE = 512
"""number of random positions from which examples are chosen"""
BINS = 2000
"""number of bins of the histogram of a cell's activations over [-1, 1]"""
MIDDLE_QUANTILES = 0.4, 0.6
"""quantiles of the activations between which an example is middling"""


@dataclass(frozen=True, kw_only=True)
class Context:
    """An example: a character in its context, with the activations of the cell."""

    at: int
    """position of the character in the text"""
    before: str
    """text before the character, at most CONTEXT_CHARS characters"""
    character: str
    """the character itself"""
    after: str
    """text after the character, at most CONTEXT_CHARS characters"""
    values: tuple[float, ...]
    """activation after each character of the context; nan beyond the end of a row of the computation"""

    @property
    def value(self) -> float:
        """The activation after the character."""
        return self.values[len(self.before)]

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON; nan is null."""
        return {
            "at": self.at,
            "value": round(self.value, DIGITS),
            "before": self.before,
            "character": self.character,
            "after": self.after,
            "values": rounded_list(self.values),
        }


@dataclass(frozen=True, kw_only=True)
class CellContexts(Provenance):
    """Max-activating and other examples of a cell, none of which overlap."""

    quantiles: tuple[float, ...]
    """quantiles of the activations at 0, 5, 25, 50, 75, 95 and 100 percent"""
    highest: tuple[Context, ...]
    """examples of the highest activations, in descending order"""
    lowest: tuple[Context, ...]
    """examples of the lowest activations, in ascending order"""
    random: tuple[Context, ...]
    """random examples, in the order of the text"""
    near_median: tuple[Context, ...]
    """random examples with activations near the median, in the order of the text"""
    profile: CellProfile
    """characters that the cell promotes and suppresses, and the histogram of its activations"""

    @property
    def cell(self) -> str:
        """The identifier of the cell, layer.unit."""
        return self.profile.cell

    @property
    def signal(self) -> str:
        """The signal of the cell: tanh(c) or h."""
        return self.profile.signal

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON."""
        kinds = {"highest": self.highest, "lowest": self.lowest, "random": self.random, "middling": self.near_median}
        return {
            "view": "contexts",
            **self.provenance(),
            "signal": self.signal,
            "quantiles": rounded_list(self.quantiles),
            **self.profile.to_json(),
        } | {name: [context.to_json() for context in contexts] for name, contexts in kinds.items()}


QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""fractions of the text at the reported quantiles"""


def find_contexts(
    rnn: InferenceRNN,
    content: str,
    ids: Ids,
    cells: Sequence[CellIndex],
    rng: np.random.Generator,
    *,
    vocabulary: Vocabulary,
    **source: Unpack[SourceNames],
) -> tuple[CellContexts, ...]:
    """Return the examples of each cell in a text of which content and ids (T,) are given.

    Raise WrongUsageError if a cell is not in the model.
    """
    for cell in cells:
        check_cell(cell, layers=rnn.config.layers, units=rnn.config.hidden)
    searches = [_ExampleSearch(content, rng, source) for _ in cells]
    for chunk in with_context(rnn, ids, cells):
        for number, search in enumerate(searches):
            search.update(chunk.positions, chunk.is_counted, chunk.values[number])
    return tuple(
        search.results(profile_cell(rnn, vocabulary, cell, search.coarse_histogram(), signal=rnn.signal_name))
        for search, cell in zip(searches, cells, strict=True)
    )


class _ExampleSearch:
    """The candidates for the examples of one cell and the histogram of its activations."""

    def __init__(self, content: str, rng: np.random.Generator, source: SourceNames) -> None:
        self.content, self.rng, self.source = content, rng, source
        self.highest, self.lowest = TopPlaces(MAX_CANDIDATES, self.key), TopPlaces(MAX_CANDIDATES, self.key)
        self.sampled = TopPlaces(RANDOM_SAMPLE, self.key)
        self.histogram = np.zeros(BINS, np.int64)

    def key(self, position: int) -> str:
        """Return the characters up to a position; examples with equal ones are duplicates."""
        return self.content[max(0, position + 1 - DUPLICATE_CHARS) : position + 1]

    def update(self, places: Places, counted: NDArray[np.bool_], values: Values) -> None:
        """Add T characters of B rows: places and counted (T, B), values (T + 2·CONTEXT_CHARS, B)."""
        activations = values[CONTEXT_CHARS : CONTEXT_CHARS + len(places)].astype(np.float64)
        counted_values = activations[counted]
        bins = np.floor((counted_values + 1) / 2 * BINS).astype(np.int64)
        self.histogram += np.bincount(bins.clip(0, BINS - 1), minlength=BINS)
        windows = np.lib.stride_tricks.sliding_window_view(values, 2 * CONTEXT_CHARS + 1, axis=0)
        # A saturated cell has its maximum at many positions; random ties avoid a bias to the beginning of the text.
        noise = SMALLEST_DIFFERENCE * self.rng.random(counted.shape)
        for candidates, scores in ((self.highest, noise - activations), (self.lowest, noise + activations)):
            candidates.add(_best_of_blocks(np.where(counted, scores, np.inf)), places, windows)
        self.sampled.add(np.where(counted, self.rng.random(counted.shape), np.inf), places, windows)

    def coarse_histogram(self) -> tuple[int, ...]:
        """Return the histogram of the activations in the bins of a profile."""
        return tuple(self.histogram.reshape(PROFILE_BINS, -1).sum(axis=1).tolist())

    def results(self, profile: CellProfile) -> CellContexts:
        """Return the examples without overlaps; the extremes are chosen before the random ones."""
        used_positions: list[int] = []
        highest, lowest = (
            self._without_overlaps(candidates.top(), used_positions) for candidates in (self.highest, self.lowest)
        )
        sample = self.sampled.top()
        random = self._without_overlaps(sample, used_positions)
        low, high = self._quantiles(MIDDLE_QUANTILES)
        near_median = self._without_overlaps(
            [candidate for candidate in sample if low <= candidate.values[CONTEXT_CHARS] <= high], used_positions
        )
        return CellContexts(
            **self.source,
            characters=int(self.histogram.sum()),
            quantiles=tuple(self._quantiles(QUANTILES)),
            highest=highest,
            lowest=lowest,
            random=tuple(sorted(random, key=lambda context: context.at)),
            near_median=tuple(sorted(near_median, key=lambda context: context.at)),
            profile=profile,
        )

    def _without_overlaps(self, candidates: Sequence[ScoredPlace], used_positions: list[int]) -> tuple[Context, ...]:
        """Return the first candidates that do not overlap the used positions, to which they are added."""
        chosen: list[Context] = []
        for candidate in candidates:
            if len(chosen) < MAX_SHOWN and all(
                abs(candidate.position - position) > 2 * CONTEXT_CHARS for position in used_positions
            ):
                used_positions.append(candidate.position)
                chosen.append(self._context(candidate))
        return tuple(chosen)

    def _context(self, candidate: ScoredPlace) -> Context:
        position = candidate.position
        begin, stop = max(0, position - CONTEXT_CHARS), min(len(self.content), position + CONTEXT_CHARS + 1)
        skipped = CONTEXT_CHARS - (position - begin)
        return Context(
            at=self.source.get("start", 0) + position,
            before=self.content[begin:position],
            character=self.content[position],
            after=self.content[position + 1 : stop],
            values=tuple(candidate.values[skipped : skipped + stop - begin].tolist()),
        )

    def _quantiles(self, shares: Sequence[float]) -> list[float]:
        """Return the quantiles of the activations from the histogram, rounded up to the edge of a bin."""
        cumulative = np.cumsum(self.histogram)
        bins = np.searchsorted(cumulative, np.maximum(np.array(shares) * cumulative[-1], 1))
        return [(number + 1) / BINS * 2 - 1 for number in bins.tolist()]


def _best_of_blocks(scores: Values) -> Values:
    """Return the scores (T, B) with inf for all but the lowest of every BLOCK_CHARS characters of a row."""
    best_scores = np.full_like(scores, np.inf)
    rows = np.arange(scores.shape[1])
    for begin in range(0, len(scores), BLOCK_CHARS):
        best = begin + scores[begin : begin + BLOCK_CHARS].argmin(axis=0)
        best_scores[best, rows] = scores[best, rows]
    return best_scores
