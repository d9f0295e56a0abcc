"""Progress of a training: a live picture for a terminal, and a line per report for a pipe."""

import json
import math
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.text.ngram import NGram
from charrnn.training.events import EarlyStop, Evaluation, Event, Preview, Report, Step
from charrnn.views.formatting import indented, ngram_comparison, sparkline, time_left
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output

NATS_A_BIT = math.log(2)
SPEED_SECONDS = 20.0
"""how far back the speed is measured"""


@dataclass(frozen=True, kw_only=True)
class ProgressView:
    """A training at one moment."""

    step: int
    steps: int | None
    progress: float
    train_bits: float
    val_bits: float | None
    best_bits: float | None
    best_step: int | None
    learning_rate: float
    characters_per_second: float
    seconds_left: float | None
    history: tuple[float, ...]
    """training loss in bits, report by report"""
    preview: Preview | None
    preview_lines: int = 6
    ngram: NGram | None = None
    """what there is to beat"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw progress, numbers, the loss so far and what the network writes by now."""
        unicode = unicode_output(console)
        yield Text()
        yield self._bar(options.max_width, unicode=unicode)
        yield Text("  " + self.numbers(options.max_width - 2), no_wrap=True, overflow="crop")
        if self.ngram is not None:
            yield indented(ngram_comparison(self.ngram, self.best_bits))
        if len(self.history) > 1:
            yield self._sparkline(options.max_width, unicode=unicode)
        if self.preview is not None and self.preview_lines:
            yield Text()
            yield from _written(self.preview, options.max_width, self.preview_lines, unicode=unicode)

    def numbers(self, width: int) -> str:
        """Give losses, speed and learning rate in a line, as many of them as fit; none before the first step."""
        if math.isnan(self.train_bits) and not self.characters_per_second:
            return "before the next step" if self.step else "before the first step"
        parts = [] if math.isnan(self.train_bits) else [f"train {self.train_bits:.3f}"]
        if self.val_bits is not None:
            parts.append(f"validation {self.val_bits:.3f} (best {self.best_bits:.3f} at {self.best_step:,})")
        parts += [f"{self.characters_per_second:,.0f} chars/s", f"lr {self.learning_rate:.2g}"]
        while len(parts) > 1 and len("   ".join(parts)) > width:
            parts.pop()
        return "   ".join(parts)

    def _bar(self, width: int, *, unicode: bool) -> Table:
        of = "" if self.steps is None else f" / {self.steps:,}"
        has_estimate = self.seconds_left is not None and self.progress < 1
        left = time_left(self.seconds_left or 0) if has_estimate else ""
        table = Table.grid(padding=(0, 1))
        bar = _bar(self.progress, max(4, min(50, width - 50)), unicode=unicode)
        table.add_row(Text(f"  step {self.step:,}{of}"), bar, Text(f"{self.progress:.0%}"), Text(left))
        return table

    def _sparkline(self, width: int, *, unicode: bool) -> Text:
        line = sparkline(self.history, max(1, min(60, width - 20)), unicode=unicode)
        return Text(f"  {self.history[0]:.1f} {line} {self.history[-1]:.2f} bits", style="cyan")


@dataclass
class ProgressState:
    """Counts events into pictures."""

    characters_per_step: int
    ends_at: float | None = None
    """the clock's time at which a budget is used up"""
    ngram: NGram | None = None
    """what there is to beat"""
    first_step: int = 0
    """the step that a run goes on from"""
    initial_steps: int | None = None
    """how many steps there were to be then"""
    initial_progress: float = 0.0
    """how much of the plan was done then"""
    preview: Preview | None = None
    evaluation: Evaluation | None = None
    last: Step | None = None
    train_nats: float = math.nan
    """a running mean over about the last twenty steps"""
    ended_early: bool = False
    history: list[float] = field(default_factory=list)
    _times: deque[tuple[float, int]] = field(default_factory=deque)
    _known_at: int = 0
    """the last step whose loss was known"""

    def update(self, event: Event, now: float) -> None:
        """Take note of an event that happened at `now` seconds."""
        if isinstance(event, Step):
            self.last = event
            self._update_loss(event)
            self._times.append((now, event.step))
            while self._times[0][0] < now - SPEED_SECONDS:
                self._times.popleft()
        elif isinstance(event, Report):
            self.history.append(event.nats / NATS_A_BIT)
        elif isinstance(event, Evaluation):
            self.evaluation = event
        elif isinstance(event, Preview):
            self.preview = event
        elif isinstance(event, EarlyStop):
            self.ended_early = True

    def _update_loss(self, step: Step) -> None:
        """Take a step's loss into the running mean, if it is known: it stands for those before that were not."""
        if step.nats is None:
            return
        decay = 0.95 ** (step.step - self._known_at)
        first, self._known_at = math.isnan(self.train_nats), step.step
        self.train_nats = step.nats if first else decay * self.train_nats + (1 - decay) * step.nats

    @property
    def characters_per_second(self) -> float:
        """Give the speed over the last seconds; 0 while there is nothing to measure."""
        if len(self._times) < 2:
            return 0.0
        (began, first), (now, last) = self._times[0], self._times[-1]
        return (last - first) * self.characters_per_step / (now - began) if now > began else 0.0

    def time_left(self) -> float | None:
        """Foresee the seconds to the end from the speed, where no budget says them."""
        if self.ended_early:
            return None
        if self.ends_at is not None and self._times:
            return max(0.0, self.ends_at - self._times[-1][0])
        if self.last is None or self.last.steps is None or not self.characters_per_second:
            return None
        return (self.last.steps - self.last.step) * self.characters_per_step / self.characters_per_second

    def view(self, preview_lines: int = 6) -> ProgressView:
        """Draw this moment."""
        evaluation, last = self.evaluation, self.last
        return ProgressView(
            step=last.step if last else self.first_step,
            steps=last.steps if last else self.initial_steps,
            progress=last.progress if last else self.initial_progress,
            train_bits=self.train_nats / NATS_A_BIT,
            val_bits=evaluation.nats / NATS_A_BIT if evaluation else None,
            best_bits=evaluation.best_nats / NATS_A_BIT if evaluation else None,
            best_step=evaluation.best_step if evaluation else None,
            learning_rate=last.learning_rate if last else 0.0,
            characters_per_second=self.characters_per_second,
            seconds_left=self.time_left(),
            history=tuple(self.history),
            preview=self.preview,
            preview_lines=preview_lines,
            ngram=self.ngram,
        )


def report_line(report: Report, state: ProgressState) -> str:
    """Say where a training is in one line for a pipe: key=value, no colour, no carriage return."""
    fields: dict[str, Any] = {
        "step": report.step,
        "epoch": f"{report.epoch:.2f}",
        "train_bpc": f"{report.nats / NATS_A_BIT:.3f}",
    }
    if state.evaluation is not None:
        fields["val_bpc"] = f"{state.evaluation.nats / NATS_A_BIT:.3f}"
        fields["best"] = f"{state.evaluation.best_nats / NATS_A_BIT:.3f}"
    if state.ngram is not None:
        fields["ngram_bpc"] = f"{state.ngram.nats / NATS_A_BIT:.3f}"
    fields["lr"] = f"{report.learning_rate:.2g}"
    if state.characters_per_second:
        fields["chars_per_s"] = f"{state.characters_per_second:.0f}"
    left = state.time_left()
    if left is not None:
        fields["eta_s"] = f"{left:.0f}"
    return " ".join(f"{name}={value}" for name, value in fields.items())


def early_stop_line(end: EarlyStop) -> str:
    """Say that a training ends before its plan does, and why.

    >>> early_stop_line(EarlyStop(step=3520, progress=0.45, best_nats=1.832, best_step=1410))
    'stopped early: it overfits; validation was best (2.643) at step 1,410 of 3,520'
    """
    best = f"{end.best_nats / NATS_A_BIT:.3f}"
    return f"stopped early: it overfits; validation was best ({best}) at step {end.best_step:,} of {end.step:,}"


def preview_line(preview: Preview) -> str:
    """Give a preview in one line for a pipe, its line ends written as in JSON."""
    return f"step={preview.step} wrote={sanitize(json.dumps(preview.text, ensure_ascii=False))}"


def preview_milestone(preview: Preview, width: int, *, unicode: bool) -> Text:
    """Give a preview's beginning in one line, to stay above the live picture: at first, train more, train more."""
    when = "at first" if preview.step == 0 else f"step {preview.step:,}"
    # Blanks at the beginning, such as indentation, would fill the line with nothing.
    compact = re.sub(r" {2,}", " ", preview.text.strip().replace("\n", "¶"))
    shown = sanitize(ascii_signs(compact, unicode=unicode), keep="", unicode=unicode)
    line = Text(f"  {when:>12}  ", style="dim")
    line.append(Text(shown))
    line.truncate(max(1, width - 1))
    line.no_wrap = True
    return line


def _bar(progress: float, width: int, *, unicode: bool) -> Text:
    """Draw how much is done; readable without colour."""
    done = int(progress * width)
    full, empty = ("━", "┄") if unicode else ("#", ".")
    return Text(full * done, style="cyan") + Text(empty * (width - done), style="dim")


def _written(preview: Preview, width: int, lines: int, *, unicode: bool) -> list[Text]:
    """Draw a preview's first lines under a rule that says when it was written."""
    dash = "─" if unicode else "-"
    when = f"{dash * 2} step {preview.step:,} "
    drawn = [Text("  " + (when + dash * 76)[: max(1, min(78, width - 2))], style="dim")]
    for line in sanitize(preview.text, keep="\n", unicode=unicode).split("\n")[:lines]:
        shown = Text("  " + line, no_wrap=True, overflow="crop")
        drawn.append(shown)
    return drawn
