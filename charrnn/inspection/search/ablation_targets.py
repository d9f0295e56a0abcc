"""Targets of an ablation: the cell and the groups of cells of each concept, and the cells that may be controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.finding import CausalEffect
from charrnn.inspection.search.group_ablation import GROUP_SIZES, CellGroup
from charrnn.inspection.search.splits import ConceptCodes
from charrnn.inspection.search.statistics import Numbers
from charrnn.inspection.search.verdicts import has_specific_cost

GroupControls = Mapping[tuple[int, int], Sequence[CellGroup]]
"""control groups by the index of a target and the size of its group"""


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationTarget:
    """A cell to ablate and the concept that it follows."""

    cell: int
    """number of the cell among all layers' cells"""
    coding: ConceptCodes
    """marks of the concept"""
    partner: int | None = None
    """another cell that detects the concept and is a target, too"""
    members: tuple[int, ...] = ()
    """cells of one layer that are ablated in groups, the best first; empty for no groups"""
    r2: tuple[float, ...] = ()
    """held-out R² of a linear probe on the group of each size"""

    represents: tuple[bool, ...] = ()
    """whether the group of each size represents the concept, so that it may be the carrier"""
    is_detector: bool = False
    """whether the cell alone represents the concept"""

    @property
    def groups(self) -> tuple[CellGroup, ...]:
        """Return the groups of cells by size."""
        return tuple(frozenset(self.members[:size]) for size in GROUP_SIZES if size <= len(self.members))

    def is_carried_by(self, effect: CausalEffect | None) -> bool:
        """Return whether the single cell, with this effect of its ablation, is the carrier of the concept."""
        return bool(self.is_detector and effect and effect.monotone and has_specific_cost(effect))


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationRequest:
    """Cells to ablate, and the cells that may be controls."""

    targets: Sequence[AblationTarget]
    """cells that follow a concept"""
    unexplained: Sequence[int]
    """cells that no concept explains"""
    variance: Numbers
    """variance of all layers' cells, by which controls are matched (L·H,)"""
    allowed: NDArray[np.bool_]
    """mask of possible controls (L·H,)"""
    unrelated: NDArray[np.bool_]
    """mask of the possible controls that follow no concept at all, which are preferred for groups (L·H,)"""
    only_carriers: bool = False
    """whether only the groups that may be carriers are ablated, and fewer characters are read"""
