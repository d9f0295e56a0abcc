"""Sanitizing of untrusted text, for terminals, HTML and SVG, and what a stream can show.

This module imports neither Rich nor NumPy.
"""

from __future__ import annotations

import contextlib
import os
from functools import cache
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console


REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
DELETE = 0x7F

JOINERS = frozenset("\u200c\u200d").union(map(chr, range(0xFE00, 0xFE10)))
"""Zero-width, yet Persian, Hindi and emoji are spelt with them, and they command nothing."""

_SPACES = frozenset("\u00a0\u1680\u202f\u205f\u3000").union(map(chr, range(0x2000, 0x200B)))
_INKLESS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0").union(
    map(chr, range(0xE0100, 0xE01F0))
)
_ASCII_SIGNS = str.maketrans({"·": "|", "×": "x", "…": "...", "−": "-", "≤": "<=", "≥": ">=", "¶": "$"})
_CACHED_CHARACTERS = 10_000


def sanitize(text: str, *, keep: str = "\n\t", unicode: bool = True) -> str:
    r"""Make text of others harmless for a terminal: what would command it becomes a picture of itself.

    C0 controls and DEL become control pictures; C1, bidirectional and other format characters, lone
    surrogates, private and unassigned characters become U+FFFD, so one character stays one character.
    Characters in keep pass. With unicode=False all is ASCII: carets and backslash escapes.

    >>> sanitize("red: \x1b[31m")
    'red: ␛[31m'
    >>> sanitize("red: \x1b[31m, caf\xe9", unicode=False)
    'red: ^[[31m, caf\\xe9'
    """
    return text.translate(_stand_ins(keep, unicode))


def ascii_signs(text: str, *, unicode: bool) -> str:
    """Write our own signs as they are meant, or in ASCII.

    >>> ascii_signs("2 × 256 · done …", unicode=False)
    '2 x 256 | done ...'
    """
    return text if unicode else text.translate(_ASCII_SIGNS)


class _StandIns(dict[int, str]):
    """The table for str.translate, filled as characters turn up: a table of all would take a second."""

    def __init__(self, keep: str, unicode: bool) -> None:
        super().__init__((ord(character), character) for character in keep)
        self.unicode = unicode

    def __missing__(self, code: int) -> str:
        stand_in = _unicode_stand_in(code) if self.unicode else _ascii_stand_in(code)
        # A text of all of Unicode must not fill the memory.
        if len(self) < _CACHED_CHARACTERS:
            self[code] = stand_in
        return stand_in


@cache
def _stand_ins(keep: str, unicode: bool) -> _StandIns:
    return _StandIns(keep, unicode)


def _unicode_stand_in(code: int) -> str:
    character = chr(code)
    if code < ord(" "):
        return chr(0x2400 + code)
    if code == DELETE:
        return "\N{SYMBOL FOR DELETE}"
    if character in JOINERS or character in _SPACES:
        return character
    # Not printable: the classes "other" and "separator" of this Python's Unicode.
    return character if character.isprintable() and character not in _INKLESS else REPLACEMENT


def _ascii_stand_in(code: int) -> str:
    if code < ord(" ") or code == DELETE:
        return "^" + chr(code ^ 0x40)
    return chr(code).encode("ascii", "backslashreplace").decode("ascii")


def never_fail_to_encode(stream: TextIO | None) -> None:
    """Make a stream write backslash escapes for characters that its encoding lacks."""
    # Only a real stream can be told; what stands in for one in tests or notebooks encodes nothing.
    # One whose terminal is gone tells so when it is written to.
    with contextlib.suppress(AttributeError, OSError):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def is_terminal(stream: TextIO | None) -> bool:
    """Say whether a stream is a terminal, whatever the environment claims; a closed or missing one is not."""
    with contextlib.suppress(AttributeError, ValueError):
        return stream.isatty()  # type: ignore[union-attr]
    return False


def can_animate(stream: TextIO | None) -> bool:
    """Say whether a stream may be drawn over again: FORCE_COLOR colours a pipe but must not animate it."""
    return is_terminal(stream) and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def unicode_output(console: Console) -> bool:
    """Say whether a console can show more than ASCII."""
    return console.encoding.startswith("utf")


def unicode_stream(stream: TextIO | None) -> bool:
    """Say whether a stream can hold more than ASCII."""
    return (getattr(stream, "encoding", None) or "").lower().startswith("utf")


def plain_line(text: str, *, unicode: bool) -> str:
    r"""Make a line that may hold text of others one harmless line, our own signs in it as they are meant or in ASCII.

    >>> plain_line("2 × 256\n\x1b[31m", unicode=False)
    '2 x 256^J^[[31m'
    """
    return sanitize(ascii_signs(text, unicode=unicode), keep="", unicode=unicode)


def light_background() -> bool:
    """Say whether the terminal told of a light background (COLORFGBG, "ink;background"); most are dark."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in ("7", "15")


# HTML and SVG


def escape_html(text: str) -> str:
    """Write a text so that nothing in it is markup, in an attribute neither, and nothing hides.

    >>> escape_html('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    from html import escape

    return escape(sanitize(text, keep=""))
