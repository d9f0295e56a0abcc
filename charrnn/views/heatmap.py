"""Heat maps of activations over the characters of a text, for a terminal or a notebook."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from rich.cells import set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from charrnn.arguments import whole_number
from charrnn.inspection.concepts import Concept, ParsedText
from charrnn.inspection.search.concept_occurrences import is_on, on_label
from charrnn.views import colors
from charrnn.views.formatting import format_number
from charrnn.views.layout import (
    MAX_LINE_COLUMNS,
    HeatmapData,
    HeatmapRow,
    Line,
    Marks,
    label_width,
    one_line,
    runs,
    wrap_text,
)
from charrnn.views.sanitize import ascii_signs, escape_html, sanitize, unicode_output

__all__ = ["Heatmap", "HeatmapRow", "Marks", "heatmap_html", "marks_of"]

Row: TypeAlias = Iterator[Segment]
WHOLE_TEXT = slice(None)


def marks_of(concept: Concept, parsed: ParsedText, text_range: slice = WHOLE_TEXT) -> Marks:
    """Return the marks of the characters at which a concept holds, in a range of a text."""
    return Marks(label=on_label(concept), holds=is_on(concept, concept.mark(parsed))[text_range])


@dataclass(frozen=True, kw_only=True, eq=False)
class Heatmap(HeatmapData):
    """A text with a row of activations for each cell, which draws itself on a terminal, as HTML and as SVG.

    A single cell colors the text itself; several cells have a strip each below it. Without color a strip consists of
    digits, 0 to 9 for -1 to +1. Raise ValueError if rows and text differ in length.
    """

    light: bool = False
    """whether the terminal's background is light"""

    def to_svg(self, *, columns: int = 80) -> str:
        """Return the drawing as an SVG picture, in lines of so many columns, such as `inspect --svg` writes.

        >>> heatmap = Heatmap(text="ab", rows=(HeatmapRow(label="1.0", values=np.array([0.5, -1])),), signal="h")
        >>> heatmap.to_svg().startswith("<svg ")
        True
        """
        from charrnn.views.svg import heatmap_svg

        return heatmap_svg(self, columns=whole_number(columns, "columns", low=1, high=MAX_LINE_COLUMNS))

    def __str__(self) -> str:
        """Return the drawing without color, 80 columns wide."""
        console = Console(file=io.StringIO(), width=80, color_system=None, _environ={})
        with console.capture() as capture:
            console.print(self)
        return capture.get().rstrip("\n")

    def _repr_html_(self) -> str:
        """Return the drawing as HTML for a notebook."""
        return heatmap_html(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = min(max(options.max_width, 1), MAX_LINE_COLUMNS)
        color_system = None if console.no_color else console.color_system
        drawing = _Drawing(
            heatmap=self,
            columns=columns,
            unicode=unicode_output(console),
            styles=colors.diverging_styles(color_system, light=self.light) if color_system else None,
        )
        folded = options.update(width=columns, overflow="fold", no_wrap=False)
        if self.title:
            yield from console.render(drawing.title(), folded)
        yield from drawing.blocks()
        yield from console.render(drawing.legend(), folded)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Drawing:
    """A heat map with the properties of a terminal."""

    heatmap: Heatmap
    columns: int
    unicode: bool
    styles: tuple[Style, ...] | None
    """style of each level; None without color"""

    def blocks(self) -> Row:
        """Yield each line of the text with the marks and strips below it."""
        colors_text = self.styles is not None and len(self.heatmap.rows) == 1
        labels = [] if colors_text else [self.sanitized(row.label) for row in self.heatmap.rows]
        margin = label_width(labels, self.columns)
        strips = [self.quantized(row) for row in self.heatmap.rows]
        for line in wrap_text(self.heatmap.text, self.columns - margin, unicode=self.unicode):
            yield Segment(" " * margin)
            yield from self.colored_text(line, strips[0]) if colors_text else self.plain_text(line)
            yield from self.marks(line, margin)
            for label, strip in zip(labels, strips, strict=False):
                yield Segment(set_cell_size(label, margin - 1) + " " if margin else "")
                yield from self.strip(line, strip)

    def quantized(self, row: HeatmapRow) -> colors.Levels:
        """Return the values of a strip: levels with color, digits without."""
        return colors.digits(row.values, row.low) if self.styles is None else colors.quantize(row.values)

    def plain_text(self, line: Line) -> Row:
        """Yield a line of text."""
        yield Segment("".join(line.glyphs))
        yield Segment.line()

    def colored_text(self, line: Line, levels: colors.Levels) -> Row:
        """Yield a line of text with its levels as background."""
        assert self.styles is not None
        line_levels = levels[line.characters]
        for start, stop in runs(line_levels):
            yield Segment("".join(line.glyphs[start:stop]), self.styles[line_levels[start] + colors.MAX_LEVEL])
        yield Segment.line()

    def strip(self, line: Line, quantized: colors.Levels) -> Row:
        """Yield the levels of a cell as colored columns, or its digits."""
        levels = line.by_column(quantized)
        if self.styles is None:
            yield Segment((levels + ord("0")).astype(np.uint8).tobytes().decode("ascii"))
        else:
            for start, stop in runs(levels):
                yield Segment(" " * (stop - start), self.styles[levels[start] + colors.MAX_LEVEL])
        yield Segment.line()

    def marks(self, line: Line, margin: int) -> Row:
        """Yield a row that underlines the concept, if it holds anywhere in the line."""
        if self.heatmap.marks is None or not self.heatmap.marks.holds[line.characters].any():
            return
        holds = line.by_column(self.heatmap.marks.holds)
        yield Segment(" " * margin + "".join(np.where(holds, self.mark, " ")).rstrip())
        yield Segment.line()

    @property
    def mark(self) -> str:
        """Return the sign that underlines."""
        return "▔" if self.unicode else "^"

    def title(self) -> Text:
        """Return the line above the drawing."""
        return Text(self.sanitized(ascii_signs(self.heatmap.title, unicode=self.unicode)), style="bold")

    def legend(self) -> Text:
        """Return the legend: signal, scale of colors or digits, and underlined concept."""
        legend = Text(self.subject())
        if self.styles is None:
            legend.append(f": {colors.digits_legend(unicode=self.unicode)}")
            if gates := self.sanitized(self.heatmap.gate_labels):
                legend.append(ascii_signs(f"; {gates}: 0 … 9 for 0 … 1", unicode=self.unicode))
        else:
            legend.append("  ").append_text(colors.diverging_legend(self.styles, unicode=self.unicode))
        if self.heatmap.marks:
            legend.append(f"  {self.mark} {self.sanitized(self.heatmap.marks.label)}")
        return legend

    def subject(self) -> str:
        """Return what the rows are, for the legend; without the names of cells that are labels of the rows."""
        labels = [self.sanitized(row.label) for row in self.heatmap.rows]
        has_labels, subject = bool(label_width(labels, self.columns)), self.sanitized(self.heatmap.subject)
        if len(labels) == 1:
            return subject
        if not has_labels:
            return f"{subject}, from top to bottom"
        return subject if self.heatmap.cell else self.sanitized(self.heatmap.signal)

    def sanitized(self, text: str) -> str:
        """Return a sanitized name."""
        return one_line(text, unicode=self.unicode)


# HTML for a notebook, without scripts and addresses, which strict notebooks remove. Lines, glyphs and levels are
# those of the terminal; a tooltip shows the value at a character.

COLUMNS = 100
"""columns of a line, with its label"""
_PAPER = "background-color:#fff;color:#000;padding:8px;line-height:1.4;overflow-x:auto"
_INK = "color:#000"
_MARKED = "text-decoration:underline;text-decoration-thickness:2px"


def heatmap_html(heatmap: Heatmap) -> str:
    """Return a heat map as HTML; a single cell colors the text, several cells have a strip of digits each."""
    return f'<pre style="{_PAPER}">{"".join(_html_lines(heatmap))}</pre>'


def _html_lines(heatmap: Heatmap) -> Iterator[str]:
    """Yield the lines of the drawing as HTML."""
    colors_text = len(heatmap.rows) == 1
    labels = [] if colors_text else [sanitize(row.label, keep="") for row in heatmap.rows]
    margin = label_width(labels, COLUMNS)
    if heatmap.title:
        yield f"<b>{escape_html(heatmap.title)}</b>\n"
    for line in wrap_text(heatmap.text, COLUMNS - margin, page=True):
        yield " " * margin + _text_html(heatmap, line, heatmap.rows[0] if colors_text else None) + "\n"
        for label, row in zip(labels, heatmap.rows, strict=False):
            yield escape_html(label[: margin - 1].ljust(margin)) + _strip_html(row, line) + "\n"
    yield _legend(heatmap)


def _text_html(heatmap: Heatmap, line: Line, row: HeatmapRow | None) -> str:
    """Return a line of characters, colored by `row` if it is given, underlined where the concept holds."""
    holds = np.zeros(len(heatmap.text), dtype=bool) if heatmap.marks is None else heatmap.marks.holds
    marks = [_MARKED if marked else "" for marked in holds[line.characters].tolist()]
    if row is None:
        return "".join(map(_span, line.glyphs, line.widths.tolist(), marks))
    return "".join(
        _span(glyph, width, ";".join(filter(None, (_color(level), mark))), _value(row, value))
        for glyph, width, mark, level, value in zip(
            line.glyphs, line.widths.tolist(), marks, *_levels_and_values(row, line), strict=True
        )
    )


def _strip_html(row: HeatmapRow, line: Line) -> str:
    """Return the strip of a cell: a colored digit for each character."""
    digits = colors.digits(row.values[line.characters], row.low).tolist()
    return "".join(
        _span(str(digit) * width, width, _color(level), _value(row, value))
        for digit, width, level, value in zip(
            digits, line.widths.tolist(), *_levels_and_values(row, line), strict=True
        )
    )


def _levels_and_values(row: HeatmapRow, line: Line) -> tuple[list[int], list[float]]:
    values = row.values[line.characters]
    return colors.quantize(values).tolist(), values.tolist()


def _span(glyphs: str, width: int, style: str, title: str = "") -> str:
    """Return the HTML of a character; if not ASCII, in a box of fixed width, so that columns stay aligned."""
    if not glyphs.isascii():
        box = f"display:inline-block;width:{width}ch;overflow:hidden;vertical-align:bottom;unicode-bidi:isolate"
        style = f"{box};{style}" if style else box
    attributes = (f' style="{style}"' if style else "") + (f' title="{escape_html(title)}"' if title else "")
    return f"<span{attributes}>{escape_html(glyphs)}</span>" if attributes else escape_html(glyphs)


def _color(level: int) -> str:
    return f"background-color:{colors.hex_color(level)};{_INK}" if level else ""


def _value(row: HeatmapRow, value: float) -> str:
    return f"{row.label}: {format_number(value, '+z.2f')}"


def _legend(heatmap: Heatmap) -> str:
    """Return the legend as HTML: signal, scale of colors and digits, and underlined concept."""
    scale = np.arange(-colors.MAX_LEVEL, colors.MAX_LEVEL + 1)
    scale_html = "".join(_span(" " if level else "0", 1, _color(level)) for level in scale.tolist())
    digits = "" if len(heatmap.rows) == 1 else ", digits 0 … 4 below zero, 5 … 9 not"
    digits += f"; {heatmap.gate_labels}: 0 … 9 for 0 … 1" if digits and heatmap.gate_labels else ""
    mark = f"  underlined: {heatmap.marks.label}" if heatmap.marks else ""
    return f"{escape_html(heatmap.subject)}  −1 {scale_html} +1{escape_html(digits + mark)}"
