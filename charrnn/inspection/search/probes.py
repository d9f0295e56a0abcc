"""Linear probes of a concept: how much of it one cell predicts, and how much several cells predict together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.splits import ConceptCodes, SplitStreams, StreamMask
from charrnn.inspection.search.statistics import DEAD_VARIANCE, Numbers, rank_correlation
from charrnn.inspection.search.sufficient_statistics import Activations, SufficientStatistics

# Probes from the products of all pairs of cells of a layer, taken in the same pass as the sufficient statistics.
# Weights are fitted on discovery streams, and R² is measured on confirmation streams.

SUBSET_SIZES = (1, 2, 4, 8)
"""how many cells are chosen, one after the other, each the one that adds most"""
RIDGE = 1e-6
"""of the cells' mean variance"""
COLLINEAR_FRACTION = 1e-6
"""of a cell's variance: less than this is left of it by those chosen before"""


class CellProducts:
    """The products of every two cells of a layer, summed over each half of the streams."""

    def __init__(self, streams: SplitStreams, layers: int, hidden: int) -> None:
        self.sums = np.zeros((2, layers, hidden, hidden))
        self._halves = streams.halves

    def accumulate(self, part: Activations, _step: int) -> None:
        """Add a part (T, B, L·H)."""
        layers, hidden = self.sums.shape[1:3]
        for half, streams in enumerate(self._halves):
            cells = part[:, streams].reshape(-1, layers, hidden)
            for layer in range(layers):
                layer_cells = np.ascontiguousarray(cells[:, layer])
                # numpy leaves a matrix times its own transpose to a routine of half the work
                self.sums[half, layer] += layer_cells.T @ layer_cells


@dataclass(frozen=True, kw_only=True)
class LinearProbe:
    """How much of a concept cells tell together."""

    layer: int
    """the layer whose cells tell most, from 1"""
    r2_by_cells: tuple[tuple[int, float], ...]
    """so many cells, and the concept's R² on confirmation: 1, 2, 4, 8, all"""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Moments:
    """A layer's cells and all concepts in one half, around the means that they have on discovery."""

    cells: Numbers
    """products of cells (H, H)"""
    together: Numbers
    """of cells and concepts (H, K)"""
    squares: Numbers
    """of the concepts (K,)"""
    variances: Numbers
    """of the concepts, around their own means (K,)"""


def fit_linear_probes(statistics: SufficientStatistics, products: CellProducts) -> list[LinearProbe]:
    """Say of each concept how much 1, 2, 4, 8 and all cells of one layer tell of it."""
    layers = [_layer_r2(statistics, products, layer) for layer in range(products.sums.shape[1])]
    best = np.array([train_r2 for train_r2, _ in layers]).argmax(axis=0).tolist()
    return [LinearProbe(layer=layer + 1, r2_by_cells=layers[layer][1][number]) for number, layer in enumerate(best)]


def _layer_r2(
    statistics: SufficientStatistics, products: CellProducts, layer: int
) -> tuple[Numbers, list[tuple[tuple[int, float], ...]]]:
    """Give each concept's R² by all cells of a layer on discovery (K,), and by some and all on confirmation."""
    train, test = (_moments(statistics, products, half, layer) for half in range(2))
    alive = np.flatnonzero(np.diag(train.cells) >= DEAD_VARIANCE).tolist()
    if not alive:
        concepts = len(statistics.codings)
        return np.zeros(concepts), [((0, 0.0),)] * concepts
    everything = _ridge(train, alive)
    test_r2 = []
    for number in range(len(statistics.codings)):
        chosen = _forward_selection(train, number, alive)
        counts = [count for count in SUBSET_SIZES if count <= len(chosen)]
        shares = [_r2(test, number, chosen[:count], _ridge(train, chosen[:count])) for count in counts]
        whole = _r2(test, number, alive, everything)
        test_r2.append((*zip(counts, shares, strict=True), (len(alive), whole)))
    discovery: Numbers = (everything * train.together[alive]).sum(axis=0) / train.variances
    return discovery, test_r2


def _moments(statistics: SufficientStatistics, products: CellProducts, half: int, layer: int) -> _Moments:
    """Take the moments of a layer in one half from sums alone."""
    hidden = products.sums.shape[2]
    cells = slice(layer * hidden, (layer + 1) * hidden)
    streams, discovery = statistics.streams.halves[half], statistics.streams.discovery
    sums, counts = _summed(statistics, streams, cells)
    sums_before, counts_before = _summed(statistics, discovery, cells)
    levels = _level_matrix(statistics)
    characters, characters_before = streams.sum() * statistics.steps, discovery.sum() * statistics.steps
    # every concept's columns hold every character once: the first one's give the cells' sums
    first = statistics.columns(0)
    mean, around = sums[first].sum(axis=0) / characters, sums_before[first].sum(axis=0) / characters_before
    usual, usual_before = levels @ counts / characters, levels @ counts_before / characters_before
    moved = np.outer(mean, around)
    squares = (levels**2) @ counts / characters
    return _Moments(
        # E[(a - m)(a - m)ᵀ] around another mean m than the half's own
        cells=products.sums[half, layer] / characters - moved - moved.T + np.outer(around, around),
        together=(levels @ sums / characters - np.outer(usual, around) - np.outer(usual_before, mean - around)).T,
        squares=squares - 2.0 * usual * usual_before + usual_before**2,
        variances=np.maximum(squares - usual**2, DEAD_VARIANCE),
    )


def _summed(statistics: SufficientStatistics, streams: StreamMask, cells: slice) -> tuple[Numbers, Numbers]:
    """Give the cells' sums by all codes in these streams (K codes, H), and the characters of each code."""
    sums = statistics.sums[:, :, cells].sum(axis=0, where=streams[:, None, None])
    return sums, statistics.counts[streams].sum(axis=0)


def _level_matrix(statistics: SufficientStatistics) -> Numbers:
    """Lay the concepts' levels out so that they pick their own columns: (K, all codes)."""
    levels = np.zeros((len(statistics.codings), statistics.counts.shape[1]))
    for number, coding in enumerate(statistics.codings):
        levels[number, statistics.columns(number)] = coding.levels
    return levels


def _forward_selection(train: _Moments, number: int, alive: Sequence[int]) -> list[int]:
    """Choose cells one after the other, each the one that adds most to those before: pivoted Cholesky."""
    left, together = np.diag(train.cells).copy(), train.together[:, number].copy()
    open_to = np.isin(np.arange(len(left)), alive)
    chosen: list[int] = []
    columns = np.zeros((0, len(left)))
    while len(chosen) < min(SUBSET_SIZES[-1], len(alive)):
        # what is left of a cell that others make up is rounding, and explains anything
        clear = open_to & (left > COLLINEAR_FRACTION * np.diag(train.cells))
        gain = np.where(clear, together**2 / np.where(clear, left, 1.0), 0.0)
        cell = int(gain.argmax())
        if gain[cell] <= 0:
            break
        column = (train.cells[:, cell] - columns[:, cell] @ columns) / np.sqrt(left[cell])
        together = together - column * (together[cell] / np.sqrt(left[cell]))
        left = left - column**2
        open_to[cell] = False
        chosen.append(cell)
        columns = np.vstack([columns, column])
    return chosen


def _ridge(train: _Moments, cells: Sequence[int]) -> Numbers:
    """Regress all concepts on these cells: (cells, K)."""
    products = train.cells[np.ix_(cells, cells)]
    ridge = RIDGE * max(float(np.trace(products)) / max(len(products), 1), DEAD_VARIANCE)
    return np.asarray(np.linalg.solve(products + ridge * np.eye(len(products)), train.together[cells, :]), np.float64)


def _r2(test: _Moments, number: int, cells: Sequence[int], weights: Numbers) -> float:
    """Score weights (cells, K) learnt on discovery: R² of a concept on confirmation."""
    concept_weights = weights[:, number]
    error = (
        test.squares[number]
        - 2.0 * concept_weights @ test.together[cells, number]
        + concept_weights @ test.cells[np.ix_(cells, cells)] @ concept_weights
    )
    return float(1.0 - error / test.variances[number])


# Selectivity: how often a cell is on where its concept is on and where it is off, or their rank correlation; from a
# sample of the characters, because all activations are too many to keep

MAX_SAMPLED_CHARS = 8_000
"""in the sample"""

Values = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Selectivity:
    """What a cell does about a concept on confirmation streams."""

    inside: float | None = None
    """how often it is on where the concept holds; None for numbers"""
    outside: float | None = None
    """how often where it does not"""
    rank_correlation: float | None = None
    """Spearman's ρ with a number; None for what holds or does not"""


class ActivationSample:
    """What all cells did at steps drawn at random, in all streams."""

    def __init__(self, streams: SplitStreams, cells: int, rng: np.random.Generator) -> None:
        steps = streams.length - streams.warm_up
        count = min(steps, MAX_SAMPLED_CHARS // streams.count)
        self._streams = streams
        self._steps = np.sort(rng.choice(steps, size=count, replace=False))
        # half precision is finer than any threshold needs
        self._cells = np.zeros((count, streams.count, cells), dtype=np.float16)

    def accumulate(self, part: Activations, step: int) -> None:
        """Keep what a part (T, B, H) has of the sample."""
        first, stop = np.searchsorted(self._steps, [step, step + len(part)])
        self._cells[first:stop] = part[self._steps[first:stop] - step]

    def selectivity(self, coding: ConceptCodes, cell: int, sign: int) -> Selectivity:
        """Compare a cell with a concept: its threshold is learnt on discovery streams."""
        values = sign * self._cells[:, :, cell].astype(np.float32)
        codes = coding.codes[self._steps]
        train, test = self._streams.discovery, self._streams.confirmation
        if coding.concept.kind != "binary":
            correlation = rank_correlation(values[:, test].ravel(), codes[:, test].ravel())
            return Selectivity(rank_correlation=sign * (correlation or 0.0))
        on = values[:, test] > _youden_threshold(values[:, train].ravel(), codes[:, train].ravel() > 0)
        holds = codes[:, test] > 0
        if holds.all() or not holds.any():
            return Selectivity()
        return Selectivity(inside=float(on[holds].mean()), outside=float(on[~holds].mean()))


def _youden_threshold(values: Values, holds: NDArray[np.bool_]) -> float:
    """Find where a cell above it is likeliest inside and below it outside (Youden 1950): the half-way point there."""
    order = np.argsort(values, kind="stable")
    ranked, inside = values[order], holds[order]
    below_inside, below_outside = np.cumsum(inside), np.cumsum(~inside)
    if not below_inside[-1] or not below_outside[-1]:
        return float(ranked[len(ranked) // 2])
    gain = below_outside / below_outside[-1] - below_inside / below_inside[-1]
    # between equals there is no threshold
    best = int(np.where(np.append(ranked[1:] > ranked[:-1], False), gain, -np.inf).argmax())
    return float((ranked[best] + ranked[min(best + 1, len(ranked) - 1)]) / 2)
