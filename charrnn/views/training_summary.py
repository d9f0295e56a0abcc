"""Header and summary of a training, the plot of its losses, and its progress bar for notebooks and terminals."""

import io
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from charrnn.text.ngram import NGram
from charrnn.training.events import Event, Report
from charrnn.training.metrics import History
from charrnn.views.console import log_console, print_line
from charrnn.views.formatting import KeyValueLines, duration, indented, ngram_comparison
from charrnn.views.plot import Curve, Plot, linear_axis
from charrnn.views.sanitize import ascii_signs, can_animate, plain_line, unicode_output
from charrnn.views.training_progress import ProgressState, ProgressView, report_line

# Header and summary


@dataclass(frozen=True, kw_only=True)
class TrainingHeader:
    """The lines before a training: settings and baselines."""

    lines: tuple[tuple[str, str], ...]
    """key and value, e.g. ("model", "LSTM 1 × 512 …")"""
    baselines: Mapping[str, float]
    """bits per character of simpler models, by name"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the settings in two columns, then a line of baselines."""
        unicode = unicode_output(console)
        yield KeyValueLines(lines=self.lines)
        yield Text()
        baselines = " · ".join(f"{name} {bits:.2f}" for name, bits in self.baselines.items())
        yield indented(ascii_signs(f"bits/character   {baselines}", unicode=unicode), "dim")


@dataclass(frozen=True, kw_only=True)
class TrainingSummary:
    """The result of a training."""

    seconds: float
    val_bits: float
    val_nats: float
    """validation loss with the state carried"""
    val_window256_bits: float
    val_window256_nats: float
    """validation loss with the state zeroed every 256 characters"""
    best_step: int
    measured_on: str
    """description of the text that the loss was measured on"""
    ngram: NGram
    """baseline"""
    next_commands: tuple[tuple[str, str], ...]
    """commands to type next, with their meaning"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the result and its comparison with the baseline, then the next commands."""
        result = (
            f"done in {duration(self.seconds)} · best validation {self.val_bits:.3f} bits/char "
            f"({self.val_nats:.4f} nats) at step {self.best_step:,}"
        )
        yield Text(ascii_signs(result, unicode=unicode_output(console)), style="bold")
        yield indented(self.measured_on, "dim")
        yield indented(
            f"window256 {self.val_window256_bits:.3f} bits/char ({self.val_window256_nats:.4f} nats): "
            "state zeroed every 256 characters",
            "dim",
        )
        yield indented(ngram_comparison(self.ngram, self.val_bits))
        yield Text()
        table = Table.grid(padding=(0, 3))
        # A command stays on one line, if the screen is wide enough for it.
        table.add_column(overflow="fold", no_wrap=True)
        table.add_column(overflow="fold")
        unicode = unicode_output(console)
        for command, meaning in self.next_commands:
            table.add_row(Text(f"  {plain_line(command, unicode=unicode)}"), Text(meaning, style="dim"))
        yield table


# Losses by step


def loss_plot(history: History, title: str, *, ngram_bits: float | None = None) -> Plot:
    """Return the plot of a loss history, with the loss of the n-gram as a horizontal line if it is given."""
    losses = {"training": history.training, "validation": history.validation}
    curves = [Curve(label=label, points=points) for label, points in losses.items() if points]
    steps = [step for points in losses.values() for step, _ in points]
    if ngram_bits is not None and steps:
        curves.append(Curve(label="n-gram", points=((min(steps), ngram_bits), (max(steps), ngram_bits))))
    return Plot(
        title=title,
        x_axis=linear_axis([0, *steps], "step", tight=True),
        y_axis=linear_axis((bits for curve in curves for _, bits in curve.points), "bits per character"),
        curves=tuple(curves),
    )


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
                    print_line(unwritten, console)
                    written_at, unwritten = now, ""
            yield event
    finally:
        if unwritten:
            print_line(unwritten, console)


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
