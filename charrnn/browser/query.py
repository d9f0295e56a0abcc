"""Query of cells by a range of the text (LSTMVis, Strobelt et al. 2018): active throughout it, inactive around it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEFAULT_THRESHOLD, THRESHOLD_STEP = 0.3, 0.1
"""activation from which a cell counts as active, and the step by which the user changes it"""


@dataclass(frozen=True, kw_only=True)
class ActiveCell:
    """A cell that is active at each character of a range, and at neither of the characters around it."""

    cell: int
    """number of the cell among the cells of all layers"""
    sign: int
    """1 if high values are active, -1 if low ones are"""
    inside: float
    """mean value in the range"""
    before: float | None
    """value before the range; None at the beginning of the text"""
    after: float | None
    """value after the range; None at the end of the text"""

    @property
    def contrast(self) -> float:
        """The difference between the mean in the range and the larger value around it, in the active direction."""
        around = [self.sign * value for value in (self.before, self.after) if value is not None]
        return self.sign * self.inside - max(around, default=0.0)


def active_cells(
    values: NDArray[np.floating], text_range: slice, *, threshold: float = DEFAULT_THRESHOLD
) -> list[ActiveCell]:
    """Return the cells that are active only in a range, by descending contrast, from values (T, cells).

    A cell is active where its value, or its negative, is at least the threshold.

    >>> values = np.array([[0.1, 0.9], [0.8, 0.9], [-0.2, 0.9]])
    >>> [(active.cell, active.sign) for active in active_cells(values, slice(1, 2))]
    [(0, 1)]
    """
    start, stop = text_range.start, text_range.stop
    inside = values[start:stop].astype(np.float32)
    before = values[start - 1].astype(np.float32) if start > 0 else None
    after = values[stop].astype(np.float32) if stop < len(values) else None
    means = inside.mean(axis=0)
    active_only = []
    for sign in (1, -1):
        weakest = inside.min(axis=0) if sign > 0 else -inside.max(axis=0)
        is_active = weakest >= threshold
        for around in (before, after):
            is_active &= True if around is None else sign * around < threshold
        active_only += [
            ActiveCell(
                cell=cell,
                sign=sign,
                inside=float(means[cell]),
                before=None if before is None else float(before[cell]),
                after=None if after is None else float(after[cell]),
            )
            for cell in np.flatnonzero(is_active).tolist()
        ]
    return sorted(active_only, key=lambda active: -active.contrast)
