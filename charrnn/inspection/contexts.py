"""The places in a text where a cell is highest and lowest, and others by chance: what moves it, and what does not.

Examples of the highest alone show a pattern in any cell (Bolukbasi et al. 2021, arXiv:2104.07143); the others are for
honesty. The text is read once, and of the cell only the candidates and a histogram are kept.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.activity import Cell
from charrnn.inspection.candidates import Candidate, Candidates
from charrnn.inspection.surroundings import AROUND, Places, Values, stretches
from charrnn.network.cell_name import see_that_there_is
from charrnn.network.reader import Reader
from charrnn.text.vocabulary import Ids

SHOWN = 5
"""places of each kind"""
ALIKE = 12
"""characters up to a place; two places with the same ones are the same example"""
CANDIDATES = 64
"""kept of the highest and of the lowest, of which some will stand too near to better ones"""
BLOCK = 64
"""characters of which only the best is a candidate: fewer than a context has"""
UNSEEN = 1e-9
"""less than two values that differ are apart"""
SAMPLED = 512
"""random places kept"""
BINS = 2000
"""of the histogram of a cell's values in [-1, 1]"""
MIDDLE = 0.4, 0.6
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
class Contexts:
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
        } | {name: [context.to_json() for context in found] for name, found in kinds.items()}


QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def contexts(
    reader: Reader,
    content: str,
    ids: Ids,
    cells: Sequence[Cell],
    rng: np.random.Generator,
    *,
    model: str = "",
    text: str = "",
    start: int = 0,
) -> tuple[Contexts, ...]:
    """Find contexts of cells in a text, of which content and ids (T,) begin at the start.

    Raise WrongUsageError if there is no such cell.
    """
    for cell in cells:
        see_that_there_is(cell, layers=reader.config.layers, units=reader.config.hidden)
    searches = [_Search(content, start, rng) for _ in cells]
    for stretch in stretches(reader, ids, cells):
        for number, search in enumerate(searches):
            search.see(stretch.places, stretch.counted, stretch.values[number])
    return tuple(
        search.found(model=model, text=text, cell=f"{layer}.{unit}", signal=reader.signal_name)
        for search, (layer, unit) in zip(searches, cells, strict=True)
    )


class _Search:
    """What has been seen of one cell so far."""

    def __init__(self, content: str, start: int, rng: np.random.Generator) -> None:
        self.content, self.start = content, start
        self.rng = rng
        self.highest, self.lowest = Candidates(CANDIDATES, self.kind), Candidates(CANDIDATES, self.kind)
        self.sampled = Candidates(SAMPLED, self.kind)
        self.histogram = np.zeros(BINS, np.int64)

    def kind(self, at: int) -> str:
        """Give what makes two places the same example: the characters up to them."""
        return self.content[max(0, at + 1 - ALIKE) : at + 1]

    def see(self, places: Places, counted: NDArray[np.bool_], values: Values) -> None:
        """Take T characters of B rows: places, counted (T, B), values (T + 2·AROUND, B)."""
        here = values[AROUND : AROUND + len(places)].astype(np.float64)
        kept = here[counted]
        bins = np.floor((kept + 1) / 2 * BINS).astype(np.int64)
        self.histogram += np.bincount(bins.clip(0, BINS - 1), minlength=BINS)
        windows = np.lib.stride_tricks.sliding_window_view(values, 2 * AROUND + 1, axis=0)
        # Saturated cells are at their highest everywhere: among equals chance decides, not the text's beginning.
        nudge = UNSEEN * self.rng.random(counted.shape)
        for candidates, scores in ((self.highest, nudge - here), (self.lowest, nudge + here)):
            candidates.offer(_best_of_blocks(np.where(counted, scores, np.inf)), places, windows)
        self.sampled.offer(np.where(counted, self.rng.random(counted.shape), np.inf), places, windows)

    def found(self, *, model: str, text: str, cell: str, signal: str) -> Contexts:
        """Choose what is shown: the extremes first, then chance, so that no two overlap."""
        taken: list[int] = []
        highest, lowest = (self._chosen(candidates.best(), taken) for candidates in (self.highest, self.lowest))
        sample = self.sampled.best()
        by_chance = self._chosen(sample, taken)
        low, high = self._quantiles(MIDDLE)
        middling = self._chosen([one for one in sample if low <= one.values[AROUND] <= high], taken)
        return Contexts(
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

    def _chosen(self, candidates: Sequence[Candidate], taken: list[int]) -> tuple[Context, ...]:
        """Take the first candidates that overlap nothing that was taken before."""
        chosen: list[Context] = []
        for candidate in candidates:
            if len(chosen) < SHOWN and all(abs(candidate.at - place) > 2 * AROUND for place in taken):
                taken.append(candidate.at)
                chosen.append(self._context(candidate))
        return tuple(chosen)

    def _context(self, candidate: Candidate) -> Context:
        begin, stop = max(0, candidate.at - AROUND), min(len(self.content), candidate.at + AROUND + 1)
        skipped = AROUND - (candidate.at - begin)
        return Context(
            at=self.start + candidate.at,
            before=self.content[begin : candidate.at],
            character=self.content[candidate.at],
            after=self.content[candidate.at + 1 : stop],
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
    for begin in range(0, len(scores), BLOCK):
        best = begin + scores[begin : begin + BLOCK].argmin(axis=0)
        left[best, rows] = scores[best, rows]
    return left
