"""Progress of a training: a live display for a terminal, and one line per report for a pipe."""

import json
import math
import re
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.text.ngram import NGram
from charrnn.training.events import EarlyStop, Evaluation, Event, Preview, Report, Step
from charrnn.views.formatting import about, indented, ngram_comparison, sparkline, time_left
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output

NATS_PER_BIT = math.log(2)
SPEED_SECONDS = 20.0
"""seconds over which the speed is measured"""


@dataclass(frozen=True, kw_only=True)
class ProgressView:
    """The progress of a training at one moment."""

    step: int
    steps: int | None
    """planned number of steps; None if it is not known yet"""
    timed: bool = False
    """whether the number of steps is an estimate for a time budget"""
    progress: float
    """share of the plan that is done"""
    train_bits: float
    """running mean of the training loss in bits per character; nan if not known yet"""
    val_bits: float | None
    """latest validation loss in bits per character; None before the first evaluation"""
    best_bits: float | None
    """lowest validation loss in bits per character"""
    best_step: int | None
    """step of the lowest validation loss"""
    learning_rate: float
    characters_per_second: float
    seconds_left: float | None
    """estimated seconds to the end; None if not known"""
    history: tuple[float, ...]
    """training loss in bits per character at each report"""
    preview: Preview | None
    """latest sample; None before the first one"""
    preview_lines: int = 6
    """maximum lines of the sample; 0 for none"""
    ngram: NGram | None = None
    """baseline; None if there is none yet"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the progress bar, the numbers, the history of the loss and the latest sample."""
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
            yield from _preview_lines(self.preview, console, options.max_width, self.preview_lines)

    def numbers(self, width: int) -> str:
        """Return a line with as many as fit of losses, speed and learning rate."""
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
        total = ""
        if self.steps is not None:
            total = f" of {about(self.steps)}" if self.timed and self.progress < 1 else f" / {self.steps:,}"
        has_estimate = self.seconds_left is not None and self.progress < 1
        remaining = time_left(self.seconds_left or 0) if has_estimate else ""
        table = Table.grid(padding=(0, 1))
        bar = _bar(self.progress, max(4, min(50, width - 50)), unicode=unicode)
        table.add_row(Text(f"  step {self.step:,}{total}"), bar, Text(f"{self.progress:.0%}"), Text(remaining))
        return table

    def _sparkline(self, width: int, *, unicode: bool) -> Text:
        ends = f"  training loss {self.history[0]:.2f} ", f" {self.history[-1]:.2f} bits"
        columns = max(1, min(60, width - sum(map(len, ends))))
        return Text(sparkline(self.history, columns, unicode=unicode).join(ends), style="cyan")


@dataclass
class ProgressState:
    """The state of the display, updated by the events of a training."""

    characters_per_step: int
    ends_at: float | None = None
    """time of the clock at which the time budget is used up"""
    ngram: NGram | None = None
    """baseline; None if there is none yet"""
    first_step: int = 0
    """step at which a resumed run starts"""
    initial_steps: int | None = None
    """planned number of steps at the start"""
    initial_progress: float = 0.0
    """share of the plan that was done at the start"""
    preview: Preview | None = None
    evaluation: Evaluation | None = None
    last: Step | None = None
    train_nats: float = math.nan
    """running mean over about the last twenty steps"""
    ended_early: bool = False
    history: list[float] = field(default_factory=list)
    _times: deque[tuple[float, int]] = field(default_factory=deque)
    _last_loss_step: int = 0
    """the last step whose loss was known"""

    def update(self, event: Event, now: float) -> None:
        """Record an event that happened at `now` seconds."""
        if isinstance(event, Step):
            self.last = event
            self._update_loss(event)
            self._times.append((now, event.step))
            while self._times[0][0] < now - SPEED_SECONDS:
                self._times.popleft()
        elif isinstance(event, Report):
            self.history.append(event.nats / NATS_PER_BIT)
        elif isinstance(event, Evaluation):
            self.evaluation = event
        elif isinstance(event, Preview):
            self.preview = event
        elif isinstance(event, EarlyStop):
            self.ended_early = True
        elif isinstance(event, NGram):
            self.ngram = event

    def _update_loss(self, step: Step) -> None:
        """Update the running mean with a step's loss, also on behalf of earlier steps whose loss is not known."""
        if step.nats is None:
            return
        decay = 0.95 ** (step.step - self._last_loss_step)
        first, self._last_loss_step = math.isnan(self.train_nats), step.step
        self.train_nats = step.nats if first else decay * self.train_nats + (1 - decay) * step.nats

    @property
    def characters_per_second(self) -> float:
        """Return the speed over the last `SPEED_SECONDS`; 0 if it is not known yet."""
        if len(self._times) < 2:
            return 0.0
        (start, first_step), (now, last_step) = self._times[0], self._times[-1]
        return (last_step - first_step) * self.characters_per_step / (now - start) if now > start else 0.0

    def time_left(self) -> float | None:
        """Return the seconds to the end, by the time budget or estimated from the speed; None if unknown."""
        if self.ended_early:
            return None
        if self.ends_at is not None and self._times:
            return max(0.0, self.ends_at - self._times[-1][0])
        if self.last is None or self.last.steps is None or not self.characters_per_second:
            return None
        return (self.last.steps - self.last.step) * self.characters_per_step / self.characters_per_second

    def view(self, preview_lines: int = 6) -> ProgressView:
        """Return the display of the current state."""
        evaluation, last = self.evaluation, self.last
        return ProgressView(
            step=last.step if last else self.first_step,
            steps=last.steps if last else self.initial_steps,
            timed=self.ends_at is not None,
            progress=last.progress if last else self.initial_progress,
            train_bits=self.train_nats / NATS_PER_BIT,
            val_bits=evaluation.nats / NATS_PER_BIT if evaluation else None,
            best_bits=evaluation.best_nats / NATS_PER_BIT if evaluation else None,
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
    """Return a report as a line of key=value pairs, for a pipe."""
    fields: dict[str, Any] = {
        "step": report.step,
        "epoch": f"{report.epoch:.2f}",
        "train_bpc": f"{report.nats / NATS_PER_BIT:.3f}",
    }
    if state.evaluation is not None:
        fields["val_bpc"] = f"{state.evaluation.nats / NATS_PER_BIT:.3f}"
        fields["best"] = f"{state.evaluation.best_nats / NATS_PER_BIT:.3f}"
    if state.ngram is not None:
        fields["ngram_bpc"] = f"{state.ngram.nats / NATS_PER_BIT:.3f}"
    fields["lr"] = f"{report.learning_rate:.2g}"
    if state.characters_per_second:
        fields["chars_per_s"] = f"{state.characters_per_second:.0f}"
    remaining = state.time_left()
    if remaining is not None:
        fields["eta_s"] = f"{remaining:.0f}"
    return " ".join(f"{name}={value}" for name, value in fields.items())


def early_stop_line(stop: EarlyStop) -> str:
    """Return the message about early stopping.

    >>> early_stop_line(EarlyStop(step=3520, progress=0.45, best_nats=1.832, best_step=1410))
    'stopped early: it overfits; validation was best (2.643) at step 1,410 of 3,520'
    """
    best = f"{stop.best_nats / NATS_PER_BIT:.3f}"
    reason = "the held-out text is of a different kind" if stop.is_different else "it overfits"
    return f"stopped early: {reason}; validation was best ({best}) at step {stop.best_step:,} of {stop.step:,}"


def preview_line(preview: Preview) -> str:
    """Return a preview as one line for a pipe, escaped as in JSON."""
    return f"step={preview.step} wrote={sanitize(json.dumps(preview.text, ensure_ascii=False))}"


def preview_milestone(preview: Preview, width: int, *, unicode: bool) -> Text:
    """Return the beginning of a preview as a line that stays above the live display."""
    when = "at first" if preview.step == 0 else f"step {preview.step:,}"
    # Indentation would fill the line with blanks.
    compact = re.sub(r" {2,}", " ", preview.text.strip().replace("\n", "¶"))
    text = sanitize(ascii_signs(compact, unicode=unicode), keep="", unicode=unicode)
    line = Text(f"  {when:>12}  ", style="dim")
    line.append(Text(text))
    if line.cell_len >= width:
        line.truncate(max(1, width - 1))
        line.right_crop(max(0, len(line) - max(line.plain.rfind(" "), width // 2)))
    line.no_wrap = True
    return line


def _bar(progress: float, width: int, *, unicode: bool) -> Text:
    """Return a progress bar that is readable without color."""
    done = int(progress * width)
    full, empty = ("━", "┄") if unicode else ("#", ".")
    return Text(full * done, style="cyan") + Text(empty * (width - done), style="dim")


def _preview_lines(preview: Preview, console: Console, width: int, lines: int) -> list[Text]:
    """Return the first lines of a preview, wrapped at spaces, below a rule with its step."""
    unicode = unicode_output(console)
    dash = "─" if unicode else "-"
    when = f"{dash * 2} step {preview.step:,} "
    rule = Text("  " + (when + dash * 76)[: max(1, min(78, width - 2))], style="dim")
    text = sanitize(preview.text, keep="\n", unicode=unicode)
    wrapped = (part for line in text.split("\n")[:lines] for part in Text(line).wrap(console, max(1, width - 2)))
    return [rule, *(Text("  ", no_wrap=True, overflow="crop") + part for part in islice(wrapped, lines))]
