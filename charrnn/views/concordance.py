"""A concordance: places of a text below each other, each with what stands around it (Luhn 1960, keyword in context).

The characters themselves stand in one column, under a mark. Which places, and why, is left to the other views.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from charrnn.views import palette
from charrnn.views.layout import glyph_of
from charrnn.views.screen import Screen

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
    styles = palette.styles(screen.color_system, light=light) if screen.color_system else None
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
                style = styles[int(palette.quantize(self.values[number])) + palette.MAX_LEVEL]
            yield Segment(self.drawn[number][0], style + FOCUS if number == self.focus and styles else style)

    def digits(self) -> str:
        """Write the activations as digits; a space where there is none."""
        assert self.values is not None
        is_finite = np.isfinite(self.values)
        digits = palette.digits(np.where(is_finite, self.values, 0.0))
        cells = [(str(digits[number]) if is_finite[number] else " ") * self.drawn[number][1] for number in self.shown]
        return " " * self.margin + "".join(cells)
