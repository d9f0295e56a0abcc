"""Progress bar of a training in Python: drawn in a notebook or on a terminal, and one line per report elsewhere."""

import io
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from rich.console import Console
from rich.live import Live

from charrnn.training.events import Event, Report
from charrnn.views.console import harmless_text, log_console
from charrnn.views.sanitize import can_animate
from charrnn.views.training_progress import ProgressState, ProgressView, report_line

SECONDS_BETWEEN_DRAWINGS = 0.5
SECONDS_BETWEEN_LINES = 10.0
NOTEBOOK_COLUMNS = 80
NOTEBOOK_FORMAT = '<pre style="white-space: pre; line-height: normal; font-family: monospace">{code}</pre>'
"""HTML around the drawing, whose text Rich escapes"""

Draw = Callable[[ProgressView], None]


def show_progress(
    events: Iterator[Event], progress: ProgressState, clock: Callable[[], float] = time.monotonic
) -> Iterator[Event]:
    """Pass events through, and show the progress in the notebook or on standard error."""
    notebook = _notebook()
    if notebook is None and not can_animate(sys.stderr):
        yield from _write_lines(events, progress, clock)
        return
    with _on_terminal() if notebook is None else _in_notebook(notebook) as draw:
        drawn_at = -math.inf
        try:
            for event in events:
                now = clock()
                progress.update(event, now)
                if now - drawn_at >= SECONDS_BETWEEN_DRAWINGS:
                    draw(progress.view(0))
                    drawn_at = now
                yield event
        finally:
            draw(progress.view(0))


def _write_lines(events: Iterator[Event], progress: ProgressState, clock: Callable[[], float]) -> Iterator[Event]:
    """Pass events through, and write a line for a report, at most every ten seconds, and for the last report."""
    console, written_at, unwritten = log_console(), -math.inf, ""
    try:
        for event in events:
            now = clock()
            progress.update(event, now)
            if isinstance(event, Report):
                unwritten = report_line(event, progress)
                if now - written_at >= SECONDS_BETWEEN_LINES:
                    console.print(harmless_text(unwritten, console), soft_wrap=True)
                    written_at, unwritten = now, ""
            yield event
    finally:
        if unwritten:
            console.print(harmless_text(unwritten, console), soft_wrap=True)


@contextmanager
def _on_terminal() -> Iterator[Draw]:
    """Yield a function that redraws the progress on the terminal of standard error."""
    with Live(console=log_console(), auto_refresh=False) as live:
        yield lambda view: live.update(view, refresh=True)


@contextmanager
def _in_notebook(notebook: Any) -> Iterator[Draw]:
    """Yield a function that redraws the progress in the output of a notebook's cell."""
    output = None

    def draw(view: ProgressView) -> None:
        nonlocal output
        drawing = notebook_drawing(view)
        if output is None:
            output = notebook.display(drawing, raw=True, display_id=True)
        else:
            output.update(drawing, raw=True)

    yield draw


def notebook_drawing(view: ProgressView) -> dict[str, str]:
    """Return a drawing as HTML and as plain text, by their media types."""
    console = Console(
        file=io.StringIO(), record=True, width=NOTEBOOK_COLUMNS, force_terminal=True, force_jupyter=False, _environ={}
    )
    console.print(view)
    html = console.export_html(code_format=NOTEBOOK_FORMAT, inline_styles=True, clear=False)
    return {"text/html": html, "text/plain": console.export_text()}


def _notebook() -> Any:
    """Return IPython's display functions if the interpreter is the kernel of a notebook, else None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return import_module("IPython.display") if getattr(shell, "kernel", None) is not None else None
