"""Lines of the map: a text with the values of a cell as background colors, or as digits below it without color."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from charrnn.views import colors
from charrnn.views.layout import MAX_LINE_COLUMNS, Line, Marks, runs, wrap_text

CURSOR = Style(color="black", bgcolor="bright_green", bold=True)
"""style of the character at the cursor, whose color is not on the scale of the activations"""
_UNDERLINED, _SELECTED, _AT_CURSOR = 1 << 5, 1 << 6, 1 << 7
"""bits beside the level of a character, which together determine its style"""


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """Properties of the terminal that the drawing depends on."""

    unicode: bool = True
    """whether the terminal shows more than ASCII"""
    color_system: str | None = None
    """Rich's name of the color system; None without color"""
    light: bool = False
    """whether the background is light"""

    @cached_property
    def styles(self) -> tuple[Style, ...] | None:
        """The style of each level of an activation; None without color."""
        return colors.diverging_styles(self.color_system, light=self.light) if self.color_system else None

    def legend(self) -> Text:
        """Return the scale of the colors or of the digits."""
        minus, to = ("−", "…") if self.unicode else ("-", "..")
        if self.styles is None:
            return Text(f"0{to}9: {minus}1{to}+1")
        legend = Text(f"{minus}1 ")
        for level, style in enumerate(self.styles, -colors.MAX_LEVEL):
            legend.append(" " if level else "0", style)
        return legend.append(" +1")


class QuantizedValues:
    """Values of T characters in [-1, 1], quantized for the drawing when they are first needed."""

    def __init__(self, values: NDArray[np.floating]) -> None:
        self.values = values

    @cached_property
    def levels(self) -> colors.Levels:
        """The levels of the colors (T,)."""
        return colors.quantize(self.values)

    @cached_property
    def digits(self) -> colors.Levels:
        """The digits (T,)."""
        return colors.digits(self.values)


@dataclass(frozen=True, kw_only=True, eq=False)
class MapContent:
    """What is drawn over the text of T characters."""

    quantized: QuantizedValues
    """values of the characters"""
    marks: Marks | None = None
    """characters to underline"""
    selection: slice | None = None
    """selected characters"""
    cursor: int = 0
    """position of the current character"""


class TextLayout:
    """A text in lines for a number of columns."""

    def __init__(self, text: str, columns: int, *, unicode: bool = True) -> None:
        self.screen_columns = columns
        self.width = max(1, min(columns, MAX_LINE_COLUMNS))
        self.lines = tuple(wrap_text(text, self.width, unicode=unicode))
        self._starts = np.array([line.start for line in self.lines])

    def line_of(self, position: int) -> int:
        """Return the number of the line with a character."""
        return int(np.searchsorted(self._starts, position, side="right")) - 1

    def move(self, position: int, lines: int) -> int:
        """Return the position so many lines below a position, in the same column if possible."""
        number = self.line_of(position)
        line = self.lines[number]
        column = int(line.widths[: position - line.start].sum())
        below = self.lines[max(0, min(number + lines, len(self.lines) - 1))]
        ends = np.cumsum(below.widths)
        return below.start + min(int(np.searchsorted(ends, column, side="right")), len(below.glyphs) - 1)

    def characters(self, first: int, count: int) -> slice:
        """Return the characters of some lines as a slice of the text."""
        last = self.lines[max(0, min(first + count, len(self.lines)) - 1)]
        return slice(self.lines[first].start, last.characters.stop)


def rows_per_line(terminal: Terminal) -> int:
    """Return the number of rows that a line takes: one with color, and one more for the digits without."""
    return 1 if terminal.styles else 2


def draw_row(line: Line, row: int, drawn: MapContent, terminal: Terminal) -> list[Segment]:
    """Return a row of a line: its text (0), or its digits (1) without color."""
    if row:
        return _digits_row(line, drawn)
    codes = _flags(line, drawn)
    if terminal.styles:
        codes = codes + drawn.quantized.levels[line.characters] + colors.MAX_LEVEL
    return [
        Segment("".join(line.glyphs[start:stop]), _style(int(codes[start]), terminal)) for start, stop in runs(codes)
    ]


def _flags(line: Line, drawn: MapContent) -> NDArray[np.int64]:
    """Return the bits of the underlines, the selection and the cursor of a line's characters (n,)."""
    codes = np.zeros(len(line.glyphs), np.int64)
    if drawn.marks:
        codes[drawn.marks.holds[line.characters]] |= _UNDERLINED
    if selection := drawn.selection:
        codes[max(0, selection.start - line.start) : max(0, selection.stop - line.start)] |= _SELECTED
    if line.start <= drawn.cursor < line.characters.stop:
        codes[drawn.cursor - line.start] |= _AT_CURSOR
    return codes


def _style(code: int, terminal: Terminal) -> Style:
    """Return the style of characters with the same level and the same bits."""
    styles = terminal.styles
    underlined = Style(underline=bool(code & _UNDERLINED))
    if code & _AT_CURSOR:
        return (CURSOR if styles else Style(reverse=True, bold=True)) + underlined
    level = styles[code % _UNDERLINED] if styles else Style()
    # A selected character keeps its color, as that of the text. Without color the digits below are reversed.
    return level + underlined + Style(reverse=bool(code & _SELECTED and styles))


def _digits_row(line: Line, drawn: MapContent) -> list[Segment]:
    """Return the digits of a line, reversed in the selection."""
    digits = line.by_column(drawn.quantized.digits)
    selected = np.zeros(len(line.glyphs), np.bool_)
    if selection := drawn.selection:
        selected[max(0, selection.start - line.start) : max(0, selection.stop - line.start)] = True
    by_column = selected.repeat(line.widths)
    characters = (digits + ord("0")).astype(np.uint8).tobytes().decode("ascii")
    return [Segment(characters[start:stop], Style(reverse=bool(by_column[start]))) for start, stop in runs(by_column)]
