"""Texts side by side, each under its heading; one under the other where there is no room, or no terminal.

What stands in them is left to those who write them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from charrnn.views.layout import Line, one_line, wrap_text
from charrnn.views.terminal import ascii_signs, sanitize, unicode_output

NARROWEST = 16
"""columns of a text; narrower ones are hard to read"""
GAP = 2


@dataclass(frozen=True, kw_only=True)
class TextColumn:
    """One of the texts."""

    heading: str
    notes: tuple[str, ...]
    """a line each: what there is to say of it"""
    text: str
    dim_from: int | None = None
    """the character from which on it is only what was there before"""


@dataclass(frozen=True, kw_only=True)
class SideBySideTexts:
    """Texts side by side."""

    title: str
    columns: tuple[TextColumn, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw them."""
        unicode, count = unicode_output(console), len(self.columns)
        width = (options.max_width - GAP * (count - 1)) // count
        yield Text(one_line(ascii_signs(self.title, unicode=unicode), unicode=unicode), style="dim")
        yield Text()
        if console.is_terminal and width >= NARROWEST:
            yield from self._side_by_side(width, unicode)
        else:
            yield from self._stacked(unicode)

    def _side_by_side(self, width: int, unicode: bool) -> Iterator[Text]:
        drawn = [[*_head(column, width, unicode), *_body(column, width, unicode)] for column in self.columns]
        for cells in zip_longest(*drawn, fillvalue=Text()):
            row = Text(no_wrap=True)
            for number, cell in enumerate(cells):
                row.append_text(cell)
                if number < len(cells) - 1:
                    row.append(" " * (width - cell.cell_len + GAP))
            yield row

    def _stacked(self, unicode: bool) -> Iterator[Text]:
        for number, column in enumerate(self.columns):
            heading = " · ".join([column.heading, *filter(None, column.notes)])
            if number:
                yield Text()
            yield Text(sanitize(ascii_signs(heading, unicode=unicode), unicode=unicode), style="bold")
            text = Text(sanitize(column.text, unicode=unicode))
            if column.dim_from is not None:
                text.stylize("dim", len(sanitize(column.text[: column.dim_from], unicode=unicode)))
            yield text


def _head(column: TextColumn, width: int, unicode: bool) -> Iterator[Text]:
    for number, line in enumerate([column.heading, *column.notes, ""]):
        shown = Text(sanitize(ascii_signs(line, unicode=unicode), unicode=unicode), style="dim" if number else "bold")
        shown.truncate(width)
        yield shown


def _body(column: TextColumn, width: int, unicode: bool) -> Iterator[Text]:
    for line in wrap_text(column.text, width, unicode=unicode):
        yield _drawn(line, column.dim_from)


def _drawn(line: Line, dim_from: int | None) -> Text:
    """Draw a line, dim from a character of the text on."""
    bright_count = len(line.glyphs) if dim_from is None else min(max(dim_from - line.start, 0), len(line.glyphs))
    drawn = Text("".join(line.glyphs[:bright_count]))
    return drawn.append("".join(line.glyphs[bright_count:]), style="dim")
