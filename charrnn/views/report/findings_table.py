"""The findings table of the HTML report: sortable, with rows that unfold; readable without a script."""

from collections.abc import Sequence
from itertools import groupby

from charrnn.inspection.search.finding import Finding
from charrnn.inspection.search.findings import STRONG_VERDICTS, reasons
from charrnn.views.finding_columns import (
    COLUMNS_BY_KEY,
    FUTURE,
    FUTURE_EXPLANATION,
    FindingColumn,
    NumberColumn,
    number_columns,
    verdict_with_count,
)
from charrnn.views.formatting import format_number
from charrnn.views.report.carriers import carrier_details
from charrnn.views.report.cell_profile import NO_PROFILES, Profiles, cell_profile_block
from charrnn.views.report.elements import (
    definition_list,
    finding_details,
    number_cell,
    scrolling_table,
    share_bar,
    tuning_curve,
)
from charrnn.views.sanitize import escape_html

_LONGEST_NUMBER = 7
"""maximum number of digits of a layer or a unit"""


_NUMBER_COLUMNS = number_columns(
    *("fit", "memory", "linear", "scrambled", "placebo", "p", "inside", "outside", "rank_correlation"),
    *("edge_delta", "elsewhere_delta", "episodes"),
)
_HINTS = {"concept": "; click it to see it drawn, ▸ for all details", "verdict": " (rules below)"}
"""what follows the explanation of a column in the report"""
_CURVE = "the cell's mean at each level of the concept, from −1 to +1; the line is 0"


def findings_table_html(
    name: str, findings: Sequence[Finding], verdicts: Sequence[str], caption: str, profiles: Profiles = NO_PROFILES
) -> str:
    """Return a table of findings with the meaning of its columns.

    `name` is the table's id in the page; `verdicts` are ordered from the strongest; `profiles` are those of cells.
    """
    columns = [column for column in _NUMBER_COLUMNS if any(column.value(finding) is not None for finding in findings)]
    rows = "".join(
        _rows(f"{name}-{index}", finding, columns, verdicts, cell_profile_block(profiles.get(finding.cell)))
        for index, finding in enumerate(findings)
    )
    table = (
        f'<table class="sortable" id="{name}"><caption id="{name}-caption">{escape_html(caption)}</caption>'
        f"<thead>{_headings(columns)}</thead>\n{rows}</table>"
    )
    text_columns = [COLUMNS_BY_KEY[key] for key in ("concept", "cell", "verdict")]
    meanings = [(column.heading, _explanation(column)) for column in (*text_columns, *columns)]
    return (
        f"{scrolling_table(table, f'{name}-caption')}\n<details><summary>What the columns mean</summary>"
        f"{definition_list((*meanings, ('curve', _CURVE)))}</details>{_reasons(findings)}"
    )


def _reasons(findings: Sequence[Finding]) -> str:
    """Return the list of the verdicts of the findings, with the conditions that led to each."""
    if not (reasons_by_verdict := reasons(findings)):
        return ""
    return (
        f"<details open><summary>Why these verdicts</summary>{definition_list(reasons_by_verdict.items())}</details>"
    )


def column_heading(name: str, explanation: str, *, number: bool = False) -> str:
    """Return the heading of a column, with a button that sorts by the column."""
    kind = ' class="number"' if number else ""
    button = f'<button type="button" title="{escape_html(explanation)}">{escape_html(name)}</button>'
    return f'<th scope="col"{kind}>{button}</th>'


def _headings(columns: Sequence[NumberColumn]) -> str:
    """Return two rows of headings: one for groups of columns, one for columns."""
    groups = [(name, len(list(members))) for name, members in groupby(columns, lambda column: column.group)]
    group_headings = "".join(
        f'<th scope="colgroup" colspan="{count}" class="group">{name}</th>'
        if name
        else f'<td colspan="{count}"></td>'
        for name, count in (("", 3), *groups, ("", 2))
    )
    shown = (*(COLUMNS_BY_KEY[key] for key in ("concept", "cell", "verdict")), *columns)
    headings = "".join(
        column_heading(column.heading, _explanation(column), number=isinstance(column, NumberColumn))
        for column in shown
    )
    description = COLUMNS_BY_KEY["description"].heading
    return (
        f"<tr>{group_headings}</tr>"
        f'<tr>{headings}<th scope="col">curve</th><th scope="col">{escape_html(description)}</th></tr>'
    )


def _explanation(column: FindingColumn) -> str:
    return column.explanation + _HINTS.get(column.key, "")


def _rows(name: str, finding: Finding, columns: Sequence[NumberColumn], verdicts: Sequence[str], profile: str) -> str:
    """Return the two rows of a finding: its numbers, and the details that unfold, with the profile of its cell."""
    concept, cell = escape_html(finding.concept), escape_html(finding.cell)
    numbers = "".join(_number(finding, column) for column in columns)
    return (
        f'<tbody><tr data-cell="{cell}" data-concept="{concept}"><th scope="row" data-value="{concept}">'
        f'<button type="button" class="unfold" aria-expanded="false" aria-controls="{name}"'
        f' aria-label="all details of {concept}">▸</button>'
        f'<button type="button" class="pick">{concept}</button>{_signs(finding)}</th>'
        f'<td data-value="{sortable_cell(finding.cell)}">{cell} {"−" if finding.sign < 0 else "+"}</td>'
        f"{_verdict(finding, verdicts)}{numbers}<td>{tuning_curve(finding.tuning)}</td>"
        f"<td>{escape_html(finding.description)}</td></tr>\n"
        f'<tr class="unfolded" id="{name}"><td colspan="{len(columns) + 5}">{finding_details(finding, profile)}'
        f"{carrier_details(finding)}</td></tr></tbody>\n"
    )


def _signs(finding: Finding) -> str:
    """Return the signs after a concept's name: whether it depends on later text, and nearly equal concepts."""
    future = f'<abbr title="{FUTURE_EXPLANATION}">{FUTURE[True]}</abbr>' if finding.uses_future else ""
    near = (
        f' <small title="nearly the same here">≈ {escape_html(", ".join(finding.near))}</small>'
        if finding.near
        else ""
    )
    return future + near


def _verdict(finding: Finding, verdicts: Sequence[str]) -> str:
    """Return the table cell of the verdict, which sorts by strength."""
    rank = verdicts.index(finding.verdict) if finding.verdict in verdicts else len(verdicts)
    css_class = f" verdict-{finding.verdict}" if finding.verdict in STRONG_VERDICTS else ""
    title = f' title="{escape_html(finding.reason)}"' if finding.reason else ""
    name = escape_html(verdict_with_count(finding))
    return f'<td data-value="{rank:02}"><span class="verdict{css_class}"{title}>{name}</span></td>'


def _number(finding: Finding, column: NumberColumn) -> str:
    value = column.value(finding)
    if value is None:
        return number_cell("", "")
    number = format_number(value, column.format)
    return number_cell(round(value, column.digits), f"{share_bar(value)} {number}" if column.key == "fit" else number)


def sortable_cell(cell: str) -> str:
    """Return a cell's name padded with zeros, so that names sort in the order of their numbers."""
    return escape_html(".".join(number.zfill(_LONGEST_NUMBER) for number in cell.split(".")))
