"""Tables of the loss by group, with bars: the share of the text, and of the loss."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.inspection.measures.error_breakdown import BRACKETS, ErrorBreakdown, Group, Grouping
from charrnn.views.formatting import a_gram, omitted_line
from charrnn.views.layout import Screen, model_display_name

GroupColumns = dict[str, Callable[[Group], str]]
"""entry of a group, by the heading of its column"""

_BAR = {True: "█", False: "#"}
_MAX_BAR_COLUMNS = 20
_WIDE = 64
"""minimum columns of the screen for bars"""
_NARROW = 50
"""columns of the screen below which the share of the text is omitted"""


@dataclass(frozen=True, kw_only=True)
class ErrorTables:
    """A table of the loss for each way of grouping the characters."""

    breakdown: ErrorBreakdown
    """plain numbers and text"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        breakdown, screen = self.breakdown, Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        named = (model_display_name(breakdown.model), breakdown.text, f"{breakdown.characters:,} characters")
        yield from console.render(screen.header(named), folded)
        yield from console.render(Text(_summary(breakdown)), folded)
        for grouping in breakdown.groupings:
            if grouping.groups:
                yield Text()
                yield from console.render(_table(grouping, breakdown, screen), folded)
        yield Text()
        yield from console.render(Text(screen.ascii_signs(_legend(breakdown)), style="dim"), folded)
        omitted = {"of text": screen.columns < _NARROW, "bars": screen.columns < _WIDE}
        if line := omitted_line(name for name, is_omitted in omitted.items() if is_omitted):
            yield from console.render(Text(line, style="dim"), folded)


def _summary(breakdown: ErrorBreakdown) -> str:
    bits = f"{breakdown.bits / breakdown.characters:.3f} bits per character"
    if breakdown.ngram_bits is None or breakdown.order is None:
        return bits
    counted = f"{breakdown.ngram_bits / breakdown.characters:.3f} by {a_gram(breakdown.order)}"
    return f"{bits}; {counted} that learned from {breakdown.learned_from:,} characters"


def _table(grouping: Grouping, breakdown: ErrorBreakdown, screen: Screen) -> Table:
    """Return the table of one grouping: shares of characters and bits, and bits per character."""
    columns = _bracket_columns(breakdown) if grouping.by == BRACKETS else _columns(breakdown)
    if screen.columns < _NARROW:
        columns.pop("of text", None)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(Text(grouping.by), overflow="fold")
    for heading in columns:
        table.add_column(Text(heading), justify="right", overflow="fold")
    has_bars = screen.columns >= _WIDE
    if has_bars:
        table.add_column(Text("p" if grouping.by == BRACKETS else "of bits"), no_wrap=True)
    lengths = [group.probability if grouping.by == BRACKETS else group.bits for group in grouping.groups]
    for group, length in zip(grouping.groups, lengths, strict=True):
        bar = _BAR[screen.unicode] * round(_MAX_BAR_COLUMNS * length / (max(lengths) or 1.0))
        table.add_row(Text(group.name), *(Text(entry(group)) for entry in columns.values()), *[Text(bar)] * has_bars)
    return table


def _columns(breakdown: ErrorBreakdown) -> GroupColumns:
    """Return the columns of a table of characters."""
    characters, bits = breakdown.characters, breakdown.bits or 1.0
    columns: GroupColumns = {
        "of text": lambda group: f"{group.characters / characters:.1%}",
        "of bits": lambda group: f"{group.bits / bits:.1%}",
        "bits each": lambda group: f"{group.bits_per_char:.2f}",
    }
    if breakdown.order:
        columns[f"{breakdown.order}-gram"] = lambda group: f"{group.ngram_bits_per_char or 0.0:.2f}"
    return columns


def _bracket_columns(breakdown: ErrorBreakdown) -> GroupColumns:
    """Return the columns of the table of closing brackets, with the probability of the bracket."""
    columns: GroupColumns = {
        "number": lambda group: f"{group.characters:,}",
        "bits each": lambda group: f"{group.bits_per_char:.2f}",
        "p": lambda group: f"{group.probability:.2f}",
    }
    if breakdown.order:
        columns[f"{breakdown.order}-gram's p"] = lambda group: f"{group.ngram_probability or 0.0:.2f}"
    return columns


def _legend(breakdown: ErrorBreakdown) -> str:
    ngram = f" ({breakdown.order}-gram: bits by counting)" if breakdown.order else ""
    bracketed = any(grouping.by == BRACKETS and grouping.groups for grouping in breakdown.groupings)
    bracket = "; p: mean probability of the bracket" if bracketed else ""
    return (
        "of text, of bits: share of all characters, and of their bits; bits each: mean bits of a character"
        f"{ngram}{bracket}."
    )
