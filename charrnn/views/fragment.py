"""A heat map as a piece of HTML for a notebook: no script, no address, nothing that a stricter notebook takes out.

Lines, glyphs and levels are those of the terminal's drawing; the value at a character shows where the mouse rests.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charrnn.views import palette
from charrnn.views.heatmap import Heatmap, HeatmapRow
from charrnn.views.layout import Line, label_width, wrap_text
from charrnn.views.markup import escape_html
from charrnn.views.terminal import sanitize

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
    digits = palette.digits(row.values[line.characters]).tolist()
    return "".join(
        _piece(str(digit) * width, width, _color(level), _value(row, value))
        for digit, width, level, value in zip(
            digits, line.widths.tolist(), *_levels_and_values(row, line), strict=True
        )
    )


def _levels_and_values(row: HeatmapRow, line: Line) -> tuple[list[int], list[float]]:
    here = row.values[line.characters]
    return palette.quantize(here).tolist(), here.tolist()


def _piece(glyphs: str, width: int, style: str, title: str = "") -> str:
    """Draw what stands for one character; all but ASCII in a box of its own, so that nothing moves what follows."""
    if not glyphs.isascii():
        box = f"display:inline-block;width:{width}ch;overflow:hidden;vertical-align:bottom;unicode-bidi:isolate"
        style = f"{box};{style}" if style else box
    attributes = (f' style="{style}"' if style else "") + (f' title="{escape_html(title)}"' if title else "")
    return f"<span{attributes}>{escape_html(glyphs)}</span>" if attributes else escape_html(glyphs)


def _color(level: int) -> str:
    return f"background-color:{palette.hex_color(level)};{_INK}" if level else ""


def _value(row: HeatmapRow, value: float) -> str:
    return f"{row.label}: {value:+.2f}"


def _legend(heatmap: Heatmap) -> str:
    """Draw what the colours and digits mean, and what is underlined."""
    scale = np.arange(-palette.MAX_LEVEL, palette.MAX_LEVEL + 1)
    colors = "".join(_piece(" " if level else "0", 1, _color(level)) for level in scale.tolist())
    digits = "" if len(heatmap.rows) == 1 else ", digits 0 … 4 below zero, 5 … 9 not"
    mark = f"  underlined: {heatmap.marks.label}" if heatmap.marks else ""
    names = ", ".join(row.label for row in heatmap.rows)
    return f"{escape_html(heatmap.signal)} of {escape_html(names)}  −1 {colors} +1{digits}{escape_html(mark)}"
