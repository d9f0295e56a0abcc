"""Groups of cells and directions on the page of a search: their cost by number of cells, against that of controls."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from charrnn.inspection.search.finding import LOSS_DIGITS, Carrier, Finding
from charrnn.views.report.elements import dot_strip, number_element, svg
from charrnn.views.sanitize import escape_html

_WIDTH, _HEIGHT, _MARGIN = 280, 84, 8
_LOSS_FORMAT = "+z.4f"
MAX_LISTED_WEIGHTS = 8
"""maximum number of cells listed for a direction"""


def carrier_details(finding: Finding) -> str:
    """Return the groups and the direction of a finding: a curve of the cost, and all numbers."""
    return "".join([*_groups(finding), *_direction(finding)])


def _groups(finding: Finding) -> Iterator[str]:
    if len(finding.groups) < 2:
        return
    yield "<h3>Increase in loss by mean ablation of the best cells together</h3>"
    yield f"<figure>{cost_curve(finding.groups)}<figcaption>line: the best cells at the ends of the concept, by their"
    yield " number; dots: groups of other cells that vary as much</figcaption></figure><ul>"
    yield from (f"<li>{_cost(group, str(len(group.cells)))}</li>" for group in finding.groups)
    yield "</ul><p>The cells, the best first: "
    yield f"{', '.join(map(escape_html, finding.groups[-1].cells))}.</p>"


def _cost(carrier: Carrier, name: str) -> str:
    """Return the cost of the ablation of a carrier in one line."""
    effect = carrier.effect
    edge, elsewhere, control = (
        number_element(loss, _LOSS_FORMAT, LOSS_DIGITS)
        for loss in (effect.edge_delta, effect.elsewhere_delta, fmean(effect.controls))
    )
    z, required = number_element(effect.edge_z, "+z.1f", 2), number_element(effect.required_z, ".1f", 2)
    r2 = number_element(carrier.r2)
    return f"{name}: {edge} nats at the ends, {elsewhere} elsewhere; controls {control}; z {z} of {required}; R² {r2}"


def _direction(finding: Finding) -> Iterator[str]:
    direction = finding.direction
    if direction is None:
        return
    yield "<h3>Increase in loss by erasure of the direction</h3>"
    yield f"<p>{_cost(direction, 'all cells of the layer')}.</p>"
    yield f"<figure>{dot_strip(direction.effect.controls, direction.effect.edge_delta)}<figcaption>stroke: this"
    yield " direction; dots: those of placebo concepts and random ones</figcaption></figure>"
    strongest = sorted(zip(direction.weights, direction.cells, strict=True), key=lambda pair: -abs(pair[0]))
    weights = (f"{escape_html(cell)} ({weight:+.3g})" for weight, cell in strongest[:MAX_LISTED_WEIGHTS])
    yield f"<p>Cells with the largest weights: {', '.join(weights)}.</p>"


def cost_curve(groups: Sequence[Carrier]) -> str:
    """Return the cost at the ends by the number of cells as a line, and the costs of the controls as dots."""
    costs = [group.effect.edge_delta for group in groups]
    controls = [group.effect.controls for group in groups]
    low, high = min(0.0, *costs, *map(min, controls)), max(0.0, *costs, *map(max, controls))
    step = (_WIDTH - 2 * _MARGIN) / (len(groups) - 1)

    def point(index: int, cost: float) -> tuple[str, str]:
        share = (high - cost) / ((high - low) or 1.0)
        return f"{_MARGIN + index * step:.1f}", f"{_MARGIN + share * (_HEIGHT - 2 * _MARGIN):.1f}"

    line = " ".join(",".join(point(index, cost)) for index, cost in enumerate(costs))
    dots = "".join(
        '<circle cx="{}" cy="{}" r="1.6"/>'.format(*point(index, cost))
        for index, column in enumerate(controls)
        for cost in column
    )
    zero = point(0, 0.0)[1]
    label = ", ".join(f"{len(group.cells)}: {cost:+.3f}" for group, cost in zip(groups, costs, strict=True))
    return svg(
        "curve",
        (_WIDTH, _HEIGHT),
        f"<title>increase in loss in nats by number of cells: {label}</title>"
        f'<line class="zero" x1="0" x2="{_WIDTH}" y1="{zero}" y2="{zero}"/>{dots}<polyline points="{line}"/>',
        role='role="img"',
    )
