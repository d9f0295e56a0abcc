"""The findings table on a terminal, with a line that explains each of its columns."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.inspection.search.finding import Finding
from charrnn.inspection.search.findings import RARITY_LIMIT, Findings, UnexplainedCell, rarity, reasons
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
from charrnn.views.formatting import compact_number, omitted_line, pluralize
from charrnn.views.layout import model_display_name, visible_character
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output

_ASCII_SIGNS = str.maketrans({"Δ": "cost", "²": "2", "±": "+-"})
_GAP = 2
"""blank columns between two columns of a table"""
_MAX_NAMES = 4
"""number of concepts up to which each is listed"""

UNEXPLAINED_COLUMNS = {
    "costs": "increase in loss with the cell ablated, in nats per character",
    "closest": "the concept that explains most of the cell, and its fit",
    "writes on": "characters at which the cell changes most",
    "forgets on": "characters at which its gate lets it forget most",
}
"""explanations of the columns about cells that no concept explains"""


@dataclass(frozen=True, kw_only=True)
class FindingsTable:
    """The findings of a search: a row for each concept, then the meaning of the columns."""

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
        yield from _concepts_without_row(self.findings, unicode)
        if self.findings.concepts:
            yield Text()
            yield _summary(self.findings, unicode)
            yield _footer(self.findings, unicode)
            yield Text()
            yield _legend(columns, self.findings, unicode)
            yield from _omitted_line(visible, columns, unicode)
        yield from _reasons(visible, unicode)
        if self.findings.mysteries:
            yield Text()
            yield from _unexplained(self.findings.mysteries, unicode)


def visible_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that have a row in the table.

    Of nearly equal concepts only the first has one. If there are many findings, concepts that no cell follows have
    none.
    """
    visible: list[Finding] = []
    for finding in findings:
        concepts = {other.concept for other in visible} - {finding.concept}
        if not concepts & set(finding.near) and (finding.verdict != "none" or len(findings) <= _MAX_NAMES):
            visible.append(finding)
    return visible


def fit_columns(findings: Sequence[Finding], width: int, unicode: bool) -> list[TerminalColumn]:
    """Return the columns that fit on a screen of this width."""
    columns = _filled_columns(findings, unicode)
    for key in DROP_ORDER:
        if _width(findings, columns, unicode) <= width:
            return columns
        if key == "scrambled":
            columns = [{CONCEPT: SHORT_CONCEPT, VERDICT: SHORT_VERDICT}.get(column, column) for column in columns]
            if _width(findings, columns, unicode) <= width:
                return columns
        columns = [column for column in columns if column.key != key]
    return columns


def _filled_columns(findings: Sequence[Finding], unicode: bool) -> list[TerminalColumn]:
    """Return the columns with an entry for any of the findings."""
    return [column for column in TERMINAL_COLUMNS if any(column.entry(finding, unicode) for finding in findings)]


def _width(findings: Sequence[Finding], columns: Sequence[TerminalColumn], unicode: bool) -> int:
    """Return the width of a table in columns of the screen."""
    entries = [
        [_transliterated(column.heading, unicode), *(column.entry(finding, unicode) for finding in findings)]
        for column in columns
    ]
    return sum(max(map(cell_len, column)) for column in entries) + _GAP * (len(columns) - 1)


def _head(findings: Findings, unicode: bool) -> Text:
    """Return a line with the model, the text and the number of cells."""
    parts = [
        model_display_name(findings.model),
        f"{findings.text} and {findings.confirmed_on}" if findings.confirmed_on else findings.text,
        f"{findings.characters:,} characters",
        f"{findings.cells:,} cells",
        findings.signal,
    ]
    sanitized = (_sanitized(part, unicode) for part in parts if part)
    return Text(ascii_signs(" · ", unicode=unicode).join(sanitized), style="dim")


def _table(findings: Sequence[Finding], columns: Sequence[TerminalColumn], unicode: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for column in columns:
        heading = Text(_transliterated(column.heading, unicode))
        table.add_column(heading, justify=column.justify, style=column.style, overflow="fold")
    for finding in findings:
        table.add_row(*(Text(column.entry(finding, unicode)) for column in columns))
    return table


def _concepts_without_row(findings: Findings, unicode: bool) -> Iterator[Text]:
    """Yield a line for each group of concepts without a row: followed by no cell, too rare, and controls."""
    near = {name for finding in visible_findings(findings.concepts) for name in finding.near}
    with_row = [
        *visible_findings(findings.concepts),
        *(finding for finding in findings.concepts if finding.concept in near),
    ]
    rare = [concept for concept in findings.too_rare if concept.episodes]
    never = [_sanitized(concept.concept, unicode) for concept in findings.too_rare if not concept.episodes]
    lines = {
        "followed by no cell": [
            _sanitized(finding.concept, unicode) for finding in findings.concepts if finding not in with_row
        ],
        "too rare here to be judged (episodes in each half)": [
            f"{_sanitized(concept.concept, unicode)} ({rarity(concept.halves, concept.streams)})" for concept in rare
        ],
        "never here": never if len(never) <= _MAX_NAMES else [f"{len(never)} concepts (see `--list-concepts`)"],
        "controls, known from the last character (fit)": [
            f"{_sanitized(finding.concept, unicode)} {finding.cell} ({compact_number(finding.fit, unicode=unicode)})"
            for finding in findings.local
        ],
    }
    for heading, names in lines.items():
        if names:
            yield Text()
            yield Text(f"{heading}: {', '.join(names)}")
        if names and heading.startswith("too rare"):
            yield Text(f"{RARITY_LIMIT}; `--text FILE` reads a longer text", style="dim")


def _sanitized(name: str, unicode: bool) -> str:
    return sanitize(name, keep="", unicode=unicode)


def _summary(findings: Findings, unicode: bool) -> Text:
    """Return a line with the number of cells of each kind."""
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
    """Return a line about the controls of the search."""
    half = findings.streams // 2
    parts = [
        f"chosen on {half} streams, judged on {half}",
        f"p by {findings.permutations:,} permutations",
        f"{findings.placebos} placebos, {_best_placebo(findings, unicode)}",
        "no shuffled weights, no ablation (--quick)" if findings.quick else "",
    ]
    return Text(ascii_signs(" · ", unicode=unicode).join(filter(None, parts)), style="dim")


def _legend(columns: Iterable[TerminalColumn], findings: Findings, unicode: bool) -> Table:
    """Return the explanations of the columns, of the sign of concepts that depend on later text, and of terms."""
    rows = [(column.heading, column.explanation) for column in columns if column.heading]
    if any(finding.uses_future for finding in visible_findings(findings.concepts)):
        rows.append((FUTURE[unicode], FUTURE_EXPLANATION))
    rows.append(("streams", "equal parts of the text, which are read in parallel"))
    if findings.placebo_fit is not None:
        rows.append((_best_placebo(findings, unicode), "the best fit of any cell to a placebo, by chance"))
    return _explanations(rows, unicode)


def _explanations(rows: Iterable[tuple[str, str]], unicode: bool) -> Table:
    """Return a table of terms and their explanations."""
    table = Table.grid(padding=(0, _GAP, 0, 0))
    for term, explanation in rows:
        table.add_row(Text(_transliterated(term, unicode)), Text(_transliterated(explanation, unicode), style="dim"))
    return table


def _omitted_line(findings: Sequence[Finding], columns: Sequence[TerminalColumn], unicode: bool) -> Iterator[Text]:
    """Yield a line with the columns that do not fit on the screen, if there are any."""
    shown = {column.key for column in columns}
    omitted = [column.heading for column in _filled_columns(findings, unicode) if column.key not in shown]
    if line := omitted_line(filter(None, omitted)):
        yield Text()
        yield Text(_transliterated(line, unicode), style="dim")


def _best_placebo(findings: Findings, unicode: bool) -> str:
    return f"the best {compact_number(findings.placebo_fit, unicode=unicode)}"


def _reasons(findings: Sequence[Finding], unicode: bool) -> Iterator[Text | Table]:
    """Yield a line for each verdict of the findings, with the conditions that led to the verdict."""
    if rows := reasons(findings).items():
        yield Text("\nwhy these verdicts:")
        yield _explanations(rows, unicode)


def _unexplained(mysteries: Iterable[UnexplainedCell], unicode: bool) -> Iterator[Text | Table]:
    """Yield the table of the cells that the network needs but no concept explains."""
    yield Text("needed, but explained by no concept here:")
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for heading in ("cell", *UNEXPLAINED_COLUMNS):
        table.add_column(Text(heading), overflow="fold")
    for cell in mysteries:
        closest = f"{_sanitized(cell.best, unicode)} {compact_number(cell.fit, unicode=unicode)}"
        writes, forgets = (_characters(characters, unicode) for characters in (cell.writes_on, cell.forgets_on))
        cost = compact_number(cell.delta, "+z.3f", unicode=unicode)
        table.add_row(*map(Text, (cell.cell, cost, closest, writes, forgets)))
    yield table
    yield Text()
    yield _explanations(UNEXPLAINED_COLUMNS.items(), unicode)


def _characters(characters: Iterable[str], unicode: bool) -> str:
    """Return characters separated by spaces, each visible."""
    return " ".join(visible_character(character, unicode=unicode) for character in characters)


def _transliterated(words: str, unicode: bool) -> str:
    """Return a heading or an explanation, in ASCII if need be."""
    return words if unicode else ascii_signs(words, unicode=False).translate(_ASCII_SIGNS)
