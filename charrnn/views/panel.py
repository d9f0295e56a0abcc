"""Curves on axes in a terminal: lines of braille dots, or of full stops where there is only ASCII, and marks on them.

What is drawn, and on which scale, is left to whoever gives the points; several panels of the same height can stand
side by side. Curves that find their own scale are the plot's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from charrnn.views.plot import BRAILLE, DOT

Point = tuple[float, float]
Tick = tuple[float, str]

_AXES = {True: ("│", "┤", "└", "─", "┴"), False: ("|", "+", "`", "-", "-")}
"""upright, upright with a tick, corner, flat, flat with a tick"""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Points joined by a line."""

    points: tuple[Point, ...]
    """from left to right; what lies beyond the axes is left out"""
    mark: str = ""
    """a sign of one column that stands at each point; none: the line alone"""
    style: str = ""
    """how line and marks look"""
    joined: bool = True
    """whether there is a line"""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Curves on two axes."""

    title: str
    """above them"""
    curves: tuple[Curve, ...]
    """the later above the earlier"""
    across: tuple[Tick, ...]
    """ticks of the horizontal axis, from its left to its right end"""
    upwards: tuple[Tick, ...]
    """ticks of the vertical axis, from its lower to its upper end"""
    unit: str
    """what the horizontal axis counts"""

    def rows(self, columns: int, height: int, *, unicode: bool) -> list[Text]:
        """Draw the plot so many columns wide, its axes so many rows high; two rows more are below, one above."""
        margin = max(cell_len(label) for _, label in self.upwards) + 1
        width = max(1, columns - margin - 1)
        canvas = _Canvas(width, height, _span(self.across), _span(self.upwards), unicode)
        for curve in self.curves:
            canvas.draw(curve)
        upright, ticked, corner, flat, flat_ticked = _AXES[unicode]
        labels = {canvas.row(place): label for place, label in self.upwards}
        rows = [_fitted(Text(self.title, style="bold"), columns)]
        for number, drawn in enumerate(canvas.rows()):
            label = labels.get(number, "")
            axis = f"{label:>{margin - 1}} {ticked if label else upright}"
            rows.append(_fitted(Text(axis) + drawn, columns))
        below, under = [flat] * width, [" "] * (width + margin + 1)
        for place, label in self.across:
            column = canvas.column(place)
            below[column] = flat_ticked
            _write(under, label, margin + 1 + column)
        rows.append(_fitted(Text(" " * margin + corner + "".join(below)), columns))
        rows.append(_fitted(Text("".join(under).rstrip()), columns))
        rows.append(_fitted(Text(f"{self.unit:^{width}}".rjust(columns), style="dim"), columns))
        return rows


def beside(plots: Sequence[list[Text]]) -> Iterator[Text]:
    """Put drawn plots of equal heights next to each other."""
    for rows in zip(*plots, strict=True):
        row = Text("  ").join(rows)
        row.rstrip()
        yield row


class _Canvas:
    """The field between the axes."""

    def __init__(self, columns: int, rows: int, across: Point, upwards: Point, unicode: bool) -> None:
        self.size, self.across, self.upwards, self.unicode = (rows, columns), across, upwards, unicode
        self.dots = np.zeros(self.size, np.int64)
        self.signs = np.full(self.size, "", dtype=object)
        self.styles = np.full(self.size, "", dtype=object)

    def column(self, across: float) -> int:
        """Say in which column a value of the horizontal axis lies."""
        return _place(across, self.across, self.size[1])

    def row(self, upwards: float) -> int:
        """Say in which row, from the top, a value of the vertical axis lies."""
        return self.size[0] - 1 - _place(upwards, self.upwards, self.size[0])

    def draw(self, curve: Curve) -> None:
        """Draw a curve's line, then its marks."""
        if curve.joined:
            for across, upwards in _joined(curve.points, self.across, 4 * self.size[1]):
                self._dot(across, upwards, curve.style)
        for across, upwards in curve.points if curve.mark else ():
            if _within(across, self.across) and _within(upwards, self.upwards):
                place = self.row(upwards), self.column(across)
                self.signs[place], self.styles[place] = curve.mark, curve.style

    def _dot(self, across: float, upwards: float, style: str) -> None:
        if not _within(upwards, self.upwards):
            return
        tall, wide = (4, 2) if self.unicode else (1, 1)
        down = tall * self.size[0] - 1 - _place(upwards, self.upwards, tall * self.size[0])
        right = _place(across, self.across, wide * self.size[1])
        place = down // tall, right // wide
        self.dots[place] |= int(DOT[down % tall, right % wide])
        self.signs[place], self.styles[place] = "", style

    def rows(self) -> Iterator[Text]:
        """Yield what has been drawn, from the top."""
        for dots, signs, styles in zip(self.dots.tolist(), self.signs, self.styles, strict=True):
            row = Text()
            for dot, sign, style in zip(dots, signs, styles, strict=True):
                row.append(sign or self._sign(dot), style)
            yield row

    def _sign(self, dots: int) -> str:
        if not dots:
            return " "
        return chr(BRAILLE + dots) if self.unicode else "."


def _joined(points: Sequence[Point], across: Point, steps: int) -> Iterator[Point]:
    """Go along the line through points, in so many steps from axis end to axis end."""
    if not points:
        return
    known = np.array(points)
    places = np.linspace(*across, steps)
    for place in places[(places >= known[0, 0]) & (places <= known[-1, 0])].tolist():
        yield place, float(np.interp(place, known[:, 0], known[:, 1]))


def _span(ticks: Sequence[Tick]) -> Point:
    return ticks[0][0], ticks[-1][0]


def _within(value: float, span: Point) -> bool:
    return span[0] <= value <= span[1]


def _place(value: float, span: Point, count: int) -> int:
    """Say in which of `count` equal parts of a span a value lies."""
    share = (value - span[0]) / ((span[1] - span[0]) or 1.0)
    return min(max(int(share * (count - 1) + 0.5), 0), count - 1)


def _write(row: list[str], label: str, centre: int) -> None:
    """Write a label about a column where nothing is in the way."""
    begin = min(max(centre - len(label) // 2, 0), len(row) - len(label))
    around = row[max(begin - 1, 0) : begin + len(label) + 1]
    if begin >= 0 and not "".join(around).strip():
        row[begin : begin + len(label)] = label


def _fitted(text: Text, columns: int) -> Text:
    """Cut or fill a row to so many columns."""
    text.truncate(columns, overflow="crop", pad=True)
    return text
