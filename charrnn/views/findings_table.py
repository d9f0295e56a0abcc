"""The findings table on a terminal, with a line that explains each of its columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.inspection.search.finding import Finding
from charrnn.inspection.search.findings import Findings, UnexplainedCell
from charrnn.views.finding_columns import (
    CONCEPT,
    DROP_ORDER,
    FUTURE,
    FUTURE_EXPLANATION,
    SHORT_CONCEPT,
    SHORT_VERDICT,
    TERMINAL_COLUMNS,
    VERDICT,
    TerminalColumn,
)
from charrnn.views.formatting import compact_number, pluralize
from charrnn.views.layout import model_display_name, one_line
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output

_ASCII_SIGNS = str.maketrans({"Δ": "cost", "²": "2", "±": "+-"})
_GAP = 2
"""blank columns between two columns of a table"""
_MAX_NAMES = 4
"""number of concepts up to which each is listed"""


@dataclass(frozen=True, kw_only=True)
class FindingsTable:
    """What a search found: a row for each concept, then what the columns mean."""

    findings: Findings
    """plain numbers and text"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unicode = unicode_output(console)
        visible = visible_findings(self.findings.concepts)
        columns = fit_columns(visible, options.max_width, unicode)
        yield _head(self.findings, unicode)
        if visible:
            yield Text()
            yield _table(visible, columns, unicode)
        yield from _others(self.findings, unicode)
        if self.findings.concepts:
            yield Text()
            yield _summary(self.findings, unicode)
            yield _footer(self.findings, unicode)
        if visible:
            yield Text()
            yield _legend(columns, any(finding.uses_future for finding in visible), unicode)
        if self.findings.mysteries:
            yield Text()
            yield from _unexplained(self.findings.mysteries, unicode)


def visible_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Choose the findings that have a row: of concepts that are nearly the same the first, and of few asked for all.

    Of many, those that no cell follows are only named.
    """
    shown: list[Finding] = []
    for finding in findings:
        before = {other.concept for other in shown} - {finding.concept}
        if not before & set(finding.near) and (finding.verdict != "none" or len(findings) <= _MAX_NAMES):
            shown.append(finding)
    return shown


def fit_columns(findings: Sequence[Finding], width: int, unicode: bool) -> list[TerminalColumn]:
    """Choose the columns that a screen of this width has room for."""
    columns = [column for column in TERMINAL_COLUMNS if any(column.entry(finding, unicode) for finding in findings)]
    for key in DROP_ORDER:
        if _width(findings, columns, unicode) <= width:
            return columns
        if key == "scrambled":
            columns = [{CONCEPT: SHORT_CONCEPT, VERDICT: SHORT_VERDICT}.get(column, column) for column in columns]
            if _width(findings, columns, unicode) <= width:
                return columns
        columns = [column for column in columns if column.key != key]
    return columns


def _width(findings: Sequence[Finding], columns: Sequence[TerminalColumn], unicode: bool) -> int:
    """Count the columns of the screen that a table takes."""
    entries = [
        [_sign(column.heading, unicode), *(column.entry(finding, unicode) for finding in findings)]
        for column in columns
    ]
    return sum(max(map(cell_len, column)) for column in entries) + _GAP * (len(columns) - 1)


def _head(findings: Findings, unicode: bool) -> Text:
    """Say what was searched in what."""
    parts = [
        model_display_name(findings.model),
        f"{findings.text} and {findings.confirmed_on}" if findings.confirmed_on else findings.text,
        f"{findings.characters:,} characters",
        f"{findings.cells:,} cells",
        findings.signal,
    ]
    named = (_shown(part, unicode) for part in parts if part)
    return Text(ascii_signs(" · ", unicode=unicode).join(named), style="dim")


def _table(findings: Sequence[Finding], columns: Sequence[TerminalColumn], unicode: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for column in columns:
        heading = Text(_sign(column.heading, unicode))
        table.add_column(heading, justify=column.justify, style=column.style, overflow="fold")
    for finding in findings:
        table.add_row(*(Text(column.entry(finding, unicode)) for column in columns))
    return table


def _others(findings: Findings, unicode: bool) -> Iterator[Text]:
    """List what has no row: what no cell follows, what is too rare, and the controls."""
    near = {name for finding in visible_findings(findings.concepts) for name in finding.near}
    rowed = [
        *visible_findings(findings.concepts),
        *(finding for finding in findings.concepts if finding.concept in near),
    ]
    never = [_shown(rare.concept, unicode) for rare in findings.too_rare if not rare.episodes]
    lines = {
        "followed by no cell": [
            _shown(finding.concept, unicode) for finding in findings.concepts if finding not in rowed
        ],
        "too rare here to be judged (episodes)": [
            *(f"{_shown(rare.concept, unicode)} ({rare.episodes:,})" for rare in findings.too_rare if rare.episodes),
            *(f"{name} (0)" for name in never if len(never) <= _MAX_NAMES),
            *([f"and {len(never)} that never occur"] if len(never) > _MAX_NAMES else []),
        ],
        "controls, known from the last character (fit)": [
            f"{_shown(finding.concept, unicode)} {finding.cell} ({compact_number(finding.fit, unicode=unicode)})"
            for finding in findings.local
        ],
    }
    for what, named in lines.items():
        if named:
            yield Text()
            yield Text(f"{what}: {', '.join(named)}")


def _shown(name: str, unicode: bool) -> str:
    return sanitize(name, keep="", unicode=unicode)


def _summary(findings: Findings, unicode: bool) -> Text:
    """Say in a line how many cells there are of which sort."""
    census = findings.census
    parts = [
        f"{pluralize(census.detectors, 'detector')} ({census.causal:,} causal)",
        f"{census.partial:,} partial",
        f"{census.local / max(findings.cells, 1):.0%} mostly local",
    ]
    parts += [f"{census.dead:,} dead"] if census.dead else []
    return Text(
        ascii_signs(f"{pluralize(findings.cells, 'cell')}: {', '.join(parts)}", unicode=unicode), style="bold"
    )


def _footer(findings: Findings, unicode: bool) -> Text:
    """Say what the findings were compared with."""
    half = findings.streams // 2
    parts = [
        f"chosen on {half} streams, judged on {half}",
        f"p by {findings.permutations:,} permutations",
        f"{findings.placebos} placebos, the best {compact_number(findings.placebo_fit, unicode=unicode)}",
        "no scrambled network, nothing held still (--quick)" if findings.quick else "",
    ]
    return Text(ascii_signs(" · ", unicode=unicode).join(filter(None, parts)), style="dim")


def _legend(columns: Iterable[TerminalColumn], ahead: bool, unicode: bool) -> Table:
    """Say what the columns are, and the sign after a name if there is one that looks ahead."""
    table = Table.grid(padding=(0, _GAP, 0, 0))
    for column in columns:
        if column.heading:
            table.add_row(
                Text(_sign(column.heading, unicode)),
                Text(_sign(column.explanation, unicode), style="dim"),
            )
    if ahead:
        table.add_row(Text(FUTURE[unicode]), Text(FUTURE_EXPLANATION, style="dim"))
    return table


def _unexplained(mysteries: Iterable[UnexplainedCell], unicode: bool) -> Iterator[Text | Table]:
    """List the cells that the network needs and nothing here explains, with what there is to go by."""
    yield Text("needed, but explained by no concept here:")
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for heading in ("cell", "costs", "closest", "writes on", "forgets on"):
        table.add_column(Text(heading), overflow="fold")
    for cell in mysteries:
        closest = f"{_shown(cell.best, unicode)} {compact_number(cell.fit, unicode=unicode)}"
        writes, forgets = (_characters(characters, unicode) for characters in (cell.writes_on, cell.forgets_on))
        cost = compact_number(cell.delta, "+z.3f", unicode=unicode)
        table.add_row(*map(Text, (cell.cell, cost, closest, writes, forgets)))
    yield table


def _characters(characters: Iterable[str], unicode: bool) -> str:
    """Draw characters so that each can be seen."""
    blank = "␣" if unicode else "_"
    return " ".join(blank if character == " " else one_line(character, unicode=unicode) for character in characters)


def _sign(words: str, unicode: bool) -> str:
    """Write our own words, with ASCII for their signs if need be."""
    return words if unicode else ascii_signs(words, unicode=False).translate(_ASCII_SIGNS)
