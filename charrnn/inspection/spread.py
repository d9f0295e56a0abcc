"""The spread of a concept: how much of it one cell tells, and how much several tell together.

From the products of all pairs of a layer's cells, taken in the same pass as the evidence: what the cells are weighted
with is learnt on discovery streams, what they tell is scored on confirmation streams.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.inspection.evidence import Activations, Evidence
from charrnn.inspection.streams import Choice, Streams
from charrnn.inspection.sums import DEAD, Numbers

SOME = (1, 2, 4, 8)
"""how many cells are chosen, one after the other, each the one that adds most"""
RIDGE = 1e-6
"""of the cells' mean variance"""
NEARLY_MADE_UP = 1e-6
"""of a cell's variance: less than this is left of it by those chosen before"""


class Products:
    """The products of every two cells of a layer, summed over each half of the streams."""

    def __init__(self, streams: Streams, layers: int, hidden: int) -> None:
        self.sums = np.zeros((2, layers, hidden, hidden))
        self._halves = streams.halves

    def take(self, part: Activations, _step: int) -> None:
        """Add a part (T, B, L·H)."""
        layers, hidden = self.sums.shape[1:3]
        for half, streams in enumerate(self._halves):
            cells = part[:, streams].reshape(-1, layers, hidden)
            for layer in range(layers):
                some = np.ascontiguousarray(cells[:, layer])
                # numpy leaves a matrix times its own transpose to a routine of half the work
                self.sums[half, layer] += some.T @ some


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How much of a concept cells tell together."""

    layer: int
    """the layer whose cells tell most, from 1"""
    told: tuple[tuple[int, float], ...]
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


def spreads(evidence: Evidence, products: Products) -> list[Spread]:
    """Say of each concept how much 1, 2, 4, 8 and all cells of one layer tell of it."""
    layers = [_layer_told(evidence, products, layer) for layer in range(products.sums.shape[1])]
    best = np.array([learnt for learnt, _ in layers]).argmax(axis=0).tolist()
    return [Spread(layer=layer + 1, told=layers[layer][1][number]) for number, layer in enumerate(best)]


def _layer_told(
    evidence: Evidence, products: Products, layer: int
) -> tuple[Numbers, list[tuple[tuple[int, float], ...]]]:
    """Give each concept's R² by all cells of a layer on discovery (K,), and by some and all on confirmation."""
    learnt, scored = (_moments(evidence, products, half, layer) for half in range(2))
    alive = np.flatnonzero(np.diag(learnt.cells) >= DEAD).tolist()
    if not alive:
        concepts = len(evidence.codings)
        return np.zeros(concepts), [((0, 0.0),)] * concepts
    everything = _weights(learnt, alive)
    told = []
    for number in range(len(evidence.codings)):
        chosen = _forwards(learnt, number, alive)
        counts = [count for count in SOME if count <= len(chosen)]
        shares = [_share(scored, number, chosen[:count], _weights(learnt, chosen[:count])) for count in counts]
        whole = _share(scored, number, alive, everything)
        told.append((*zip(counts, shares, strict=True), (len(alive), whole)))
    discovery: Numbers = (everything * learnt.together[alive]).sum(axis=0) / learnt.variances
    return discovery, told


def _moments(evidence: Evidence, products: Products, half: int, layer: int) -> _Moments:
    """Take the moments of a layer in one half from sums alone."""
    hidden = products.sums.shape[2]
    cells = slice(layer * hidden, (layer + 1) * hidden)
    streams, discovery = evidence.streams.halves[half], evidence.streams.discovery
    sums, counts = _summed(evidence, streams, cells)
    sums_before, counts_before = _summed(evidence, discovery, cells)
    levels = _levels(evidence)
    characters, characters_before = streams.sum() * evidence.steps, discovery.sum() * evidence.steps
    # every concept's columns hold every character once: the first one's give the cells' sums
    first = evidence.columns(0)
    mean, around = sums[first].sum(axis=0) / characters, sums_before[first].sum(axis=0) / characters_before
    usual, usual_before = levels @ counts / characters, levels @ counts_before / characters_before
    moved = np.outer(mean, around)
    squares = (levels**2) @ counts / characters
    return _Moments(
        # E[(a - m)(a - m)ᵀ] around another mean m than the half's own
        cells=products.sums[half, layer] / characters - moved - moved.T + np.outer(around, around),
        together=(levels @ sums / characters - np.outer(usual, around) - np.outer(usual_before, mean - around)).T,
        squares=squares - 2.0 * usual * usual_before + usual_before**2,
        variances=np.maximum(squares - usual**2, DEAD),
    )


def _summed(evidence: Evidence, streams: Choice, cells: slice) -> tuple[Numbers, Numbers]:
    """Give the cells' sums by all codes in these streams (K codes, H), and the characters of each code."""
    sums = evidence.sums[:, :, cells].sum(axis=0, where=streams[:, None, None])
    return sums, evidence.counts[streams].sum(axis=0)


def _levels(evidence: Evidence) -> Numbers:
    """Lay the concepts' levels out so that they pick their own columns: (K, all codes)."""
    levels = np.zeros((len(evidence.codings), evidence.counts.shape[1]))
    for number, coding in enumerate(evidence.codings):
        levels[number, evidence.columns(number)] = coding.levels
    return levels


def _forwards(learnt: _Moments, number: int, alive: Sequence[int]) -> list[int]:
    """Choose cells one after the other, each the one that adds most to those before: pivoted Cholesky."""
    left, together = np.diag(learnt.cells).copy(), learnt.together[:, number].copy()
    open_to = np.isin(np.arange(len(left)), alive)
    chosen: list[int] = []
    columns = np.zeros((0, len(left)))
    while len(chosen) < min(SOME[-1], len(alive)):
        # what is left of a cell that others make up is rounding, and explains anything
        clear = open_to & (left > NEARLY_MADE_UP * np.diag(learnt.cells))
        gain = np.where(clear, together**2 / np.where(clear, left, 1.0), 0.0)
        cell = int(gain.argmax())
        if gain[cell] <= 0:
            break
        column = (learnt.cells[:, cell] - columns[:, cell] @ columns) / np.sqrt(left[cell])
        together = together - column * (together[cell] / np.sqrt(left[cell]))
        left = left - column**2
        open_to[cell] = False
        chosen.append(cell)
        columns = np.vstack([columns, column])
    return chosen


def _weights(learnt: _Moments, cells: Sequence[int]) -> Numbers:
    """Regress all concepts on these cells: (cells, K)."""
    some = learnt.cells[np.ix_(cells, cells)]
    ridge = RIDGE * max(float(np.trace(some)) / max(len(some), 1), DEAD)
    return np.asarray(np.linalg.solve(some + ridge * np.eye(len(some)), learnt.together[cells, :]), np.float64)


def _share(scored: _Moments, number: int, cells: Sequence[int], weights: Numbers) -> float:
    """Score weights (cells, K) learnt on discovery: R² of a concept on confirmation."""
    mine = weights[:, number]
    error = (
        scored.squares[number]
        - 2.0 * mine @ scored.together[cells, number]
        + mine @ scored.cells[np.ix_(cells, cells)] @ mine
    )
    return float(1.0 - error / scored.variances[number])
