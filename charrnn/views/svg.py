"""Self-contained SVG images of heat maps, without scripts, fonts and addresses, on a white background.

Lines, glyphs and levels are those of the terminal.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from charrnn.views import colors
from charrnn.views.layout import CARRIER, HeatmapData, Line, Values, label_width, runs, wrap_text
from charrnn.views.sanitize import escape_html, sanitize

# Pixels. Most monospace fonts are 0.6 times as wide as high: a font size of 15 fits columns of 9, even if a viewer
# ignores textLength.
_COLUMN, _ROW, _FONT, _BASELINE, _EDGE = 9, 20, 15, 15, 10
_STRIP, _GAP = 16, 2
_MARK_TOP, _MARK_HEIGHT = 18, 2
_SCALE = np.arange(-colors.MAX_LEVEL, colors.MAX_LEVEL + 1)
_UNLIMITED_COLUMNS = 1_000_000
_FIRST_COMPLEX = "\N{HEBREW ACCENT ETNAHTA}"
"""first of the characters that viewers may reorder, join or combine; of those before it, only marks may be"""
_FIRST_PICTOGRAPH = "\N{MAHJONG TILE EAST WIND}"
"""first of the pictographs; the wide characters before it are ideographs, kana and syllables"""


class _Page:
    """The shapes drawn so far, and the vertical position of the next ones. Columns are counted from the left edge."""

    def __init__(self) -> None:
        self.top = _EDGE
        self.columns = 0
        self.shades: defaultdict[str, list[str]] = defaultdict(list)
        self.underlines: list[str] = []
        self.words: list[str] = []

    def down(self, pixels: int) -> None:
        """Move the position of the next shapes down by `pixels`."""
        self.top += pixels

    def write(self, text: str, column: int = 0, *, limit: int = _UNLIMITED_COLUMNS) -> int:
        """Draw as much of a text as fits in `limit` columns, in its reading order; return the column after it."""
        line = next(wrap_text(sanitize(text, keep=""), limit, page=True), None)
        if line is None:
            return column
        self._run(line.glyphs, line.widths.tolist(), column)
        self.columns = max(self.columns, column + line.columns)
        return column + line.columns

    def draw(self, line: Line, column: int) -> None:
        """Draw each glyph of a line over its own columns, from left to right."""
        glyphs = zip(line.glyphs, line.widths.tolist(), strict=True)
        for (is_single, _, width), run in groupby(glyphs, key=_run_key):
            drawn = [glyph for glyph, _ in run]
            if is_single:
                for index, glyph in enumerate(drawn):
                    self._single(glyph, column + index * width, width)
            else:
                self._run(drawn, [width] * len(drawn), column)
            column += len(drawn) * width
        self.columns = max(self.columns, column)

    def _run(self, glyphs: Sequence[str], widths: Sequence[int], column: int) -> None:
        """Draw glyphs as one text, whose width textLength fixes."""
        # Some viewers drop spaces at the ends.
        visible = [index for index, glyph in enumerate(glyphs) if glyph != " "]
        if not visible:
            return
        first, last = visible[0], visible[-1] + 1
        column += sum(widths[:first])
        length = sum(widths[first:last])
        self._text("".join(glyphs[first:last]), f'x="{self._left(column)}"', length * _COLUMN)

    def _single(self, glyph: str, column: int, width: int) -> None:
        """Draw one glyph in the middle of its columns."""
        middle = self._left(column) + width * _COLUMN / 2
        # Few monospace fonts place a combining mark on its carrier.
        font = ' font-family="sans-serif"' if glyph.startswith(CARRIER) else ""
        self._text(glyph, f'x="{middle:g}" text-anchor="middle"{font}')

    def _text(self, words: str, position: str, length: int = 0) -> None:
        fixed = f' textLength="{length}"' if length else ""
        self.words.append(f'<text {position} y="{self.top + _BASELINE}"{fixed}>{escape_html(words)}</text>')

    def color(self, levels: Values, column: int, height: int) -> None:
        """Draw the levels as backgrounds of the columns from `column` on; zero stays white."""
        for start, stop in runs(levels):
            if levels[start]:
                shade = colors.hex_color(int(levels[start]))
                self.shades[shade].append(self._rectangle(column + start, stop - start, self.top, height))

    def underline(self, holds: Values, column: int) -> None:
        """Underline the columns at which a concept holds."""
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
        """Return the SVG document."""
        width, height = self.columns * _COLUMN + 2 * _EDGE, self.top + _EDGE
        colors = [f'<g fill="{shade}">{"".join(rectangles)}</g>' for shade, rectangles in self.shades.items()]
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
                f'<g xml:space="preserve" font-family="monospace" font-size="{_FONT}" fill="#000" direction="ltr">',
                *self.words,
                "</g>",
                "</svg>\n",
            ]
        )


def _run_key(glyph: tuple[str, int]) -> tuple[bool, bool, int]:
    """Return whether a glyph is drawn by itself, whether it is ASCII, and its width; equal ones may form a run.

    In a run, a viewer reverses right-to-left letters, joins the letters of some scripts, and combines marks and
    flags, so that they would leave their columns.
    """
    character, width = glyph
    is_plain = character[0] < _FIRST_COMPLEX or (width == 2 and character[0] < _FIRST_PICTOGRAPH)
    return not is_plain, character.isascii(), width


def heatmap_svg(heatmap: HeatmapData, *, columns: int = 80) -> str:
    """Return a heat map as SVG, in lines of `columns` columns that include the labels of the cells."""
    colors_text = len(heatmap.rows) == 1
    labels = [] if colors_text else [sanitize(row.label, keep="") for row in heatmap.rows]
    margin = label_width(labels, columns)
    strips = [colors.quantize(row.values) for row in heatmap.rows]
    page = _Page()
    for line in wrap_text(sanitize(heatmap.title, keep=""), columns, page=True):
        page.write("".join(line.glyphs))
        page.down(_ROW)
    page.down(_ROW // 2 if heatmap.title else 0)
    for line in wrap_text(heatmap.text, columns - margin, page=True):
        if colors_text:
            page.color(line.by_column(strips[0]), margin, _ROW)
        page.draw(line, margin)
        if heatmap.marks:
            page.underline(line.by_column(heatmap.marks.holds), margin)
        page.down(_ROW)
        for label, strip in zip(labels, strips, strict=False):
            page.color(line.by_column(strip), margin, _STRIP)
            page.write(label if margin else "", limit=margin - 1)
            page.down(_STRIP + _GAP)
        page.down(_ROW // 2 if labels else 0)
    page.down(_ROW // 2)
    _draw_legend(page, heatmap)
    return page.document(heatmap.title or "Activations", _description(heatmap))


def _draw_legend(page: _Page, heatmap: HeatmapData) -> None:
    """Draw the scale of the colors and the underlined concept."""
    column = page.write(heatmap.subject) + 2
    column = page.write("−1", column) + 1
    page.color(_SCALE, column, _ROW)
    page.write("0", column + colors.MAX_LEVEL)
    column = page.write("+1", column + len(_SCALE) + 1) + 2
    if heatmap.marks:
        page.underline(np.array([True]), column)
        page.write(heatmap.marks.label, column + 2)
    page.down(_ROW)


def _description(heatmap: HeatmapData) -> str:
    colors = "orange below zero, blue above, white near it"
    marks = f"; underlined where {heatmap.marks.label} holds" if heatmap.marks else ""
    return f"{heatmap.subject} at each character of a text: {colors}{marks}."
