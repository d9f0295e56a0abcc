"""A console on which no plain string can do harm, wherever it comes from, and nobody's leaving is a failure.

What is drawn with styles has been made harmless by whoever draws it.
"""

from typing import IO, Any, TextIO, cast

from rich.console import Console
from rich.text import Text

from charrnn.errors import writing_output
from charrnn.views.terminal import ascii_signs, sanitize, unicode_output


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
