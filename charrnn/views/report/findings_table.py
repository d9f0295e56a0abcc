"""The findings table of the report: sortable by any column, with rows that unfold; readable without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from charrnn.inspection.search.finding import DIGITS, LOSS_DIGITS, Finding
from charrnn.views.report.elements import finding_details, format_number, share_bar, tuning_curve
from charrnn.views.sanitize import escape_html

_LONGEST_NUMBER = 7
"""digits of a layer or a unit"""


@dataclass(frozen=True, kw_only=True)
class NumberColumn:
    """A column of numbers."""

    heading: str
    """what stands above it"""
    group: str
    """what stands above several; empty for none"""
    explanation: str
    """what it is, in one line"""
    value: Callable[[Finding], float | None]
    """its number; None where there is none"""
    form: str = "z.2f"
    """how that is written"""
    digits: int = DIGITS
    """to which it is given to scripts"""


_HOW_WELL, _CONTROLS, _WHEN, _HELD = "how well it follows", "controls", "when it is on", "held still"

CONCEPT = "what the cell was compared with; press one to see it drawn, ▸ to see all there is to know of it"
CELL = "layer.unit; + where it rises with the concept, − where it falls"
VERDICT = "what all the numbers come to, by the rules below"
CURVE = "the cell's mean at each level of the concept, from −1 to +1; the line is 0"

COLUMNS = (
    NumberColumn(
        heading="fit",
        group=_HOW_WELL,
        explanation="share of the cell's variance that the concept explains, on text it was not chosen on",
        value=lambda finding: finding.fit,
    ),
    NumberColumn(
        heading="memory",
        group=_HOW_WELL,
        explanation="the same share of what the last three characters leave over: near 0, it only spells",
        value=lambda finding: finding.memory,
    ),
    NumberColumn(
        heading="linear",
        group=_HOW_WELL,
        explanation="what all cells of a layer tell of the concept together (R²)",
        value=lambda finding: finding.linear,
    ),
    NumberColumn(
        heading="scrambled",
        group=_CONTROLS,
        explanation="the best fit of any cell with the weights in disorder: what a network has that learned nothing",
        value=lambda finding: finding.scrambled,
    ),
    NumberColumn(
        heading="placebo",
        group=_CONTROLS,
        explanation="the best fit of any cell to concepts of this kind that nothing in the text depends on",
        value=lambda finding: finding.placebo,
    ),
    NumberColumn(
        heading="p",
        group=_CONTROLS,
        explanation="how often chance alone has some cell follow as much",
        value=lambda finding: finding.p,
        form=".3f",
    ),
    NumberColumn(
        heading="inside",
        group=_WHEN,
        explanation="how often the cell is on where the concept holds",
        value=lambda finding: finding.inside,
        form=".0%",
    ),
    NumberColumn(
        heading="outside",
        group=_WHEN,
        explanation="how often it is on where it does not hold",
        value=lambda finding: finding.outside,
        form=".0%",
    ),
    NumberColumn(
        heading="ρ",
        group=_WHEN,
        explanation="rank correlation of cell and concept, where that is a number",
        value=lambda finding: finding.rank_correlation,
        form="+z.2f",
    ),
    NumberColumn(
        heading="edge Δ",
        group=_HELD,
        explanation="nats that the character at the concept's end costs more with the cell held still",
        value=lambda finding: finding.cause.edge_delta if finding.cause else None,
        form="+z.3f",
        digits=LOSS_DIGITS,
    ),
    NumberColumn(
        heading="else",
        group=_HELD,
        explanation="what every other character costs more then",
        value=lambda finding: finding.cause.elsewhere_delta if finding.cause else None,
        form="+z.3f",
        digits=LOSS_DIGITS,
    ),
    NumberColumn(
        heading="episodes",
        group="",
        explanation="how often the concept came to an end: the evidence",
        value=lambda finding: finding.episodes,
        form=",",
    ),
)


def findings_table_html(name: str, findings: Sequence[Finding], verdicts: Sequence[str], caption: str) -> str:
    """Write a table of findings, and what its columns mean; `name` is its own on the page, the best verdict first."""
    columns = [column for column in COLUMNS if any(column.value(finding) is not None for finding in findings)]
    rows = "".join(_row(f"{name}-{place}", finding, columns, verdicts) for place, finding in enumerate(findings))
    return (
        f'<div class="wide" tabindex="0" role="region" aria-labelledby="{name}-caption">'
        f'<table class="sortable" id="{name}"><caption id="{name}-caption">{escape_html(caption)}</caption>'
        f"<thead>{_headings(columns)}</thead>\n{rows}</table></div>\n"
        f"<details><summary>What the columns mean</summary><dl>{''.join(_explained(columns))}</dl></details>"
    )


def column_heading(name: str, explanation: str, *, number: bool = False) -> str:
    """Write the heading of a column that can be sorted by."""
    kind = ' class="number"' if number else ""
    button = f'<button type="button" title="{escape_html(explanation)}">{escape_html(name)}</button>'
    return f'<th scope="col"{kind}>{button}</th>'


def _headings(columns: Sequence[NumberColumn]) -> str:
    """Write two rows of headings: of groups of columns, and of columns."""
    groups = [(name, len(list(of))) for name, of in groupby(columns, lambda column: column.group)]
    above = "".join(
        f'<th scope="colgroup" colspan="{count}" class="group">{name}</th>'
        if name
        else f'<td colspan="{count}"></td>'
        for name, count in (("", 3), *groups, ("", 2))
    )
    fixed = column_heading("concept", CONCEPT) + column_heading("cell", CELL) + column_heading("verdict", VERDICT)
    numbers = "".join(column_heading(column.heading, column.explanation, number=True) for column in columns)
    return f'<tr>{above}</tr><tr>{fixed}{numbers}<th scope="col">curve</th><th scope="col">what it is</th></tr>'


def _row(name: str, finding: Finding, columns: Sequence[NumberColumn], verdicts: Sequence[str]) -> str:
    """Write a finding: a row of the most important, and one that unfolds."""
    concept, cell = escape_html(finding.concept), escape_html(finding.cell)
    numbers = "".join(_number(finding, column) for column in columns)
    return (
        f'<tbody><tr data-cell="{cell}" data-concept="{concept}"><th scope="row" data-value="{concept}">'
        f'<button type="button" class="unfold" aria-expanded="false" aria-controls="{name}"'
        f' aria-label="all there is to know of {concept}">▸</button>'
        f'<button type="button" class="pick">{concept}</button>{_signs(finding)}</th>'
        f'<td data-value="{sortable_cell(finding.cell)}">{cell} {"−" if finding.sign < 0 else "+"}</td>'
        f"{_verdict(finding, verdicts)}{numbers}<td>{tuning_curve(finding.tuning)}</td>"
        f"<td>{escape_html(finding.description)}</td></tr>\n"
        f'<tr class="unfolded" id="{name}"><td colspan="{len(columns) + 5}">{finding_details(finding)}</td></tr>'
        "</tbody>\n"
    )


def _signs(finding: Finding) -> str:
    """Say beside a concept's name that it looks ahead, and which are nearly the same."""
    ahead = '<abbr title="depends on text that comes later">°</abbr>' if finding.uses_future else ""
    near = (
        f' <small title="nearly the same here">≈ {escape_html(", ".join(finding.near))}</small>'
        if finding.near
        else ""
    )
    return ahead + near


def _verdict(finding: Finding, verdicts: Sequence[str]) -> str:
    """Write the verdict, to be sorted by its strength."""
    place = verdicts.index(finding.verdict) if finding.verdict in verdicts else len(verdicts)
    kind = f" verdict-{finding.verdict}" if finding.verdict in ("causal", "detector") else ""
    return f'<td data-value="{place:02}"><span class="verdict{kind}">{escape_html(finding.verdict)}</span></td>'


def _number(finding: Finding, column: NumberColumn) -> str:
    value = column.value(finding)
    if value is None:
        return '<td class="number" data-value=""></td>'
    shown = format_number(value, column.form)
    shown = f"{share_bar(value)} {shown}" if column.heading == "fit" else shown
    return f'<td class="number" data-value="{round(value, column.digits)}">{shown}</td>'


def sortable_cell(cell: str) -> str:
    """Write a cell's name so that names sort as numbers do."""
    return escape_html(".".join(number.zfill(_LONGEST_NUMBER) for number in cell.split(".")))


def _explained(columns: Sequence[NumberColumn]) -> Iterator[str]:
    own = [("concept", CONCEPT), ("cell", CELL), ("verdict", VERDICT)]
    for name, meaning in (*own, *((column.heading, column.explanation) for column in columns), ("curve", CURVE)):
        yield f"<dt>{escape_html(name)}</dt><dd>{escape_html(meaning)}</dd>"
