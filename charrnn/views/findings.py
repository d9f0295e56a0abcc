"""The findings as a table for people, with a line that says what each of its columns is.

The cells themselves are drawn by the heat map.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.inspection.findings import Finding, Findings
from charrnn.views.amounts import sparkline
from charrnn.views.terminal import unicode_output, visible

_SEPARATOR = {True: " · ", False: " - "}


@dataclass(frozen=True, kw_only=True)
class _Column:
    """A column of the table: what it shows of a finding, and where there is room for it."""

    heading: str
    """what stands above it"""
    explanation: str
    """what it is, in one line"""
    shown: Callable[[Finding, bool], str]
    """its entry for a finding, of all of Unicode or of ASCII alone"""
    least: int = 0
    """columns that the screen must have for it"""
    justify: Literal["left", "right"] = "left"
    """which side its entries keep to"""
    style: str = ""
    """how its entries look"""


_COLUMNS = (
    _Column(
        heading="concept",
        explanation="what the cell was compared with, character by character",
        shown=lambda finding, unicode: visible(finding.concept, keep="", unicode=unicode),
    ),
    _Column(
        heading="cell",
        explanation="layer.unit; + where it rises with the concept, - where it falls",
        shown=lambda finding, _: f"{finding.cell} {'-' if finding.sign < 0 else '+'}",
    ),
    _Column(
        heading="fit",
        explanation="share of the cell's variance explained, on text it was not chosen on",
        shown=lambda finding, _: f"{finding.fit:z.2f}",
        justify="right",
        style="bold",
    ),
    _Column(
        heading="error",
        explanation="standard error of the fit",
        shown=lambda finding, _: f"{finding.fit_se:.2f}",
        least=60,
        justify="right",
    ),
    _Column(
        heading="memory",
        explanation="the same beyond the last three characters: near 0, it only spells",
        shown=lambda finding, _: f"{finding.memory:z.2f}",
        justify="right",
    ),
    _Column(
        heading="curve",
        explanation="the cell's mean at each level of the concept, on a scale of its own",
        shown=lambda finding, unicode: sparkline([mean for _, mean in finding.tuning], unicode=unicode),
        least=52,
    ),
    _Column(
        heading="episodes",
        explanation="how often the concept came to an end in the text: the evidence",
        shown=lambda finding, _: f"{finding.episodes:,}",
        least=74,
        justify="right",
    ),
    _Column(
        heading="what it is",
        explanation="the concept in words",
        shown=lambda finding, unicode: visible(finding.description, keep="", unicode=unicode),
        least=140,
    ),
)


@dataclass(frozen=True, kw_only=True)
class FindingsTable:
    """What a search found: a row for each concept, then what the columns mean."""

    findings: Findings
    """plain numbers and text"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unicode = unicode_output(console)
        columns = [column for column in _COLUMNS if options.max_width >= column.least]
        yield _head(self.findings, unicode)
        if self.findings.concepts:
            yield Text()
            yield _table(self.findings, columns, unicode)
        if self.findings.too_rare:
            yield Text()
            yield _too_rare(self.findings, unicode)
        if self.findings.concepts:
            yield Text()
            yield _legend(columns)


def _head(findings: Findings, unicode: bool) -> Text:
    """Say what was searched in what."""
    parts = [
        findings.model,
        findings.text,
        f"{findings.characters:,} characters",
        f"{findings.cells:,} cells",
        findings.signal,
    ]
    named = (visible(part, keep="", unicode=unicode) for part in parts if part)
    return Text(_SEPARATOR[unicode].join(named), style="dim")


def _table(findings: Findings, columns: list[_Column], unicode: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(Text(column.heading), justify=column.justify, style=column.style, overflow="fold")
    for finding in findings.concepts:
        table.add_row(*(Text(column.shown(finding, unicode)) for column in columns))
    return table


def _too_rare(findings: Findings, unicode: bool) -> Text:
    """List the concepts that were not scored, with their episodes."""
    named = (f"{visible(rare.concept, keep='', unicode=unicode)} ({rare.episodes:,})" for rare in findings.too_rare)
    return Text(f"too rare here to be judged (episodes): {', '.join(named)}")


def _legend(columns: list[_Column]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for column in columns:
        table.add_row(Text(column.heading), Text(column.explanation, style="dim"))
    return table
