"""Linear probes and selectivity: how well one cell, or several cells together, predict a concept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.splits import ConceptCodes, SplitStreams, StreamMask
from charrnn.inspection.search.statistics import DEAD_VARIANCE, Numbers, rank_correlation
from charrnn.inspection.search.sufficient_statistics import Activations, SufficientStatistics

# Linear probes, computed from the products of all pairs of cells of a layer, which are summed in the same pass as the
# sufficient statistics. Weights are fitted on discovery streams, and R² is measured on confirmation streams.

SUBSET_SIZES = (1, 2, 4, 8)
"""numbers of cells chosen by forward selection for the smaller probes"""
RIDGE = 1e-6
"""ridge penalty, as a fraction of the cells' mean variance"""
COLLINEAR_FRACTION = 1e-6
"""a cell is skipped if less than this fraction of its variance remains after regression on the chosen cells"""


class CellProducts:
    """Products of every two cells of a layer, summed over each half of the streams."""

    def __init__(self, streams: SplitStreams, layers: int, hidden: int) -> None:
        self.sums = np.zeros((2, layers, hidden, hidden))
        self._halves = streams.halves

    def accumulate(self, part: Activations, _step: int) -> None:
        """Add the products of a block of centered activations (T, B, L·H)."""
        layers, hidden = self.sums.shape[1:3]
        for half, streams in enumerate(self._halves):
            cells = part[:, streams].reshape(-1, layers, hidden)
            for layer in range(layers):
                layer_cells = np.ascontiguousarray(cells[:, layer])
                # for a matrix times its own transpose NumPy calls BLAS syrk, which does half the work
                self.sums[half, layer] += layer_cells.T @ layer_cells


@dataclass(frozen=True, kw_only=True)
class LinearProbe:
    """Held-out R² of linear probes of a concept, for the layer whose cells predict it best."""

    layer: int
    """layer with the highest R² on the discovery streams, from 1"""
    r2_by_cells: tuple[tuple[int, float], ...]
    """number of cells and held-out R² of their probe: 1, 2, 4, 8 and all cells"""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Moments:
    """Second moments of a layer's cells and all concepts in one half, centered at the discovery means."""

    cells: Numbers
    """E[(a - a₀)(a - a₀)ᵀ] of the cells a (H, H)"""
    cross_products: Numbers
    """E[(a - a₀)(z - z₀)ᵀ] of the cells a and the concepts' levels z (H, K)"""
    squares: Numbers
    """E[(z - z₀)²] of the concepts' levels (K,)"""
    variances: Numbers
    """variance of the concepts' levels around their means in this half (K,)"""


class _Means(NamedTuple):
    """Means of variables in one half, and the means of the discovery streams, at which they are centered."""

    mean: Numbers
    """E[x] (X,)"""
    center: Numbers
    """x₀ (X,)"""


def fit_linear_probes(statistics: SufficientStatistics, products: CellProducts) -> list[LinearProbe]:
    """Return the linear probe of each concept, fitted to 1, 2, 4, 8 and all cells of its best layer."""
    layers = [_layer_r2(statistics, products, layer) for layer in range(products.sums.shape[1])]
    best = np.array([train_r2 for train_r2, _ in layers]).argmax(axis=0).tolist()
    return [LinearProbe(layer=layer + 1, r2_by_cells=layers[layer][1][number]) for number, layer in enumerate(best)]


def _layer_r2(
    statistics: SufficientStatistics, products: CellProducts, layer: int
) -> tuple[Numbers, list[tuple[tuple[int, float], ...]]]:
    """Return each concept's R² by all cells of a layer on discovery (K,), and by subset sizes on confirmation."""
    train, test = (_moments(statistics, products, half, layer) for half in range(2))
    alive = np.flatnonzero(np.diag(train.cells) >= DEAD_VARIANCE).tolist()
    if not alive:
        concepts = len(statistics.codings)
        return np.zeros(concepts), [((0, 0.0),)] * concepts
    all_weights = _ridge(train, alive)
    test_r2 = []
    for number in range(len(statistics.codings)):
        chosen = _forward_selection(train, number, alive)
        counts = [count for count in SUBSET_SIZES if count <= len(chosen)]
        subset_r2 = [_r2(test, number, chosen[:count], _ridge(train, chosen[:count])) for count in counts]
        full_r2 = _r2(test, number, alive, all_weights)
        test_r2.append((*zip(counts, subset_r2, strict=True), (len(alive), full_r2)))
    train_r2: Numbers = (all_weights * train.cross_products[alive]).sum(axis=0) / train.variances
    return train_r2, test_r2


def group_r2(
    statistics: SufficientStatistics, products: CellProducts, layer: int, groups: Sequence[tuple[int, Sequence[int]]]
) -> list[float]:
    """Return the held-out R² of concepts by cells of a layer, given the concepts' numbers and units of the layer."""
    train, test = (_moments(statistics, products, half, layer) for half in range(2))
    return [_r2(test, number, units, _ridge(train, units)) for number, units in groups]


def _moments(statistics: SufficientStatistics, products: CellProducts, half: int, layer: int) -> _Moments:
    """Return the moments of a layer's cells and all concepts in one half, computed from sums only."""
    hidden = products.sums.shape[2]
    cells = slice(layer * hidden, (layer + 1) * hidden)
    streams, discovery = statistics.streams.halves[half], statistics.streams.discovery
    sums, counts = _summed(statistics, streams, cells)
    train_sums, train_counts = _summed(statistics, discovery, cells)
    levels = _level_matrix(statistics)
    characters, train_characters = streams.sum() * statistics.steps, discovery.sum() * statistics.steps
    # the codes of each concept partition the characters: the sums by any concept's codes add up to the cells' sums
    first = statistics.columns(0)
    activation = _Means(sums[first].sum(axis=0) / characters, train_sums[first].sum(axis=0) / train_characters)
    level = _Means(levels @ counts / characters, levels @ train_counts / train_characters)
    squares = (levels**2) @ counts / characters
    return _Moments(
        cells=_center(products.sums[half, layer] / characters, activation, activation),
        cross_products=_center(levels @ sums / characters, level, activation).T,
        squares=squares - 2.0 * level.mean * level.center + level.center**2,
        variances=np.maximum(squares - level.mean**2, DEAD_VARIANCE),
    )


def _center(products: Numbers, left: _Means, right: _Means) -> Numbers:
    """Return E[(x - x₀)(y - y₀)ᵀ] = E[xyᵀ] - E[x]y₀ᵀ - x₀(E[y] - y₀)ᵀ from E[xyᵀ] (X, Y)."""
    return products - np.outer(left.mean, right.center) - np.outer(left.center, right.mean - right.center)


def _summed(statistics: SufficientStatistics, streams: StreamMask, cells: slice) -> tuple[Numbers, Numbers]:
    """Return the cells' sums by all codes in these streams (K codes, H), and the characters of each code."""
    sums = statistics.sums[:, :, cells].sum(axis=0, where=streams[:, None, None])
    return sums, statistics.counts[streams].sum(axis=0)


def _level_matrix(statistics: SufficientStatistics) -> Numbers:
    """Return a matrix that maps counts by code to sums of the concepts' levels (K, all codes)."""
    levels = np.zeros((len(statistics.codings), statistics.counts.shape[1]))
    for number, coding in enumerate(statistics.codings):
        levels[number, statistics.columns(number)] = coding.levels
    return levels


def _forward_selection(train: _Moments, number: int, alive: Sequence[int]) -> list[int]:
    """Return up to 8 cells, each with the largest gain in R² over the previous cells (pivoted Cholesky)."""
    residual, covariance = np.diag(train.cells).copy(), train.cross_products[:, number].copy()
    available = np.isin(np.arange(len(residual)), alive)
    chosen: list[int] = []
    columns = np.zeros((0, len(residual)))
    while len(chosen) < min(SUBSET_SIZES[-1], len(alive)):
        # the residual of a collinear cell is a rounding error, which would seem to explain anything
        usable = available & (residual > COLLINEAR_FRACTION * np.diag(train.cells))
        gain = np.where(usable, covariance**2 / np.where(usable, residual, 1.0), 0.0)
        cell = int(gain.argmax())
        if gain[cell] <= 0:
            break
        column = (train.cells[:, cell] - columns[:, cell] @ columns) / np.sqrt(residual[cell])
        covariance = covariance - column * (covariance[cell] / np.sqrt(residual[cell]))
        residual = residual - column**2
        available[cell] = False
        chosen.append(cell)
        columns = np.vstack([columns, column])
    return chosen


def _ridge(train: _Moments, cells: Sequence[int]) -> Numbers:
    """Return the ridge regression weights of all concepts on these cells (cells, K)."""
    products = train.cells[np.ix_(cells, cells)]
    ridge = RIDGE * max(float(np.trace(products)) / max(len(products), 1), DEAD_VARIANCE)
    return np.asarray(
        np.linalg.solve(products + ridge * np.eye(len(products)), train.cross_products[cells, :]), np.float64
    )


def _r2(test: _Moments, number: int, cells: Sequence[int], weights: Numbers) -> float:
    """Return the R² of a concept on confirmation with weights fitted on discovery (cells, K)."""
    concept_weights = weights[:, number]
    error = (
        test.squares[number]
        - 2.0 * concept_weights @ test.cross_products[cells, number]
        + concept_weights @ test.cells[np.ix_(cells, cells)] @ concept_weights
    )
    return float(1.0 - error / test.variances[number])


# Selectivity: true and false positive rates of a cell as a detector of a binary concept, or their rank correlation
# for other concepts. A sample of the characters is used, because all activations would not fit into memory.

MAX_SAMPLED_CHARS = 8_000
"""maximum number of characters in the sample"""

Values = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Selectivity:
    """Selectivity of a cell for a concept on the confirmation streams."""

    inside: float | None = None
    """fraction of the concept's characters at which the cell is on (true positive rate); None for counters and
    depths"""
    outside: float | None = None
    """fraction of the other characters at which the cell is on (false positive rate)"""
    rank_correlation: float | None = None
    """Spearman's ρ with a counter or depth; None for binary concepts"""


class ActivationSample:
    """Activations of all cells at randomly sampled steps, in all streams."""

    def __init__(self, streams: SplitStreams, cells: int, rng: np.random.Generator) -> None:
        steps = streams.length - streams.warm_up
        count = min(steps, MAX_SAMPLED_CHARS // streams.count)
        self._streams = streams
        self._steps = np.sort(rng.choice(steps, size=count, replace=False))
        # half precision suffices for thresholds and ranks
        self._cells = np.zeros((count, streams.count, cells), dtype=np.float16)

    def accumulate(self, part: Activations, step: int) -> None:
        """Store the sampled steps of a block (T, B, H) that begins at `step`."""
        first, stop = np.searchsorted(self._steps, [step, step + len(part)])
        self._cells[first:stop] = part[self._steps[first:stop] - step]

    def selectivity(self, coding: ConceptCodes, cell: int, sign: int) -> Selectivity:
        """Return the selectivity of a cell; its threshold is fitted on the discovery streams."""
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
    """Return the threshold with the largest Youden index, TPR - FPR (Youden 1950), midway between two values."""
    order = np.argsort(values, kind="stable")
    ranked, inside = values[order], holds[order]
    positives, negatives = np.cumsum(inside), np.cumsum(~inside)
    if not positives[-1] or not negatives[-1]:
        return float(ranked[len(ranked) // 2])
    youden_index = negatives / negatives[-1] - positives / positives[-1]
    # there is no threshold between equal values
    best = int(np.where(np.append(ranked[1:] > ranked[:-1], False), youden_index, -np.inf).argmax())
    return float((ranked[best] + ranked[min(best + 1, len(ranked) - 1)]) / 2)
