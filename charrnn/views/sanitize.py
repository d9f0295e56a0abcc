"""Sanitization of untrusted text for terminals, HTML and SVG, and the capabilities of output streams.

This module imports neither Rich nor NumPy.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console


REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
DELETE = 0x7F

JOINERS = frozenset("\u200c\u200d").union(map(chr, range(0xFE00, 0xFE10)))
"""zero-width characters that Persian, Hindi and emoji need; they do not control a terminal"""

_SPACES = frozenset("\u00a0\u1680\u202f\u205f\u3000").union(map(chr, range(0x2000, 0x200B)))
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0").union(
    map(chr, range(0xE0100, 0xE01F0))
)
_ASCII_SIGNS = str.maketrans({"·": "|", "×": "x", "…": "...", "−": "-", "≤": "<=", "≥": ">=", "¶": "$", "─": "-"})
_CACHED_CHARACTERS = 10_000

NO_READER_ERRORS = (errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO)
"""errors of a closed pipe, and of a terminal that was closed"""
NOTEBOOK_KERNEL = {"TERM": "xterm-color", "GIT_PAGER": "cat"}
"""environment variables that ipykernel sets, whichever program started it"""
PLAIN_TERMINALS = ("", "dumb", "unknown", "emacs")
"""values of TERM for terminals without cursor movement and colors"""
LOG_VARIABLES = (
    *("JPY_PARENT_PID", "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE", "DATABRICKS_RUNTIME_VERSION"),
    *("CI", "TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION"),
)
"""environment variables of notebooks and of CI systems, which show the output of a pseudo-terminal as a log"""


def sanitize(text: str, *, keep: str = "\n\t", unicode: bool = True) -> str:
    r"""Return untrusted text without characters that control a terminal; each is replaced by one visible character.

    C0 controls and DEL become control pictures. C1 controls, bidirectional and other format characters, lone
    surrogates, private and unassigned characters become U+FFFD. Characters in `keep` are kept. With unicode=False
    the result is ASCII, with carets and backslash escapes.

    >>> sanitize("red: \x1b[31m")
    'red: ␛[31m'
    >>> sanitize("red: \x1b[31m, caf\xe9", unicode=False)
    'red: ^[[31m, caf\\xe9'
    """
    return text.translate(_replacements(keep, unicode))


def ascii_signs(text: str, *, unicode: bool) -> str:
    """Return text with the typographic signs of charrnn's own messages, in ASCII if need be.

    >>> ascii_signs("2 × 256 · done …", unicode=False)
    '2 x 256 | done ...'
    """
    return text if unicode else text.translate(_ASCII_SIGNS)


class _Replacements(dict[int, str]):
    """A table for str.translate, filled on demand: a table of all characters would take a second."""

    def __init__(self, keep: str, unicode: bool) -> None:
        super().__init__((ord(character), character) for character in keep)
        self.unicode = unicode

    def __missing__(self, code: int) -> str:
        replacement = _unicode_replacement(code) if self.unicode else _ascii_replacement(code)
        # A text with all of Unicode must not fill the memory.
        if len(self) < _CACHED_CHARACTERS:
            self[code] = replacement
        return replacement


@cache
def _replacements(keep: str, unicode: bool) -> _Replacements:
    return _Replacements(keep, unicode)


def _unicode_replacement(code: int) -> str:
    character = chr(code)
    if code < ord(" "):
        return chr(0x2400 + code)
    if code == DELETE:
        return "\N{SYMBOL FOR DELETE}"
    if character in JOINERS or character in _SPACES:
        return character
    # str.isprintable is false for the Unicode categories "other" and "separator".
    return character if character.isprintable() and character not in _INVISIBLE else REPLACEMENT


def _ascii_replacement(code: int) -> str:
    if code < ord(" ") or code == DELETE:
        return "^" + chr(code ^ 0x40)
    return chr(code).encode("ascii", "backslashreplace").decode("ascii")


def never_fail_to_encode(stream: TextIO | None) -> None:
    """Make a stream write backslash escapes for characters that its encoding lacks."""
    # Streams in tests and notebooks have no such method. A stream whose terminal is gone fails when it is written.
    with contextlib.suppress(AttributeError, OSError):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def redirect_to_null(stream: TextIO) -> None:
    """Discard what a stream still holds and all later output of its file descriptor."""
    with contextlib.suppress(OSError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), stream.fileno())


@contextlib.contextmanager
def discarding_failures(stream: TextIO | None) -> Iterator[None]:
    """Discard output of a log in the block that cannot be written, so that the work that it describes continues.

    If its reader is gone, discard all later output, too. On a full disk later output is tried.
    """
    try:
        yield
    except OSError as error:
        if stream is not None and error.errno in NO_READER_ERRORS:
            redirect_to_null(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal, regardless of the environment; a closed or missing stream is not."""
    with contextlib.suppress(AttributeError, ValueError):
        return stream.isatty()  # type: ignore[union-attr]
    return False


def can_style(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal that interprets escape sequences."""
    # Windows does not set TERM.
    term = os.environ.get("TERM", "xterm" if os.name == "nt" else "").lower()
    return is_terminal(stream) and term not in PLAIN_TERMINALS


def can_animate(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal whose cursor can move; FORCE_COLOR does not make a pipe one.

    Notebooks, CI systems and shells in Emacs provide terminals with colors, but show their output as a log.
    """
    is_log = any(os.environ.get(name, "false") not in ("", "0", "false") for name in LOG_VARIABLES)
    is_log |= any(mode in os.environ.get("INSIDE_EMACS", "") for mode in ("comint", "compile", "eshell"))
    is_log |= all(os.environ.get(name) == value for name, value in NOTEBOOK_KERNEL.items())
    return can_style(stream) and not is_log


def unicode_output(console: Console) -> bool:
    """Return whether a console can show more than ASCII."""
    return console.encoding.startswith("utf")


def unicode_stream(stream: TextIO | None) -> bool:
    """Return whether a stream can encode more than ASCII."""
    return (getattr(stream, "encoding", None) or "").lower().startswith("utf")


def plain_line(text: str, *, unicode: bool) -> str:
    r"""Return text that may contain untrusted parts as one sanitized line, in ASCII if need be.

    >>> plain_line("2 × 256\n\x1b[31m", unicode=False)
    '2 x 256^J^[[31m'
    """
    return sanitize(ascii_signs(text, unicode=unicode), keep="", unicode=unicode)


def light_background() -> bool:
    """Return whether COLORFGBG ("text;background") announces a light background; most terminals are dark."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in ("7", "15")


# HTML and SVG


def escape_html(text: str) -> str:
    """Return text for HTML content or attributes: sanitized, with markup escaped.

    >>> escape_html('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    from html import escape

    return escape(sanitize(text, keep=""))
