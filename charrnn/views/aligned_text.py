"""Texts in columns and concordances: texts side by side, and places of a text with their context."""

from __future__ import annotations

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
from charrnn.views.layout import Line, Screen, glyph_of, model_display_name, one_line, wrap_text
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output

# A concordance: places of a text below each other, each with its context (Luhn 1960, keyword in context), the
# characters themselves in one column under a mark

Row = Iterator[Segment]

FOCUS = Style(bold=True, underline=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class ConcordanceRow:
    """A character and what stands around it."""

    label: str
    """what is said of it, at the left"""
    before: str
    """the text before it"""
    character: str
    """the character"""
    after: str
    """the text after it"""
    note: str = ""
    """what is said of it at the right, where there is room"""
    values: NDArray[np.floating] | None = None
    """a cell's activation at every character of the three, within [-1, 1]; nan where it is not known"""


def concordance(places: Sequence[ConcordanceRow], screen: Screen, *, light: bool = False) -> Row:
    """Draw places below each other; activations as colours behind the text, or as digits below it."""
    label = max((cell_len(place.label) for place in places), default=0) + 2
    note = max((cell_len(place.note) for place in places), default=0)
    room = screen.columns - label - (note + 2 if note else 0)
    if note and room < screen.columns // 2:
        note, room = 0, screen.columns - label
    side = max(0, (room - 2) // 2)
    yield Segment(" " * (label + side) + ("▾" if screen.unicode else "v"))
    yield Segment.line()
    styles = colors.diverging_styles(screen.color_system, light=light) if screen.color_system else None
    for place in places:
        line = _Line(place, side, screen)
        yield Segment(set_cell_size(place.label, label))
        yield from line.text(styles)
        if note:
            yield Segment(" " * (2 * side + 4 - line.columns) + place.note)
        yield Segment.line()
        if place.values is not None and styles is None:
            yield Segment(" " * label + line.digits().rstrip())
            yield Segment.line()


class _Line:
    """A place as it is drawn: glyphs, their columns, their characters' numbers."""

    def __init__(self, place: ConcordanceRow, side: int, screen: Screen) -> None:
        content = place.before + place.character + place.after
        self.focus = len(place.before)
        drawn = [glyph_of(character, max(side, 1), screen.unicode) for character in content]
        first, spare = self.focus, side
        while first > 0 and drawn[first - 1][1] <= spare:
            first -= 1
            spare -= drawn[first][1]
        last, width = self.focus + 1, side - (drawn[self.focus][1] - 1)
        while last < len(drawn) and drawn[last][1] <= width:
            width -= drawn[last][1]
            last += 1
        self.shown = range(first, last)
        self.drawn = drawn
        self.margin = spare
        self.values = place.values

    @property
    def columns(self) -> int:
        """How many columns it takes."""
        return self.margin + sum(self.drawn[number][1] for number in self.shown)

    def text(self, styles: tuple[Style, ...] | None) -> Row:
        """Yield the text, the character in the middle underlined."""
        yield Segment(" " * self.margin)
        for number in self.shown:
            style = Style.null()
            if styles is not None and self.values is not None and np.isfinite(self.values[number]):
                style = styles[int(colors.quantize(self.values[number])) + colors.MAX_LEVEL]
            yield Segment(self.drawn[number][0], style + FOCUS if number == self.focus and styles else style)

    def digits(self) -> str:
        """Write the activations as digits; a space where there is none."""
        assert self.values is not None
        is_finite = np.isfinite(self.values)
        digits = colors.digits(np.where(is_finite, self.values, 0.0))
        cells = [(str(digits[number]) if is_finite[number] else " ") * self.drawn[number][1] for number in self.shown]
        return " " * self.margin + "".join(cells)


# Texts side by side, each under its heading; one below the other where there is no room or no terminal

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


# The max-activating examples of a cell, as a concordance colored by the cell's activations

_WIDE = 100
"""columns from which on there is room for where a place is"""


@dataclass(frozen=True, kw_only=True)
class ContextsList:
    """One cell's contexts below each other."""

    contexts: CellContexts
    """plain numbers and text"""
    light: bool = False
    """whether the terminal's background is light"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        contexts, screen = self.contexts, Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        named = (model_display_name(contexts.model), contexts.text, f"{contexts.characters:,} characters")
        yield from console.render(screen.header(named), folded)
        least, low, _, middle, _, high, greatest = contexts.quantiles
        spread = (
            f"{least:+.2f} … {greatest:+.2f}, median {middle:+.2f}, nine tenths of the text {low:+.2f} … {high:+.2f}"
        )
        title = Text(f"cell {screen.sanitized(contexts.cell)}", style="bold")
        title.append(screen.ascii_signs(f"  {contexts.signal} {spread}"), style="not bold")
        yield from console.render(title, folded)
        for name, places in (
            ("highest", contexts.highest),
            ("lowest", contexts.lowest),
            ("at random", contexts.random),
            ("about the median", contexts.middling),
        ):
            yield Segment.line()
            yield Segment(name if places else f"{name}: no place that does not overlap those above")
            yield Segment.line()
            if places:
                yield from concordance(
                    [_place(context, screen.columns) for context in places], screen, light=self.light
                )
        yield Segment.line()
        yield from console.render(self._legend(screen), folded)

    def _legend(self, screen: Screen) -> Text:
        """Say what colours or digits mean."""
        meaning = f"{self.contexts.signal} after each character"
        if screen.color_system is None:
            return Text(screen.ascii_signs(f"{meaning}: digits 0 … 9 for −1 … +1, 0 to 4 below zero"))
        legend = Text(screen.ascii_signs("−1 "))
        for level, style in enumerate(
            colors.diverging_styles(screen.color_system, light=self.light), -colors.MAX_LEVEL
        ):
            legend.append(" " if level else "0", style)
        return legend.append(f" +1  {meaning}")


def _place(context: Context, columns: int) -> ConcordanceRow:
    return ConcordanceRow(
        label=f"{context.value:+.2f}",
        before=context.before,
        character=context.character,
        after=context.after,
        note=f"at {context.at:,}" if columns >= _WIDE else "",
        values=np.array(context.values),
    )
