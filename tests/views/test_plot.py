"""Plots in the terminal and on a page: every curve is there, at the right height, in the room there is."""

import math
import re
from io import BytesIO, TextIOWrapper
from typing import Literal
from xml.etree import ElementTree as ET

import pytest
from rich.cells import cell_len
from rich.color import Color
from rich.console import Console

from charrnn.views import colors, svg
from charrnn.views.axis import round_axis
from charrnn.views.plot import COLORS, Curve, Plot
from charrnn.views.svg import plot_svg as as_picture

Points = tuple[tuple[float, float], ...]

FALLING: Points = ((0.0, 4.0), (10.0, 2.0), (20.0, 1.0))
GAPPED: Points = ((0.0, 4.0), (5.0, math.nan), (10.0, 2.0), (15.0, 9.0), (20.0, 1.0))
BRAILLE = re.compile("[\u2801-\u28ff]")


def plot(*courses: Points, mark: str = "", label: str = "loss") -> Plot:
    """Make a plot of some curves, from 0 to 20 and 1 to 4."""
    return Plot(
        title="how it went",
        x_axis=round_axis([0, 20], "step"),
        y_axis=round_axis([1, 4], "bits"),
        curves=tuple(
            Curve(label=f"{label} {number}", points=points, mark=mark) for number, points in enumerate(courses)
        ),
        height=7,
    )


def drawn(of: Plot, width: int = 40, *, color: bool = False, encoding: str = "utf-8") -> list[str]:
    """Draw a plot on a console that may or may not have colours."""
    file = TextIOWrapper(BytesIO(), encoding=encoding)
    system: Literal["truecolor"] | None = "truecolor" if color else None
    Console(file=file, width=width, color_system=system, force_terminal=color, _environ={}).print(of)
    file.seek(0)
    return file.read().splitlines()


def test_a_falling_line_falls_from_corner_to_corner() -> None:
    """The highest value stands on the first row at the left, the lowest on the last at the right."""
    title, *field, line, across, step, legend = drawn(plot(FALLING, ((0.0, 1.0),)), encoding="ascii")
    assert title == "how it went | bits"
    assert field[0].startswith("4.0 +*")
    assert field[-1].startswith("1.0 +o")
    assert field[-1].endswith("*")
    assert [row[:3] for row in field[::2]] == ["4.0", "3.0", "2.0", "1.0"]
    assert set(line.strip()) == {"`", "-"}
    assert (across.split(), step.strip()) == (["0", "5", "10", "15", "20"], "step")
    assert legend == "* loss 0   o loss 1"


@pytest.mark.parametrize("width", [12, 40, 80, 200])
def test_a_plot_keeps_to_its_width(width: int) -> None:
    """Whatever the width; the legend goes on in another line."""
    assert max(map(cell_len, drawn(plot(FALLING, FALLING), width))) <= width


def test_lines_are_dots_where_they_can_be_told_apart() -> None:
    """By colour, by a mark, or because there is but one; by signs otherwise."""

    def dotted(of: Plot, *, color: bool = False) -> bool:
        return any(BRAILLE.search(row) for row in drawn(of, color=color))

    assert dotted(plot(FALLING))
    assert not dotted(plot(FALLING, FALLING))
    assert dotted(plot(FALLING, FALLING), color=True)
    assert dotted(plot(FALLING, FALLING, mark="a"))


@pytest.mark.parametrize("unicode", [True, False])
def test_marks_stand_where_the_points_are(unicode: bool) -> None:
    """At both ends of a line, above it; every row is as wide as was asked for."""
    _, *field, _, _, _ = plot(FALLING, mark="x").rows(30, unicode=unicode, colored=False)
    assert field[0].plain[5] == field[-1].plain[-1] == "x"
    assert {cell_len(row.plain) for row in field} == {30}


def test_what_is_no_number_or_beyond_the_axes_is_a_gap() -> None:
    """A point alone between two of them is drawn all the same."""
    stretches = list(plot(GAPPED).segments(Curve(points=GAPPED)))
    assert stretches == [[(0.0, 1.0)], [(0.5, pytest.approx(1 / 3))], [(1.0, 0.0)]]
    assert sum(len(BRAILLE.findall(row)) for row in drawn(plot(GAPPED))) == 3
    path = next(element.get("d") for element in paths(plot(GAPPED)) if element.get("stroke-linecap"))
    assert path
    assert (path.count("M"), path.count("L")) == (3, 0)


@pytest.mark.parametrize("points", [(), ((3.0, 2.0),), ((0.0, math.nan), (1.0, math.nan)), ((0.0, 1.0), (1.0, 1.0))])
def test_little_to_draw_is_no_trouble(points: Points) -> None:
    """Nothing, one point, none that is a number, a level line."""
    little = Plot(
        title="",
        x_axis=round_axis(x for x, _ in points),
        y_axis=round_axis(y for _, y in points),
        curves=(Curve(points=points),),
    )
    assert len(drawn(little)) == little.height + 4
    assert paths(little)


def test_the_picture_is_whole_and_holds_what_a_label_says() -> None:
    """However hostile the label; there is no address in it but the format's."""
    picture = as_picture(plot(FALLING, label="</text><script>\x1b[31m\u202e"))
    words = [element.text or "" for element in ET.fromstring(picture).iter()]  # noqa: S314 - it is our own
    assert any("</text><script>␛[31m" in word for word in words)
    assert picture.count("http") == 1
    assert {"how it went", "bits", "step", "1.0", "4.0", "20"} <= set(words)


def test_the_picture_draws_lines_and_marks_at_their_places() -> None:
    """From the field's upper left corner to its lower right one."""
    corners = (svg.LEFT, svg.TOP), (svg.WIDTH - svg.RIGHT, svg.HEIGHT - svg.BOTTOM)
    of = plot(FALLING, mark="o")
    circles = [shape for shape in shapes(of) if shape.tag.endswith("circle")]
    ends = [tuple(float(shape.get(name, "nan")) for name in ("cx", "cy")) for shape in (circles[0], circles[-1])]
    assert ends == list(corners)
    (line,) = [path for path in paths(of) if path.get("stroke-linecap") and "L" in path.get("d", "")]
    assert line.get("d", "").startswith("M{:.1f} {:.1f}L".format(*corners[0]))


def shapes(of: Plot) -> list[ET.Element]:
    """Read a plot's picture."""
    return list(ET.fromstring(as_picture(of)).iter())  # noqa: S314 - it is our own


def paths(of: Plot) -> list[ET.Element]:
    """List the lines of a plot's picture."""
    return [shape for shape in shapes(of) if shape.tag.endswith("path")]


def test_the_colors_are_seen_on_black_and_on_white() -> None:
    """At least 3 apart from either (WCAG, graphical objects)."""
    for name in COLORS:
        light = colors.luminance(Color.parse(name).get_truecolor())
        assert min(colors.contrast(light, 0.0), colors.contrast(light, 1.0)) >= 3, name
