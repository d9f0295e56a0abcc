"""Ablation of groups: the best 1, 2, 4, 8 and 16 cells of a layer, against matched groups of other cells.

Cells that carry a concept redundantly are each dispensable; only their joint ablation shows that the network needs
them. Groups consist of the cells with the highest selection scores on the discovery half. That order keeps equal
cells together, where forward selection would skip a copy of a chosen cell, because the copy predicts nothing new.

Five group sizes and a direction are tested for each concept. The required z-score is therefore that of a one-sided
test at 5 % divided by the number of all tests of the search (Bonferroni), and at least `Thresholds.min_z`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.statistics import Numbers

GROUP_SIZES = (1, 2, 4, 8, 16)
"""numbers of cells that are ablated together"""
CONTROL_DRAWS = 6
"""number of control groups of each size in each layer"""
MIN_POOL_RATIO = 3
"""minimum number of available control cells, as a multiple of the group's size, so that control groups differ"""
NEAREST = 4
"""number of available cells with the nearest variance, from which a control cell is drawn"""
FAMILY_ERROR = 0.05
"""probability of at least one significant effect in the whole search, if there is none"""

CellGroup = frozenset[int]
"""flat indices of cells: layer (from 0) · H + unit"""


def required_z(tests: int) -> float:
    """Return the z-score that is significant among this number of tests.

    >>> round(required_z(1), 2), round(required_z(72), 2)
    (1.64, 3.2)
    """
    return NormalDist().inv_cdf(1.0 - FAMILY_ERROR / max(tests, 1))


@dataclass(frozen=True, kw_only=True, eq=False)
class ControlCells:
    """Cells from which control groups are drawn."""

    variance: Numbers
    """variance of all layers' cells, by which controls are matched (L·H,)"""
    allowed: NDArray[np.bool_]
    """mask of possible controls (L·H,)"""
    unrelated: NDArray[np.bool_]
    """mask of the possible controls that follow no concept at all (L·H,)"""
    hidden: int
    """cells per layer H"""

    def groups(
        self, members: Sequence[Sequence[int]], rng: np.random.Generator
    ) -> Mapping[tuple[int, int], tuple[CellGroup, ...]]:
        """Return the control groups of each concept, by its index in `members` and the group's size.

        `members` lists each concept's cells, all of one layer, the best first. Concepts of a layer share their
        controls if there are enough cells that are no concept's member and follow no concept. Otherwise other cells
        that are no detectors are used. A size without enough cells is left out.
        """
        controls: dict[tuple[int, int], tuple[CellGroup, ...]] = {}
        for layer in sorted({cells[0] // self.hidden for cells in members if cells}):
            numbers = [number for number, cells in enumerate(members) if cells and cells[0] // self.hidden == layer]
            for size in GROUP_SIZES[1:]:
                in_size = [number for number in numbers if len(members[number]) >= size]
                controls |= self._of_size(layer, {number: members[number] for number in in_size}, size, rng)
        return controls

    def _of_size(
        self, layer: int, members: Mapping[int, Sequence[int]], size: int, rng: np.random.Generator
    ) -> dict[tuple[int, int], tuple[CellGroup, ...]]:
        """Return the control groups of one layer and size."""
        all_members = {cell for cells in members.values() for cell in cells}
        shared = self._pool(layer, all_members, self.unrelated)
        if len(shared) >= MIN_POOL_RATIO * size and members:
            ablated = [cell for cells in members.values() for cell in cells[:size]]
            groups = self._draw(shared, ablated, size, rng)
            return {(number, size): groups for number in members}
        controls = {}
        for number, cells in members.items():
            pools = (
                self._pool(layer, excluded, mask)
                for mask, excluded in (
                    (self.unrelated, cells),
                    (self.allowed, cells),
                    (self.allowed, cells[:size]),
                )
            )
            pool = next((cells for cells in pools if len(cells) >= MIN_POOL_RATIO * size), None)
            if pool:
                controls[number, size] = self._draw(pool, members[number][:size], size, rng)
        return controls

    def _pool(self, layer: int, excluded: Iterable[int], mask: NDArray[np.bool_]) -> list[int]:
        without = set(excluded)
        cells = layer * self.hidden + np.flatnonzero(mask[layer * self.hidden : (layer + 1) * self.hidden])
        return [cell for cell in cells.tolist() if cell not in without]

    def _draw(
        self, pool: Sequence[int], ablated: Sequence[int], size: int, rng: np.random.Generator
    ) -> tuple[CellGroup, ...]:
        """Return random groups from a pool, each cell with a variance near that of an ablated cell."""
        return tuple(self._draw_group(pool, ablated, size, rng) for _ in range(CONTROL_DRAWS))

    def _draw_group(
        self, pool: Sequence[int], ablated: Sequence[int], size: int, rng: np.random.Generator
    ) -> CellGroup:
        available = list(pool)
        matched = rng.choice(np.array(ablated), size=size, replace=False).tolist()
        for cell in matched:
            distance = np.abs(np.log(self.variance[available]) - np.log(self.variance[cell]))
            nearest = np.argsort(distance, kind="stable")[:NEAREST]
            available.pop(int(rng.choice(nearest)))
        return frozenset(pool) - frozenset(available)
