"""Header and summary of a training, and the plot of its losses."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.text.ngram import NGram
from charrnn.training.metrics import History
from charrnn.views.formatting import KeyValueLines, duration, indented, ngram_comparison
from charrnn.views.plot import Curve, Plot, linear_axis
from charrnn.views.sanitize import ascii_signs, plain_line, unicode_output

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
