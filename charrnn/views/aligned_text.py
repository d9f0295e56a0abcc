"""Aligned texts: concordances, and the max-activating examples of a cell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
from charrnn.views.layout import (
    Screen,
    glyph_of,
    model_display_name,
)

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
