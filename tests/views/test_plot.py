"""Plots in the terminal and as SVG show every curve at the right position within the given size."""

import math
import re
from io import BytesIO, TextIOWrapper
from typing import Literal
from xml.etree import ElementTree as ET

import pytest
from rich.cells import cell_len
from rich.color import Color
from rich.console import Console

from charrnn.views import colors
from charrnn.views import plot_svg as svg
from charrnn.views.plot import COLORS, Curve, Plot, linear_axis
from charrnn.views.plot_svg import plot_svg

Points = tuple[tuple[float, float], ...]

FALLING: Points = ((0.0, 4.0), (10.0, 2.0), (20.0, 1.0))
GAPPED: Points = ((0.0, 4.0), (5.0, math.nan), (10.0, 2.0), (15.0, 9.0), (20.0, 1.0))
BRAILLE = re.compile("[\u2801-\u28ff]")


def plot(*series: Points, mark: str = "", label: str = "loss") -> Plot:
    """Return a plot of curves, x from 0 to 20 and y from 1 to 4."""
    return Plot(
        title="losses",
        x_axis=linear_axis([0, 20], "step"),
        y_axis=linear_axis([1, 4], "bits"),
        curves=tuple(
            Curve(label=f"{label} {number}", points=points, mark=mark) for number, points in enumerate(series)
        ),
        height=7,
    )


def drawn(drawing: Plot, width: int = 40, *, color: bool = False, encoding: str = "utf-8") -> list[str]:
    """Return a plot as drawn on a console with or without color."""
    file = TextIOWrapper(BytesIO(), encoding=encoding)
    system: Literal["truecolor"] | None = "truecolor" if color else None
    Console(file=file, width=width, color_system=system, force_terminal=color, _environ={}).print(drawing)
    file.seek(0)
    return file.read().splitlines()


def test_a_falling_line_goes_from_corner_to_corner() -> None:
    """The highest value is in the first row at the left, the lowest in the last row at the right."""
    title, *field, line, across, step, legend = drawn(plot(FALLING, ((0.0, 1.0),)), encoding="ascii")
    assert title == "losses | bits"
    assert field[0].startswith("4.0 +*")
    assert field[-1].startswith("1.0 +o")
    assert field[-1].endswith("*")
    assert [row[:3] for row in field[::2]] == ["4.0", "3.0", "2.0", "1.0"]
    assert set(line.strip()) == {"`", "-"}
    assert (across.split(), step.strip()) == (["0", "5", "10", "15", "20"], "step")
    assert legend == "* loss 0   o loss 1"


@pytest.mark.parametrize("width", [12, 40, 80, 200])
def test_a_plot_is_not_wider_than_its_width(width: int) -> None:
    """The legend continues in a second line."""
    assert max(map(cell_len, drawn(plot(FALLING, FALLING), width))) <= width


def test_lines_are_dots_if_they_can_be_distinguished() -> None:
    """By color, by a mark, or because there is only one line; other lines are drawn in signs."""

    def dotted(drawing: Plot, *, color: bool = False) -> bool:
        return any(BRAILLE.search(row) for row in drawn(drawing, color=color))

    assert dotted(plot(FALLING))
    assert not dotted(plot(FALLING, FALLING))
    assert dotted(plot(FALLING, FALLING), color=True)
    assert dotted(plot(FALLING, FALLING, mark="a"))


@pytest.mark.parametrize("unicode", [True, False])
def test_marks_are_at_the_points(unicode: bool) -> None:
    """At both ends of a line and above it; every row has the given width."""
    _, *field, _, _, _ = plot(FALLING, mark="x").rows(30, unicode=unicode, colored=False)
    assert field[0].plain[5] == field[-1].plain[-1] == "x"
    assert {cell_len(row.plain) for row in field} == {30}


def test_points_that_are_nan_or_beyond_the_axes_are_gaps() -> None:
    """A single point between two gaps is drawn."""
    segments = list(plot(GAPPED).segments(Curve(points=GAPPED)))
    assert segments == [[(0.0, 1.0)], [(0.5, pytest.approx(1 / 3))], [(1.0, 0.0)]]
    assert sum(len(BRAILLE.findall(row)) for row in drawn(plot(GAPPED))) == 3
    path = next(element.get("d") for element in paths(plot(GAPPED)) if element.get("stroke-linecap"))
    assert path
    assert (path.count("M"), path.count("L")) == (3, 0)


@pytest.mark.parametrize("points", [(), ((3.0, 2.0),), ((0.0, math.nan), (1.0, math.nan)), ((0.0, 1.0), (1.0, 1.0))])
def test_plots_of_few_points_are_drawn(points: Points) -> None:
    """No point, one point, only nan, a horizontal line."""
    small_plot = Plot(
        title="",
        x_axis=linear_axis(x for x, _ in points),
        y_axis=linear_axis(y for _, y in points),
        curves=(Curve(points=points),),
    )
    assert len(drawn(small_plot)) == small_plot.height + 4
    assert paths(small_plot)


def test_an_svg_plot_is_valid_and_contains_its_labels() -> None:
    """For hostile labels too; the only address is that of the format."""
    picture = plot_svg(plot(FALLING, label="</text><script>\x1b[31m\u202e"))
    words = [element.text or "" for element in ET.fromstring(picture).iter()]  # noqa: S314 - our own document
    assert any("</text><script>␛[31m" in word for word in words)
    assert picture.count("http") == 1
    assert {"losses", "bits", "step", "1.0", "4.0", "20"} <= set(words)


def test_an_svg_plot_draws_lines_and_marks_at_their_positions() -> None:
    """From the upper left corner between the axes to the lower right one."""
    corners = (svg.LEFT, svg.TOP), (svg.WIDTH - svg.RIGHT, svg.HEIGHT - svg.BOTTOM)
    drawing = plot(FALLING, mark="o")
    circles = [shape for shape in shapes(drawing) if shape.tag.endswith("circle")]
    ends = [tuple(float(shape.get(name, "nan")) for name in ("cx", "cy")) for shape in (circles[0], circles[-1])]
    assert ends == list(corners)
    (line,) = [path for path in paths(drawing) if path.get("stroke-linecap") and "L" in path.get("d", "")]
    assert line.get("d", "").startswith("M{:.1f} {:.1f}L".format(*corners[0]))


def shapes(drawing: Plot) -> list[ET.Element]:
    """Return the elements of a plot's SVG document."""
    return list(ET.fromstring(plot_svg(drawing)).iter())  # noqa: S314 - our own document


def paths(drawing: Plot) -> list[ET.Element]:
    """Return the paths of a plot's SVG document."""
    return [shape for shape in shapes(drawing) if shape.tag.endswith("path")]


def test_the_colors_have_contrast_on_black_and_on_white() -> None:
    """At least 3 (WCAG, graphical objects)."""
    for name in COLORS:
        light = colors.luminance(Color.parse(name).get_truecolor())
        assert min(colors.contrast(light, 0.0), colors.contrast(light, 1.0)) >= 3, name
