"""Self-contained SVG images of plots, without scripts, fonts and addresses, on a white background."""

from collections.abc import Iterator, Sequence

from charrnn.views.canvas import Point2D
from charrnn.views.plot import Curve, Plot
from charrnn.views.sanitize import escape_html, sanitize

COLORS = ("#1f6fb2", "#c45f00", "#2e7d32", "#7a3e9d", "#b3261e", "#4a4a4a")
"""colors of the curves on white, with enough contrast for text"""
DASHES = ("", "7 4", "2 3", "10 3 2 3", "5 2", "1 4")
"""dashes of the curves, for readers who do not see colors"""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 340, 64, 24, 56, 52
"""pixels: size of the image and margins around the axes"""
LINE, LETTER, SAMPLE = 18, 7, 28
"""pixels: height of a line of text, approximate width of a letter, length of a sample of a curve in the legend"""
MAX_LABEL = 60
"""maximum number of letters of a label in the legend"""
GRID, QUIET = "#e4e7ea", "#57606a"


def plots_svg(plots: Sequence[Plot]) -> str:
    """Return plots below each other as SVG; the title of the first one is that of the document."""
    drawings, top = [], 0
    for plot in plots:
        drawings += [f'<g transform="translate(0 {top})">', *_drawing(plot), "</g>"]
        top += _height(plot)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}"'
            f' height="{top}" role="img" font-family="sans-serif" font-size="13">',
            f"<title>{escape_html(plots[0].title)}</title>",
            f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>',
            *drawings,
            "</svg>\n",
        ]
    )


def plot_svg(plot: Plot) -> str:
    """Return a plot as SVG."""
    return plots_svg([plot])


def _drawing(plot: Plot) -> Iterator[str]:
    """Yield the shapes of a plot; a legend of several lines moves the axes and the curves down."""
    yield f'<text x="{LEFT}" y="{TOP - 32}" font-size="15" font-weight="bold">{escape_html(plot.title)}</text>'
    yield f'<g transform="translate(0 {_height(plot) - HEIGHT})">'
    yield from _axes(plot)
    for number in range(len(plot.curves)):
        yield from _curve(plot, number)
    yield "</g>"
    yield from _legend(plot)


def _height(plot: Plot) -> int:
    """Return the height of a plot in pixels."""
    return HEIGHT + LINE * (max(1, len(_legend_lines(plot))) - 1)


def _axes(plot: Plot) -> Iterator[str]:
    """Yield the axes, with a grid line at each tick of the vertical axis."""
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value, label in plot.y_axis.ticks:
        _, y = _to_pixels((0, plot.y_axis.position(value)))
        yield f'<path d="M{LEFT} {y:.1f}H{right}" stroke="{GRID}"/>'
        yield _text(label, LEFT - 8, y + 4.5, anchor="end")
    for value, label in plot.x_axis.ticks:
        x, _ = _to_pixels((plot.x_axis.position(value), 0))
        yield f'<path d="M{x:.1f} {bottom}v5" stroke="{QUIET}"/>'
        yield _text(label, x, bottom + LINE + 2)
    yield f'<path d="M{LEFT} {bottom}H{right}" stroke="{QUIET}"/>'
    yield _text(plot.x_axis.label, (LEFT + right) / 2, bottom + 2 * LINE + 4, color=QUIET)
    yield _text(plot.y_axis.label, LEFT, TOP - 12, anchor="start", color=QUIET)


def _curve(plot: Plot, number: int) -> Iterator[str]:
    """Yield the line of a curve, and a dot at each of its points if it has a mark."""
    curve = plot.curves[number]
    segments = [list(map(_to_pixels, positions)) for positions in plot.segments(curve)]
    if curve.joined:
        # The final "h0" makes a single point visible as a dot.
        path = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in positions) + "h0" for positions in segments)
        yield f'<path d="{path}" {_stroke(number)}/>'
    if curve.mark:
        for x, y in (position for positions in segments for position in positions):
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_color(number)}"/>'


def _legend(plot: Plot) -> Iterator[str]:
    """Yield the legend above the plot, each of its lines from right to left."""
    for line_number, line in enumerate(_legend_lines(plot)):
        x, y = float(WIDTH - RIGHT), TOP - 12 + line_number * LINE
        for number, label in reversed(line):
            yield _text(label, x, y, anchor="end", color=_color(number))
            x -= LETTER * len(label) + SAMPLE + 10
            yield f'<path d="M{x} {y - 4.5}h{SAMPLE}" {_stroke(number)}/>'
            x -= 2 * LETTER


def _legend_lines(plot: Plot) -> list[list[tuple[int, str]]]:
    """Return the curves with labels, by their numbers, in as many lines as their labels need."""
    lines, left = list[list[tuple[int, str]]](), 0
    first = WIDTH - RIGHT - LEFT - LETTER * (len(plot.y_axis.label) + 2)
    for number, curve in enumerate(plot.curves):
        label = _label(curve)
        width = LETTER * len(label) + SAMPLE + 10 + 2 * LETTER
        if label and (not lines or width > left):
            lines.append([])
            left = first if len(lines) == 1 else WIDTH - RIGHT - LEFT
        if label:
            lines[-1].append((number, label))
            left -= width
    return lines


def _label(curve: Curve) -> str:
    """Return the label of a curve, sanitized and shortened."""
    label = sanitize(curve.label, keep="")
    return label if len(label) <= MAX_LABEL else f"{label[: MAX_LABEL - 1]}…"


def _to_pixels(position: Point2D) -> Point2D:
    """Return a position between the axes in pixels."""
    return LEFT + position[0] * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - position[1] * (HEIGHT - TOP - BOTTOM)


def _stroke(number: int) -> str:
    dash = DASHES[number % len(DASHES)]
    dash_attribute = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{_color(number)}" stroke-width="2" stroke-linecap="round"{dash_attribute}'


def _color(number: int) -> str:
    return COLORS[number % len(COLORS)]


def _text(text: str, x: float, y: float, *, anchor: str = "middle", color: str = "#1b1f23") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape_html(text)}</text>'
