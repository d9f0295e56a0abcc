"""A grid of characters on which plots are drawn, in braille dots or in signs."""

import math
from collections.abc import Iterator

import numpy as np
from rich.text import Text

Point2D = tuple[float, float]
"""position (x, y) in [0, 1], with y upwards"""

DOTS_ACROSS, DOTS_DOWN = 2, 4
_BRAILLE = 0x2800
_DOT = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""bits of the dots of a braille character, by row and column"""


class Canvas:
    """A grid of characters; later drawings cover earlier ones."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._dots = np.zeros((rows, columns), np.int64)
        self._signs = np.full((rows, columns), "", dtype=object)
        self._styles = np.full((rows, columns), "", dtype=object)

    def line(self, start: Point2D, stop: Point2D, style: str, *, sign: str = "") -> None:
        """Draw a straight line in braille dots, or in `sign` if it is given."""
        dots_x, dots_y = (1, 1) if sign else (DOTS_ACROSS, DOTS_DOWN)
        columns, rows = self.columns * dots_x, self.rows * dots_y
        (x, y), (next_x, next_y) = start, stop
        steps = 2 + math.ceil(max(abs(next_x - x) * columns, abs(next_y - y) * rows))
        fractions = np.linspace(0, 1, steps)
        dot_columns = np.rint((x + (next_x - x) * fractions) * (columns - 1)).astype(int)
        dot_rows = np.rint((1 - y - (next_y - y) * fractions) * (rows - 1)).astype(int)
        at = dot_rows // dots_y, dot_columns // dots_x
        if not sign:
            np.bitwise_or.at(self._dots, at, _DOT[dot_rows % dots_y, dot_columns % dots_x])
        self._signs[at], self._styles[at] = sign, style

    def sign(self, position: Point2D, sign: str, style: str) -> None:
        """Draw a sign of one column."""
        at = self.row(position[1]), self.column(position[0])
        self._signs[at], self._styles[at] = sign, style

    def column(self, x: float) -> int:
        """Return the column of a position."""
        return round(x * (self.columns - 1))

    def row(self, y: float) -> int:
        """Return the row of a position, counted from the top."""
        return round((1 - y) * (self.rows - 1))

    def rows_of_text(self) -> Iterator[Text]:
        """Yield the rows from the top, each as wide as the canvas."""
        for dots, signs, styles in zip(self._dots.tolist(), self._signs, self._styles, strict=True):
            row = Text()
            for dot, sign, style in zip(dots, signs, styles, strict=True):
                row.append(sign or (chr(_BRAILLE + dot) if dot else " "), style)
            yield row
