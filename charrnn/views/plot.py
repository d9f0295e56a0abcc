"""Plots for a terminal: curves over two axes, in braille dots of two by four a character, or in signs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from charrnn.views.axis import Axis
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output

# A canvas of characters for lines and signs: in braille, or one sign a character. Positions are in [0, 1], across and
# up.

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


# Plots

Point = tuple[float, float]

COLORS = ("dodger_blue1", "dark_orange3", "spring_green4", "medium_orchid", "deep_pink3", "grey46")
"""of the curves in the terminal, in turn; each to be seen on black and on white"""
SIGNS = "*o+x#%"
"""of the curves where neither colours nor marks tell them apart"""
NARROWEST = 10
"""columns of the field"""
_AXES = {True: ("│", "┤", "└", "─", "┴"), False: ("|", "+", "`", "-", "-")}
"""upright, upright with a tick, corner, flat, flat with a tick"""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Points that belong together."""

    points: tuple[Point, ...]
    """x and y, by rising x; what is no number, or beyond the axes, leaves a gap"""
    label: str = ""
    """what it is, for people; empty where something else says it"""
    mark: str = ""
    """a sign of one column that stands at each point; none: the line alone"""
    style: str = ""
    """how it looks in the terminal; empty: in its own colour"""
    joined: bool = True
    """whether there is a line"""


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Curves on two axes."""

    title: str
    """above them"""
    x_axis: Axis
    """x"""
    y_axis: Axis
    """y"""
    curves: tuple[Curve, ...]
    """the later above the earlier"""
    height: int = 12
    """rows of characters that the field has"""

    def segments(self, curve: Curve) -> Iterator[list[Point2D]]:
        """Give the points of a curve as places from 0 to 1 across and up, one list for each piece between gaps."""
        for held, points in groupby(
            curve.points, lambda point: all(map(Axis.contains, (self.x_axis, self.y_axis), point))
        ):
            if held:
                yield [(self.x_axis.position(x), self.y_axis.position(y)) for x, y in points]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unicode = unicode_output(console)
        colored = console.color_system is not None and not console.no_color
        yield from hstack([self.rows(options.max_width, unicode=unicode, colored=colored)])
        if any(curve.label for curve in self.curves):
            yield self._legend(unicode=unicode, colored=colored)

    def rows(self, columns: int, *, unicode: bool, colored: bool) -> list[Text]:
        """Draw all but the legend so many columns wide: a title, the field, and three rows below it."""
        margin = max(cell_len(label) for _, label in self.y_axis.ticks) + 1
        width = max(NARROWEST, columns - margin - 1)
        upright, ticked, _, _, _ = _AXES[unicode]
        canvas = self._drawn(width, unicode=unicode, colored=colored)
        labels = {canvas.row(self.y_axis.position(value)): label for value, label in self.y_axis.ticks}
        rows = [self._head(unicode)]
        for number, drawn in enumerate(canvas.rows_of_text()):
            label = labels.get(number, "")
            rows.append(Text(f"{label:>{margin - 1}} {ticked if label else upright}") + drawn)
        rows += self._below(canvas, margin, unicode)
        for row in rows:
            row.truncate(columns, overflow="crop", pad=True)
        return rows

    def _head(self, unicode: bool) -> Text:
        """Say what is plotted."""
        head = Text(sanitize(self.title, keep="", unicode=unicode), style="bold")
        if self.y_axis.label:
            head.append(ascii_signs(" · ", unicode=unicode) if self.title else "").append(
                self.y_axis.label, style="not bold"
            )
        return head

    def _drawn(self, width: int, *, unicode: bool, colored: bool) -> Canvas:
        """Draw each curve's line, then its marks."""
        canvas = Canvas(width, self.height)
        for number, curve in enumerate(self.curves):
            sign, style = self._sign(number, unicode=unicode, colored=colored), curve.style or _color(number)
            for places in self.segments(curve):
                for start, stop in pairwise(places if len(places) > 1 else 2 * places) if curve.joined else ():
                    canvas.line(start, stop, style, sign=sign)
                for place in places if curve.mark else ():
                    canvas.sign(place, curve.mark, style)
        return canvas

    def _sign(self, number: int, *, unicode: bool, colored: bool) -> str:
        """Choose what a line is made of: dots if they can be told from other lines, else a sign of its own."""
        is_distinct = bool(self.curves[number].mark) or sum(curve.joined for curve in self.curves) == 1
        if is_distinct or (unicode and colored):
            return "" if unicode else "."
        return SIGNS[number % len(SIGNS)]

    def _below(self, canvas: Canvas, margin: int, unicode: bool) -> Iterator[Text]:
        """Draw the horizontal axis, its ticks' labels and what it counts."""
        _, _, corner, flat, flat_ticked = _AXES[unicode]
        below, under = [flat] * canvas.columns, [" "] * (canvas.columns + margin + 1)
        # The ends first: what is between them gives way where there is no room.
        for value, label in (*self.x_axis.ticks[-1:], *self.x_axis.ticks):
            column = canvas.column(self.x_axis.position(value))
            below[column] = flat_ticked
            _write(under, label, margin + 1 + column)
        yield Text(" " * margin + corner + "".join(below))
        yield Text("".join(under))
        yield Text(" " * (margin + 1) + f"{self.x_axis.label:^{canvas.columns}}", style="dim")

    def _legend(self, *, unicode: bool, colored: bool) -> Text:
        """Say which curve is which."""
        legend = Text()
        for number, curve in enumerate(self.curves):
            sign = curve.mark or self._sign(number, unicode=unicode, colored=colored) or "━━"
            legend.append(f"{sign} ", style=curve.style or _color(number))
            legend.append(sanitize(curve.label, keep="", unicode=unicode) + "   ")
        legend.rstrip()
        return legend


def hstack(plots: Sequence[list[Text]]) -> Iterator[Text]:
    """Put drawn plots of equal heights next to each other."""
    for rows in zip(*plots, strict=True):
        row = Text("  ").join(rows)
        row.rstrip()
        yield row


def _color(number: int) -> str:
    return COLORS[number % len(COLORS)]


def _write(row: list[str], label: str, center: int) -> None:
    """Write a label about a column where nothing is in the way."""
    begin = min(max(center - len(label) // 2, 0), len(row) - len(label))
    around = row[max(begin - 1, 0) : begin + len(label) + 1]
    if begin >= 0 and not "".join(around).strip():
        row[begin : begin + len(label)] = label
