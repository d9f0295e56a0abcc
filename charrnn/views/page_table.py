"""The findings as a table in HTML: every number there is, to be sorted by any column; without a script, to be read.

The page around it is left to the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

from charrnn.inspection.findings import Findings
from charrnn.views.terminal import visible

Plain: TypeAlias = Mapping[str, Any]

_WIDTH, _HEIGHT, _MARGIN = 96, 28, 3
"""pixels of a curve"""
_LONGEST_NUMBER = 7
"""digits of a layer or a unit"""


@dataclass(frozen=True, kw_only=True)
class _Column:
    """A column: a number or a word of each finding, as it goes by in JSON."""

    key: str
    """its name in JSON"""
    heading: str
    """what stands above it"""
    explanation: str
    """what it is, in one line"""
    form: str = ""
    """how a number is written; empty for words"""


_COLUMNS = (
    _Column(
        key="concept", heading="concept", explanation="what the cell was compared with; press one to see it drawn"
    ),
    _Column(
        key="cell", heading="cell", explanation="layer.unit; + where it rises with the concept, − where it falls"
    ),
    _Column(key="verdict", heading="verdict", explanation="what all the numbers come to"),
    _Column(
        key="fit",
        heading="fit",
        explanation="share of the cell's variance that the concept explains, on text it was not chosen on",
        form=".2f",
    ),
    _Column(key="fit_se", heading="±se", explanation="standard error of the fit", form=".2f"),
    _Column(
        key="memory",
        heading="memory",
        explanation="the same share of what the last three characters leave over: near 0, it only spells",
        form=".2f",
    ),
    _Column(
        key="scrambled",
        heading="scrambled",
        explanation="the best fit of any cell with the weights in disorder: what a network has that learned nothing",
        form=".2f",
    ),
    _Column(key="p", heading="p", explanation="how often chance alone has some cell follow as much", form=".3f"),
    _Column(
        key="unique",
        heading="unique",
        explanation="share of what the concept that rivals it most leaves over",
        form=".2f",
    ),
    _Column(key="linear", heading="linear", explanation="what all cells of a layer tell of the concept", form=".2f"),
    _Column(
        key="inside", heading="inside", explanation="how often the cell is on where the concept holds", form=".0%"
    ),
    _Column(key="outside", heading="outside", explanation="how often it is on where it does not hold", form=".0%"),
    _Column(key="rank_correlation", heading="ρ", explanation="rank correlation of cell and concept", form="+.2f"),
    _Column(
        key="edge_delta",
        heading="edge Δ",
        explanation="nats that the character at the concept's edge costs more with the cell held still",
        form="+.4f",
    ),
    _Column(key="edge_z", heading="z", explanation="the same against holding other cells", form="+.1f"),
    _Column(key="elsewhere_delta", heading="else", explanation="what every other character costs more", form="+.4f"),
    _Column(
        key="episodes", heading="episodes", explanation="how often the concept came to an end: the evidence", form=","
    ),
)


def findings_section(findings: Findings) -> str:
    """Write the table, what its columns mean, and what there was too little of."""
    found = [finding.to_json() | {"description": finding.description} for finding in findings.concepts]
    columns = [column for column in _COLUMNS if any(_value(finding, column) not in (None, "") for finding in found)]
    pieces = [_table(findings, found, columns)] if found else ["<p>No concept could be judged in this text.</p>"]
    if findings.too_rare:
        rare = ", ".join(f"{concept.concept} ({concept.episodes:,})" for concept in findings.too_rare)
        pieces.append(f"<p>Too rare here to be judged (episodes): {markup(rare)}.</p>")
    return f'<section aria-labelledby="found">\n<h2 id="found">Findings</h2>\n{"".join(pieces)}\n</section>'


def _table(findings: Findings, found: Sequence[Plain], columns: Sequence[_Column]) -> str:
    counts = f"{findings.cells:,} cells searched over {findings.characters:,} characters"
    headings = "".join(map(_heading, columns)) + '<th scope="col">curve</th><th scope="col">what it is</th>'
    rows = "".join(_row(finding, columns) for finding in found)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-labelledby="found"><table id="findings">'
        f"<caption>{counts}; the headings sort.</caption>"
        f"<thead><tr>{headings}</tr></thead>\n<tbody>{rows}</tbody></table></div>\n"
        f"<details><summary>What the columns mean</summary>"
        f'<dl class="explained">{"".join(_explained(columns))}</dl></details>'
    )


def _heading(column: _Column) -> str:
    number = ' class="number"' if column.form else ""
    title = escape(column.explanation)
    return f'<th scope="col"{number}><button type="button" title="{title}">{column.heading}</button></th>'


def _row(finding: Plain, columns: Sequence[_Column]) -> str:
    cells = "".join(_entry(finding, column) for column in columns)
    described = markup(finding["description"])
    return (
        f'<tr data-cell="{markup(finding["cell"])}" data-concept="{markup(finding["concept"])}">'
        f"{cells}<td>{_curve(finding['tuning'])}</td><td>{described}</td></tr>\n"
    )


def _entry(finding: Plain, column: _Column) -> str:
    value = _value(finding, column)
    if column.form:
        written = "" if value is None else format(value, column.form).replace("-", "−")
        return f'<td class="number" data-value="{"" if value is None else value}">{written}</td>'
    word = markup(str(value or ""))
    if column.key == "concept":
        return f'<th scope="row" data-value="{word}"><button type="button">{word}</button></th>'
    if column.key == "cell":
        sorted_by = ".".join(number.zfill(_LONGEST_NUMBER) for number in word.split("."))
        return f'<td data-value="{sorted_by}">{word} {"−" if finding["sign"] < 0 else "+"}</td>'
    return f'<td data-value="{word}">{word}</td>'


def _value(finding: Plain, column: _Column) -> Any:
    """Look a finding's value up; None where it has none."""
    if column.key == "linear":
        spread = finding.get("spread")
        return spread[-1][1] if spread else None
    return finding.get(column.key)


def _curve(tuning: Sequence[tuple[float, float]]) -> str:
    """Draw the cell's mean at each level of the concept, from -1 below to +1 above, as a line."""
    across = (_WIDTH - 2 * _MARGIN) / max(len(tuning) - 1, 1)
    points = [
        f"{_MARGIN + number * across:.1f},{_MARGIN + (1 - mean) / 2 * (_HEIGHT - 2 * _MARGIN):.1f}"
        for number, (_, mean) in enumerate(tuning)
    ]
    told = ", ".join(f"{level:g}: {mean:+.2f}" for level, mean in tuning).replace("-", "−")
    middle = _HEIGHT / 2
    return (
        f'<svg class="curve" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f"<title>the cell's mean at each level of the concept: {told}</title>"
        f'<line class="zero" x1="0" x2="{_WIDTH}" y1="{middle:g}" y2="{middle:g}"></line>'
        f'<polyline points="{" ".join(points)}"></polyline></svg>'
    )


def _explained(columns: Sequence[_Column]) -> Iterator[str]:
    for column in columns:
        yield f"<dt>{column.heading}</dt><dd>{escape(column.explanation)}</dd>"
    yield "<dt>curve</dt><dd>the cell's mean at each level of the concept, from −1 to +1; the line is 0</dd>"


def markup(text: str) -> str:
    """Make text of others harmless in a page, as markup and to the eye."""
    return escape(visible(text, keep=""))
