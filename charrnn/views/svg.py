"""Self-contained SVG pictures of heat maps and plots: no script, no font, no address but the name of the format.

Lines, glyphs and levels are those of the terminal's drawing; the page is white and has its own background.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from charrnn.views import colors
from charrnn.views.heatmap import Heatmap
from charrnn.views.layout import Line, Values, label_width, runs, wrap_text
from charrnn.views.plot import Plot, Point2D
from charrnn.views.sanitize import escape_html, sanitize

# Heat maps

# Pixels. Most monospace fonts are 0.6 as wide as high: 15 high fits columns of 9 even where a viewer
# ignores textLength.
_COLUMN, _ROW, _FONT, _BASELINE, _EDGE = 9, 20, 15, 15, 10
_STRIP, _GAP = 16, 2
_MARK_TOP, _MARK_HEIGHT = 18, 2
_SCALE = np.arange(-colors.MAX_LEVEL, colors.MAX_LEVEL + 1)
_UNBROKEN = 1_000_000


def heatmap_svg(heatmap: Heatmap, *, columns: int = 80) -> str:
    """Draw a heat map as SVG in lines of so many columns, the labels of its cells included."""
    behind = len(heatmap.rows) == 1
    labels = [] if behind else [sanitize(row.label, keep="") for row in heatmap.rows]
    margin = label_width(labels, columns)
    strips = [colors.quantize(row.values) for row in heatmap.rows]
    page = _Page()
    if heatmap.title:
        page.write(heatmap.title)
        page.down(_ROW + _ROW // 2)
    for line in wrap_text(heatmap.text, columns - margin, page=True):
        if behind:
            page.color(line.spread(strips[0]), margin, _ROW)
        page.draw(line, margin)
        if heatmap.marks:
            page.underline(line.spread(heatmap.marks.holds), margin)
        page.down(_ROW)
        for label, strip in zip(labels, strips, strict=False):
            page.color(line.spread(strip), margin, _STRIP)
            page.write(label if margin else "", limit=margin - 1)
            page.down(_STRIP + _GAP)
        page.down(_ROW // 2 if labels else 0)
    page.down(_ROW // 2)
    _draw_legend(page, heatmap)
    return page.document(heatmap.title or "Activations", _description(heatmap))


def _draw_legend(page: _Page, heatmap: Heatmap) -> None:
    """Draw what the colours mean, and what is underlined."""
    column = page.write(_subject(heatmap)) + 2
    column = page.write("−1", column) + 1
    page.color(_SCALE, column, _ROW)
    page.write("0", column + colors.MAX_LEVEL)
    column = page.write("+1", column + len(_SCALE) + 1) + 2
    if heatmap.marks:
        page.underline(np.array([True]), column)
        page.write(heatmap.marks.label, column + 2)
    page.down(_ROW)


def _subject(heatmap: Heatmap) -> str:
    return f"{heatmap.signal} of {', '.join(row.label for row in heatmap.rows)}"


def _description(heatmap: Heatmap) -> str:
    colors = "orange below zero, blue above, white near it"
    marks = f"; underlined where {heatmap.marks.label} holds" if heatmap.marks else ""
    return f"{_subject(heatmap)} at each character of a text: {colors}{marks}."


class _Page:
    """The shapes so far, and how far down the next ones go. Columns are counted from the left edge."""

    def __init__(self) -> None:
        self.top = _EDGE
        self.columns = 0
        self.shades: defaultdict[str, list[str]] = defaultdict(list)
        self.underlines: list[str] = []
        self.words: list[str] = []

    def down(self, pixels: int) -> None:
        """Leave so many pixels for what has been drawn."""
        self.top += pixels

    def write(self, text: str, column: int = 0, *, limit: int = _UNBROKEN) -> int:
        """Draw as much of a text as fits in so many columns, and return the column after it."""
        line = next(wrap_text(sanitize(text, keep=""), limit, page=True), None)
        if line is None:
            return column
        self.draw(line, column)
        return column + line.columns

    def draw(self, line: Line, column: int) -> None:
        """Draw a line's glyphs, each stretch of one width held to its columns by its own textLength."""
        for (_, width), stretch in groupby(
            zip(line.glyphs, line.widths.tolist(), strict=True), key=lambda drawn: (drawn[0].isascii(), drawn[1])
        ):
            glyphs = [glyph for glyph, _ in stretch]
            self._words(glyphs, column, width)
            column += len(glyphs) * width
        self.columns = max(self.columns, column)

    def _words(self, glyphs: list[str], column: int, width: int) -> None:
        # Spaces at the ends have no ink, and some viewers drop them.
        words = "".join(glyphs).strip(" ")
        if not words:
            return
        inked = [index for index, glyph in enumerate(glyphs) if glyph != " "]
        left = self._left(column + inked[0] * width)
        length = (inked[-1] - inked[0] + 1) * width * _COLUMN
        position = f'x="{left}" y="{self.top + _BASELINE}" textLength="{length}"'
        self.words.append(f"<text {position}>{escape_html(words)}</text>")

    def color(self, levels: Values, column: int, height: int) -> None:
        """Draw a level behind each column from this one on; zero stays white."""
        for start, stop in runs(levels):
            if levels[start]:
                shade = colors.hex_color(int(levels[start]))
                self.shades[shade].append(self._rectangle(column + start, stop - start, self.top, height))

    def underline(self, holds: Values, column: int) -> None:
        """Draw a line under the columns where a concept holds."""
        for start, stop in runs(holds):
            if holds[start]:
                top = self.top + _MARK_TOP
                self.underlines.append(self._rectangle(column + start, stop - start, top, _MARK_HEIGHT))

    def _rectangle(self, column: int, columns: int, top: int, height: int) -> str:
        self.columns = max(self.columns, column + columns)
        return f'<rect x="{self._left(column)}" y="{top}" width="{columns * _COLUMN}" height="{height}"/>'

    def _left(self, column: int) -> int:
        return _EDGE + column * _COLUMN

    def document(self, title: str, description: str) -> str:
        """Return the whole picture."""
        width, height = self.columns * _COLUMN + 2 * _EDGE, self.top + _EDGE
        colors = [f'<g fill="{shade}">{"".join(drawn)}</g>' for shade, drawn in self.shades.items()]
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
                f' height="{height}" role="img">',
                f"<title>{escape_html(title)}</title>",
                f"<desc>{escape_html(description)}</desc>",
                f'<rect width="{width}" height="{height}" fill="#fff"/>',
                '<g shape-rendering="crispEdges">',
                *colors,
                *self.underlines,
                "</g>",
                f'<g xml:space="preserve" font-family="monospace" font-size="{_FONT}" fill="#000">',
                *self.words,
                "</g>",
                "</svg>\n",
            ]
        )


# Plots

COLORS = ("#1f6fb2", "#c45f00", "#2e7d32", "#7a3e9d", "#b3261e", "#4a4a4a")
"""of the curves on white, each readable as text too; the terminal's, but for their strength"""
DASHES = ("", "7 4", "2 3", "10 3 2 3", "5 2", "1 4")
"""of the curves, for those who see no colour"""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 340, 64, 24, 56, 52
"""pixels, and those around the field"""
LINE, LETTER, SAMPLE = 18, 7, 28
"""pixels: between lines of writing, about as wide as a letter, a piece of a curve beside its name"""
GRID, QUIET = "#e4e7ea", "#57606a"


def plot_svg(plot: Plot) -> str:
    """Draw a plot as SVG."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
            f' height="{HEIGHT}" role="img" font-family="sans-serif" font-size="13">',
            f"<title>{escape_html(plot.title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            f'<text x="{LEFT}" y="{TOP - 32}" font-size="15" font-weight="bold">{escape_html(plot.title)}</text>',
            *_axes(plot),
            *(shape for number in range(len(plot.curves)) for shape in _curve(plot, number)),
            *_legend(plot),
            "</svg>\n",
        ]
    )


def _axes(plot: Plot) -> Iterator[str]:
    """Draw a line across the field at each tick of the vertical axis, and a short one at those of the other."""
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value, label in plot.y_axis.ticks:
        _, y = _at((0, plot.y_axis.position(value)))
        yield f'<path d="M{LEFT} {y:.1f}H{right}" stroke="{GRID}"/>'
        yield _words(label, LEFT - 8, y + 4.5, anchor="end")
    for value, label in plot.x_axis.ticks:
        x, _ = _at((plot.x_axis.position(value), 0))
        yield f'<path d="M{x:.1f} {bottom}v5" stroke="{QUIET}"/>'
        yield _words(label, x, bottom + LINE + 2)
    yield f'<path d="M{LEFT} {bottom}H{right}" stroke="{QUIET}"/>'
    yield _words(plot.x_axis.label, (LEFT + right) / 2, bottom + 2 * LINE + 4, color=QUIET)
    yield _words(plot.y_axis.label, LEFT, TOP - 12, anchor="start", color=QUIET)


def _curve(plot: Plot, number: int) -> Iterator[str]:
    """Draw a curve's line, and a dot at each of its points if they have a mark."""
    curve = plot.curves[number]
    stretches = [list(map(_at, places)) for places in plot.segments(curve)]
    if curve.joined:
        # The last step back onto itself makes a dot of a lone point.
        path = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places) + "h0" for places in stretches)
        yield f'<path d="{path}" {_stroke(number)}/>'
    if curve.mark:
        for x, y in (place for places in stretches for place in places):
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_color(number)}"/>'


def _legend(plot: Plot) -> Iterator[str]:
    """Name the curves above the field, from its right end on."""
    x, y = WIDTH - RIGHT, TOP - 12
    for number, curve in reversed(list(enumerate(plot.curves))):
        if curve.label:
            yield _words(curve.label, x, y, anchor="end", color=_color(number))
            x -= LETTER * len(curve.label) + SAMPLE + 10
            yield f'<path d="M{x} {y - 4.5}h{SAMPLE}" {_stroke(number)}/>'
            x -= 2 * LETTER


def _at(place: Point2D) -> Point2D:
    """Turn a place in the field into pixels."""
    return LEFT + place[0] * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - place[1] * (HEIGHT - TOP - BOTTOM)


def _stroke(number: int) -> str:
    dash = DASHES[number % len(DASHES)]
    broken = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{_color(number)}" stroke-width="2" stroke-linecap="round"{broken}'


def _color(number: int) -> str:
    return COLORS[number % len(COLORS)]


def _words(text: str, x: float, y: float, *, anchor: str = "middle", color: str = "#1b1f23") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape_html(text)}</text>'
