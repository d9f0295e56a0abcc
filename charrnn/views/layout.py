"""Layout of a text as drawn lines: a glyph and its columns for every character, newlines and controls among them.

The width of a line is an argument.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, TypeAlias
from unicodedata import category

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.text import Text

from charrnn.storage.run_directory import display_name
from charrnn.views.sanitize import JOINERS, REPLACEMENT, ascii_signs, sanitize, unicode_output

Values: TypeAlias = NDArray[Any]

MAX_LINE_COLUMNS = 120
"""Columns of the widest line: longer ones are hard to read."""

_ROOM_FOR_GUTTER = 40
_WIDEST_GUTTER = 16
_CARRIER = "\N{DOTTED CIRCLE}"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_WHITE_SPACE = {True: {"\n": "¶", "\t": "→"}, False: {"\n": "$", "\t": ">"}}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Line:
    """One drawn line: the characters of the text from start on, n of them."""

    start: int
    """Index in the text of the first character."""
    glyphs: tuple[str, ...]
    """What is drawn for each character, (n,); harmless on a terminal."""
    widths: Values
    """Columns that each glyph takes, (n,)."""

    @property
    def characters(self) -> slice:
        """The line's characters as a slice of the text."""
        return slice(self.start, self.start + len(self.glyphs))

    @property
    def columns(self) -> int:
        """Columns of the whole line."""
        return int(self.widths.sum())

    def spread(self, values: Values) -> Values:
        """Spread values of all the text's characters, (T,), over this line's columns, (columns,)."""
        return values[self.characters].repeat(self.widths)


def wrap_text(
    text: str, columns: int, *, unicode: bool = True, page: bool = False, room: Values | None = None
) -> Iterator[Line]:
    r"""Lay a text out in lines of at most so many columns; a newline is drawn, then breaks the line.

    On a page every glyph has its place; on a terminal it pushes those after it, so its width must be certain.
    `room`: columns that each character gets at least (T,), where something wider is drawn below it.

    >>> ["".join(line.glyphs) for line in wrap_text("to be\n日本", 4)]
    ['to b', 'e¶', '日本']
    """
    drawn = {character: glyph_of(character, columns, unicode, page=page) for character in set(text)}
    glyphs, widths = zip(*map(drawn.__getitem__, text), strict=True) if text else ((), ())
    if room is not None:
        widths = tuple(map(max, widths, room.tolist()))
        glyphs = tuple(set_cell_size(glyph, width) for glyph, width in zip(glyphs, widths, strict=True))
    ends = list(accumulate(widths))
    widths_array = np.array(widths)
    start = 0
    while start < len(text):
        stop = bisect_right(ends, ends[start] - widths[start] + columns)
        stop = text.find("\n", start, stop) + 1 or stop
        yield Line(start=start, glyphs=glyphs[start:stop], widths=widths_array[start:stop])
        start = stop


def one_line(text: str, *, unicode: bool = True) -> str:
    """Make a name harmless and its width certain: what it would look like, laid out without an end."""
    return "".join(glyph_of(character, MAX_LINE_COLUMNS, unicode)[0] for character in text)


def glyph_of(character: str, columns: int, unicode: bool, *, page: bool = False) -> tuple[str, int]:
    """Choose what is drawn for a character, and its columns: each has its own, for each has an activation."""
    if character in _WHITE_SPACE[unicode]:
        return _WHITE_SPACE[unicode][character], 1
    if not unicode:
        # As everywhere where only ASCII can be shown; the value is spread over all of it.
        escaped = sanitize(character, keep="", unicode=False)
        return (escaped, len(escaped)) if len(escaped) <= columns else ("?", 1)
    # A terminal would melt these into the glyph before and shift the columns after.
    if character in JOINERS or ord(character) in _SKIN_TONES:
        return REPLACEMENT, 1
    glyph = sanitize(character, keep="")
    width = cell_len(glyph)
    if width > columns:
        return REPLACEMENT, 1
    if width:
        return glyph, width
    # Half the terminals give a spacing mark a column of its own, half do not.
    certain = page or category(glyph) != "Mc"
    return (_CARRIER + glyph if certain else _CARRIER), 1


def runs(values: Values) -> Iterator[tuple[int, int]]:
    """Yield start and stop of each stretch of equal values, so that it is drawn as one."""
    edges = (values[1:] != values[:-1]).nonzero()[0] + 1
    return pairwise([0, *edges.tolist(), len(values)])


def label_width(labels: list[str], columns: int) -> int:
    """Return the columns to set aside at the left for labels: none where the lines are short already."""
    if not labels or columns < _ROOM_FOR_GUTTER:
        return 0
    return 1 + min(max(map(cell_len, labels)), _WIDEST_GUTTER, columns // 4)


# What a drawing needs to know of its screen, and its header


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A screen to draw on."""

    columns: int
    """how wide a line may be"""
    unicode: bool
    """whether it shows more than ASCII"""
    color_system: str | None
    """Rich's name for the colours it has; None for none"""

    @classmethod
    def of(cls, console: Console, options: ConsoleOptions) -> Screen:
        """Look at a console."""
        return cls(
            columns=min(max(options.max_width, 1), MAX_LINE_COLUMNS),
            unicode=unicode_output(console),
            color_system=None if console.no_color else console.color_system,
        )

    def sanitized(self, text: str) -> str:
        """Make a foreign name harmless."""
        return one_line(text, unicode=self.unicode)

    def ascii_signs(self, text: str) -> str:
        """Write our own words with what signs there are."""
        return ascii_signs(text, unicode=self.unicode)

    def header(self, parts: Iterable[str]) -> Text:
        """Say in a line what is shown of what; empty parts are left out."""
        return Text(self.ascii_signs(" · ").join(self.sanitized(part) for part in parts if part), style="dim")


def model_display_name(path: str) -> str:
    """Say what people call the model in a file; "" where no file is told.

    >>> model_display_name("checkpoints/hamlet/model.safetensors"), model_display_name("")
    ('checkpoints/hamlet', '')
    """
    return display_name(Path(path)) if path else ""
