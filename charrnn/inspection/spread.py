"""The spread of a concept: how much of it one cell tells, and how much several tell together.

From the products of all pairs of a layer's cells, taken in the same pass as the evidence: what the cells are weighted
with is learnt on discovery streams, what they tell is scored on confirmation streams.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.inspection.evidence import Activations, SufficientStatistics
from charrnn.inspection.streams import SplitStreams, StreamMask
from charrnn.inspection.sums import DEAD_VARIANCE, Numbers

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
