"""A field of characters to draw lines and signs on: in braille, two dots by four a character, or a sign a character.

Places go from 0 to 1, across and up. What they stand for is left to plots and panels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from rich.text import Text

Point2D = tuple[float, float]

DOTS_ACROSS, DOTS_DOWN = 2, 4
_BRAILLE = 0x2800
_DOT = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""of a braille character, by row and column"""


class Canvas:
    """So many columns and rows of characters; what is drawn later covers what was there."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._dots = np.zeros((rows, columns), np.int64)
        self._signs = np.full((rows, columns), "", dtype=object)
        self._styles = np.full((rows, columns), "", dtype=object)

    def line(self, start: Point2D, stop: Point2D, style: str, *, sign: str = "") -> None:
        """Draw a straight line, in dots or, if it is given, in a sign."""
        across, down = (1, 1) if sign else (DOTS_ACROSS, DOTS_DOWN)
        columns, rows = self.columns * across, self.rows * down
        (x, y), (next_x, next_y) = start, stop
        steps = 2 + math.ceil(max(abs(next_x - x) * columns, abs(next_y - y) * rows))
        way = np.linspace(0, 1, steps)
        rights = np.rint((x + (next_x - x) * way) * (columns - 1)).astype(int)
        downs = np.rint((1 - y - (next_y - y) * way) * (rows - 1)).astype(int)
        at = downs // down, rights // across
        if not sign:
            np.bitwise_or.at(self._dots, at, _DOT[downs % down, rights % across])
        self._signs[at], self._styles[at] = sign, style

    def sign(self, place: Point2D, sign: str, style: str) -> None:
        """Put a sign of one column somewhere."""
        at = self.row(place[1]), self.column(place[0])
        self._signs[at], self._styles[at] = sign, style

    def column(self, across: float) -> int:
        """Say in which column a place lies."""
        return round(across * (self.columns - 1))

    def row(self, up: float) -> int:
        """Say in which row, from the top, a place lies."""
        return round((1 - up) * (self.rows - 1))

    def rows_of_text(self) -> Iterator[Text]:
        """Yield the rows, the highest first, each as wide as the canvas."""
        for dots, signs, styles in zip(self._dots.tolist(), self._signs, self._styles, strict=True):
            row = Text()
            for dot, sign, style in zip(dots, signs, styles, strict=True):
                row.append(sign or (chr(_BRAILLE + dot) if dot else " "), style)
            yield row
