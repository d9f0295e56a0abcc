"""Heat maps: a text with the activations of cells at each of its characters, for a terminal or a notebook."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.cells import set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from charrnn.views import colors
from charrnn.views.layout import MAX_LINE_COLUMNS, Line, label_width, one_line, runs, wrap_text
from charrnn.views.sanitize import escape_html, sanitize, unicode_output

Row: TypeAlias = Iterator[Segment]


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatmapRow:
    """What one cell does over a text of T characters."""

    label: str
    """The cell's name, such as "1.34"."""
    values: NDArray[np.floating]
    """Its activation after reading each character, (T,), finite; drawn as if within [-1, 1]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Marks:
    """Where a concept holds in a text of T characters."""

    label: str
    """The concept's name."""
    holds: NDArray[np.bool_]
    """Whether it holds at each character, (T,)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Heatmap:
    """A text with a row of activations for each cell shown.

    One cell colours the text itself, several draw a strip each below it; without colour a strip is made of
    digits, 0 to 9 for -1 to +1. A ValueError says that rows and text do not fit.
    """

    text: str
    """The text as it was read, T characters; made harmless when drawn."""
    rows: tuple[HeatmapRow, ...]
    """The cells, from top to bottom."""
    signal: str
    """What the values are, such as "tanh(c)" or "h"; the legend says it."""
    marks: Marks | None = None
    """Where a concept holds, to be compared with the cells."""
    title: str = ""
    """A line above the drawing; empty for none."""
    light: bool = False
    """Whether the terminal's background is light."""

    def __post_init__(self) -> None:
        expected = (len(self.text),)
        if not self.rows:
            raise ValueError("a heat map needs a row")
        if any(row.values.shape != expected or not np.isfinite(row.values).all() for row in self.rows):
            raise ValueError(f"every row must have {len(self.text)} finite values, one a character")
        if self.marks and self.marks.holds.shape != expected:
            raise ValueError(f"marks must say yes or no for each of {len(self.text)} characters")

    def __str__(self) -> str:
        """Draw without colour, 80 columns wide: what Python's own print shows."""
        console = Console(file=io.StringIO(), width=80, color_system=None, _environ={})
        with console.capture() as capture:
            console.print(self)
        return capture.get().rstrip("\n")

    def _repr_html_(self) -> str:
        """Draw for a notebook."""
        return heatmap_html(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = min(max(options.max_width, 1), MAX_LINE_COLUMNS)
        depth = None if console.no_color else console.color_system
        drawing = _Drawing(
            heatmap=self,
            columns=columns,
            unicode=unicode_output(console),
            styles=colors.diverging_styles(depth, light=self.light) if depth else None,
        )
        folded = options.update(width=columns, overflow="fold", no_wrap=False)
        if self.title:
            yield from console.render(drawing.title(), folded)
        yield from drawing.blocks()
        yield from console.render(drawing.legend(), folded)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Drawing:
    """A heat map on one terminal."""

    heatmap: Heatmap
    columns: int
    unicode: bool
    styles: tuple[Style, ...] | None
    """A style for each level; None without colour."""

    def blocks(self) -> Row:
        """Yield each line of the text with what belongs below it."""
        behind = self.styles is not None and len(self.heatmap.rows) == 1
        labels = [] if behind else [self.shown(row.label) for row in self.heatmap.rows]
        margin = label_width(labels, self.columns)
        strips = [self.quantized(row) for row in self.heatmap.rows]
        for line in wrap_text(self.heatmap.text, self.columns - margin, unicode=self.unicode):
            yield Segment(" " * margin)
            yield from self.colored_text(line, strips[0]) if behind else self.plain_text(line)
            yield from self.marks(line, margin)
            for label, strip in zip(labels, strips, strict=False):
                yield Segment(set_cell_size(label, margin - 1) + " " if margin else "")
                yield from self.strip(line, strip)

    def quantized(self, row: HeatmapRow) -> colors.Levels:
        """Quantise a row to what its strip shows: levels in colour, digits without."""
        return colors.digits(row.values) if self.styles is None else colors.quantize(row.values)

    def plain_text(self, line: Line) -> Row:
        """Yield the text alone."""
        yield Segment("".join(line.glyphs))
        yield Segment.line()

    def colored_text(self, line: Line, levels: colors.Levels) -> Row:
        """Yield the text with its levels behind it."""
        assert self.styles is not None
        here = levels[line.characters]
        for start, stop in runs(here):
            yield Segment("".join(line.glyphs[start:stop]), self.styles[here[start] + colors.MAX_LEVEL])
        yield Segment.line()

    def strip(self, line: Line, quantized: colors.Levels) -> Row:
        """Yield one cell's levels as coloured columns, or its digits."""
        spread = line.spread(quantized)
        if self.styles is None:
            yield Segment((spread + ord("0")).astype(np.uint8).tobytes().decode("ascii"))
        else:
            for start, stop in runs(spread):
                yield Segment(" " * (stop - start), self.styles[spread[start] + colors.MAX_LEVEL])
        yield Segment.line()

    def marks(self, line: Line, margin: int) -> Row:
        """Yield a row that underlines where the concept holds; none where it does not."""
        if self.heatmap.marks is None or not self.heatmap.marks.holds[line.characters].any():
            return
        holds = line.spread(self.heatmap.marks.holds)
        yield Segment(" " * margin + "".join(np.where(holds, self.mark, " ")).rstrip())
        yield Segment.line()

    @property
    def mark(self) -> str:
        """What underlines."""
        return "▔" if self.unicode else "^"

    def title(self) -> Text:
        """Return the line above."""
        return Text(self.shown(self.heatmap.title), style="bold")

    def legend(self) -> Text:
        """Return the line below: which signal, what colours or digits mean, what is underlined."""
        least, greatest, to = ("−1", "+1", "…") if self.unicode else ("-1", "+1", "..")
        legend = Text(self.shown(self.heatmap.signal) + self.names())
        if self.styles is None:
            legend.append(f": digits 0 {to} 9 for {least} {to} {greatest}, 0 to 4 below zero")
        else:
            legend.append(f"  {least} ")
            for level, style in enumerate(self.styles, -colors.MAX_LEVEL):
                legend.append(" " if level else "0", style)
            legend.append(f" {greatest}")
        if self.heatmap.marks:
            legend.append(f"  {self.mark} {self.shown(self.heatmap.marks.label)}")
        return legend

    def names(self) -> str:
        """Return the cells' names where the drawing itself has no room for them."""
        labels = [self.shown(row.label) for row in self.heatmap.rows]
        if len(labels) == 1:
            return f" of {labels[0]}"
        return "" if label_width(labels, self.columns) else f" of {', '.join(labels)}, from top to bottom"

    def shown(self, text: str) -> str:
        """Make a name harmless."""
        return one_line(text, unicode=self.unicode)


# HTML for a notebook: no script, no address, nothing that a strict notebook removes. Lines, glyphs and levels are
# those of the terminal's drawing; the value at a character is shown where the pointer rests.

COLUMNS = 100
"""of a line, labels and all"""
_PAPER = "background-color:#fff;color:#000;padding:8px;line-height:1.4;overflow-x:auto"
_INK = "color:#000"
_MARKED = "text-decoration:underline;text-decoration-thickness:2px"


def heatmap_html(heatmap: Heatmap) -> str:
    """Draw a heat map; one cell colours the text itself, several have a strip of digits each below it."""
    return f'<pre style="{_PAPER}">{"".join(_drawn(heatmap))}</pre>'


def _drawn(heatmap: Heatmap) -> Iterator[str]:
    """Yield the drawing line by line."""
    behind = len(heatmap.rows) == 1
    labels = [] if behind else [sanitize(row.label, keep="") for row in heatmap.rows]
    margin = label_width(labels, COLUMNS)
    if heatmap.title:
        yield f"<b>{escape_html(heatmap.title)}</b>\n"
    for line in wrap_text(heatmap.text, COLUMNS - margin, page=True):
        yield " " * margin + _text(heatmap, line, heatmap.rows[0] if behind else None) + "\n"
        for label, row in zip(labels, heatmap.rows, strict=False):
            yield escape_html(label[: margin - 1].ljust(margin)) + _strip(row, line) + "\n"
    yield _legend(heatmap)


def _text(heatmap: Heatmap, line: Line, row: HeatmapRow | None) -> str:
    """Draw a line's characters, the cell behind them if there is but one, underlined where the concept holds."""
    holds = np.zeros(len(heatmap.text), dtype=bool) if heatmap.marks is None else heatmap.marks.holds
    marks = [_MARKED if marked else "" for marked in holds[line.characters].tolist()]
    if row is None:
        return "".join(map(_piece, line.glyphs, line.widths.tolist(), marks))
    return "".join(
        _piece(glyph, width, ";".join(filter(None, (_color(level), mark))), _value(row, value))
        for glyph, width, mark, level, value in zip(
            line.glyphs, line.widths.tolist(), marks, *_levels_and_values(row, line), strict=True
        )
    )


def _strip(row: HeatmapRow, line: Line) -> str:
    """Draw what a cell does below a line: a digit in its colour for each character."""
    digits = colors.digits(row.values[line.characters]).tolist()
    return "".join(
        _piece(str(digit) * width, width, _color(level), _value(row, value))
        for digit, width, level, value in zip(
            digits, line.widths.tolist(), *_levels_and_values(row, line), strict=True
        )
    )


def _levels_and_values(row: HeatmapRow, line: Line) -> tuple[list[int], list[float]]:
    here = row.values[line.characters]
    return colors.quantize(here).tolist(), here.tolist()


def _piece(glyphs: str, width: int, style: str, title: str = "") -> str:
    """Draw what stands for one character; all but ASCII in a box of its own, so that nothing moves what follows."""
    if not glyphs.isascii():
        box = f"display:inline-block;width:{width}ch;overflow:hidden;vertical-align:bottom;unicode-bidi:isolate"
        style = f"{box};{style}" if style else box
    attributes = (f' style="{style}"' if style else "") + (f' title="{escape_html(title)}"' if title else "")
    return f"<span{attributes}>{escape_html(glyphs)}</span>" if attributes else escape_html(glyphs)


def _color(level: int) -> str:
    return f"background-color:{colors.hex_color(level)};{_INK}" if level else ""


def _value(row: HeatmapRow, value: float) -> str:
    return f"{row.label}: {value:+.2f}"


def _legend(heatmap: Heatmap) -> str:
    """Draw what the colours and digits mean, and what is underlined."""
    scale = np.arange(-colors.MAX_LEVEL, colors.MAX_LEVEL + 1)
    scale_html = "".join(_piece(" " if level else "0", 1, _color(level)) for level in scale.tolist())
    digits = "" if len(heatmap.rows) == 1 else ", digits 0 … 4 below zero, 5 … 9 not"
    mark = f"  underlined: {heatmap.marks.label}" if heatmap.marks else ""
    names = ", ".join(row.label for row in heatmap.rows)
    return f"{escape_html(heatmap.signal)} of {escape_html(names)}  −1 {scale_html} +1{digits}{escape_html(mark)}"
