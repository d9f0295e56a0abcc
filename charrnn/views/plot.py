"""A plot of lines for the terminal: a few series over one axis, in dots of two by four a character, or in letters.

As a picture for a page it is drawn by `plot_svg`. What is plotted is left to those who make the series.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from charrnn.views.canvas import Canvas
from charrnn.views.terminal import unicode_output, visible

COLOURS = ("cyan", "yellow", "magenta", "green", "red", "blue")
"""of the series in the terminal, in turn"""
MARKERS = "*o+x#%"
"""of the series where there is no colour or no braille"""
NARROWEST = 10


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a plot."""

    label: str
    """what it is, for people"""
    points: tuple[tuple[float, float], ...]
    """x and y, by rising x; a NaN leaves a gap"""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One direction of a plot: which values it spans, and how they are written."""

    label: str
    """what is measured, with its unit"""
    logarithmic: bool = False
    """whether equal ways are equal ratios"""
    written: Callable[[float], str] = "{:g}".format
    """how a value is written"""

    def place(self, value: float, low: float, high: float) -> float:
        """Say where between two values one lies: 0 to 1."""
        if self.logarithmic:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return (value - low) / (high - low) if high > low else 0.5


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Some series on one pair of axes."""

    title: str
    """above it"""
    across: Axis
    """x"""
    up: Axis
    """y"""
    series: tuple[Series, ...]
    """those with no point at all are left out"""
    height: int = 10
    """rows of characters"""

    def bounds(self) -> tuple[float, float, float, float]:
        """Give the lowest and highest x, then y, of all points that are numbers."""
        points = np.array([point for series in self.series for point in series.points], dtype=np.float64)
        points = points.reshape(-1, 2)[np.isfinite(points.reshape(-1, 2)).all(axis=1)]
        if not len(points):
            return 0.0, 1.0, 0.0, 1.0
        (left, low), (right, high) = points.min(axis=0), points.max(axis=0)
        return float(left), float(right), float(low), float(high)

    def lines(self, series: Series) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
        """Give a series' pieces from point to point, as places from 0 to 1 across and up; a lone point as a piece."""
        left, right, low, high = self.bounds()
        placed = [
            (self.across.place(x, left, right), self.up.place(y, low, high)) if math.isfinite(y) else None
            for x, y in series.points
        ]
        if len(placed) == 1:
            placed *= 2
        for one, other in pairwise(placed):
            if one is not None and other is not None:
                yield one, other

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unicode = unicode_output(console)
        colours = console.color_system is not None and not console.no_color
        left, right, low, high = self.bounds()
        labels = [self.up.written(high), self.up.written(low)]
        margin = max(map(len, labels)) + 1
        width = max(NARROWEST, options.max_width - margin - 2)
        yield Text(visible(self.title, keep="", unicode=unicode))
        braille = unicode and (colours or len(self.series) == 1)
        for row, line in enumerate(_drawn(self, width, braille=braille)):
            label = labels[0] if row == 0 else labels[1] if row == self.height - 1 else ""
            yield Text(f"{label:>{margin}}" + (" │" if unicode else " |")) + line
        first, last = self.across.written(left), self.across.written(right)
        yield Text(" " * (margin + 2) + first + last.rjust(max(1, width - len(first))))
        yield self._legend(unicode=unicode, braille=braille)

    def _legend(self, *, unicode: bool, braille: bool) -> Text:
        """Say what the axes are, and which line is which."""
        legend = Text(f"{self.up.label} by {self.across.label}: ", style="dim")
        for number, series in enumerate(self.series):
            marker = ("━━" if braille else MARKERS[number % len(MARKERS)]) + " "
            legend.append(marker, style=COLOURS[number % len(COLOURS)])
            legend.append(visible(series.label, keep="", unicode=unicode) + "   ")
        legend.rstrip()
        return legend


def _drawn(plot: Plot, width: int, *, braille: bool) -> Iterator[Text]:
    """Draw the rows of the field, the highest first."""
    canvas = Canvas(width, plot.height)
    for number, series in enumerate(plot.series):
        sign = "" if braille else MARKERS[number % len(MARKERS)]
        for start, stop in plot.lines(series):
            canvas.line(start, stop, COLOURS[number % len(COLOURS)], sign=sign)
    for row in canvas.drawn():
        row.rstrip()
        yield row
