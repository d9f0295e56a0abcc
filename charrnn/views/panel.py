"""Curves on axes in a terminal: lines of braille dots, or of full stops where there is only ASCII, and marks on them.

What is drawn, and on which scale, is left to whoever gives the points; several panels of the same height can stand
side by side. Curves that find their own scale are the plot's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from charrnn.views.canvas import Canvas

Point = tuple[float, float]
Tick = tuple[float, str]

_AXES = {True: ("│", "┤", "└", "─", "┴"), False: ("|", "+", "`", "-", "-")}
"""upright, upright with a tick, corner, flat, flat with a tick"""


class Span(NamedTuple):
    """From where to where an axis goes."""

    low: float
    high: float

    @classmethod
    def of(cls, ticks: Sequence[Tick]) -> Span:
        """Take the first and the last tick."""
        return cls(ticks[0][0], ticks[-1][0])

    def holds(self, value: float) -> bool:
        """Say whether a value lies on the axis."""
        return self.low <= value <= self.high

    def place(self, value: float) -> float:
        """Say where on the axis it lies: 0 to 1."""
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5


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
        across, upwards = Span.of(self.across), Span.of(self.upwards)
        canvas = Canvas(width, height)
        for curve in self.curves:
            _draw(canvas, curve, across, upwards, unicode=unicode)
        upright, ticked, corner, flat, flat_ticked = _AXES[unicode]
        labels = {canvas.row(upwards.place(value)): label for value, label in self.upwards}
        rows = [_fitted(Text(self.title, style="bold"), columns)]
        for number, drawn in enumerate(canvas.drawn()):
            label = labels.get(number, "")
            axis = f"{label:>{margin - 1}} {ticked if label else upright}"
            rows.append(_fitted(Text(axis) + drawn, columns))
        below, under = [flat] * width, [" "] * (width + margin + 1)
        # The ends first: what is between them gives way where there is no room.
        for value, label in (self.across[-1], *self.across):
            column = canvas.column(across.place(value))
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


def _draw(canvas: Canvas, curve: Curve, across: Span, upwards: Span, *, unicode: bool) -> None:
    """Draw what of a curve lies between the axes' ends: its line, then its marks."""
    inside = [(across.place(x), upwards.place(y)) for x, y in curve.points if across.holds(x) and upwards.holds(y)]
    if curve.joined:
        for start, stop in pairwise(inside):
            canvas.line(start, stop, curve.style, sign="" if unicode else ".")
    for place in inside if curve.mark else ():
        canvas.sign(place, curve.mark, curve.style)


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
