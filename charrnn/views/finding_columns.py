"""The columns of the findings table: value, width, heading and explanation of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from charrnn.inspection.search.finding import Finding
from charrnn.views.sanitize import sanitize

BAR = 5
"""columns of the bar beside the fit"""
NEARLY = 0.1
"""of R²: what may be missing of all that a layer tells"""
FUTURE = {True: "°", False: "*"}
"""stands after the name of what depends on text that comes later"""
_MINUS = {True: "−", False: "-"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the table."""

    heading: str
    """what stands above it"""
    explanation: str
    """what it is, in one line"""
    shown: Callable[[Finding, bool], str]
    """its entry for a finding, of all of Unicode or of ASCII alone"""
    justify: Literal["left", "right"] = "left"
    """which side its entries keep to"""
    style: str = ""
    """how its entries look"""


def share(number: float | None, unicode: bool, digits: int = 2) -> str:
    """Write a number that is hardly ever 1 without its zero.

    >>> share(0.834, True), share(-0.021, True), share(1.0, True), share(-0.001, True), share(None, True)
    ('.83', '−.02', '1.00', '.00', '')
    """
    if number is None:
        return ""
    written = f"{number:z.{digits}f}"
    sign, size = ("-", written[1:]) if written.startswith("-") else ("", written)
    return _MINUS[unicode] * bool(sign) + (size.removeprefix("0") if size.startswith("0.") else size)


def signed(number: float | None, unicode: bool, digits: int = 2) -> str:
    """Write a difference with its sign.

    >>> signed(0.42, True), signed(-0.001, False, 3)
    ('+.42', '-.001')
    """
    written = share(number, unicode, digits)
    return written if not written or written[0] in "−-" else f"+{written}"


def bar(number: float, unicode: bool) -> str:
    """Draw a share as a bar.

    >>> bar(0.5, False)
    '###  '
    """
    full = round(max(0.0, min(1.0, number)) * BAR + 1e-9) if unicode else int(max(0.0, min(1.0, number)) * BAR + 0.5)
    return ("█" if unicode else "#") * full + " " * (BAR - full)


def _name(finding: Finding, unicode: bool) -> str:
    return sanitize(finding.concept, keep="", unicode=unicode) + FUTURE[unicode] * finding.uses_future


def _alike(finding: Finding, unicode: bool) -> str:
    """Name the concepts that are nearly the same."""
    about = "≈" if unicode else "~"
    return "".join(f" {about} {sanitize(near, keep='', unicode=unicode)}" for near in finding.near)


def _firing(finding: Finding, unicode: bool) -> str:
    if finding.rank_correlation is not None:
        return f"{'ρ' if unicode else 'rho'} {share(finding.rank_correlation, unicode)}"
    if finding.inside is None or finding.outside is None:
        return ""
    return f"{finding.inside:.0%} / {finding.outside:.0%}"


def _verdict(finding: Finding, _unicode: bool) -> str:
    return finding.verdict


def _spread(finding: Finding, unicode: bool) -> str:
    """Say with how many cells a concept that is spread is told nearly as well as with all."""
    if finding.verdict != "distributed":
        return finding.verdict
    every = finding.spread[-1][1]
    cells, r2 = next(entry for entry in finding.spread if entry[1] >= every - NEARLY)
    return f"{finding.verdict} ({cells} cells {share(r2, unicode)})"


def _edge(finding: Finding, unicode: bool) -> str:
    return signed(finding.cause.edge_delta, unicode) if finding.cause else ""


def _elsewhere(finding: Finding, unicode: bool) -> str:
    return signed(finding.cause.elsewhere_delta, unicode, 3) if finding.cause else ""


CONCEPT = Column(
    heading="concept",
    explanation="what the cell was compared with, character by character",
    shown=lambda finding, unicode: _name(finding, unicode) + _alike(finding, unicode),
)
SHORT_CONCEPT = Column(heading="concept", explanation=CONCEPT.explanation, shown=_name)
VERDICT = Column(heading="verdict", explanation="the conclusion; charrnn inspect -h has the rules", shown=_spread)
SHORT_VERDICT = Column(heading="verdict", explanation=VERDICT.explanation, shown=_verdict)

COLUMNS = (
    CONCEPT,
    Column(
        heading="cell",
        explanation="layer.unit; + where it rises with the concept, - where it falls",
        shown=lambda finding, unicode: f"{finding.cell}{_MINUS[unicode] if finding.sign < 0 else '+'}",
        justify="right",
    ),
    Column(
        heading="fit",
        explanation="share of the cell's variance the concept explains, on text it was not chosen on",
        shown=lambda finding, unicode: share(finding.fit, unicode),
        justify="right",
        style="bold",
    ),
    Column(heading="", explanation="", shown=lambda finding, unicode: bar(finding.fit, unicode)),
    Column(
        heading="±se",
        explanation="standard error of the fit",
        shown=lambda finding, unicode: share(finding.fit_se, unicode),
        justify="right",
    ),
    Column(
        heading="memory",
        explanation="the same, beyond what the last three characters explain; near 0: spelling",
        shown=lambda finding, unicode: share(finding.memory, unicode),
        justify="right",
    ),
    Column(
        heading="scrambled",
        explanation="the best fit in the same network with its weights shuffled",
        shown=lambda finding, unicode: share(finding.scrambled, unicode),
        justify="right",
    ),
    Column(
        heading="linear",
        explanation="how much of the concept all cells of a layer tell together (R²)",
        shown=lambda finding, unicode: share(finding.linear, unicode),
        justify="right",
    ),
    Column(
        heading="inside/outside",
        explanation="how often the cell is on inside the concept, and outside; or its rank correlation",
        shown=_firing,
    ),
    Column(
        heading="edge Δ",
        explanation="nats that a concept's end costs more when the cell is held at its mean",
        shown=_edge,
        justify="right",
    ),
    Column(
        heading="else",
        explanation="nats that any other character then costs more",
        shown=_elsewhere,
        justify="right",
    ),
    VERDICT,
    Column(
        heading="what it is",
        explanation="the concept in words",
        shown=lambda finding, unicode: sanitize(finding.description, keep="", unicode=unicode),
    ),
)

DROP_ORDER = ("what it is", "", "±se", "linear", "inside/outside", "else", "scrambled", "edge Δ", "memory")
"""headings of the columns that a narrow screen goes without, the first to go first"""
