"""Drawings as HTML for notebooks, without scripts and addresses, on a white background; drawings of records."""

import io
from collections.abc import Iterable, Sequence

from rich.console import ConsoleRenderable

from charrnn.inspection.measures.attribution import Attribution
from charrnn.inspection.measures.cell_gates import CellGates
from charrnn.inspection.measures.cell_profile import CellProfile
from charrnn.inspection.measures.effective_context import ContextComparison, EffectiveContext
from charrnn.inspection.measures.gate_saturation import GateSaturation
from charrnn.inspection.measures.interchange import Interchange
from charrnn.inspection.measures.surprisal import Surprise
from charrnn.inspection.notebook import html_of
from charrnn.inspection.search.findings import Findings
from charrnn.views.console import SafeConsole
from charrnn.views.sanitize import escape_html

COLUMNS = 100
"""columns of a drawing"""
PAPER = (
    "background-color:#fff;color:#000;padding:8px;line-height:1.4;overflow-x:auto;white-space:pre;"
    "font-family:monospace;direction:ltr;unicode-bidi:bidi-override"
)
"""style of a drawing; letters of all scripts run from left to right, as the columns do"""


def drawing_html(drawing: ConsoleRenderable, *, columns: int = COLUMNS) -> str:
    """Return a drawing of the terminal as HTML, with its colors; Rich escapes its text."""
    console = SafeConsole(
        io.StringIO(),
        record=True,
        width=columns,
        color_system="truecolor",
        force_terminal=True,
        force_jupyter=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )
    console.print(drawing)
    return console.export_html(code_format=f'<pre style="{PAPER}">{{code}}</pre>', inline_styles=True)


def table_html(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of texts as HTML."""
    head = "".join(f"<th>{escape_html(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{escape_html(entry)}</td>' for entry in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


# Drawings of records, whose modules are imported when the first one is drawn


@html_of.register
def _attribution(record: Attribution) -> str:
    from charrnn.views.attribution import AttributionView, attribution_heatmap
    from charrnn.views.heatmap import heatmap_html

    words = AttributionView(attribution=record, light=True, has_heatmap=False)
    return heatmap_html(attribution_heatmap(record, titled=True, light=True)) + drawing_html(words)


@html_of.register
def _interchange(record: Interchange) -> str:
    from charrnn.views.interchange import InterchangeView

    return drawing_html(InterchangeView(forward=record))


@html_of.register
def _profile(record: CellProfile) -> str:
    from charrnn.views.cell_profile import CellProfilesView

    return drawing_html(CellProfilesView(profiles=(record,), state=record.state, titled=True))


@html_of.register
def _surprise(record: Surprise) -> str:
    from charrnn.views.surprisal import SurprisalMap

    return drawing_html(SurprisalMap(surprise=record, light=True))


@html_of.register
def _findings(record: Findings) -> str:
    from charrnn.views.findings_table import FindingsTable

    return drawing_html(FindingsTable(findings=record))


@html_of.register
def _gates(record: CellGates) -> str:
    from charrnn.views.cell_gates import gates_heatmap
    from charrnn.views.heatmap import heatmap_html

    return heatmap_html(gates_heatmap(record, light=True))


@html_of.register
def _saturation(record: GateSaturation) -> str:
    from charrnn.views.gate_saturation import GateSaturationView

    return drawing_html(GateSaturationView(gates=record, light=True))


@html_of.register
def _context(record: EffectiveContext) -> str:
    return _contexts(ContextComparison(contexts=(record,)))


@html_of.register
def _contexts(record: ContextComparison) -> str:
    from charrnn.views.effective_context import ContextPlots, gradients_plot
    from charrnn.views.plot_svg import plot_svg

    picture = plot_svg(gradients_plot(record.contexts)) if len(record.contexts) > 1 else ""
    return picture + drawing_html(ContextPlots(contexts=record.contexts, has_gradients=False))
