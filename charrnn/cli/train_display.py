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

from charrnn.cli.streams import write_json, write_stderr
from charrnn.errors import CharrnnError, OutputError, os_reason
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.ngram import NGram
from charrnn.text.source_file import CorpusFiles
from charrnn.training.events import EarlyStop, Event, Pause, Preview, Report, SafePoint, Step, TrainingWarning
from charrnn.training.metrics import event_dict
from charrnn.training.train_options import TrainOptions
from charrnn.views.console import log_console, print_line
from charrnn.views.formatting import indented, ngram_line
from charrnn.views.sanitize import ascii_signs, can_animate, unicode_output, unicode_stream
from charrnn.views.training_progress import (
    ProgressState,
    early_stop_line,
    preview_line,
    preview_milestone,
    report_line,
)
from charrnn.views.training_summary import SECONDS_BETWEEN_LINES

try:
    import termios
except ImportError:  # not on Windows, which echoes only while a program reads
    termios = None  # type: ignore[assignment]


# The keyboard's echo is off while the screen is redrawn: an echoed line end would move the live display. The next
# reader, such as the shell, still receives the typed characters.

LOCAL_MODES = 3
"""index of the local modes, such as ECHO, in the attributes that `termios.tcgetattr` returns"""


@contextmanager
def echo_off(terminal: TextIO) -> Iterator[None]:
    """Switch off the terminal's echo in the block.

    Nothing is changed by a process in the background, which does not own the terminal, and changes that other
    programs make in the meantime are kept.
    """
    was_on = _switch_echo(terminal, off=True)
    try:
        yield
    finally:
        if was_on:
            _switch_echo(terminal, off=False)


def _switch_echo(terminal: TextIO, *, off: bool) -> bool:
    """Switch the echo off or on; return whether the terminal's attributes changed."""
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

SECONDS_BETWEEN_REFRESHES = 0.25
PROGRESS_FROM_BYTES = 100_000_000
"""bytes read from which the progress of reading is shown"""
NON_PREVIEW_LINES = 15
"""lines of the screen that are not for the preview: the rest of the display, and some lines of the shell"""

Events = Iterator[Event]
Clock = Callable[[], float]
Show = Callable[[Events, ProgressState, Console, Clock], None]
"""runs a training by consuming its events, and displays them"""


def show_live(events: Events, progress: ProgressState, console: Console, clock: Clock) -> None:
    """Redraw the progress a few times per second; the previews stay above the live display.

    After a pause the display continues below the output of the shell.
    """
    for event in events:
        _show_until_pause(chain([event], events), progress, console, clock)


def _show_until_pause(events: Events, progress: ProgressState, console: Console, clock: Clock) -> None:
    """Redraw until the events end, or until a pause."""
    unicode, last_refresh_at = unicode_output(console), 0.0
    with echo_off(sys.stderr), Live(console=console, auto_refresh=False) as live:
        for event in events:
            now = clock()
            progress.update(event, now)
            if isinstance(event, Preview):
                live.console.print(preview_milestone(event, console.width, unicode=unicode))
            if isinstance(event, NGram):
                live.console.print(indented(ngram_line(event), "dim"))
            if isinstance(event, TrainingWarning):
                print_line(f"warning: {event.message}", console)
            if isinstance(event, EarlyStop):
                print_line(early_stop_line(event), console)
            if isinstance(event, Pause):
                return
            if now - last_refresh_at >= SECONDS_BETWEEN_REFRESHES:
                live.update(progress.view(max(0, console.height - NON_PREVIEW_LINES)), refresh=True)
                last_refresh_at = now
        live.update(progress.view(0), refresh=True)


def show_lines(events: Events, progress: ProgressState, console: Console, clock: Clock) -> None:
    """Write reports as key=value lines, at least ten seconds apart, and all previews."""
    last_line_at, pending_report, last_line = -math.inf, None, ""
    for event in events:
        now = clock()
        progress.update(event, now)
        if isinstance(event, TrainingWarning):
            print_line(f"warning: {event.message}", console)
        elif isinstance(event, Preview):
            print_line(preview_line(event), console)
        elif isinstance(event, NGram):
            console.print(indented(ngram_line(event), "dim"))
        elif isinstance(event, EarlyStop):
            last_line = early_stop_line(event)
        elif isinstance(event, Report) and now - last_line_at < SECONDS_BETWEEN_LINES:
            pending_report = event
        elif isinstance(event, Report):
            print_line(report_line(event, progress), console)
            last_line_at, pending_report = now, None
    if pending_report is not None:
        print_line(report_line(pending_report, progress), console)
    if last_line:
        print_line(last_line, console)


def show_json(events: Events, _progress: ProgressState, _console: Console, _clock: Clock) -> None:
    """Write each event, except for steps, as a line of JSON to standard output."""
    for event in events:
        if not isinstance(event, Step | SafePoint | Pause):
            write_json(event_dict(event))


def show_nothing(events: Events, _progress: ProgressState, _console: Console, _clock: Clock) -> None:
    """Run the training without a display; warnings are still written."""
    for event in events:
        if isinstance(event, TrainingWarning):
            console = log_console()
            print_line(f"warning: {event.message}", console)


def choose_display(options: TrainOptions) -> Show:
    """Return the function that shows events as the options and the terminal require."""
    if options.as_json:
        return show_json
    if options.quiet:
        return show_nothing
    return show_live if can_animate(sys.stderr) else show_lines


@contextmanager
def failed_events_as_error(directory: RunDirectory, options: TrainOptions) -> Iterator[None]:
    """Raise CharrnnError, with the step that is saved, if the events of --json cannot be written in the block."""
    try:
        yield
    except (BrokenPipeError, OutputError) as error:
        if not options.as_json:
            raise
        step = directory.last_checkpoint_step()
        saved = "nothing was saved yet" if step is None else f"step {step:,} is saved in {directory.path}"
        raise CharrnnError(
            f"cannot write the events of --json: {os_reason(error)}; {saved}", hint="the same command continues"
        ) from error


@contextmanager
def status_line(message: str, *, quiet: bool) -> Iterator[None]:
    """Show a message on a terminal during the block, and erase it afterwards."""
    if quiet or not can_animate(sys.stderr):
        yield
        return
    write_stderr(ascii_signs(message, unicode=unicode_stream(sys.stderr)))
    try:
        yield
    finally:
        write_stderr("\r\x1b[K")


def reading_progress(sources: CorpusFiles, *, quiet: bool) -> CorpusFiles:
    """Return the files with the progress of reading displayed if they are large; each file is read twice."""
    console = log_console()
    console.quiet = quiet
    total = 2 * sources.size
    if total < PROGRESS_FROM_BYTES:
        return sources
    print_line(f"reading {sources.size / 1e9:.1f} GB …", console)
    if not can_animate(sys.stderr):
        return sources
    done = 0

    def with_progress(pieces: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal done
        for piece in pieces:
            done += len(piece)
            write_stderr(f"\r\x1b[K  {done / total:.0%} ")
            yield piece
        if done >= total:
            write_stderr("\r      \r")

    return sources.with_progress(with_progress)
