"""The consoles on standard output and standard error, which sanitize every plain string.

Rich passes escape sequences through to the terminal. Text with styles is sanitized where it is created.
"""

import os
import sys
from typing import IO, Any, TextIO, cast

from rich.console import Console
from rich.text import Text

from charrnn.errors import writing_output
from charrnn.views.sanitize import (
    ascii_signs,
    can_animate,
    can_style,
    discarding_failures,
    is_terminal,
    never_fail_to_encode,
    sanitize,
    unicode_output,
)


class OutputStream:
    """A stream that raises OutputError if writing fails."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a string (OutputError)."""
        with writing_output():
            return self._stream.write(text)

    def flush(self) -> None:
        """Flush the buffer (OutputError)."""
        with writing_output():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class LogStream(OutputStream):
    """A stream for the log of long work, which continues without a log if writing fails."""

    def write(self, text: str) -> int:
        """Write a string if that is possible."""
        with discarding_failures(self._stream):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the buffer if that is possible."""
        with discarding_failures(self._stream):
            super().flush()


class SafeConsole(Console):
    """A console of Rich that treats every plain string as untrusted."""

    def __init__(self, stream: TextIO | None, *, is_log: bool = False, **options: Any) -> None:
        kind = LogStream if is_log else OutputStream
        self._may_hide_cursor = is_log
        super().__init__(file=None if stream is None else cast("IO[str]", kind(stream)), **options)

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError; Rich would end the program with a failure."""
        raise BrokenPipeError

    def show_cursor(self, show: bool = True) -> bool:
        """Show the cursor; hide it only in a log, because other work ends without restoring it at a signal."""
        return super().show_cursor(show) if show or self._may_hide_cursor else False

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a string as sanitized text, in ASCII if the console has no Unicode."""
        return super().render_str(harmless_text(text, self).plain, **options)


def harmless_text(text: str, console: Console) -> Text:
    """Return sanitized text that Rich draws literally: no markup, no control character."""
    unicode = unicode_output(console)
    return Text(sanitize(ascii_signs(text, unicode=unicode), unicode=unicode))


def print_line(line: str, console: Console) -> None:
    """Print sanitized text that Rich does not wrap, so that one line of a log remains one line."""
    console.print(harmless_text(line, console), soft_wrap=True)


_MAX_SIZE_DIGITS = 6
"""digits of COLUMNS or LINES; longer values are not sizes of a terminal"""


def stdout_console() -> Console:
    """Return a console on standard output, for results."""
    return _console(sys.stdout, is_error=False)


def stderr_console() -> Console:
    """Return a console on standard error, for messages and progress."""
    return _console(sys.stderr, is_error=True)


def log_console() -> Console:
    """Return a console on standard error for the log of long work, which continues if the log cannot be written."""
    return _console(sys.stderr, is_error=True, is_log=True)


def _console(stream: TextIO | None, *, is_error: bool, is_log: bool = False) -> Console:
    never_fail_to_encode(stream)
    # With NO_COLOR Rich keeps bold and underline; in a pipe or a file only plain text is useful.
    is_plain = not can_style(stream) if is_terminal(stream) else os.environ.get("NO_COLOR")
    return SafeConsole(
        stream,
        is_log=is_log,
        stderr=is_error,
        color_system=None if is_plain else "auto",
        force_interactive=can_animate(stream),
        markup=False,
        emoji=False,
        highlight=False,
        _environ=_environment(),
    )


def _environment() -> dict[str, str]:
    """Return the environment without an invalid COLUMNS or LINES; with a width of 0 Rich would draw nothing."""
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES") or _is_size(value)}


def _is_size(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= _MAX_SIZE_DIGITS and int(value) > 0
