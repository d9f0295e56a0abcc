"""Columns of the findings table: definitions for the terminal and the HTML report, and entries for the terminal."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from charrnn.inspection.measures.provenance import DIGITS
from charrnn.inspection.search.finding import LOSS_DIGITS, Finding
from charrnn.views.formatting import bar, compact_number, minus_sign
from charrnn.views.sanitize import sanitize

FUTURE = {True: "°", False: "*"}
"""sign after the name of a concept that depends on later text, in Unicode or in ASCII"""
FUTURE_EXPLANATION = "depends on text that comes later"
"""explanation of the sign"""
R2_TOLERANCE = 0.1
"""R² that a few cells may lack, compared with all cells of the layer"""

# The definitions


@dataclass(frozen=True, kw_only=True)
class FindingColumn:
    """A column of the findings table."""

    key: str
    """name of the value, as in the JSON of a finding"""
    heading: str
    """name of the column in the tables"""
    explanation: str
    """definition of the value, in one line"""


@dataclass(frozen=True, kw_only=True)
class NumberColumn(FindingColumn):
    """A column of numbers."""

    value: Callable[[Finding], float | None]
    """function that returns the number; None if it was not measured"""
    format: str = "z.2f"
    """format specification of the number"""
    terminal_format: str = ""
    """shorter format specification for the terminal; empty: as `format`"""
    digits: int = DIGITS
    """decimal places of the value that scripts read from the report"""
    group: str = ""
    """heading above related columns in the report; empty for none"""


_FIT, _CONTROLS, _ACTIVITY, _ABLATION = "fit", "controls", "selectivity", "ablation"

FINDING_COLUMNS: tuple[FindingColumn, ...] = (
    FindingColumn(
        key="concept",
        heading="concept",
        explanation="the concept compared with the cell, character by character",
    ),
    FindingColumn(
        key="cell",
        heading="cell",
        explanation="layer.unit; + where it rises with the concept, − where it falls",
    ),
    NumberColumn(
        key="fit",
        heading="fit",
        explanation="share of the cell's variance that the concept explains, on text it was not chosen on",
        value=lambda finding: finding.fit,
        group=_FIT,
    ),
    NumberColumn(
        key="fit_se",
        heading="±se",
        explanation="standard error of the fit",
        value=lambda finding: finding.fit_se,
        group=_FIT,
    ),
    NumberColumn(
        key="memory",
        heading="memory",
        explanation="fit to what the last three characters leave unexplained; near 0: spelling",
        value=lambda finding: finding.memory,
        group=_FIT,
    ),
    NumberColumn(
        key="linear",
        heading="linear",
        explanation="R² of a linear probe for the concept on all cells of a layer",
        value=lambda finding: finding.linear,
        group=_FIT,
    ),
    NumberColumn(
        key="scrambled",
        heading="scrambled",
        explanation="best fit of any cell in the same network with its weights shuffled",
        value=lambda finding: finding.scrambled,
        group=_CONTROLS,
    ),
    NumberColumn(
        key="placebo",
        heading="placebo",
        explanation="best fit of any cell to concepts of this kind that nothing in the text depends on",
        value=lambda finding: finding.placebo,
        group=_CONTROLS,
    ),
    NumberColumn(
        key="p",
        heading="p",
        explanation="p-value: how often any cell fits as well by chance; not corrected for the number of concepts",
        value=lambda finding: finding.p,
        format=".3f",
        group=_CONTROLS,
    ),
    NumberColumn(
        key="inside",
        heading="inside",
        explanation="how often the cell is on inside the concept",
        value=lambda finding: finding.inside,
        format=".0%",
        group=_ACTIVITY,
    ),
    NumberColumn(
        key="outside",
        heading="outside",
        explanation="how often the cell is on outside the concept",
        value=lambda finding: finding.outside,
        format=".0%",
        group=_ACTIVITY,
    ),
    NumberColumn(
        key="rank_correlation",
        heading="ρ",
        explanation="rank correlation of the cell with a concept that is a number",
        value=lambda finding: finding.rank_correlation,
        format="+z.2f",
        group=_ACTIVITY,
    ),
    NumberColumn(
        key="edge_delta",
        heading="edge Δ",
        explanation="increase in loss at the end of a concept with its carrier, or the cell, ablated, in nats",
        value=lambda finding: finding.carrier_effect.edge_delta if finding.carrier_effect else None,
        format="+z.3f",
        terminal_format="+z.2f",
        digits=LOSS_DIGITS,
        group=_ABLATION,
    ),
    NumberColumn(
        key="elsewhere_delta",
        heading="else",
        explanation="increase in loss at all other characters, in nats",
        value=lambda finding: finding.carrier_effect.elsewhere_delta if finding.carrier_effect else None,
        format="+z.3f",
        digits=LOSS_DIGITS,
        group=_ABLATION,
    ),
    NumberColumn(
        key="episodes",
        heading="episodes",
        explanation="how often the concept ends in the text",
        value=lambda finding: finding.episodes,
        format=",",
    ),
    FindingColumn(key="verdict", heading="verdict", explanation="the conclusion from these numbers"),
    FindingColumn(key="description", heading="what it is", explanation="the concept in words"),
)

COLUMNS_BY_KEY = {column.key: column for column in FINDING_COLUMNS}


def number_columns(*keys: str) -> list[NumberColumn]:
    """Return the number columns of the given keys, in the given order."""
    columns = (COLUMNS_BY_KEY[key] for key in keys)
    return [column for column in columns if isinstance(column, NumberColumn)]


# The columns on a terminal


def _sanitized(name: str, unicode: bool) -> str:
    return sanitize(name, keep="", unicode=unicode)


def _concept(finding: Finding, unicode: bool) -> str:
    return _sanitized(finding.concept, unicode) + FUTURE[unicode] * finding.uses_future


def _concept_and_near(finding: Finding, unicode: bool) -> str:
    """Return the concept's name with the names of nearly equal concepts."""
    almost_equal = "≈" if unicode else "~"
    near = (f" {almost_equal} {_sanitized(name, unicode)}" for name in finding.near)
    return _concept(finding, unicode) + "".join(near)


def _cell(finding: Finding, unicode: bool) -> str:
    return finding.cell + minus_sign("-" if finding.sign < 0 else "+", unicode)


def _activity(finding: Finding, unicode: bool) -> str:
    """Return the rank correlation, or how often the cell is on inside and outside the concept."""
    if finding.rank_correlation is not None:
        return f"{'ρ' if unicode else 'rho'} {compact_number(finding.rank_correlation, unicode=unicode)}"
    if finding.inside is None or finding.outside is None:
        return ""
    return f"{finding.inside:.0%} / {finding.outside:.0%}"


def verdict_with_count(finding: Finding) -> str:
    """Return the verdict; if several cells carry the concept, with their number."""
    return f"{finding.verdict} ({len(finding.carriers)} cells)" if finding.verdict == "shared" else finding.verdict


def _verdict_and_cells(finding: Finding, unicode: bool) -> str:
    """Return the verdict; if distributed, with the number of cells that predict the concept nearly as well as all."""
    if finding.verdict != "distributed":
        return verdict_with_count(finding)
    max_r2 = finding.r2_by_cells[-1][1]
    cells, r2 = next(entry for entry in finding.r2_by_cells if entry[1] >= max_r2 - R2_TOLERANCE)
    return f"{finding.verdict} ({cells} cells {compact_number(r2, unicode=unicode)})"


@dataclass(frozen=True, kw_only=True)
class TerminalColumn:
    """A column of the table on a terminal."""

    key: str
    """as in `FindingColumn`; "bar" and "activity" exist on the terminal only"""
    heading: str
    """text above the column"""
    explanation: str
    """definition of the entries, in one line"""
    entry: Callable[[Finding, bool], str]
    """function that returns the entry of a finding, in Unicode or in ASCII"""
    justify: Literal["left", "right"] = "left"
    """alignment of the entries"""
    style: str = ""
    """Rich style of the entries"""


def _number_column(key: str, style: str = "") -> TerminalColumn:
    """Return the terminal's column for a number column."""
    (column,) = number_columns(key)
    format_spec = column.terminal_format or column.format
    return TerminalColumn(
        key=key,
        heading=column.heading,
        explanation=column.explanation,
        entry=lambda finding, unicode: compact_number(column.value(finding), format_spec, unicode=unicode),
        justify="right",
        style=style,
    )


def _text_column(
    key: str, entry: Callable[[Finding, bool], str], justify: Literal["left", "right"] = "left", hint: str = ""
) -> TerminalColumn:
    """Return the terminal's column for a column of text; `hint` follows the explanation."""
    column = COLUMNS_BY_KEY[key]
    return TerminalColumn(
        key=key, heading=column.heading, explanation=column.explanation + hint, entry=entry, justify=justify
    )


def _activity_column() -> TerminalColumn:
    """Return the column that combines "inside", "outside" and the rank correlation."""
    inside, outside, _ = number_columns("inside", "outside", "rank_correlation")
    return TerminalColumn(
        key="activity",
        heading=f"{inside.heading}/{outside.heading}",
        explanation=f"{inside.explanation}, and outside; or its rank correlation",
        entry=_activity,
    )


CONCEPT = _text_column("concept", _concept_and_near)
SHORT_CONCEPT = replace(CONCEPT, entry=_concept)
VERDICT = _text_column("verdict", _verdict_and_cells, hint=" (rules: charrnn inspect -h)")
SHORT_VERDICT = replace(VERDICT, entry=lambda finding, _: verdict_with_count(finding))

TERMINAL_COLUMNS = (
    CONCEPT,
    _text_column("cell", _cell, "right"),
    _number_column("fit", "bold"),
    TerminalColumn(key="bar", heading="", explanation="", entry=lambda finding, unicode: bar(finding.fit, unicode)),
    _number_column("fit_se"),
    _number_column("memory"),
    _number_column("scrambled"),
    _number_column("linear"),
    _activity_column(),
    _number_column("edge_delta"),
    _number_column("elsewhere_delta"),
    VERDICT,
    _text_column("description", lambda finding, unicode: _sanitized(finding.description, unicode)),
)

DROP_ORDER = (
    *("description", "bar", "fit_se", "linear", "activity"),
    *("elsewhere_delta", "scrambled", "edge_delta", "memory"),
)
"""keys of the columns that a narrow screen omits, the first to go first"""
