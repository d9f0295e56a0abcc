"""Aligned texts: concordances, texts side by side, and the max-activating examples of a cell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from charrnn.inspection.measures.max_activating import CellContexts, Context
from charrnn.views import colors
from charrnn.views.cell_profile import CellProfilesView
from charrnn.views.formatting import format_number, omitted_line
from charrnn.views.layout import Line, Screen, glyph_of, model_display_name, one_line, wrap_text
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output

# A concordance (Luhn 1960, keyword in context): positions of a text below each other, each with its context, with the
# characters themselves in one column under a mark

Row = Iterator[Segment]

FOCUS_STYLE = Style(bold=True, underline=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class ConcordanceRow:
    """A character with its context."""

    label: str
    """text at the left"""
    before: str
    """text before the character"""
    character: str
    """the character itself"""
    after: str
    """text after the character"""
    note: str = ""
    """text at the right, omitted on narrow screens"""
    values: NDArray[np.floating] | None = None
    """activations of a cell at the characters of before, character and after, within [-1, 1]; nan if unknown"""


def concordance(rows: Sequence[ConcordanceRow], screen: Screen, *, light: bool = False) -> Row:
    """Yield the rows of a concordance, with activations as background colors, or as digits below the text."""
    label_columns = max((cell_len(row.label) for row in rows), default=0) + 2
    note_columns = max((cell_len(row.note) for row in rows), default=0)
    text_columns = screen.columns - label_columns - (note_columns + 2 if note_columns else 0)
    if note_columns and text_columns < screen.columns // 2:
        note_columns, text_columns = 0, screen.columns - label_columns
    side = max(0, (text_columns - 2) // 2)
    yield Segment(" " * (label_columns + side) + ("▾" if screen.unicode else "v"))
    yield Segment.line()
    styles = colors.diverging_styles(screen.color_system, light=light) if screen.color_system else None
    for row in rows:
        line = _ConcordanceLine(row, side, screen)
        yield Segment(set_cell_size(row.label, label_columns))
        yield from line.text(styles)
        if note_columns:
            yield Segment(" " * (2 * side + 4 - line.columns) + row.note)
        yield Segment.line()
        if row.values is not None and styles is None:
            yield Segment(" " * label_columns + line.digits().rstrip())
            yield Segment.line()


class _ConcordanceLine:
    """The glyphs of a row that fit on `side` columns before its character, and as many after it."""

    def __init__(self, row: ConcordanceRow, side: int, screen: Screen) -> None:
        content = row.before + row.character + row.after
        self.focus = len(row.before)
        glyphs = [glyph_of(character, max(side, 1), screen.unicode) for character in content]
        start, columns_before = self.focus, side
        while start > 0 and glyphs[start - 1][1] <= columns_before:
            start -= 1
            columns_before -= glyphs[start][1]
        stop, columns_after = self.focus + 1, side - (glyphs[self.focus][1] - 1)
        while stop < len(glyphs) and glyphs[stop][1] <= columns_after:
            columns_after -= glyphs[stop][1]
            stop += 1
        self.visible = range(start, stop)
        self.glyphs = glyphs
        self.margin = columns_before
        self.values = row.values

    @property
    def columns(self) -> int:
        """Return the width of the line in columns."""
        return self.margin + sum(self.glyphs[index][1] for index in self.visible)

    def text(self, styles: tuple[Style, ...] | None) -> Row:
        """Yield the text, with the character in the middle underlined."""
        yield Segment(" " * self.margin)
        for index in self.visible:
            style = Style.null()
            if styles is not None and self.values is not None and np.isfinite(self.values[index]):
                style = styles[int(colors.quantize(self.values[index])) + colors.MAX_LEVEL]
            yield Segment(self.glyphs[index][0], style + FOCUS_STYLE if index == self.focus and styles else style)

    def digits(self) -> str:
        """Return the activations as digits, with a space where the activation is unknown."""
        assert self.values is not None
        is_finite = np.isfinite(self.values)
        digits = colors.digits(np.where(is_finite, self.values, 0.0))
        cells = [(str(digits[index]) if is_finite[index] else " ") * self.glyphs[index][1] for index in self.visible]
        return " " * self.margin + "".join(cells)


# Texts side by side, each under its heading; below each other on narrow screens and in pipes

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


@dataclass(frozen=True, kw_only=True)
class SideBySideTexts:
    """Texts side by side."""

    title: str
    columns: tuple[TextColumn, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the texts side by side on a wide terminal, below each other elsewhere."""
        unicode, count = unicode_output(console), len(self.columns)
        width = (options.max_width - GAP * (count - 1)) // count
        yield Text(one_line(ascii_signs(self.title, unicode=unicode), unicode=unicode), style="dim")
        yield Text()
        if console.is_terminal and width >= MIN_TEXT_COLUMNS:
            yield from self._side_by_side(width, unicode)
        else:
            yield from self._stacked(unicode)

    def _side_by_side(self, width: int, unicode: bool) -> Iterator[Text]:
        columns = [[*_head(column, width, unicode), *_body(column, width, unicode)] for column in self.columns]
        for lines in zip_longest(*columns, fillvalue=Text()):
            row = Text(no_wrap=True)
            for index, line in enumerate(lines):
                row.append_text(line)
                if index < len(lines) - 1:
                    row.append(" " * (width - line.cell_len + GAP))
            yield row

    def _stacked(self, unicode: bool) -> Iterator[Text]:
        for index, column in enumerate(self.columns):
            heading = " · ".join([column.heading, *filter(None, column.notes)])
            if index:
                yield Text()
            yield Text(sanitize(ascii_signs(heading, unicode=unicode), unicode=unicode), style="bold")
            text = Text(sanitize(column.text, unicode=unicode))
            if column.dim_from is not None:
                text.stylize("dim", len(sanitize(column.text[: column.dim_from], unicode=unicode)))
            yield text


def _head(column: TextColumn, width: int, unicode: bool) -> Iterator[Text]:
    for index, content in enumerate([column.heading, *column.notes]):
        for line in wrap_text(ascii_signs(content, unicode=unicode), width, unicode=unicode):
            yield Text("".join(line.glyphs), style="dim" if index else "bold")
    yield Text()


def _body(column: TextColumn, width: int, unicode: bool) -> Iterator[Text]:
    for line in wrap_text(column.text, width, unicode=unicode):
        yield _dimmed_from(line, column.dim_from)


def _dimmed_from(line: Line, dim_from: int | None) -> Text:
    """Return a line, dimmed from a character of the text on."""
    bright_count = len(line.glyphs) if dim_from is None else min(max(dim_from - line.start, 0), len(line.glyphs))
    text = Text("".join(line.glyphs[:bright_count]))
    return text.append("".join(line.glyphs[bright_count:]), style="dim")


# The max-activating examples of a cell, as a concordance colored by the cell's activations

_MIN_COLUMNS_FOR_NOTES = 100
"""minimum columns of the screen for the positions of the examples"""


@dataclass(frozen=True, kw_only=True)
class ContextsList:
    """The contexts of a cell: highest, lowest, random and median activations."""

    contexts: CellContexts
    """plain numbers and text"""
    light: bool = False
    """whether the terminal's background is light"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        contexts, screen = self.contexts, Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        named = (model_display_name(contexts.model), contexts.text, f"{contexts.characters:,} characters")
        yield from console.render(screen.header(named), folded)
        minimum, low, _, median, _, high, maximum = (format_number(value, "+z.2f") for value in contexts.quantiles)
        spread = f"{minimum} … {maximum}, median {median}, nine tenths of the text {low} … {high}"
        title = Text(f"cell {screen.sanitized(contexts.cell)}", style="bold")
        title.append(screen.ascii_signs(f"  {contexts.signal} {spread}"), style="not bold")
        yield from console.render(title, folded)
        yield from console.render(CellProfilesView(profiles=(contexts.profile,), state=contexts.signal), folded)
        for name, examples in (
            ("highest", contexts.highest),
            ("lowest", contexts.lowest),
            ("at random", contexts.random),
            ("about the median", contexts.near_median),
        ):
            yield Segment.line()
            yield Segment(name if examples else f"{name}: none without overlap with those above")
            yield Segment.line()
            if examples:
                yield from concordance(
                    [_concordance_row(context, screen) for context in examples], screen, light=self.light
                )
        yield Segment.line()
        yield from console.render(self._legend(screen), folded)
        if screen.columns < _MIN_COLUMNS_FOR_NOTES:
            yield from console.render(Text(omitted_line(["positions in the text"]), style="dim"), folded)

    def _legend(self, screen: Screen) -> Text:
        """Return the legend of the colors or digits."""
        quantity = f"{self.contexts.signal} after each character"
        if screen.color_system is None:
            return Text(f"{quantity}: {colors.digits_legend(unicode=screen.unicode)}")
        styles = colors.diverging_styles(screen.color_system, light=self.light)
        return colors.diverging_legend(styles, unicode=screen.unicode).append(f"  {quantity}")


def _concordance_row(context: Context, screen: Screen) -> ConcordanceRow:
    return ConcordanceRow(
        label=screen.ascii_signs(format_number(context.value, "+z.2f")),
        before=context.before,
        character=context.character,
        after=context.after,
        note=f"at {context.at:,}" if screen.columns >= _MIN_COLUMNS_FOR_NOTES else "",
        values=np.array(context.values),
    )
