"""A heat map as a self-contained SVG: no script, no font of its own, no address but its format's name.

Lines, glyphs and levels are those of the terminal's drawing; the page is white and brings its own background.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby

import numpy as np

from charrnn.views import palette
from charrnn.views.heatmap import Heatmap
from charrnn.views.layout import Line, Values, label_width, runs, wrap_text
from charrnn.views.markup import escape_html
from charrnn.views.terminal import sanitize

# Pixels. Most monospace fonts are 0.6 as wide as high: 15 high fits columns of 9 even where a viewer
# ignores textLength.
_COLUMN, _ROW, _FONT, _BASELINE, _EDGE = 9, 20, 15, 15, 10
_STRIP, _GAP = 16, 2
_MARK_TOP, _MARK_HEIGHT = 18, 2
_SCALE = np.arange(-palette.MAX_LEVEL, palette.MAX_LEVEL + 1)
_UNBROKEN = 1_000_000


def heatmap_svg(heatmap: Heatmap, *, columns: int = 80) -> str:
    """Draw a heat map as SVG in lines of so many columns, the labels of its cells included."""
    behind = len(heatmap.rows) == 1
    labels = [] if behind else [sanitize(row.label, keep="") for row in heatmap.rows]
    margin = label_width(labels, columns)
    strips = [palette.quantize(row.values) for row in heatmap.rows]
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
    page.write("0", column + palette.MAX_LEVEL)
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
                shade = palette.hex_color(int(levels[start]))
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
