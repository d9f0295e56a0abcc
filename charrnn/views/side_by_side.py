"""Texts side by side, each under its heading; below each other on narrow screens and in pipes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from charrnn.views.layout import MAX_LINE_COLUMNS, Line, one_line, runs, wrap_text
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output
from charrnn.views.value_scale import ValueScale

MIN_TEXT_COLUMNS = 16
"""minimum columns of a text side by side with others"""
GAP = 2
"""blank columns between two texts"""


@dataclass(frozen=True, kw_only=True)
class TextColumn:
    """One of several texts side by side."""

    heading: str
    notes: tuple[str, ...]
    """lines below the heading"""
    text: str
    dim_from: int | None = None
    """index of the character from which the text is dimmed; None: nowhere"""
    values: NDArray[np.floating] | None = None
    """value of each character, which a terminal shows as a color or as a digit; None: plain text"""


@dataclass(frozen=True, kw_only=True)
class SideBySideTexts:
    """Texts side by side."""

    title: str
    columns: tuple[TextColumn, ...]
    scale: ValueScale | None = None
    """scale of the values of all columns"""
    light: bool = False
    """whether the terminal's background is light"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the texts side by side on a wide terminal, below each other elsewhere."""
        unicode, count = unicode_output(console), len(self.columns)
        width = (options.max_width - GAP * (count - 1)) // count
        yield Text(one_line(ascii_signs(self.title, unicode=unicode), unicode=unicode), style="dim")
        yield Text()
        body = self._body_of(console)
        if console.is_terminal and width >= MIN_TEXT_COLUMNS:
            yield from self._side_by_side(width, unicode, body)
        elif console.is_terminal and self.scale:
            yield from self._stacked(unicode, lambda column: body(column, min(options.max_width, MAX_LINE_COLUMNS)))
        else:
            yield from self._stacked(unicode, partial(_unwrapped, unicode=unicode))

    def _body_of(self, console: Console) -> "Body":
        """Return the function that draws the text of a column in lines of a width."""
        unicode, color_system = unicode_output(console), None if console.no_color else console.color_system
        if self.scale is None:
            return partial(_body, unicode=unicode)
        styles = self.scale.styles(color_system, light=self.light) if color_system else None
        return partial(_shown_body, unicode=unicode, scale=self.scale, styles=styles)

    def _side_by_side(self, width: int, unicode: bool, body: "Body") -> Iterator[Text]:
        columns = [[*_head(column, width, unicode), *body(column, width)] for column in self.columns]
        for lines in zip_longest(*columns, fillvalue=Text()):
            row = Text(no_wrap=True)
            for index, line in enumerate(lines):
                row.append_text(line)
                if index < len(lines) - 1:
                    row.append(" " * (width - line.cell_len + GAP))
            yield row

    def _stacked(self, unicode: bool, body: Callable[[TextColumn], Iterable[Text]]) -> Iterator[Text]:
        for index, column in enumerate(self.columns):
            heading = " · ".join([column.heading, *filter(None, column.notes)])
            if index:
                yield Text()
            yield Text(sanitize(ascii_signs(heading, unicode=unicode), unicode=unicode), style="bold")
            yield from body(column)


Body = Callable[[TextColumn, int], Iterator[Text]]
"""draws the text of a column in lines of a width"""


def _unwrapped(column: TextColumn, *, unicode: bool) -> Iterator[Text]:
    """Yield the text of a column as it is, for a pipe or a narrow terminal."""
    text = Text(sanitize(column.text, unicode=unicode))
    if column.dim_from is not None:
        text.stylize("dim", len(sanitize(column.text[: column.dim_from], unicode=unicode)))
    yield text


def _shown_body(
    column: TextColumn, width: int, *, unicode: bool, scale: ValueScale, styles: tuple[Style, ...] | None
) -> Iterator[Text]:
    """Yield the lines of a text, with the values of its characters as colors, or as digits below each line."""
    assert column.values is not None
    levels = np.array([scale.level(value) for value in column.values.tolist()], dtype=np.int64)
    digits = np.array([scale.digit(value) for value in column.values.tolist()], dtype=np.int64)
    for line in wrap_text(column.text, width, unicode=unicode):
        if styles is None:
            yield Text("".join(line.glyphs))
            yield Text("".join(map(str, line.by_column(digits).tolist())))
            continue
        text, line_levels = Text(), levels[line.characters]
        for start, stop in runs(line_levels):
            text.append("".join(line.glyphs[start:stop]), styles[line_levels[start]])
        yield text


def _head(column: TextColumn, width: int, unicode: bool) -> Iterator[Text]:
    for index, content in enumerate([column.heading, *column.notes]):
        for line in wrap_text(ascii_signs(content, unicode=unicode), width, unicode=unicode):
            yield Text("".join(line.glyphs), style="dim" if index else "bold")
    yield Text()


def _body(column: TextColumn, width: int, *, unicode: bool) -> Iterator[Text]:
    for line in wrap_text(column.text, width, unicode=unicode):
        yield _dimmed_from(line, column.dim_from)


def _dimmed_from(line: Line, dim_from: int | None) -> Text:
    """Return a line, dimmed from a character of the text on."""
    bright_count = len(line.glyphs) if dim_from is None else min(max(dim_from - line.start, 0), len(line.glyphs))
    text = Text("".join(line.glyphs[:bright_count]))
    return text.append("".join(line.glyphs[bright_count:]), style="dim")
