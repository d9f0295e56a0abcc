"""Plots in the terminal and on a page: every series is there, at the right height, in the room there is."""

import math
from io import BytesIO, TextIOWrapper
from typing import Literal
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from charrnn.views.plot import Axis, Plot, Series
from charrnn.views.plot_svg import plot_svg


def plot(*courses: tuple[tuple[float, float], ...], logarithmic: bool = False, label: str = "loss") -> Plot:
    """Make a plot of some series."""
    return Plot(
        title="how it went",
        across=Axis(label="step", logarithmic=logarithmic),
        up=Axis(label="bits"),
        series=tuple(Series(label=f"{label} {number}", points=points) for number, points in enumerate(courses)),
        height=5,
    )


def drawn(of: Plot, width: int = 40, *, colour: bool = False, encoding: str = "utf-8") -> list[str]:
    """Draw a plot on a console that may or may not have colours."""
    file = TextIOWrapper(BytesIO(), encoding=encoding)
    system: Literal["truecolor"] | None = "truecolor" if colour else None
    Console(file=file, width=width, color_system=system, force_terminal=colour, _environ={}).print(of)
    file.seek(0)
    return file.read().splitlines()


FALLING = ((0.0, 4.0), (10.0, 2.0), (20.0, 1.0))


def test_a_falling_line_falls_from_corner_to_corner() -> None:
    """The highest value stands on the first row at the left, the lowest on the last at the right."""
    title, *rows, across, legend = drawn(plot(FALLING, ((0.0, 1.0),)), encoding="ascii")
    assert title == "how it went"
    assert rows[0].startswith(" 4 |*")
    assert rows[-1].startswith(" 1 |o")
    assert rows[-1].endswith("*")
    assert across.split() == ["0", "20"]
    assert legend == "bits by step: * loss 0   o loss 1"


@pytest.mark.parametrize("width", [12, 40, 80, 200])
def test_a_plot_keeps_to_its_width(width: int) -> None:
    """Whatever the width, but for the words that say what it is."""
    assert max(map(len, drawn(plot(FALLING), width)[1:-1])) <= max(width, 14)


def test_one_series_needs_no_colour_for_its_dots() -> None:
    """Two without colour are told apart by letters."""
    assert any("⠀" < character <= "⣿" for row in drawn(plot(FALLING)) for character in row)
    assert not any("⠀" < character <= "⣿" for row in drawn(plot(FALLING, FALLING)) for character in row)
    assert any("⠀" < character <= "⣿" for row in drawn(plot(FALLING, FALLING), colour=True) for character in row)


def test_equal_ratios_are_equal_ways_on_a_logarithmic_axis() -> None:
    """1, 10 and 100 stand in the left corner, the middle and the right corner."""
    points = ((1.0, 0.0), (10.0, 1.0), (100.0, 2.0))
    places = [
        place for piece in plot(points, logarithmic=True).lines(Series(label="", points=points)) for place in piece
    ]
    assert [round(x, 6) for x, _ in places] == [0, 0.5, 0.5, 1]


@pytest.mark.parametrize("points", [(), ((3.0, 2.0),), ((0.0, math.nan), (1.0, math.nan)), ((0.0, 1.0), (1.0, 1.0))])
def test_little_to_draw_is_no_trouble(points: tuple[tuple[float, float], ...]) -> None:
    """Nothing, one point, none that is a number, a level line."""
    assert len(drawn(plot(points))) == 8
    assert ET.fromstring(plot_svg(plot(points))).tag.endswith("svg")  # noqa: S314 - it is our own


def test_the_picture_is_whole_and_holds_what_a_label_says() -> None:
    """However hostile the label; there is no address in it but the format's."""
    picture = plot_svg(plot(FALLING, label="</text><script>\x1b[31m\u202e"))
    words = [element.text or "" for element in ET.fromstring(picture).iter()]  # noqa: S314 - it is our own
    assert any("</text><script>␛[31m" in word for word in words)
    assert picture.count("http") == 1
