"""A plot as a self-contained SVG: no script, no font of its own, no address but its format's name."""

from __future__ import annotations

from collections.abc import Iterator

from charrnn.views.canvas import Point2D
from charrnn.views.markup import escape_html
from charrnn.views.plot import Plot

COLORS = ("#1f6fb2", "#c45f00", "#2e7d32", "#7a3e9d", "#b3261e", "#4a4a4a")
"""of the curves on white, each readable as text too; the terminal's, but for their strength"""
DASHES = ("", "7 4", "2 3", "10 3 2 3", "5 2", "1 4")
"""of the curves, for those who see no colour"""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 340, 64, 24, 56, 52
"""pixels, and those around the field"""
LINE, LETTER, SAMPLE = 18, 7, 28
"""pixels: between lines of writing, about as wide as a letter, a piece of a curve beside its name"""
GRID, QUIET = "#e4e7ea", "#57606a"


def plot_svg(plot: Plot) -> str:
    """Draw a plot as SVG."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
            f' height="{HEIGHT}" role="img" font-family="sans-serif" font-size="13">',
            f"<title>{escape_html(plot.title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            f'<text x="{LEFT}" y="{TOP - 32}" font-size="15" font-weight="bold">{escape_html(plot.title)}</text>',
            *_axes(plot),
            *(shape for number in range(len(plot.curves)) for shape in _curve(plot, number)),
            *_legend(plot),
            "</svg>\n",
        ]
    )


def _axes(plot: Plot) -> Iterator[str]:
    """Draw a line across the field at each tick of the vertical axis, and a short one at those of the other."""
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value, label in plot.y_axis.ticks:
        _, y = _at((0, plot.y_axis.position(value)))
        yield f'<path d="M{LEFT} {y:.1f}H{right}" stroke="{GRID}"/>'
        yield _words(label, LEFT - 8, y + 4.5, anchor="end")
    for value, label in plot.x_axis.ticks:
        x, _ = _at((plot.x_axis.position(value), 0))
        yield f'<path d="M{x:.1f} {bottom}v5" stroke="{QUIET}"/>'
        yield _words(label, x, bottom + LINE + 2)
    yield f'<path d="M{LEFT} {bottom}H{right}" stroke="{QUIET}"/>'
    yield _words(plot.x_axis.label, (LEFT + right) / 2, bottom + 2 * LINE + 4, color=QUIET)
    yield _words(plot.y_axis.label, LEFT, TOP - 12, anchor="start", color=QUIET)


def _curve(plot: Plot, number: int) -> Iterator[str]:
    """Draw a curve's line, and a dot at each of its points if they have a mark."""
    curve = plot.curves[number]
    stretches = [list(map(_at, places)) for places in plot.segments(curve)]
    if curve.joined:
        # The last step back onto itself makes a dot of a lone point.
        path = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places) + "h0" for places in stretches)
        yield f'<path d="{path}" {_stroke(number)}/>'
    if curve.mark:
        for x, y in (place for places in stretches for place in places):
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_color(number)}"/>'


def _legend(plot: Plot) -> Iterator[str]:
    """Name the curves above the field, from its right end on."""
    x, y = WIDTH - RIGHT, TOP - 12
    for number, curve in reversed(list(enumerate(plot.curves))):
        if curve.label:
            yield _words(curve.label, x, y, anchor="end", color=_color(number))
            x -= LETTER * len(curve.label) + SAMPLE + 10
            yield f'<path d="M{x} {y - 4.5}h{SAMPLE}" {_stroke(number)}/>'
            x -= 2 * LETTER


def _at(place: Point2D) -> Point2D:
    """Turn a place in the field into pixels."""
    return LEFT + place[0] * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - place[1] * (HEIGHT - TOP - BOTTOM)


def _stroke(number: int) -> str:
    dash = DASHES[number % len(DASHES)]
    broken = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{_color(number)}" stroke-width="2" stroke-linecap="round"{broken}'


def _color(number: int) -> str:
    return COLORS[number % len(COLORS)]


def _words(text: str, x: float, y: float, *, anchor: str = "middle", color: str = "#1b1f23") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape_html(text)}</text>'
