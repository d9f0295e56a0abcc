"""Numbers and characters as a page writes them: for people, with the value itself beside it for a script.

What they are numbers of is left to those who write them.
"""

from __future__ import annotations

from unicodedata import name as unicode_name

from charrnn.inspection.finding import DIGITS
from charrnn.views.layout import MAX_LINE_COLUMNS, wrap_text
from charrnn.views.markup import escape_html

_NAMES = {"\n": "line end", "\t": "tab", " ": "space"}


def format_number(value: float, form: str) -> str:
    """Write a number for people.

    >>> format_number(-0.0213, "z.2f"), format_number(-0.0001, "z.2f")
    ('−0.02', '0.00')
    """
    return format(value, form).replace("-", "−")


def number_element(value: float | None, form: str = "z.2f", digits: int = DIGITS) -> str:
    """Write a number as an element that holds its value too, as exactly as the findings' JSON has it."""
    if value is None:
        return ""
    return f'<data value="{round(value, digits)}">{format_number(value, form)}</data>'


def char_glyph(character: str) -> tuple[str, int]:
    """Draw a character harmlessly; its columns."""
    line = next(wrap_text(character, MAX_LINE_COLUMNS, page=True))
    return line.glyphs[0], int(line.widths[0])


def char_name(character: str) -> str:
    r"""Say what a character is.

    >>> char_name("\n"), char_name('"')
    ('line end', 'U+0022 quotation mark')
    """
    return _NAMES.get(character) or f"U+{ord(character):04X} {unicode_name(character, 'unnamed').lower()}"


def char_keys(characters: tuple[str, ...]) -> str:
    """Draw characters as keys, each with what it is called."""
    drawn = ((character, "␣" if character == " " else char_glyph(character)[0]) for character in characters)
    return " ".join(
        f'<kbd title="{escape_html(char_name(character))}">{escape_html(shown)}</kbd>' for character, shown in drawn
    )
