"""Display of a training: a live screen, one line per report in a pipe, events as JSON, or nothing."""

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TextIO

from rich.console import Console
from rich.live import Live

from charrnn.cli.streams import write_aside, write_json
from charrnn.text.sources import CorpusFiles
from charrnn.training.events import EarlyStop, Event, Pause, Preview, Report, SafePoint, Step, TrainingWarning
from charrnn.training.metrics import event_dict
from charrnn.views.console import harmless_text, stderr_console
from charrnn.views.sanitize import ascii_signs, can_animate, unicode_output, unicode_stream
from charrnn.views.training_progress import (
    ProgressState,
    early_stop_line,
    preview_line,
    preview_milestone,
    report_line,
)

try:
    import termios
except ImportError:  # Windows has none of it, and echoes only while somebody reads.
    termios = None  # type: ignore[assignment]


# The keyboard while the screen is redrawn: an echoed line end would move the picture. What is typed is kept for the
# next reader, such as the shell.

LOCAL_MODES = 3
"""where in a terminal's attributes it stands what is echoed"""


@contextmanager
def echo_off(terminal: TextIO) -> Iterator[None]:
    """Have a terminal not show what is typed for as long as the block lasts.

    Nothing is done from the background, where the terminal is another's, and what others changed meanwhile stays.
    """
    echoed = _switch_echo(terminal, off=True)
    try:
        yield
    finally:
        if echoed:
            _switch_echo(terminal, off=False)


def _switch_echo(terminal: TextIO, *, off: bool) -> bool:
    """Switch the echo; tell whether that was done."""
    if termios is None:
        return False
    with suppress(OSError, ValueError, termios.error):
        descriptor = terminal.fileno()
        attributes = termios.tcgetattr(descriptor)
        echoes = bool(attributes[LOCAL_MODES] & termios.ECHO)
        if echoes is off and os.tcgetpgrp(descriptor) == os.getpgrp():
            attributes[LOCAL_MODES] ^= termios.ECHO
            termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
            return True
    return False


# The display

SECONDS_BETWEEN_PICTURES = 0.25
SECONDS_BETWEEN_LINES = 10.0
SLOW_TO_READ = 100_000_000
"""bytes; a larger text's reading is shown"""
SCREEN_LINES_OF_PICTURE = 15
"""all but the preview, and some of the shell's"""

Events = Iterator[Event]
Clock = Callable[[], float]
Show = Callable[[Events, ProgressState, Console, Clock], None]


def show_live(events: Events, progress: ProgressState, console: Console, clock: Clock) -> None:
    """Draw over the same lines, a few times a second; what the network wrote at each stage stays above.

    After a pause it goes on below of what the shell has written meanwhile.
    """
    for event in events:
        _show_until_a_pause(chain([event], events), progress, console, clock)


def _show_until_a_pause(events: Events, progress: ProgressState, console: Console, clock: Clock) -> None:
    """Draw until the events end, or until they are about to stand still."""
    unicode, drawn_at = unicode_output(console), 0.0
    with echo_off(sys.stderr), Live(console=console, auto_refresh=False) as live:
        for event in events:
            now = clock()
            progress.update(event, now)
            if isinstance(event, Preview):
                live.console.print(preview_milestone(event, console.width, unicode=unicode))
            if isinstance(event, TrainingWarning):
                live.console.print(harmless_text(f"warning: {event.message}", console), soft_wrap=True)
            if isinstance(event, EarlyStop):
                live.console.print(harmless_text(early_stop_line(event), console), soft_wrap=True)
            if isinstance(event, Pause):
                return
            if now - drawn_at >= SECONDS_BETWEEN_PICTURES:
                live.update(progress.view(max(0, console.height - SCREEN_LINES_OF_PICTURE)), refresh=True)
                drawn_at = now
        live.update(progress.view(0), refresh=True)


def show_lines(events: Events, progress: ProgressState, console: Console, clock: Clock) -> None:
    """Write key=value lines, at least ten seconds apart, and what the network wrote at each stage."""
    written_at, unwritten, last = -math.inf, None, ""
    for event in events:
        now = clock()
        progress.update(event, now)
        if isinstance(event, TrainingWarning):
            console.print(harmless_text(f"warning: {event.message}", console), soft_wrap=True)
        elif isinstance(event, Preview):
            console.print(harmless_text(preview_line(event), console), soft_wrap=True)
        elif isinstance(event, EarlyStop):
            last = early_stop_line(event)
        elif isinstance(event, Report) and now - written_at < SECONDS_BETWEEN_LINES:
            unwritten = event
        elif isinstance(event, Report):
            console.print(harmless_text(report_line(event, progress), console), soft_wrap=True)
            written_at, unwritten = now, None
    if unwritten is not None:
        console.print(harmless_text(report_line(unwritten, progress), console), soft_wrap=True)
    if last:
        console.print(harmless_text(last, console), soft_wrap=True)


def show_json(events: Events, _watch: ProgressState, _console: Console, _clock: Clock) -> None:
    """Write every event but the single steps as a line of JSON to standard output."""
    for event in events:
        if not isinstance(event, Step | SafePoint | Pause):
            write_json(event_dict(event))


def show_nothing(events: Events, _watch: ProgressState, _console: Console, _clock: Clock) -> None:
    """Let the training run; trouble is told all the same."""
    for event in events:
        if isinstance(event, TrainingWarning):
            console = stderr_console()
            console.print(harmless_text(f"warning: {event.message}", console), soft_wrap=True)


@contextmanager
def status_line(words: str, *, quiet: bool) -> Iterator[None]:
    """Have words stand on a terminal for as long as something takes, and none of them stay."""
    if quiet or not can_animate(sys.stderr):
        yield
        return
    write_aside(ascii_signs(words, unicode=unicode_stream(sys.stderr)))
    try:
        yield
    finally:
        write_aside("\r\x1b[K")


def reading_progress(sources: CorpusFiles, *, quiet: bool) -> CorpusFiles:
    """Have the reading of a large text shown as it goes; it is read twice."""
    console = stderr_console()
    console.quiet = quiet
    total = 2 * sources.size
    if total < SLOW_TO_READ:
        return sources
    console.print(harmless_text(f"reading {sources.size / 1e9:.1f} GB …", console), soft_wrap=True)
    if not can_animate(sys.stderr):
        return sources
    done = 0

    def shown(pieces: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal done
        for piece in pieces:
            done += len(piece)
            write_aside(f"\r\x1b[K  {done / total:.0%} ")
            yield piece
        if done >= total:
            write_aside("\r      \r")

    return sources.with_progress(shown)
