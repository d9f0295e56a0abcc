"""Standard input, output and error: exact bytes in a pipe, sanitized text on a terminal."""

import math
import os
import sys
import textwrap
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TextIO

import click

from charrnn.errors import CharrnnError, OutputError, writing_output
from charrnn.views.sanitize import (
    can_animate,
    can_style,
    discarding_failures,
    is_terminal,
    plain_line,
    sanitize,
    unicode_stream,
)

DIM, BOLD_RED, BOLD_CYAN = "2", "1;31", "1;36"
"""parameters of the ECMA-48 sequence SGR"""


def read_text(name: str, encoding: str = "utf-8", *, documents: str | None = None, quiet: bool = False) -> str:
    """Return a whole text, of `documents` if that is their kind; "-" is standard input (CharrnnError).

    Print a note if the text was not read as it is, unless `quiet`.
    """
    from charrnn.text.decoding import Examination, decode_text
    from charrnn.text.sources import open_sources

    examination = Examination()
    source = open_sources([name]).files[0]
    text = "".join(decode_text(source, encoding, documents=documents, examination=examination))
    for note in () if quiet else examination.reading_notes():
        write_note(f"note: {note}")
    return text


def _finite(value: Any) -> Any:
    """Return JSON values with None in place of NaN and infinity."""
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def require_output() -> None:
    """Raise CharrnnError if there is no standard output to write results to; call this before long work."""
    if sys.stdout is None:
        raise CharrnnError("cannot write output: standard output is closed")


def write_result(line: str) -> None:
    """Write a line of results, sanitized and encodable, to standard output (OutputError)."""
    write_output(f"{fold_line(plain_line(line, unicode=unicode_stream(sys.stdout)), sys.stdout)}\n")


def write_output(text: str) -> None:
    """Write text to standard output unchanged and unbuffered (OutputError)."""
    with writing_output():
        click.echo(text, nl=False)


def flush_output() -> None:
    """Flush standard output (OutputError)."""
    if sys.stdout is not None:
        with writing_output():
            sys.stdout.flush()


def write_json(values: Mapping[str, Any]) -> None:
    """Write a line of JSON to standard output, unbuffered; NaN and infinity become null (OutputError)."""
    import json  # not needed by the help

    try:
        line = json.dumps(values, allow_nan=False)
    except ValueError:
        line = json.dumps(_finite(values), allow_nan=False)
    write_output(f"{line}\n")


def write_note(line: str, *, style: str = "") -> None:
    """Write a line, sanitized and encodable, to standard error (OutputError)."""
    harmless = fold_line(plain_line(line, unicode=unicode_stream(sys.stderr)), sys.stderr)
    with writing_output():
        click.echo(styled(harmless, style, sys.stderr), err=True, color=True)


def write_stderr(text: str) -> None:
    """Write sanitized text to the log on standard error unchanged and unbuffered, without a line end."""
    if sys.stderr is not None:
        with discarding_failures(sys.stderr):
            sys.stderr.write(text)
            sys.stderr.flush()


def fold_line(line: str, stream: TextIO | None) -> str:
    """Return a line wrapped at spaces to the width of the terminal; unchanged if the stream is not a terminal."""
    columns = terminal_columns(stream)
    if columns is None or len(line) <= columns:
        return line
    return textwrap.fill(line, columns, break_long_words=False, break_on_hyphens=False)


def terminal_columns(stream: TextIO | None) -> int | None:
    """Return the width of a terminal; None if the stream is not a terminal or the width is unknown."""
    if stream is None or not is_terminal(stream):
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def status(message: str, *, quiet: bool = False) -> AbstractContextManager[Any]:
    """Return a context manager that shows a message with a spinner on a terminal during its block."""
    if quiet or not can_animate(sys.stderr):
        return nullcontext()
    from rich.text import Text

    from charrnn.views.console import stderr_console

    return stderr_console().status(Text(plain_line(message, unicode=unicode_stream(sys.stderr))))


def styled(text: str, style: str, stream: TextIO) -> str:
    """Return sanitized text with a style, unless the stream is not a terminal or NO_COLOR is set."""
    plain = not style or os.environ.get("NO_COLOR") or not can_style(stream)
    return text if plain else f"\x1b[{style}m{text}\x1b[0m"


@dataclass
class TextOutput:
    """Standard output for generated text, which may contain any character.

    A pipe receives exactly the text, in UTF-8. On a terminal the output is unbuffered, and control characters are
    shown as Unicode control pictures, unless `raw`.
    """

    raw: bool = False
    terminal: bool = field(default_factory=lambda: is_terminal(sys.stdout))
    altered: bool = False
    """whether a control character was shown as a picture"""

    def __post_init__(self) -> None:
        require_output()
        encoding = sys.stdout.encoding or "utf-8"
        self._encoding = encoding if self.terminal else "utf-8"
        self._unicode = encoding.lower().startswith("utf")

    def write(self, text: str, *, style: str = "") -> None:
        """Write a piece of text (OutputError)."""
        if not self.terminal:
            # A lone surrogate cannot be encoded in UTF-8.
            self._send(text.encode("utf-8", "replace"))
            return
        shown = text if self.raw else sanitize(text, unicode=self._unicode)
        self.altered |= shown != text
        self.draw(styled(shown, style, sys.stdout) if shown else "")

    def draw(self, drawing: str) -> None:
        """Write a drawing, of escape sequences and sanitized text, to the terminal (OutputError)."""
        self._send(drawing.encode(self._encoding, "backslashreplace"))

    def _send(self, content: bytes) -> None:
        """Write bytes, to a terminal without delay (OutputError)."""
        # This runs for every sampled character; a context manager would double the time.
        try:
            sys.stdout.buffer.write(content)
            if self.terminal:
                sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(error.errno, error.strerror or str(error)) from error
