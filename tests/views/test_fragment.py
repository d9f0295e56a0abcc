"""The heat map of a notebook shows every character with its value, and no markup of the text has an effect."""

from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.views.heatmap import COLUMNS, Heatmap, HeatmapRow, Marks
from charrnn.views.layout import wrap_text

HOSTILE = "</pre><script>alert(1)</script>\x1b[31m\u202e\u200b&amp;\"'\x00\ud800 日本 עברית\n\t"
CELL = "2.317"


class Parsed(HTMLParser):
    """The elements and the text of an HTML fragment, as parsed by a browser."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.depth = 0
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a start tag."""
        self.elements.append((tag, dict(attrs)))
        self.depth += 1

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        """Record an end tag."""
        self.depth -= 1

    def handle_data(self, data: str) -> None:
        """Record text."""
        self.text += data


def heatmap(text: str, cells: int = 1) -> Heatmap:
    """Return a heat map of sine waves, with a concept at every third character."""
    positions = np.arange(len(text))
    rows = tuple(HeatmapRow(label=f"{cell}.317", values=np.sin(positions / cell)) for cell in range(2, 2 + cells))
    marks = Marks(label="<every third>", holds=positions % 3 == 0)
    return Heatmap(text=text, rows=rows, signal="tanh(c)", marks=marks, title="</pre><b>of & over</b>")


@given(st.text(st.characters() | st.sampled_from(HOSTILE), max_size=150), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_no_text_is_markup(text: str, cells: int) -> None:
    """For any text all elements are our own and closed, without scripts and addresses, and all glyphs are present."""
    drawing = heatmap(text, cells)._repr_html_()
    parsed = Parsed(drawing)
    assert {tag for tag, _ in parsed.elements} <= {"pre", "b", "span"}
    assert {name for _, attributes in parsed.elements for name in attributes} <= {"style", "title"}
    assert parsed.depth == 0
    assert "url(" not in drawing
    assert "</pre><b>of & over</b>" in parsed.text
    margin = 0 if cells == 1 else 6
    for line in wrap_text(text, COLUMNS - margin, page=True):
        assert "".join(line.glyphs) in parsed.text


def test_control_characters_are_replaced() -> None:
    """Escape, bidirectional marks, surrogates and NUL are not in the page, and the page can be encoded."""
    drawing = heatmap(HOSTILE)._repr_html_()
    assert not set("\x1b\u202e\u200b\x00\ud800\t") & set(drawing)
    assert drawing.encode()


@pytest.mark.parametrize("cells", [1, 3])
def test_every_value_has_a_tooltip(cells: int) -> None:
    """With two decimals and a typographic minus; several cells have digits as well."""
    text = "abcdefgh"
    parsed = Parsed(heatmap(text, cells)._repr_html_())
    titles = [attributes["title"] for _, attributes in parsed.elements if "title" in attributes]
    first = heatmap(text, cells).rows[0]
    expected = [f"{CELL}: {value:+z.2f}".replace("-", "−") for value in first.values]
    assert titles[: len(text)] == expected
    assert len(titles) == cells * len(text)
    assert ("0 … 4 below zero" in parsed.text) == (cells > 1)


def test_the_concept_is_underlined_where_it_holds() -> None:
    """Other characters are not underlined."""
    parsed = Parsed(heatmap("abcdef")._repr_html_())
    spans = [attributes for tag, attributes in parsed.elements if tag == "span"][:6]
    assert ["underline" in str(span.get("style", "")) for span in spans] == [True, False, False] * 2


def test_zero_has_no_color() -> None:
    """Other values have a color."""
    row = HeatmapRow(label=CELL, values=np.array([0.0, 1.0, -1.0]))
    parsed = Parsed(Heatmap(text="abc", rows=(row,), signal="h")._repr_html_())
    styles = [str(attributes.get("style", "")) for tag, attributes in parsed.elements if tag == "span"][:3]
    assert ["background" in style for style in styles] == [False, True, True]
    assert styles[1] != styles[2]
