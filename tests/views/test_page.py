"""The HTML report is self-contained and complete, with any text in it."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from html_pages import CELLS, CONTROL, HOSTILE, LAGS, MYSTERY, NAMES, RULES, TEXT, findings, page
from rich.color import Color

from charrnn.views import colors
from charrnn.views.report.document import HtmlReport
from charrnn.views.sanitize import sanitize

VOID = {"meta", "input"}


class Parsed(HTMLParser):
    """The elements of a page with their attributes and their text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[dict[str, Any]] = []
        self.elements: list[dict[str, Any]] = []
        self.feed(html)
        self.close()
        assert not self.open, "an element was never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a start tag."""
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Check that an end tag closes the last open element."""
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data: str) -> None:
        """Record text."""
        for element in self.open:
            element["text"] += data

    def all(self, tag: str) -> list[dict[str, Any]]:
        """Return the elements with a tag."""
        return [element for element in self.elements if element["tag"] == tag]


@pytest.fixture(scope="module")
def html() -> str:
    """Return the report with hostile texts."""
    return page().html()


@pytest.fixture(scope="module")
def parsed(html: str) -> Parsed:
    """Return the parsed report."""
    return Parsed(html)


@pytest.fixture(scope="module")
def content(parsed: Parsed) -> dict[str, Any]:
    """Return the content for the report's script."""
    element = next(script for script in parsed.all("script") if script.get("id") == "content")
    values: dict[str, Any] = json.loads(element["text"])
    return values


def test_equal_findings_give_equal_reports(html: str) -> None:
    """Byte for byte; the report can be encoded in UTF-8."""
    assert page().html() == html
    assert html.encode()


def test_untrusted_text_is_escaped_and_sanitized(html: str, parsed: Parsed) -> None:
    """It closes no element, and contains no control or bidirectional character."""
    assert len(parsed.all("script")) == 2
    assert not set("\x1b\u202e\u2066\u200b\x00\ud800\r\u200d") & set(html)
    assert f"Cells of {sanitize(HOSTILE, keep='')}" in parsed.all("h1")[0]["text"]


def test_the_report_loads_nothing(html: str, parsed: Parsed) -> None:
    """It has no address, and its policy allows only its own script and style."""
    attributes = {name for element in parsed.elements for name in element}
    assert not attributes & {"src", "href", "style", "action", "srcset", "data"}
    assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"url\(|@import|https?:|fetch|XMLHttp", html)
    policy = next(meta for meta in parsed.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")[
        "content"
    ]
    script, style = parsed.all("script")[1]["text"], parsed.all("style")[0]["text"]
    for kind, source in ("script", script), ("style", style):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")


def test_every_character_is_drawn_once_and_sanitized(content: dict[str, Any]) -> None:
    """With its glyph, its columns and its name."""
    characters = [content["characters"][number] for number in content["text"]]
    assert len(characters) == len(TEXT)
    by_character = dict(zip(TEXT, characters, strict=True))
    assert by_character["\n"] == ["¶", 1, "line end", 1]
    assert by_character["\x1b"] == ["␛", 1, "U+001B unnamed", 0]
    assert by_character["日"][:2] == ["日", 2]
    assert by_character["\u202e"] == ["\ufffd", 1, "U+202E right-to-left override", 0]
    assert [character for character in by_character if by_character[character][3]] == ["\n"]


def test_values_marks_and_probabilities_are_in_the_content(content: dict[str, Any]) -> None:
    """With the precision of a byte, two decimals of bits, and all edges of a concept."""
    report = page()
    for cell, output in zip(report.cells, content["cells"], strict=True):
        values = np.frombuffer(base64.b64decode(output["values"]), np.uint8) / 127.5 - 1
        assert np.abs(values - cell.row.values).max() <= 1 / 255 + 1e-6
    for concept, output in zip(report.concepts, content["concepts"], strict=True):
        holds = np.zeros(len(TEXT), dtype=bool)
        for start, stop in zip(output["spans"][::2], output["spans"][1::2], strict=True):
            holds[start:stop] = True
        assert np.array_equal(holds, concept.marks.holds)
    surprise = content["surprise"]
    assert surprise["bits"][0] is None
    assert np.allclose(surprise["bits"][1:], report.surprise.bits[1:], atol=0.005)
    assert len(surprise["guesses"]) == len(base64.b64decode(surprise["odds"])) == 3 * len(TEXT)
    assert content["influence"]["lags"] == LAGS
    assert len(base64.b64decode(content["influence"]["shares"])) == LAGS * len(TEXT)


def test_the_details_of_a_finding_say_what_its_cell_writes() -> None:
    """With the promoted and suppressed characters and a histogram; a cell below the last layer promotes none."""
    document = page().html()
    assert f"<h3>What cell {CELLS[0]} writes</h3><p>Promotes <kbd" in document
    assert '<kbd title="U+202E right-to-left override">\ufffd</kbd> <data value="1.2346">+1.23</data>' in document
    assert f"<h3>What cell {CELLS[1]} writes</h3><p>It is not in the last layer" in document
    findings_with_profiles = document.count("<h3>What cell ")
    assert document.count('<svg class="histogram"') == findings_with_profiles >= 2


def numbers_in(value: Any) -> Iterator[float]:
    """Yield the numbers in JSON at any depth, without booleans."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for element in value:
            yield from numbers_in(element)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def test_every_number_of_the_findings_is_in_the_report(parsed: Parsed) -> None:
    """With all digits of the JSON, except rules and seed, for readers and for scripts."""
    json_findings = findings().to_json()
    for key in ("rules", "seed"):
        del json_findings[key]
    values = {element["value"] for element in parsed.all("data")}
    values |= {element["data-value"] for element in (*parsed.all("td"), *parsed.all("th")) if "data-value" in element}
    text = parsed.all("body")[0]["text"].replace(",", "")
    signs = {finding["sign"] for finding in json_findings["concepts"] if "sign" in finding}
    for number in set(numbers_in(json_findings)) - signs - {json_findings["streams"]}:
        assert str(number) in values or re.search(rf"\b{number}\b", text), number
    assert "12 streams" in text


def test_every_name_in_the_findings_is_in_the_report(parsed: Parsed) -> None:
    """Names of concepts, rivals, nearly equal and rare concepts, cells and verdicts."""
    text = parsed.all("body")[0]["text"]
    for name in (*NAMES, CONTROL, *(f"{word}{HOSTILE}" for word in ("near", "rival", "rare", "never", "1.2", "1.5"))):
        assert sanitize(name, keep="") in text
    for cell in (*CELLS, MYSTERY):
        assert cell in text
    for verdict, meaning in RULES.items():
        assert verdict in text
        assert sanitize(meaning, keep="") in text


def test_a_finding_has_a_row_that_sorts_and_unfolds(parsed: Parsed) -> None:
    """It has values to sort by and a button for its details; each column has a heading with its meaning."""
    rows = [row for row in parsed.all("tr") if "data-cell" in row]
    assert [(row["data-cell"], row["data-concept"]) for row in rows] == [
        (cell, sanitize(name, keep=""))
        for cell, name in zip((*CELLS, MYSTERY, CELLS[1]), (*NAMES, NAMES[0], CONTROL), strict=True)
    ]
    values = [
        cell["data-value"]
        for cell in parsed.all("td")
        if "number" in (cell.get("class") or "") and "data-value" in cell
    ]
    assert values[:3] == ["0.83", "0.415", "0.7678"]
    unfolding = [button["aria-controls"] for button in parsed.all("button") if button.get("class") == "unfold"]
    unfolded = [row["id"] for row in parsed.all("tr") if row.get("class") == "unfolded"]
    assert unfolding == unfolded
    assert len(set(unfolded)) == len(findings().concepts) + len(findings().local)
    headings = [button for button in parsed.all("button") if "title" in button]
    assert {"concept", "cell", "verdict", "fit", "placebo", "edge Δ", "episodes"} <= {
        heading["text"] for heading in headings
    }
    assert all(button["title"] for button in headings)
    assert "−0.02" in rows[1]["text"]


def test_every_id_is_unique(parsed: Parsed) -> None:
    """Labels and buttons refer to existing ids."""
    ids = [element["id"] for element in parsed.elements if "id" in element]
    assert len(ids) == len(set(ids))
    referenced = {
        element[name]
        for element in parsed.elements
        for name in ("aria-labelledby", "aria-controls")
        if name in element
    }
    assert referenced <= set(ids)


def test_a_quick_search_lists_what_it_omits() -> None:
    """A search without permutations says so too."""
    quick_findings = replace(findings(), quick=True, permutations=0, placebo_fit=None, local=(), mysteries=())
    text = Parsed(replace(page(), findings=quick_findings).html()).all("body")[0]["text"]
    assert text.count("left out (--quick)") == 2
    assert "not tested" in text
    assert "explained by no concept" not in text


def test_each_finding_has_a_tuning_curve(parsed: Parsed) -> None:
    """In its row and in its details, from −1 at the bottom to +1 at the top, with a title for screen readers."""
    lines = [line["points"] for line in parsed.all("polyline")]
    assert len(lines) == 2 * 3
    heights = [float(point.split(",")[1]) for point in lines[0].split()]
    assert heights == sorted(heights, reverse=True)
    assert [heights[0], heights[-1]] == pytest.approx([16.5, 3.0], abs=0.06)
    assert parsed.all("title")[1]["text"].endswith("0: −0.50, 1: +0.25, 2: +1.00")


def test_a_search_without_findings_has_a_report_too() -> None:
    """The report says that there are none."""
    report: HtmlReport = replace(page(), findings=replace(findings(), concepts=(), mysteries=()), concepts=())
    parsed = Parsed(report.html())
    assert not [row for row in parsed.all("tr") if row.get("data-concept") in NAMES]
    assert "No concept could be judged" in "".join(p["text"] for p in parsed.all("p"))


@pytest.mark.parametrize("dark", [False, True])
def test_text_is_readable_on_every_level(html: str, dark: bool) -> None:
    """The contrast is at least 4.5 (WCAG AA), also that of the page's own text colors."""
    levels = re.findall(r"light-dark\((#\w{6}), (#\w{6})\); color: light-dark\((#\w{6}), (#\w{6})\)", html)
    assert len(levels) == 2 * colors.MAX_LEVEL + colors.MAX_SHADE
    for *backgrounds, light_text, dark_text in levels:
        assert contrast(backgrounds[dark], (light_text, dark_text)[dark]) >= 4.5
    theme_colors = {name: pair for name, *pair in re.findall(r"--(\w+): light-dark\((#\w{6}), (#\w{6})\)", html)}
    for name in ("ink", "quiet", "accent", "mark"):
        assert contrast(theme_colors[name][dark], theme_colors["paper"][dark]) >= 4.5


def contrast(color: str, other_color: str) -> float:
    """Return the contrast ratio of two colors."""
    return colors.contrast(*(colors.luminance(Color.parse(name).get_truecolor()) for name in (color, other_color)))
