"""Layout of a text in lines: a glyph and its width for every character, newlines and controls included."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Self, TypeAlias
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
"""maximum columns of a line; longer lines are hard to read"""

CARRIER = "\N{DOTTED CIRCLE}"
"""sign under a combining mark, which has a column of its own"""

_MIN_COLUMNS_FOR_LABELS = 40
_MAX_LABEL_COLUMNS = 16
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_WHITE_SPACE = {True: {"\n": "¶", "\t": "→"}, False: {"\n": "$", "\t": ">"}}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Line:
    """A line of n characters of the text."""

    start: int
    """index of the first character in the text"""
    glyphs: tuple[str, ...]
    """sanitized glyph of each character (n,)"""
    widths: Values
    """width of each glyph in columns (n,)"""

    @property
    def characters(self) -> slice:
        """Return the characters of the line as a slice of the text."""
        return slice(self.start, self.start + len(self.glyphs))

    @property
    def columns(self) -> int:
        """Return the width of the line in columns."""
        return int(self.widths.sum())

    def by_column(self, values: Values) -> Values:
        """Return values of all characters of the text (T,), repeated for the columns of this line (columns,)."""
        return values[self.characters].repeat(self.widths)


def wrap_text(
    text: str, columns: int, *, unicode: bool = True, page: bool = False, min_widths: Values | None = None
) -> Iterator[Line]:
    r"""Yield a text in lines of at most `columns` columns; a newline has a glyph and ends the line.

    Lines break after a space, if one is in the second half of the line. With `page` every glyph has a fixed position;
    on a terminal, glyphs of uncertain width are replaced. `min_widths` (T,) are minimum widths of the characters in
    columns, for wider entries drawn below the text.

    >>> ["".join(line.glyphs) for line in wrap_text("to be\n日本語", 4)]
    ['to ', 'be¶', '日本', '語']
    """
    glyph_table = {character: glyph_of(character, columns, unicode, page=page) for character in set(text)}
    glyphs, widths = zip(*map(glyph_table.__getitem__, text), strict=True) if text else ((), ())
    if min_widths is not None:
        widths = tuple(map(max, widths, min_widths.tolist()))
        glyphs = tuple(set_cell_size(glyph, width) for glyph, width in zip(glyphs, widths, strict=True))
    ends = list(accumulate(widths))
    widths_array = np.array(widths)
    start = 0
    while start < len(text):
        stop = bisect_right(ends, ends[start] - widths[start] + columns)
        stop = text.find("\n", start, stop) + 1 or _word_break(text, start, stop)
        yield Line(start=start, glyphs=glyphs[start:stop], widths=widths_array[start:stop])
        start = stop


def _word_break(text: str, start: int, stop: int) -> int:
    """Return the end of a line that may end at `stop`: after the last space in its second half, if there is one."""
    return stop if stop == len(text) else text.rfind(" ", (start + stop) // 2, stop) + 1 or stop


def one_line(text: str, *, unicode: bool = True) -> str:
    """Return text on one line, sanitized and with glyphs of certain width."""
    return "".join(glyph_of(character, MAX_LINE_COLUMNS, unicode)[0] for character in text)


def visible_character(character: str, *, unicode: bool = True) -> str:
    r"""Return a character alone, visible even if it is a blank.

    >>> [visible_character(character) for character in " \n\te"]
    ['␣', '¶', '→', 'e']
    """
    return ("␣" if unicode else "_") if character == " " else one_line(character, unicode=unicode)


def glyph_of(character: str, columns: int, unicode: bool, *, page: bool = False) -> tuple[str, int]:
    """Return the glyph of a character and its width; each character has at least one column for its activation."""
    if character in _WHITE_SPACE[unicode]:
        return _WHITE_SPACE[unicode][character], 1
    if not unicode:
        # The value of the character is repeated for all columns of the escape sequence.
        escaped = sanitize(character, keep="", unicode=False)
        return (escaped, len(escaped)) if len(escaped) <= columns else ("?", 1)
    # A terminal would combine these with the glyph before and shift the columns after them.
    if character in JOINERS or ord(character) in _SKIN_TONES:
        return REPLACEMENT, 1
    glyph = sanitize(character, keep="")
    width = cell_len(glyph)
    if width > columns:
        return REPLACEMENT, 1
    if width:
        return glyph, width
    # Some terminals give a spacing mark its own column, others do not.
    has_certain_width = page or category(glyph) != "Mc"
    return (CARRIER + glyph if has_certain_width else CARRIER), 1


def runs(values: Values) -> Iterator[tuple[int, int]]:
    """Return start and stop of each run of equal values, so that each run is drawn at once."""
    edges = (values[1:] != values[:-1]).nonzero()[0] + 1
    return pairwise([0, *edges.tolist(), len(values)])


def label_width(labels: list[str], columns: int) -> int:
    """Return the width of the label column at the left; 0 on narrow screens."""
    if not labels or columns < _MIN_COLUMNS_FOR_LABELS:
        return 0
    return 1 + min(max(map(cell_len, labels)), _MAX_LABEL_COLUMNS, columns // 4)


# Properties of the screen, and the header line of a drawing


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Properties of the screen that a drawing depends on."""

    columns: int
    """maximum columns of a line"""
    unicode: bool
    """whether the screen shows more than ASCII"""
    color_system: str | None
    """Rich's name of the color system; None without color"""

    @classmethod
    def of(cls, console: Console, options: ConsoleOptions) -> Self:
        """Return the properties of a console."""
        return cls(
            columns=min(max(options.max_width, 1), MAX_LINE_COLUMNS),
            unicode=unicode_output(console),
            color_system=None if console.no_color else console.color_system,
        )

    def sanitized(self, text: str) -> str:
        """Return an untrusted name, sanitized on one line."""
        return one_line(text, unicode=self.unicode)

    def ascii_signs(self, text: str) -> str:
        """Return charrnn's own text, in ASCII if need be."""
        return ascii_signs(text, unicode=self.unicode)

    def header(self, parts: Iterable[str]) -> Text:
        """Return the header line of a drawing; empty parts are omitted."""
        return Text(self.ascii_signs(" · ").join(self.sanitized(part) for part in parts if part), style="dim")


def model_display_name(path: str) -> str:
    """Return the display name of the model in a file; "" without a file.

    >>> model_display_name("checkpoints/hamlet/model.safetensors"), model_display_name("")
    ('checkpoints/hamlet', '')
    """
    return display_name(Path(path)) if path else ""


# A text with values for each of its characters


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatmapRow:
    """The activations of a cell over a text of T characters."""

    label: str
    """name of the cell, such as 1.34"""
    values: NDArray[np.floating]
    """activation after each character (T,), finite; clipped to [-1, 1] when drawn"""
    low: int = -1
    """lowest possible value: 0 for a gate, else -1; the digit 0 stands for it"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Marks:
    """The characters at which a concept holds, in a text of T characters."""

    label: str
    """name of the concept"""
    holds: NDArray[np.bool_]
    """whether the concept holds at each character (T,)"""


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatmapData:
    """A text with a row of activations for each cell; raise ValueError if rows and text differ in length."""

    text: str
    """text of T characters; sanitized when drawn"""
    rows: tuple[HeatmapRow, ...]
    """rows of the cells, from top to bottom"""
    signal: str
    """name of the values in the legend, such as tanh(c) or h"""
    marks: Marks | None = None
    """characters to underline, where a concept holds"""
    title: str = ""
    """line above the drawing; empty for none"""
    cell: str = ""
    """cell of which each row is another signal; empty if each row is another cell"""

    @property
    def subject(self) -> str:
        """Return what the rows are, for a legend: a signal of some cells, or some signals of a cell."""
        labels = ", ".join(row.label for row in self.rows)
        return f"{labels} of {self.cell}" if self.cell else f"{self.signal} of {labels}"

    @property
    def gate_labels(self) -> str:
        """Return the labels of the rows whose values are between 0 and 1; "" if there are none."""
        return ", ".join(row.label for row in self.rows if row.low == 0)

    def __post_init__(self) -> None:
        expected = (len(self.text),)
        if not self.rows:
            raise ValueError("a heat map needs a row")
        if any(row.values.shape != expected or not np.isfinite(row.values).all() for row in self.rows):
            raise ValueError(f"every row must have {len(self.text)} finite values, one per character")
        if self.marks and self.marks.holds.shape != expected:
            raise ValueError(f"marks must have a boolean for each of {len(self.text)} characters")
