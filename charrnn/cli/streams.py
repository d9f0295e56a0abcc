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
from charrnn.views.sanitize import can_animate, is_terminal, plain_line, sanitize, unicode_stream

DIM, BOLD_RED, BOLD_CYAN = "2", "1;31", "1;36"


def read_text(name: str, encoding: str = "utf-8", *, documents: str | None = None) -> str:
    """Read a whole text, as it is or its `documents` ended; "-": standard input (CharrnnError, with the place)."""
    from charrnn.text.decoding import decode_text
    from charrnn.text.sources import open_sources

    return "".join(decode_text(open_sources([name]).files[0], encoding, documents=documents))


def _finite(value: Any) -> Any:
    """Put None in the place of each NaN and infinity in plain values."""
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def require_output() -> None:
    """See, before much work is done for it, that there is a standard output to write results to (CharrnnError)."""
    if sys.stdout is None:
        raise CharrnnError("cannot write output: standard output is closed")


def write_result(line: str) -> None:
    """Write a line of results, made harmless and encodable."""
    write_output(f"{fold_line(plain_line(line, unicode=unicode_stream(sys.stdout)), sys.stdout)}\n")


def write_output(text: str) -> None:
    """Write text to standard output as it is, at once (OutputError)."""
    with writing_output():
        click.echo(text, nl=False)


def flush_output() -> None:
    """Pass the buffered results to the system (OutputError)."""
    if sys.stdout is not None:
        with writing_output():
            sys.stdout.flush()


def write_json(values: Mapping[str, Any]) -> None:
    """Write a line of JSON as a result, at once; NaN and infinity, for which JSON has no number, are null in it."""
    import json  # not needed by the help

    try:
        line = json.dumps(values, allow_nan=False)
    except ValueError:
        line = json.dumps(_finite(values), allow_nan=False)
    write_output(f"{line}\n")


def write_note(line: str, *, style: str = "") -> None:
    """Write a line beside the results, made harmless and encodable."""
    harmless = fold_line(plain_line(line, unicode=unicode_stream(sys.stderr)), sys.stderr)
    with writing_output():
        click.echo(styled(harmless, style, sys.stderr), err=True, color=True)


def write_aside(text: str) -> None:
    """Write harmless text to standard error as it is, at once (OutputError)."""
    if sys.stderr is not None:
        with writing_output():
            sys.stderr.write(text)
            sys.stderr.flush()


def fold_line(line: str, stream: TextIO | None) -> str:
    """Fold a line at its blanks where a terminal would cut words; in a pipe it stays a line."""
    columns = terminal_columns(stream)
    if columns is None or len(line) <= columns:
        return line
    return textwrap.fill(line, columns, break_long_words=False, break_on_hyphens=False)


def terminal_columns(stream: TextIO | None) -> int | None:
    """Give the width of the terminal that a stream is; None where it is none, or does not know."""
    if stream is None or not is_terminal(stream):
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def status(what: str, *, quiet: bool = False) -> AbstractContextManager[Any]:
    """Say, on a terminal and only for as long, what takes its time."""
    if quiet or not can_animate(sys.stderr):
        return nullcontext()
    from rich.text import Text

    from charrnn.views.console import stderr_console

    return stderr_console().status(Text(plain_line(what, unicode=unicode_stream(sys.stderr))))


def styled(text: str, style: str, stream: TextIO) -> str:
    """Put a text that is already harmless in a style, where a terminal shows it and nobody asked for none."""
    plain = not style or os.environ.get("NO_COLOR") or not can_animate(stream)
    return text if plain else f"\x1b[{style}m{text}\x1b[0m"


@dataclass
class TextOutput:
    """Standard output as the place for written text, which may hold any character.

    In a pipe it is the text, in UTF-8, and nothing else. On a terminal each piece is seen at once, and what would
    command the terminal is shown as a picture of itself, unless `raw`.
    """

    raw: bool = False
    terminal: bool = field(default_factory=lambda: is_terminal(sys.stdout))
    altered: bool = False
    """whether something was shown as a picture of itself"""

    def __post_init__(self) -> None:
        require_output()
        encoding = sys.stdout.encoding or "utf-8"
        self._encoding = encoding if self.terminal else "utf-8"
        self._unicode = encoding.lower().startswith("utf")

    def write(self, text: str, *, style: str = "") -> None:
        """Write a piece of text (OutputError)."""
        # This is done for every character that is sampled; a context manager would cost as much as all the rest.
        try:
            self._write(text, style)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(error.errno, error.strerror or str(error)) from error

    def _write(self, text: str, style: str) -> None:
        if not self.terminal:
            # Whatever a pipe is to hold is UTF-8, and half a surrogate pair has none.
            sys.stdout.buffer.write(text.encode("utf-8", "replace"))
            return
        shown = text if self.raw else sanitize(text, unicode=self._unicode)
        self.altered |= shown != text
        shown = styled(shown, style, sys.stdout) if shown else ""
        sys.stdout.buffer.write(shown.encode(self._encoding, "backslashreplace"))
        sys.stdout.buffer.flush()
