"""The SVG image of a heat map is a valid, self-contained document with aligned columns."""

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from headless_browser import BROWSER, tab
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charrnn.views.colors import hex_color, quantize
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks
from charrnn.views.svg import heatmap_svg

NAMESPACE = "http://www.w3.org/2000/svg"
FOREIGN = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\x00\x1b\ufffe\ud800\u0301\n\t&<>\"']]>日👩\u200d"),
    max_size=60,
)
COLUMN = 9


def heatmap(text: str, cells: int = 1, *, title: str = "") -> Heatmap:
    """Return a heat map of sine waves of several lengths over a text."""
    positions = np.arange(len(text))
    rows = [HeatmapRow(label=f"{cell}.317", values=np.sin(positions / (cell + 2))) for cell in range(cells)]
    return Heatmap(
        text=text, rows=tuple(rows), signal="h", marks=Marks(label="held", holds=positions % 3 > 0), title=title
    )


def elements(picture: str, name: str) -> list[ET.Element]:
    """Return all elements of one name."""
    return list(ET.fromstring(picture).iter(f"{{{NAMESPACE}}}{name}"))  # noqa: S314  # our own


def number(element: ET.Element, name: str) -> float:
    """Return an attribute as a number."""
    return float(element.get(name, "0"))


@given(FOREIGN, st.sampled_from([1, 3]), st.sampled_from([1, 20, 40, 80]))
@settings(deadline=None)
@example("</text><script>alert(1)</script>\x1b[31m\ufffe", 1, 80)
def test_any_text_gives_a_valid_document_without_addresses_and_scripts(text: str, cells: int, columns: int) -> None:
    """The document parses, and has only elements that load and run nothing."""
    picture = heatmap_svg(heatmap(text, cells, title=text), columns=columns)
    kinds = {element.tag.removeprefix(f"{{{NAMESPACE}}}") for element in ET.fromstring(picture).iter()}  # noqa: S314
    assert kinds <= {"svg", "title", "desc", "g", "rect", "text"}
    assert picture.replace(f'xmlns="{NAMESPACE}"', "", 1).count("http") == text.count("http")
    assert "url(" not in picture.replace(text, "")


@given(FOREIGN, st.sampled_from([1, 20, 40, 80]))
@settings(deadline=None)
def test_all_shapes_are_within_the_image(text: str, columns: int) -> None:
    """No rectangle and no text crosses the edge."""
    picture = heatmap_svg(heatmap(text, cells=2), columns=columns)
    (page,) = elements(picture, "svg")
    for shape in elements(picture, "rect") + elements(picture, "text"):
        right = number(shape, "x") + number(shape, "width") + number(shape, "textLength")
        assert right <= number(page, "width")
        assert number(shape, "y") + number(shape, "height") <= number(page, "height")


def letters(picture: str) -> dict[str, float]:
    """Return the column in whose middle each single letter is drawn."""
    centered = [element for element in elements(picture, "text") if element.get("text-anchor") == "middle"]
    return {str(element.text): (float(element.get("x", "0")) - 10) / COLUMN - 0.5 for element in centered}


def test_right_to_left_letters_are_over_their_own_colors() -> None:
    """Viewers reverse a run of Hebrew or Arabic, but not its colors: each letter is drawn by itself."""
    picture = heatmap_svg(heatmap("ab \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d (12)"))
    columns = {"\u05e9": 3, "\u05dc": 4, "\u05d5": 5, "\u05dd": 6, "\u0645": 8, "\u0631": 9, "\u062d": 10}
    assert letters(picture) == columns
    runs = [(element.text, number(element, "x")) for element in elements(picture, "text") if element.text]
    assert ("(12)", 10 + 12 * COLUMN) in runs


def test_marks_that_a_viewer_would_combine_are_over_their_own_colors() -> None:
    """A mark has a carrier in its own column, in a font that places it there; flags and Hindi are not joined."""
    picture = heatmap_svg(heatmap("e\u0301 \u05e9\u05b8 \u0928\u094d\u0926 \U0001f1e9\U0001f1ea"))
    assert {text: round(column) for text, column in letters(picture).items() if text[0] == "\u25cc"} == {
        "\u25cc\u0301": 1,
        "\u25cc\u05b8": 4,
        "\u25cc\u094d": 7,
    }
    assert {"\u05e9", "\u0928", "\u0926", "\U0001f1e9", "\U0001f1ea"} < set(letters(picture))
    fonts = {str(element.text): element.get("font-family") for element in elements(picture, "text")}
    assert (fonts["\u25cc\u0301"], fonts["\u05e9"]) == ("sans-serif", None)


def test_a_right_to_left_title_keeps_its_reading_order() -> None:
    """Only the text over colors is drawn letter by letter; a viewer orders the title as on a page."""
    words = "\u05e9\u05dc\u05d5\u05dd title"
    assert words in [element.text for element in elements(heatmap_svg(heatmap("abc", title=words)), "text")]


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")
def test_a_browser_draws_each_letter_over_its_own_color(tmp_path: Path) -> None:
    """The middle of each Hebrew or Arabic letter is the middle of its column, for marks and for letters."""
    path = tmp_path / "text.svg"
    picture = heatmap_svg(heatmap("ab \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 e\u0301 \u65e5\u672c"))
    path.write_bytes(picture.encode())
    with tab(tmp_path / "profile") as browser:
        browser.open(path)
        drawn = browser.evaluate(
            "[...document.querySelectorAll('text')].map(text => [text.textContent, text.getBBox()])"
            ".map(([letters, box]) => [letters, box.x + box.width / 2])"
        )
    for letter, column in letters(picture).items():
        (middle,) = [middle for letters_drawn, middle in drawn if letters_drawn == letter]
        assert abs(middle - (10 + COLUMN * (column + 0.5))) < 1
    ideographs = next(middle for letters_drawn, middle in drawn if letters_drawn == "\u65e5\u672c")
    assert abs(ideographs - (10 + COLUMN * (17 + 4 / 2))) < 2


def test_each_run_of_text_has_the_width_of_its_columns() -> None:
    """Text starts and ends at a column with any font, so that it is aligned with its colors."""
    words, wide, *_ = elements(heatmap_svg(heatmap("  to be  日本")), "text")
    assert (words.text, number(words, "x"), number(words, "textLength")) == ("to be", 10 + 2 * COLUMN, 5 * COLUMN)
    assert (wide.text, number(wide, "x"), number(wide, "textLength")) == ("日本", 10 + 9 * COLUMN, 4 * COLUMN)


def test_the_colors_are_those_of_the_levels() -> None:
    """Each column of the text has the color of its level, and none at zero."""
    text = "to be, or not to be"
    values = np.linspace(-1, 1, len(text))
    picture = heatmap_svg(Heatmap(text=text, rows=(HeatmapRow(label="1.0", values=values),), signal="h"), columns=80)
    shades: list[str | None] = [None] * len(text)
    for group in elements(picture, "g"):
        for shape in group.findall(f"{{{NAMESPACE}}}rect"):
            if number(shape, "y") == 10:
                first = int(number(shape, "x") - 10) // COLUMN
                count = int(number(shape, "width")) // COLUMN
                shades[first : first + count] = [group.get("fill")] * count
    assert shades == [hex_color(int(level)) if level else None for level in quantize(values)]


def test_a_run_of_equal_levels_is_one_rectangle() -> None:
    """A line of one level needs one shape, so that images are small."""
    rows = (HeatmapRow(label="1.0", values=np.ones(8000)),)
    picture = heatmap_svg(Heatmap(text="a" * 8000, rows=rows, signal="h"), columns=80)
    page_and_scale = 1 + 10
    assert len(elements(picture, "rect")) == 100 + page_and_scale


def test_an_image_has_a_title_a_description_and_a_legend() -> None:
    """They name the cells, the signal and the concept, for screen readers too."""
    picture = heatmap_svg(heatmap("text", cells=2, title="cells <in> quotes"))
    (title,), (description,) = elements(picture, "title"), elements(picture, "desc")
    output = "".join(str(element.text) for element in elements(picture, "text"))
    assert title.text == "cells <in> quotes"
    for part in ("h of 0.317, 1.317", "orange below zero", "held"):
        assert part in str(description.text)
    for part in ("cells <in> quotes", "h of 0.317, 1.317", "−10+1held"):
        assert part in output


def test_an_image_has_its_own_background() -> None:
    """Black text would be invisible on a dark page: a white rectangle of the image's size is the first shape."""
    picture = heatmap_svg(heatmap("text"))
    (page,), background = elements(picture, "svg"), elements(picture, "rect")[0]
    assert background.get("fill") == "#fff"
    assert (background.get("width"), background.get("height")) == (page.get("width"), page.get("height"))
