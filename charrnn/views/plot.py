"""Plots for a terminal: axes with ticks, and curves over two axes, drawn in braille dots or in ASCII signs."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from charrnn.views.canvas import Canvas, Point2D
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output

Tick = tuple[float, str]

_STEPS = 1, 2, 5, 10
"""round steps between ticks, times a power of ten"""
_EXPONENT_FROM = 4
"""a power of ten is written with its exponent if that is at least this far from zero"""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The range of one direction of a plot."""

    low: float
    """lower or left end"""
    high: float
    """upper or right end"""
    ticks: tuple[Tick, ...]
    """values with their labels, in ascending order"""
    label: str = ""
    """quantity with its unit"""
    logarithmic: bool = False
    """whether equal distances are equal ratios; both ends must be positive"""

    def contains(self, value: float) -> bool:
        """Return whether a value lies on the axis; nan does not."""
        return self.low <= value <= self.high

    def position(self, value: float) -> float:
        """Return the position of a value on the axis, 0 to 1."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = map(math.log2, (value, low, high))
        return (value - low) / (high - low) if high > low else 0.5


def linear_axis(values: Iterable[float], label: str = "", *, max_intervals: int = 6, tight: bool = False) -> Axis:
    """Return an axis for values, with ticks at round numbers and at most `max_intervals` intervals between them.

    The ends are round numbers; if `tight`, they are the lowest and the highest value.

    >>> [word for _, word in linear_axis([1.73, 6.02]).ticks]
    ['1', '2', '3', '4', '5', '6', '7']
    >>> linear_axis([0, 3381], tight=True).ticks[-1]
    (3000.0, '3,000')
    """
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    step, digits = _step((high - low) or abs(high) or 1.0, max_intervals)
    first, last = (math.ceil(low / step), math.floor(high / step)) if tight else _around(low, high, step)
    ticks = tuple((number * step, f"{number * step:,.{digits}f}") for number in range(first, last + 1))
    if not tight:
        low, high = min(low, first * step), max(high, last * step)
    return Axis(low=low, high=high, ticks=ticks, label=label)


def doubling_axis(last: float, label: str = "") -> Axis:
    """Return a logarithmic axis from 1 to `last`, with ticks at the powers of two."""
    last = max(last, 1)
    ticks = tuple((2.0**power, f"{2**power}") for power in range(int(math.log2(last)) + 1))
    return Axis(low=1, high=last, ticks=ticks, label=label, logarithmic=True)


def decade_axis(lowest: int, label: str = "", *, highest: int = 0) -> Axis:
    """Return a logarithmic axis between two powers of ten, with a tick at each power.

    >>> decade_axis(-5).ticks
    ((1e-05, '1e-5'), (0.0001, '1e-4'), (0.001, '0.001'), (0.01, '0.01'), (0.1, '0.1'), (1.0, '1'))
    """
    powers = range(lowest, highest + 1)
    labels = (f"1e{power}" if abs(power) >= _EXPONENT_FROM else f"{10.0**power:g}" for power in powers)
    ticks = tuple(zip((10.0**power for power in powers), labels, strict=True))
    return Axis(low=10.0**lowest, high=10.0**highest, ticks=ticks, label=label, logarithmic=True)


def _step(span: float, max_intervals: int) -> tuple[float, int]:
    """Return the smallest round step with at most `max_intervals` intervals in a span, and the decimals of labels."""
    power = 10.0 ** math.floor(math.log10(span / max_intervals))
    step = power * next(factor for factor in _STEPS if factor * power * max_intervals >= span * (1 - 1e-9))
    return step, max(0, -math.floor(math.log10(step) + 1e-9))


def _around(low: float, high: float, step: float) -> tuple[int, int]:
    """Return the numbers of the steps just below `low` and just above `high`."""
    first = math.floor(low / step + 1e-9)
    return first, max(math.ceil(high / step - 1e-9), first + 1)


Point = tuple[float, float]
COLORS = ("dodger_blue1", "dark_orange3", "spring_green4", "medium_orchid", "deep_pink3", "grey46")
"""colors of the curves, in turn; each has contrast on black and on white"""
SIGNS = "*o+x#%"
"""signs of the curves, if neither colors nor marks distinguish them"""
LEGEND_GAP = "   "
MIN_FIELD_COLUMNS = 10
"""minimum columns of the area between the axes"""
_AXES = {True: ("│", "┤", "└", "─", "┴"), False: ("|", "+", "`", "-", "-")}
"""vertical axis, its tick, corner, horizontal axis, its tick"""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A curve of a plot."""

    points: tuple[Point, ...]
    """x and y, by ascending x; a point that is nan or beyond the axes is a gap"""
    label: str = ""
    """name in the legend; empty for none"""
    mark: str = ""
    """sign of one column at each point; empty for none"""
    style: str = ""
    """Rich style in the terminal; empty: the next of `COLORS`"""
    joined: bool = True
    """whether the points are joined by a line"""


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Curves on two axes."""

    title: str
    """title above the plot"""
    x_axis: Axis
    """horizontal axis"""
    y_axis: Axis
    """vertical axis"""
    curves: tuple[Curve, ...]
    """curves; later curves cover earlier ones"""
    height: int = 12
    """rows of the area between the axes"""

    def segments(self, curve: Curve) -> Iterator[list[Point2D]]:
        """Yield the positions of a curve's points, one list for each segment between gaps."""
        for is_inside, points in groupby(
            curve.points, lambda point: all(map(Axis.contains, (self.x_axis, self.y_axis), point))
        ):
            if is_inside:
                yield [(self.x_axis.position(x), self.y_axis.position(y)) for x, y in points]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unicode = unicode_output(console)
        colored = console.color_system is not None and not console.no_color
        yield from hstack([self.rows(options.max_width, unicode=unicode, colored=colored)])
        if any(curve.label for curve in self.curves):
            yield self._legend(options.max_width, unicode=unicode, colored=colored)

    def rows(self, columns: int, *, unicode: bool, colored: bool) -> list[Text]:
        """Return the rows of the plot without its legend, each `columns` wide."""
        margin = max(cell_len(label) for _, label in self.y_axis.ticks) + 1
        width = max(MIN_FIELD_COLUMNS, columns - margin - 1)
        vertical, vertical_tick, _, _, _ = _AXES[unicode]
        canvas = self._draw_curves(width, unicode=unicode, colored=colored)
        labels = {canvas.row(self.y_axis.position(value)): label for value, label in self.y_axis.ticks}
        rows = [self._head(unicode)]
        for number, row in enumerate(canvas.rows_of_text()):
            label = labels.get(number, "")
            rows.append(Text(f"{label:>{margin - 1}} {vertical_tick if label else vertical}") + row)
        rows += self._below(canvas, margin, unicode)
        for row in rows:
            row.truncate(columns, overflow="crop", pad=True)
        return rows

    def _head(self, unicode: bool) -> Text:
        """Return the line with the title and the label of the vertical axis."""
        head = Text(sanitize(self.title, keep="", unicode=unicode), style="bold")
        if self.y_axis.label:
            head.append(ascii_signs(" · ", unicode=unicode) if self.title else "").append(
                self.y_axis.label, style="not bold"
            )
        return head

    def _draw_curves(self, width: int, *, unicode: bool, colored: bool) -> Canvas:
        """Return a canvas with the curves; the marks of a curve cover its line."""
        canvas = Canvas(width, self.height)
        for number, curve in enumerate(self.curves):
            sign, style = self._sign(number, unicode=unicode, colored=colored), curve.style or _color(number)
            for positions in self.segments(curve):
                line = positions if len(positions) > 1 else 2 * positions
                for start, stop in pairwise(line) if curve.joined else ():
                    canvas.line(start, stop, style, sign=sign)
                for position in positions if curve.mark else ():
                    canvas.sign(position, curve.mark, style)
        return canvas

    def _sign(self, number: int, *, unicode: bool, colored: bool) -> str:
        """Return the sign that draws a curve's line; "" for braille dots if they are unambiguous."""
        is_distinct = bool(self.curves[number].mark) or sum(curve.joined for curve in self.curves) == 1
        if is_distinct or (unicode and colored):
            return "" if unicode else "."
        return SIGNS[number % len(SIGNS)]

    def _below(self, canvas: Canvas, margin: int, unicode: bool) -> Iterator[Text]:
        """Yield the horizontal axis, the labels of its ticks, and its own label."""
        _, _, corner, horizontal, horizontal_tick = _AXES[unicode]
        axis, labels = [horizontal] * canvas.columns, [" "] * (canvas.columns + margin + 1)
        # The ends have priority over the ticks between them.
        for value, label in (*self.x_axis.ticks[-1:], *self.x_axis.ticks):
            column = canvas.column(self.x_axis.position(value))
            axis[column] = horizontal_tick
            _write(labels, label, margin + 1 + column)
        yield Text(" " * margin + corner + "".join(axis))
        yield Text("".join(labels))
        yield Text(" " * (margin + 1) + f"{self.x_axis.label:^{canvas.columns}}", style="dim")

    def _legend(self, columns: int, *, unicode: bool, colored: bool) -> Text:
        """Return the legend of the curves, in lines that break between curves only."""
        lines = [Text()]
        for number, curve in enumerate(self.curves):
            sign = curve.mark or self._sign(number, unicode=unicode, colored=colored) or "━━"
            entry = Text(f"{sign} ", style=curve.style or _color(number))
            entry.append(sanitize(curve.label, keep="", unicode=unicode), style="default")
            if lines[-1] and lines[-1].cell_len + len(LEGEND_GAP) + entry.cell_len > columns:
                lines.append(Text())
            lines[-1].append(LEGEND_GAP if lines[-1] else "").append_text(entry)
        return Text("\n").join(lines)


def hstack(plots: Sequence[list[Text]]) -> Iterator[Text]:
    """Yield the rows of plots of equal height, placed side by side."""
    for rows in zip(*plots, strict=True):
        row = Text("  ").join(rows)
        row.rstrip()
        yield row


def _color(number: int) -> str:
    return COLORS[number % len(COLORS)]


def _write(row: list[str], label: str, center: int) -> None:
    """Write a label centered at a column, unless it would touch another label."""
    start = min(max(center - len(label) // 2, 0), len(row) - len(label))
    neighborhood = row[max(start - 1, 0) : start + len(label) + 1]
    if start >= 0 and not "".join(neighborhood).strip():
        row[start : start + len(label)] = label
