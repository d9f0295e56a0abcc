"""Small drawings in the page's own SVG: a share as a bar, a cell's answer as a curve, values along a line.

They have no colours of their own: those are the page's, for light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence

from charrnn.views.page.numbers import format_number

_BAR, _THICK = 56, 8
"""pixels of a bar"""
_MARGIN = 3
"""pixels around a curve"""


def share_bar(share: float | None) -> str:
    """Draw a share of 1; what is beyond is cut off, nothing known is nothing drawn."""
    if share is None:
        return ""
    full = max(0.0, min(1.0, share)) * _BAR
    return (
        f'<svg class="bar" width="{_BAR}" height="{_THICK}" viewBox="0 0 {_BAR} {_THICK}" aria-hidden="true">'
        f'<rect class="rail" width="{_BAR}" height="{_THICK}"/><rect width="{full:.1f}" height="{_THICK}"/></svg>'
    )


def tuning_curve(tuning: Sequence[tuple[float, float]], width: int = 96, height: int = 24) -> str:
    """Draw a cell's mean at each level of a concept, from -1 below to +1 above, as a line."""
    across = (width - 2 * _MARGIN) / max(len(tuning) - 1, 1)
    places = [
        (_MARGIN + number * across, _MARGIN + (1 - mean) / 2 * (height - 2 * _MARGIN))
        for number, (_, mean) in enumerate(tuning)
    ]
    label = ", ".join(f"{format_number(level, 'g')}: {format_number(mean, '+z.2f')}" for level, mean in tuning)
    points = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6"/>' for x, y in places)
    return (
        f'<svg class="curve" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">'
        f"<title>the cell's mean at each level of the concept: {label}</title>"
        f'<line class="zero" x1="0" x2="{width}" y1="{height / 2:g}" y2="{height / 2:g}"/>'
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'
        f"{points}</svg>"
    )


def dot_strip(values: Sequence[float], marked: float, width: int = 200) -> str:
    """Draw values as dots along a line, and one that is compared with them as an upright stroke; zero has its own."""
    low, high = min(0.0, marked, *values), max(0.0, marked, *values)
    scale = (width - 4 * _MARGIN) / ((high - low) or 1.0)

    def place(value: float) -> str:
        return f"{2 * _MARGIN + (value - low) * scale:.1f}"

    dots = "".join(f'<circle cx="{place(value)}" cy="10" r="3"/>' for value in values)
    return (
        f'<svg class="along" width="{width}" height="20" viewBox="0 0 {width} 20" aria-hidden="true">'
        f'<line class="zero" x1="0" x2="{width}" y1="10" y2="10"/>'
        f'<line class="zero" x1="{place(0)}" x2="{place(0)}" y1="4" y2="16"/>{dots}'
        f'<line class="marked" x1="{place(marked)}" x2="{place(marked)}" y1="1" y2="19"/></svg>'
    )
