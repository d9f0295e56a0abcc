"""The two consoles, on standard output and standard error. Every plain string is sanitized on them.

Rich passes escape sequences through, so strings of unknown origin must not reach it as they are. Text with styles
is sanitized where it is made.
"""

from __future__ import annotations

import os
import sys
from typing import IO, Any, TextIO, cast

from rich.console import Console
from rich.text import Text

from charrnn.errors import writing_output
from charrnn.views.sanitize import (
    ascii_signs,
    can_animate,
    is_terminal,
    never_fail_to_encode,
    sanitize,
    unicode_output,
)


class OutputStream:
    """A stream that raises OutputError where it cannot be written to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text (OutputError)."""
        with writing_output():
            return self._stream.write(text)

    def flush(self) -> None:
        """Pass all buffered text to the system (OutputError)."""
        with writing_output():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class SafeConsole(Console):
    """Rich's console, but a string is text of others until it has been made visible."""

    def __init__(self, stream: TextIO | None, **options: Any) -> None:
        super().__init__(file=None if stream is None else cast("IO[str]", OutputStream(stream)), **options)

    def on_broken_pipe(self) -> None:
        """Let whoever prints know; Rich would end the program as if it had failed."""
        raise BrokenPipeError

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a string harmless, our own signs in it ASCII where the console has no others."""
        return super().render_str(harmless_text(text, self).plain, **options)


def harmless_text(text: str, console: Console) -> Text:
    """Return text as Rich draws it unchanged: no markup is read in it, and no control character of it acts."""
    unicode = unicode_output(console)
    return Text(sanitize(ascii_signs(text, unicode=unicode), unicode=unicode))


_LONGEST_SIZE = 6


def stdout_console() -> Console:
    """Return a console on standard output, for results."""
    return _console(sys.stdout, is_error=False)


def stderr_console() -> Console:
    """Return a console on standard error, for everything that is not a result."""
    return _console(sys.stderr, is_error=True)


def _console(stream: TextIO | None, *, is_error: bool) -> Console:
    never_fail_to_encode(stream)
    # Rich's NO_COLOR keeps bold; where no terminal listens, nothing but text is wanted.
    plain = os.environ.get("NO_COLOR") and not is_terminal(stream)
    return SafeConsole(
        stream,
        stderr=is_error,
        color_system=None if plain else "auto",
        force_interactive=can_animate(stream),
        markup=False,
        emoji=False,
        highlight=False,
        _environ=_environment(),
    )


def _environment() -> dict[str, str]:
    """Copy the variables that Rich reads, without a COLUMNS or LINES that is no size: 0 makes it draw nothing."""
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES") or _is_size(value)}


def _is_size(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= _LONGEST_SIZE and int(value) > 0
