"""The header and the summary of a training, and the plot of its losses."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.text.ngram import NGram
from charrnn.training.metrics import History
from charrnn.views.axis import round_axis
from charrnn.views.formatting import KeyValueLines, duration, indented, ngram_comparison
from charrnn.views.plot import Curve, Plot
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output

# Before a training and after it


@dataclass(frozen=True, kw_only=True)
class TrainingHeader:
    """What is about to happen."""

    lines: tuple[tuple[str, str], ...]
    """a word and what it is, e.g. ("model", "LSTM 1 × 512 …")"""
    baselines: Mapping[str, float]
    """bits per character of simpler models of the same text"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the words in one column, what they are in the next."""
        unicode = unicode_output(console)
        yield KeyValueLines(lines=self.lines)
        yield Text()
        baselines = " · ".join(f"{name} {bits:.2f}" for name, bits in self.baselines.items())
        yield indented(ascii_signs(f"bits/character   {baselines}", unicode=unicode), "dim")


@dataclass(frozen=True, kw_only=True)
class TrainingSummary:
    """What a training came to."""

    seconds: float
    val_bits: float
    val_nats: float
    """with the state carried"""
    val_window256_bits: float
    val_window256_nats: float
    """with the state zeroed every 256 characters"""
    best_step: int
    measured_on: str
    """of what the loss is the mean"""
    ngram: NGram
    """what there was to beat"""
    next_commands: tuple[tuple[str, str], ...]
    """what to type now, and what it does"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the result in a line, then what to do with it."""
        done = (
            f"done in {duration(self.seconds)} · best validation {self.val_bits:.3f} bits/char "
            f"({self.val_nats:.4f} nats) at step {self.best_step:,}"
        )
        yield Text(ascii_signs(done, unicode=unicode_output(console)), style="bold")
        yield indented(self.measured_on, "dim")
        yield indented(
            f"window256 {self.val_window256_bits:.3f} bits/char ({self.val_window256_nats:.4f} nats): "
            "state zeroed every 256 characters",
            "dim",
        )
        yield indented(ngram_comparison(self.ngram, self.val_bits))
        yield Text()
        table = Table.grid(padding=(0, 3))
        for _ in range(2):
            table.add_column(overflow="fold")
        for command, meaning in self.next_commands:
            table.add_row(Text(f"  {sanitize(command)}"), Text(meaning, style="dim"))
        yield table


# Losses by step, beside the baselines


def loss_plot(history: History, title: str, *, ngram_bits: float | None = None) -> Plot:
    """Plot a history; `ngram_bits`: what the best n-gram reaches, as a level line."""
    courses = {"training": history.training, "validation": history.validation}
    curves = [Curve(label=label, points=course) for label, course in courses.items() if course]
    steps = [step for course in courses.values() for step, _ in course]
    if ngram_bits is not None and steps:
        curves.append(Curve(label="n-gram", points=((min(steps), ngram_bits), (max(steps), ngram_bits))))
    return Plot(
        title=title,
        x_axis=round_axis([0, *steps], "step", within=True),
        y_axis=round_axis((bits for curve in curves for _, bits in curve.points), "bits per character"),
        curves=tuple(curves),
    )
