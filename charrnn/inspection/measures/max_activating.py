"""Max-activating examples: the places where a cell is highest and lowest, and random places for comparison.

The highest examples alone show a pattern in any cell (Bolukbasi et al. 2021, arXiv:2104.07143); the random places
guard against that. The text is read once, and only candidates and a histogram are kept.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.measures.activations import CONTEXT_CHARS, CellIndex, Places, Values, with_context
from charrnn.network.cell_id import check_cell
from charrnn.network.inference import InferenceRNN
from charrnn.text.vocabulary import Ids

# Candidates: the places of the lowest scores. With the value of a cell as the score they are its lowest places, with
# the negative value its highest, with random numbers a fair sample (the bottom k of random keys).

Numbers = NDArray[np.floating]


class ScoredPlace(NamedTuple):
    """One place that may be shown."""

    score: float
    position: int
    """where in the text"""
    values: Numbers
    """the cell there and on each side (2·AROUND + 1,); nan beyond the text"""


class TopPlaces:
    """The places of the lowest scores so far, of each kind of place only the best."""

    def __init__(self, count: int, kind: Callable[[int], str]) -> None:
        self.count = count
        self.kind = kind
        """what makes two places the same example"""
        self._kept: list[ScoredPlace] = []
        self._bar = np.inf

    def add(self, scores: Numbers, places: Places, windows: Numbers) -> None:
        """Take places (T, B) with their scores (T, B), inf for none, and what the cell did around (T, B, window)."""
        for step, row in zip(*(scores < self._bar).nonzero(), strict=True):
            self._kept.append(
                ScoredPlace(float(scores[step, row]), int(places[step, row]), windows[step, row].copy())
            )
        if len(self._kept) > 4 * self.count:
            self._kept = self.top()
            if len(self._kept) == self.count:
                self._bar = self._kept[-1].score

    def top(self) -> list[ScoredPlace]:
        """Give the places kept, the lowest score first, at most `count`."""
        different: dict[str, ScoredPlace] = {}
        for candidate in sorted(self._kept, key=lambda candidate: (candidate.score, candidate.position)):
            different.setdefault(self.kind(candidate.position), candidate)
        return list(different.values())[: self.count]


# Contexts

MAX_SHOWN = 5
"""places of each kind"""
DUPLICATE_CHARS = 12
"""characters up to a place; two places with the same ones are the same example"""
MAX_CANDIDATES = 64
"""kept of the highest and of the lowest, of which some will stand too near to better ones"""
BLOCK_CHARS = 64
"""characters of which only the best is a candidate: fewer than a context has"""
SMALLEST_DIFFERENCE = 1e-9
"""less than two values that differ are apart"""
RANDOM_SAMPLE = 512
"""random places kept"""
BINS = 2000
"""of the histogram of a cell's values in [-1, 1]"""
MIDDLE_QUANTILES = 0.4, 0.6
"""the quantiles between which a place is middling"""
DIGITS = 4
"""of a cell's value, in JSON"""


@dataclass(frozen=True, kw_only=True)
class Context:
    """One place in the text, with what stands around it and what the cell did there."""

    at: int
    """where in the text the character stands"""
    before: str
    """the text before it, at most AROUND characters"""
    character: str
    """what stands there"""
    after: str
    """the text after it"""
    values: tuple[float, ...]
    """the cell after each character of the three; nan where a row of the text was read no further"""

    @property
    def value(self) -> float:
        """The cell after the character."""
        return self.values[len(self.before)]

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        return {
            "at": self.at,
            "value": round(self.value, DIGITS),
            "before": self.before,
            "character": self.character,
            "after": self.after,
            "values": [None if math.isnan(value) else round(value, DIGITS) for value in self.values],
        }


@dataclass(frozen=True, kw_only=True)
class CellContexts:
    """Where a cell is highest and lowest in a text, and other places; none overlaps another."""

    model: str
    """the path of the model's file"""
    text: str
    """the text's name"""
    start: int
    """where in it was begun to read"""
    characters: int
    """how many were read"""
    cell: str
    """layer.unit"""
    signal: str
    """what of the cell is meant: tanh(c) or h"""
    quantiles: tuple[float, ...]
    """the cell's values that 0, 5, 25, 50, 75, 95 and 100 percent of the text are at or below"""
    highest: tuple[Context, ...]
    """the highest first"""
    lowest: tuple[Context, ...]
    """the lowest first"""
    random: tuple[Context, ...]
    """in the order of the text"""
    middling: tuple[Context, ...]
    """places about the median, in the order of the text"""

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        kinds = {"highest": self.highest, "lowest": self.lowest, "random": self.random, "middling": self.middling}
        return {
            "view": "contexts",
            "model": self.model,
            "text": self.text,
            "start": self.start,
            "characters": self.characters,
            "cell": self.cell,
            "signal": self.signal,
            "quantiles": [round(value, DIGITS) for value in self.quantiles],
        } | {name: [context.to_json() for context in contexts] for name, contexts in kinds.items()}


QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def find_contexts(
    rnn: InferenceRNN,
    content: str,
    ids: Ids,
    cells: Sequence[CellIndex],
    rng: np.random.Generator,
    *,
    model: str = "",
    text: str = "",
    start: int = 0,
) -> tuple[CellContexts, ...]:
    """Find contexts of cells in a text, of which content and ids (T,) begin at the start.

    Raise WrongUsageError if there is no such cell.
    """
    for cell in cells:
        check_cell(cell, layers=rnn.config.layers, units=rnn.config.hidden)
    searches = [_Search(content, start, rng) for _ in cells]
    for stretch in with_context(rnn, ids, cells):
        for number, search in enumerate(searches):
            search.update(stretch.positions, stretch.is_counted, stretch.values[number])
    return tuple(
        search.results(model=model, text=text, cell=f"{layer}.{unit}", signal=rnn.signal_name)
        for search, (layer, unit) in zip(searches, cells, strict=True)
    )


class _Search:
    """What has been seen of one cell so far."""

    def __init__(self, content: str, start: int, rng: np.random.Generator) -> None:
        self.content, self.start = content, start
        self.rng = rng
        self.highest, self.lowest = TopPlaces(MAX_CANDIDATES, self.kind), TopPlaces(MAX_CANDIDATES, self.kind)
        self.sampled = TopPlaces(RANDOM_SAMPLE, self.kind)
        self.histogram = np.zeros(BINS, np.int64)

    def kind(self, at: int) -> str:
        """Give what makes two places the same example: the characters up to them."""
        return self.content[max(0, at + 1 - DUPLICATE_CHARS) : at + 1]

    def update(self, places: Places, counted: NDArray[np.bool_], values: Values) -> None:
        """Take T characters of B rows: places, counted (T, B), values (T + 2·AROUND, B)."""
        here = values[CONTEXT_CHARS : CONTEXT_CHARS + len(places)].astype(np.float64)
        counted_values = here[counted]
        bins = np.floor((counted_values + 1) / 2 * BINS).astype(np.int64)
        self.histogram += np.bincount(bins.clip(0, BINS - 1), minlength=BINS)
        windows = np.lib.stride_tricks.sliding_window_view(values, 2 * CONTEXT_CHARS + 1, axis=0)
        # Saturated cells are at their highest everywhere: among equals chance decides, not the text's beginning.
        nudge = SMALLEST_DIFFERENCE * self.rng.random(counted.shape)
        for candidates, scores in ((self.highest, nudge - here), (self.lowest, nudge + here)):
            candidates.add(_best_of_blocks(np.where(counted, scores, np.inf)), places, windows)
        self.sampled.add(np.where(counted, self.rng.random(counted.shape), np.inf), places, windows)

    def results(self, *, model: str, text: str, cell: str, signal: str) -> CellContexts:
        """Choose what is shown: the extremes first, then chance, so that no two overlap."""
        used_positions: list[int] = []
        highest, lowest = (
            self._without_overlaps(candidates.top(), used_positions) for candidates in (self.highest, self.lowest)
        )
        sample = self.sampled.top()
        by_chance = self._without_overlaps(sample, used_positions)
        low, high = self._quantiles(MIDDLE_QUANTILES)
        middling = self._without_overlaps(
            [candidate for candidate in sample if low <= candidate.values[CONTEXT_CHARS] <= high], used_positions
        )
        return CellContexts(
            model=model,
            text=text,
            start=self.start,
            characters=int(self.histogram.sum()),
            cell=cell,
            signal=signal,
            quantiles=tuple(self._quantiles(QUANTILES)),
            highest=highest,
            lowest=lowest,
            random=tuple(sorted(by_chance, key=lambda context: context.at)),
            middling=tuple(sorted(middling, key=lambda context: context.at)),
        )

    def _without_overlaps(self, candidates: Sequence[ScoredPlace], used_positions: list[int]) -> tuple[Context, ...]:
        """Take the first candidates that overlap nothing that was taken before."""
        chosen: list[Context] = []
        for candidate in candidates:
            if len(chosen) < MAX_SHOWN and all(
                abs(candidate.position - place) > 2 * CONTEXT_CHARS for place in used_positions
            ):
                used_positions.append(candidate.position)
                chosen.append(self._context(candidate))
        return tuple(chosen)

    def _context(self, candidate: ScoredPlace) -> Context:
        begin, stop = (
            max(0, candidate.position - CONTEXT_CHARS),
            min(len(self.content), candidate.position + CONTEXT_CHARS + 1),
        )
        skipped = CONTEXT_CHARS - (candidate.position - begin)
        return Context(
            at=self.start + candidate.position,
            before=self.content[begin : candidate.position],
            character=self.content[candidate.position],
            after=self.content[candidate.position + 1 : stop],
            values=tuple(candidate.values[skipped : skipped + stop - begin].tolist()),
        )

    def _quantiles(self, shares: Sequence[float]) -> list[float]:
        """Read quantiles off the histogram, to the upper edge of a bin."""
        so_far = np.cumsum(self.histogram)
        bins = np.searchsorted(so_far, np.maximum(np.array(shares) * so_far[-1], 1))
        return [(number + 1) / BINS * 2 - 1 for number in bins.tolist()]


def _best_of_blocks(scores: Values) -> Values:
    """Leave of every BLOCK characters of every row the lowest score (T, B), and put inf in place of the others."""
    left = np.full_like(scores, np.inf)
    rows = np.arange(scores.shape[1])
    for begin in range(0, len(scores), BLOCK_CHARS):
        best = begin + scores[begin : begin + BLOCK_CHARS].argmin(axis=0)
        left[best, rows] = scores[best, rows]
    return left
