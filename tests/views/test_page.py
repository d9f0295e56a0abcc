"""The page of a search: one file that asks nothing of any other, whatever the texts in it."""

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
from pages import CELLS, CONTROL, HOSTILE, MYSTERY, NAMES, RULES, TEXT, findings, page
from rich.color import Color

from charrnn.views import colors
from charrnn.views.report.document import HtmlReport
from charrnn.views.sanitize import sanitize

VOID = {"meta", "input"}


class Parsed(HTMLParser):
    """The elements of a page, each with its attributes and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[dict[str, Any]] = []
        self.elements: list[dict[str, Any]] = []
        self.feed(html)
        self.close()
        assert not self.open, "an element was never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See an element begin."""
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """See one end: the one that began last."""
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data: str) -> None:
        """See text."""
        for element in self.open:
            element["text"] += data

    def all(self, tag: str) -> list[dict[str, Any]]:
        """List the elements of a kind."""
        return [element for element in self.elements if element["tag"] == tag]


@pytest.fixture(scope="module")
def html() -> str:
    """Write the hostile page."""
    return page().html()


@pytest.fixture(scope="module")
def parsed(html: str) -> Parsed:
    """Read it as a browser does."""
    return Parsed(html)


@pytest.fixture(scope="module")
def content(parsed: Parsed) -> dict[str, Any]:
    """Read what its script draws."""
    element = next(script for script in parsed.all("script") if script.get("id") == "content")
    values: dict[str, Any] = json.loads(element["text"])
    return values


def test_the_same_findings_are_the_same_page(html: str) -> None:
    """Byte for byte; it can be written in UTF-8."""
    assert page().html() == html
    assert html.encode()


def test_no_text_of_others_is_markup_or_reaches_the_page_raw(html: str, parsed: Parsed) -> None:
    """Neither closes an element nor commands a terminal or the order of writing."""
    assert len(parsed.all("script")) == 2
    assert not set("\x1b\u202e\u2066\u200b\x00\ud800\r\u200d") & set(html)
    assert f"Cells of {sanitize(HOSTILE, keep='')}" in parsed.all("h1")[0]["text"]


def test_the_page_asks_for_nothing(html: str, parsed: Parsed) -> None:
    """No address anywhere, and a policy that would forbid it: only this script and this style have any effect."""
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


def test_every_character_is_drawn_once_and_harmless(content: dict[str, Any]) -> None:
    """As a glyph, with the columns it takes and what it is called."""
    drawn = [content["characters"][number] for number in content["text"]]
    assert len(drawn) == len(TEXT)
    by_character = dict(zip(TEXT, drawn, strict=True))
    assert by_character["\n"] == ["¶", 1, "line end", 1]
    assert by_character["\x1b"] == ["␛", 1, "U+001B unnamed", 0]
    assert by_character["日"][:2] == ["日", 2]
    assert by_character["\u202e"] == ["\ufffd", 1, "U+202E right-to-left override", 0]
    assert [character for character in by_character if by_character[character][3]] == ["\n"]


def test_values_marks_and_odds_come_through(content: dict[str, Any]) -> None:
    """To the precision that a byte has, two digits of bits, and every edge of a concept."""
    made = page()
    for cell, written in zip(made.cells, content["cells"], strict=True):
        read = np.frombuffer(base64.b64decode(written["values"]), np.uint8) / 127.5 - 1
        assert np.abs(read - cell.row.values).max() <= 1 / 255 + 1e-6
    for concept, written in zip(made.concepts, content["concepts"], strict=True):
        holds = np.zeros(len(TEXT), dtype=bool)
        for start, stop in zip(written["spans"][::2], written["spans"][1::2], strict=True):
            holds[start:stop] = True
        assert np.array_equal(holds, concept.marks.holds)
    surprise = content["surprise"]
    assert surprise["bits"][0] is None
    assert np.allclose(surprise["bits"][1:], made.surprise.bits[1:], atol=0.005)
    assert len(surprise["guesses"]) == len(base64.b64decode(surprise["odds"])) == 3 * len(TEXT)


def numbers_in(value: Any) -> Iterator[float]:
    """Go through the numbers in JSON, whatever they are in; yes and no are none."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from numbers_in(one)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def test_every_number_of_the_findings_stands_on_the_page(parsed: Parsed) -> None:
    """All that the JSON has, the rules and the sizes aside, to its last digit; without a script, and for scripts."""
    told = findings().to_json()
    for elsewhere in ("rules", "seed"):
        del told[elsewhere]
    values = {element["value"] for element in parsed.all("data")}
    values |= {element["data-value"] for element in (*parsed.all("td"), *parsed.all("th")) if "data-value" in element}
    text = parsed.all("body")[0]["text"].replace(",", "")
    signs = {finding["sign"] for finding in told["concepts"] if "sign" in finding}
    for number in set(numbers_in(told)) - signs - {told["streams"]}:
        assert str(number) in values or re.search(rf"\b{number}\b", text), number
    assert "12 streams" in text


def test_every_name_in_the_findings_stands_on_the_page(parsed: Parsed) -> None:
    """Concepts, their rivals and neighbours, cells, what is rare and what never comes."""
    text = parsed.all("body")[0]["text"]
    for name in (*NAMES, CONTROL, *(f"{word}{HOSTILE}" for word in ("near", "rival", "rare", "never", "1.2", "1.5"))):
        assert sanitize(name, keep="") in text
    for cell in (*CELLS, MYSTERY):
        assert cell in text
    for verdict, meaning in RULES.items():
        assert verdict in text
        assert sanitize(meaning, keep="") in text


def test_a_finding_is_a_row_that_can_be_sorted_and_unfolded(parsed: Parsed) -> None:
    """Values to sort by, a heading with its meaning for each column that has any, a button that names what opens."""
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
    assert {"concept", "cell", "verdict", "fit", "placebo", "edge Δ", "episodes"} <= {one["text"] for one in headings}
    assert all(button["title"] for button in headings)
    assert "−0.02" in rows[1]["text"]


def test_every_id_is_there_once(parsed: Parsed) -> None:
    """So that labels and buttons find what they are of."""
    ids = [element["id"] for element in parsed.elements if "id" in element]
    assert len(ids) == len(set(ids))
    named = {
        element[name]
        for element in parsed.elements
        for name in ("aria-labelledby", "aria-controls")
        if name in element
    }
    assert named <= set(ids)


def test_a_quick_search_says_what_it_left_out() -> None:
    """And one that asked no chance that it did not."""
    left_out = replace(findings(), quick=True, permutations=0, placebo_fit=None, local=(), mysteries=())
    text = Parsed(replace(page(), findings=left_out).html()).all("body")[0]["text"]
    assert text.count("left out (--quick)") == 2
    assert "not tested" in text
    assert "explained by nothing" not in text


def test_each_finding_has_its_curve(parsed: Parsed) -> None:
    """From −1 below to +1 above, in its row and larger, and in words for those who do not see it."""
    lines = [line["points"] for line in parsed.all("polyline")]
    assert len(lines) == 2 * 3
    heights = [float(point.split(",")[1]) for point in lines[0].split()]
    assert heights == sorted(heights, reverse=True)
    assert [heights[0], heights[-1]] == pytest.approx([16.5, 3.0], abs=0.06)
    assert parsed.all("title")[1]["text"].endswith("0: −0.50, 1: +0.25, 2: +1.00")


def test_a_search_that_found_nothing_is_a_page_too() -> None:
    """It says so, and draws the cell it was given."""
    made: HtmlReport = replace(page(), findings=replace(findings(), concepts=(), mysteries=()), concepts=())
    parsed = Parsed(made.html())
    assert not [row for row in parsed.all("tr") if row.get("data-concept") in NAMES]
    assert "No concept could be judged" in "".join(p["text"] for p in parsed.all("p"))


@pytest.mark.parametrize("dark", [False, True])
def test_every_level_can_be_read_on(html: str, dark: bool) -> None:
    """Its ink stands out from it by at least 4.5 (WCAG AA), and the page's own inks from its paper."""
    levels = re.findall(r"light-dark\((#\w{6}), (#\w{6})\); color: light-dark\((#\w{6}), (#\w{6})\)", html)
    assert len(levels) == 2 * colors.MAX_LEVEL + colors.MAX_SHADE
    for *backgrounds, light_ink, dark_ink in levels:
        assert contrast(backgrounds[dark], (light_ink, dark_ink)[dark]) >= 4.5
    themed = {name: both for name, *both in re.findall(r"--(\w+): light-dark\((#\w{6}), (#\w{6})\)", html)}
    for name in ("ink", "quiet", "accent", "mark"):
        assert contrast(themed[name][dark], themed["paper"][dark]) >= 4.5


def contrast(one: str, other: str) -> float:
    """Measure the contrast of two colours."""
    return colors.contrast(*(colors.luminance(Color.parse(c).get_truecolor()) for c in (one, other)))
