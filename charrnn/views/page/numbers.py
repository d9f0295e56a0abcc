"""Numbers and characters as a page writes them: for people, with the value itself beside it for a script.

What they are numbers of is left to those who write them.
"""

from __future__ import annotations

from unicodedata import name as unicode_name

from charrnn.inspection.finding import DIGITS
from charrnn.views.layout import WIDEST, lines
from charrnn.views.markup import markup

_NAMES = {"\n": "line end", "\t": "tab", " ": "space"}


def written(value: float, form: str) -> str:
    """Write a number for people.

    >>> written(-0.0213, "z.2f"), written(-0.0001, "z.2f")
    ('−0.02', '0.00')
    """
    return format(value, form).replace("-", "−")


def number(value: float | None, form: str = "z.2f", digits: int = DIGITS) -> str:
    """Write a number as an element that holds its value too, as exactly as the findings' JSON has it."""
    if value is None:
        return ""
    return f'<data value="{round(value, digits)}">{written(value, form)}</data>'


def glyph(character: str) -> tuple[str, int]:
    """Draw a character harmlessly; its columns."""
    line = next(lines(character, WIDEST, page=True))
    return line.glyphs[0], int(line.widths[0])


def called(character: str) -> str:
    r"""Say what a character is.

    >>> called("\n"), called('"')
    ('line end', 'U+0022 quotation mark')
    """
    return _NAMES.get(character) or f"U+{ord(character):04X} {unicode_name(character, 'unnamed').lower()}"


def keys(characters: tuple[str, ...]) -> str:
    """Draw characters as keys, each with what it is called."""
    drawn = ((one, "␣" if one == " " else glyph(one)[0]) for one in characters)
    return " ".join(f'<kbd title="{markup(called(one))}">{markup(shown)}</kbd>' for one, shown in drawn)
