"""Shows a training as it goes: a live screen, a line a report for a pipe, events in JSON, or nothing."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain

from rich.console import Console
from rich.live import Live

from charrnn.cli.keyboard import not_echoed
from charrnn.cli.streams import say_json, write_aside
from charrnn.text.sources import Sources
from charrnn.training.events import Event, Moment, Overfitting, Pause, Preview, Report, Step, Trouble
from charrnn.training.metrics import described
from charrnn.views.harmless import harmless_text
from charrnn.views.terminal import animated, talk, typeset, unicode_output, unicode_stream
from charrnn.views.training import Watch, early_line, milestone, report_line, written_line

SECONDS_BETWEEN_PICTURES = 0.25
SECONDS_BETWEEN_LINES = 10.0
SLOW_TO_READ = 100_000_000
"""bytes; a larger text's reading is shown"""
SCREEN_LINES_OF_PICTURE = 15
"""all but the preview, and some of the shell's"""

Events = Iterator[Event]
Clock = Callable[[], float]
Show = Callable[[Events, Watch, Console, Clock], None]


def show_live(events: Events, watch: Watch, console: Console, clock: Clock) -> None:
    """Draw over the same lines, a few times a second; what the network wrote at each stage stays above.

    After a pause it goes on below of what the shell has written meanwhile.
    """
    for event in events:
        _show_until_a_pause(chain([event], events), watch, console, clock)


def _show_until_a_pause(events: Events, watch: Watch, console: Console, clock: Clock) -> None:
    """Draw until the events end, or until they are about to stand still."""
    unicode, drawn_at = unicode_output(console), 0.0
    with not_echoed(sys.stderr), Live(console=console, auto_refresh=False) as live:
        for event in events:
            now = clock()
            watch.see(event, now)
            if isinstance(event, Preview):
                live.console.print(milestone(event, console.width, unicode=unicode))
            if isinstance(event, Trouble):
                live.console.print(harmless_text(f"warning: {event.message}", console), soft_wrap=True)
            if isinstance(event, Overfitting):
                live.console.print(harmless_text(early_line(event), console), soft_wrap=True)
            if isinstance(event, Pause):
                return
            if now - drawn_at >= SECONDS_BETWEEN_PICTURES:
                live.update(watch.picture(max(0, console.height - SCREEN_LINES_OF_PICTURE)), refresh=True)
                drawn_at = now
        live.update(watch.picture(0), refresh=True)


def show_lines(events: Events, watch: Watch, console: Console, clock: Clock) -> None:
    """Write key=value lines, at least ten seconds apart, and what the network wrote at each stage."""
    written_at, unwritten, last = -math.inf, None, ""
    for event in events:
        now = clock()
        watch.see(event, now)
        if isinstance(event, Trouble):
            console.print(harmless_text(f"warning: {event.message}", console), soft_wrap=True)
        elif isinstance(event, Preview):
            console.print(harmless_text(written_line(event), console), soft_wrap=True)
        elif isinstance(event, Overfitting):
            last = early_line(event)
        elif isinstance(event, Report) and now - written_at < SECONDS_BETWEEN_LINES:
            unwritten = event
        elif isinstance(event, Report):
            console.print(harmless_text(report_line(event, watch), console), soft_wrap=True)
            written_at, unwritten = now, None
    if unwritten is not None:
        console.print(harmless_text(report_line(unwritten, watch), console), soft_wrap=True)
    if last:
        console.print(harmless_text(last, console), soft_wrap=True)


def show_json(events: Events, _watch: Watch, _console: Console, _clock: Clock) -> None:
    """Write every event but the single steps as a line of JSON to standard output."""
    for event in events:
        if not isinstance(event, Step | Moment | Pause):
            say_json(described(event))


def show_nothing(events: Events, _watch: Watch, _console: Console, _clock: Clock) -> None:
    """Let the training run; trouble is told all the same."""
    for event in events:
        if isinstance(event, Trouble):
            console = talk()
            console.print(harmless_text(f"warning: {event.message}", console), soft_wrap=True)


@contextmanager
def said_meanwhile(words: str, *, quiet: bool) -> Iterator[None]:
    """Have words stand on a terminal for as long as something takes, and none of them stay."""
    if quiet or not animated(sys.stderr):
        yield
        return
    write_aside(typeset(words, unicode=unicode_stream(sys.stderr)))
    try:
        yield
    finally:
        write_aside("\r\x1b[K")


def show_reading(sources: Sources, *, quiet: bool) -> Sources:
    """Have the reading of a large text shown as it goes; it is read twice."""
    console = talk()
    console.quiet = quiet
    total = 2 * sources.size
    if total < SLOW_TO_READ:
        return sources
    console.print(harmless_text(f"reading {sources.size / 1e9:.1f} GB …", console), soft_wrap=True)
    if not animated(sys.stderr):
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

    return sources.watched(shown)
