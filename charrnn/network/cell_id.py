"""Cell ids as users write them: 2.317 is unit 317 of the second layer.

This module imports no library, because help texts need it.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from charrnn.arguments import shown
from charrnn.errors import WrongUsageError

_CELL_PATTERN = re.compile(r"([1-9]\d{0,5})\.(\d{1,7})", re.ASCII)


class CellId(NamedTuple):
    """The position of a cell in a network."""

    layer: int
    """counted from 1"""
    unit: int
    """counted from 0"""

    def __str__(self) -> str:
        return f"{self.layer}.{self.unit}"


def parse_cell(name: str) -> CellId:
    """Return the cell that a text names; raise WrongUsageError if it names none.

    >>> parse_cell("2.317")
    CellId(layer=2, unit=317)
    """
    match = _CELL_PATTERN.fullmatch(name) if isinstance(name, str) else None
    if not match:
        raise WrongUsageError(
            f"{shown(name)} is not a cell", hint="layer.unit, layers from 1, units from 0, such as 2.317"
        )
    return CellId(int(match[1]), int(match[2]))


def check_cell(cell: tuple[int, int], *, layers: int, units: int) -> None:
    """Raise WrongUsageError unless a cell is in a network of this many layers and units per layer."""
    layer, unit = cell
    if not (1 <= layer <= layers and 0 <= unit < units):
        raise WrongUsageError(
            f"there is no cell {layer}.{unit}", hint=f"the model's cells are 1.0 to {layers}.{units - 1}"
        )


def check_clamped_once(cells_or_concepts: Iterable[Hashable]) -> None:
    """Raise WrongUsageError if a cell or a concept that is to be clamped occurs twice."""
    for clamped, count in Counter(cells_or_concepts).items():
        if count > 1:
            raise WrongUsageError(f"{clamped} cannot be clamped at two values at once")
