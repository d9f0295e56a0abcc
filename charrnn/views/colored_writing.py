"""Colored writing: a text drawn character by character while it is generated, each with the color of its value.

Lines, glyphs and scales are those of the heat maps. Without color, a line of digits follows each line of the text.
"""

from collections.abc import Callable

from rich.color import ColorSystem
from rich.style import Style

from charrnn.views.layout import MAX_LINE_COLUMNS, glyph_of
from charrnn.views.value_scale import ValueScale

DIM = Style(dim=True)
NO_DIGIT = " "
"""drawn in the line of digits below a character without a value"""


class ColoredWriting:
    """A text that is drawn while it is generated, one character after the other.

    `color_system` is Rich's name of it; None without color. `columns` returns the width of the terminal, which may
    change between two lines. `emit` writes a drawing to the terminal.
    """

    def __init__(
        self,
        scale: ValueScale,
        *,
        color_system: str | None,
        light: bool,
        unicode: bool,
        columns: Callable[[], int],
        emit: Callable[[str], object],
    ) -> None:
        self.scale, self.unicode, self.emit = scale, unicode, emit
        self.styles = scale.styles(color_system, light=light) if color_system else None
        self._sequences = [_escape_sequences(style, color_system) for style in self.styles or ()]
        self._dim = _escape_sequences(DIM, color_system)
        self._new_width, self._width = columns, MAX_LINE_COLUMNS
        self._glyphs: dict[str, tuple[str, int]] = {}
        self._column, self._digits = 0, ""

    def write(self, character: str, value: float) -> None:
        """Draw a character with its value."""
        drawn, glyph, width = self._place(character)
        if self.styles is None:
            self._digits += str(self.scale.digit(value)) * width
            drawn += glyph
        else:
            before, after = self._sequences[self.scale.level(value)]
            drawn += before + glyph + after
        self.emit(drawn + self._line_end() if character == "\n" else drawn)

    def write_plain(self, text: str) -> None:
        """Draw a text without values, dim where the terminal has colors."""
        drawn = []
        before, after = self._dim
        for character in text:
            line_end, glyph, width = self._place(character)
            self._digits += NO_DIGIT * width
            drawn.append(f"{line_end}{before}{glyph}{after}")
            if character == "\n":
                drawn.append(self._line_end())
        self.emit("".join(drawn))

    def finish(self) -> None:
        """End the line, unless it is empty."""
        if self._column:
            self.emit(self._line_end())

    def _place(self, character: str) -> tuple[str, str, int]:
        """Return the end of a line that is full, otherwise an empty string, and the glyph and its width."""
        line_end = self._line_end() if self._column and self._column + self._glyph(character)[1] > self._width else ""
        if not self._column:
            self._start_line()
        glyph, width = self._glyph(character)
        self._column += width
        return line_end, glyph, width

    def _glyph(self, character: str) -> tuple[str, int]:
        """Return the glyph of a character and its width."""
        if character not in self._glyphs:
            self._glyphs[character] = glyph_of(character, self._width, self.unicode)
        return self._glyphs[character]

    def _start_line(self) -> None:
        """Adapt to the width of the terminal."""
        width = min(max(self._new_width(), 1), MAX_LINE_COLUMNS)
        if width != self._width:
            self._width = width
            self._glyphs.clear()

    def _line_end(self) -> str:
        """Return the end of the line, with the digits below it."""
        digits, self._digits, self._column = self._digits.rstrip(), "", 0
        return f"\n{digits}\n" if digits and self.styles is None else "\n"


def _escape_sequences(style: Style, color_system: str | None) -> tuple[str, str]:
    """Return the escape sequences before and after a text with a style; empty without color."""
    if color_system is None:
        return "", ""
    systems = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT, "truecolor": ColorSystem.TRUECOLOR}
    before, _, after = style.render("x", color_system=systems.get(color_system, ColorSystem.STANDARD)).partition("x")
    return before, after
