"""A plot as a self-contained SVG: no script, no font of its own, no address but its format's name."""

from __future__ import annotations

from xml.sax.saxutils import escape

from charrnn.views.plot import Plot
from charrnn.views.terminal import visible

COLOURS = ("#1f6fb2", "#c45f00", "#7a3e9d", "#2e7d32", "#b3261e", "#4a4a4a")
"""of the series on white, each readable as text too"""
DASHES = ("", "7 4", "2 3", "10 3 2 3", "5 2", "1 4")
"""of the series, for those who see no colour"""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 320, 70, 20, 40, 50
LINE = 18


def plot_svg(plot: Plot) -> str:
    """Draw a plot as SVG."""
    left, right, low, high = plot.bounds()
    middle = (LEFT + WIDTH - RIGHT) // 2
    words = [
        _words(plot.title, LEFT, TOP - 20),
        _words(plot.up.written(high), LEFT - 8, TOP + 5, anchor="end"),
        _words(plot.up.written(low), LEFT - 8, HEIGHT - BOTTOM + 5, anchor="end"),
        _words(plot.across.written(left), LEFT, HEIGHT - BOTTOM + LINE),
        _words(plot.across.written(right), WIDTH - RIGHT, HEIGHT - BOTTOM + LINE, anchor="end"),
        _words(f"{plot.up.label} by {plot.across.label}", middle, HEIGHT - BOTTOM + 2 * LINE, anchor="middle"),
    ]
    axes = f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#777"/>'
    drawn = [shape for number in range(len(plot.series)) for shape in _series(plot, number)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
            f' height="{HEIGHT}" role="img" font-family="sans-serif" font-size="13">',
            f"<title>{_safe(plot.title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            axes,
            *drawn,
            *words,
            "</svg>\n",
        ]
    )


def _series(plot: Plot, number: int) -> list[str]:
    """Draw a series' line, and its name in the corner."""
    series, colour = plot.series[number], COLOURS[number % len(COLOURS)]
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    pieces, end = [], None
    for (x, y), (next_x, next_y) in plot.lines(series):
        begin = f"{LEFT + x * across:.1f} {HEIGHT - BOTTOM - y * up:.1f}"
        pieces.append("" if begin == end else f"M{begin}")
        end = f"{LEFT + next_x * across:.1f} {HEIGHT - BOTTOM - next_y * up:.1f}"
        pieces.append(f"L{end}")
    dash = DASHES[number % len(DASHES)]
    style = f'fill="none" stroke="{colour}" stroke-width="2"' + (f' stroke-dasharray="{dash}"' if dash else "")
    beside = TOP + 8 + LINE * number
    return [
        f'<path d="{"".join(pieces)}" {style}/>',
        f'<path d="M{WIDTH - RIGHT - 40} {beside - 4}h36" {style}/>',
        _words(series.label, WIDTH - RIGHT - 48, beside, anchor="end", colour=colour),
    ]


def _words(text: str, x: int, y: int, *, anchor: str = "start", colour: str = "#000") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{_safe(text)}</text>'


def _safe(text: str) -> str:
    return escape(visible(text, keep=""))
