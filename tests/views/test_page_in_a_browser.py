"""The HTML report in a browser: drawing, keys, mouse, and hostile text without effect."""

import base64
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from headless_browser import BROWSER, Tab, tab
from html_pages import CELLS, LAGS, MYSTERY, NAMES, TEXT, findings, page

from charrnn.views import colors
from charrnn.views.sanitize import sanitize
from charrnn.views.value_scale import MAX_BITS

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")]

AT = "document.querySelector('#text .here').dataset.at"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """Yield a browser with the hostile report; once per module, because a browser needs seconds to start."""
    home = tmp_path_factory.mktemp("browser")
    path = home / "page.html"
    path.write_bytes(page().html().encode())
    with tab(home / "profile") as browser:
        browser.open(path)
        yield browser


@pytest.fixture
def opened_page(opened: Tab) -> Tab:
    """Return the report in its initial state: first cell, first character, focus on the text."""
    opened.send("Emulation.setEmulatedMedia", media="", features=[])
    opened.evaluate("choose(0, 0); goTo(0); document.querySelector('#text').focus()")
    return opened


def position(opened_page: Tab) -> int:
    """Return the index of the current character."""
    return int(opened_page.evaluate(AT))


def test_hostile_text_has_no_effect(opened_page: Tab) -> None:
    """No foreign script runs, nothing is requested, and the console has no messages."""
    assert opened_page.errors() == []
    assert [address.partition(":")[0] for address in opened_page.requests()] == ["file"]
    assert opened_page.evaluate("document.title").startswith("Cells of </script>")
    assert opened_page.evaluate("document.scripts.length") == 2


def test_another_script_or_style_would_have_no_effect(opened_page: Tab) -> None:
    """The policy allows only the report's own script and style."""
    opened_page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p id=probe style=\"color:red\">x</p>')")
    opened_page.evaluate(
        "{ const s = document.createElement('script'); s.textContent = 'window.taken = 1'; document.body.append(s) }"
    )
    assert opened_page.evaluate("typeof window.taken") == "undefined"
    assert opened_page.evaluate("getComputedStyle(document.querySelector('#probe')).color") != "rgb(255, 0, 0)"
    opened_page.events.clear()


def test_every_character_is_in_order_and_in_its_color(opened_page: Tab) -> None:
    """Levels and digits are those of the terminal; all scripts are drawn from left to right."""
    drawing = opened_page.evaluate(
        "[...document.querySelectorAll('#text span')].map(s => [s.textContent, s.className, s.dataset.digit])"
    )
    assert len(drawing) == len(TEXT)
    # Values are rounded to a byte.
    values = np.rint((page().cells[0].row.values + 1) * 127.5).astype(np.uint8) / 127.5 - 1
    assert [int(digit) for _, _, digit in drawing] == colors.digits(values).tolist()
    for (_, classes, _), level in zip(drawing, colors.quantize(values).tolist(), strict=True):
        expected = [f"{'below' if level < 0 else 'above'}-{abs(level)}"] if level else []
        assert [name for name in classes.split() if name[:5] in ("below", "above")] == expected
    boxes = opened_page.evaluate("[...document.querySelectorAll('#text span')].map(s => [s.offsetTop, s.offsetLeft])")
    assert all(box < next_box for box, next_box in itertools.pairwise(boxes))


def test_the_surprise_is_drawn_as_on_a_terminal(opened_page: Tab) -> None:
    """In a sequential scale from zero."""
    opened_page.evaluate("choose(cells.length)")
    classes = opened_page.evaluate("[...document.querySelectorAll('#text span')].map(s => s.className)")
    expected = colors.quantize_sequential(page().surprise.bits.round(2), MAX_BITS).tolist()
    drawing = [next((int(name[6:]) for name in names.split() if name.startswith("shade-")), 0) for names in classes]
    assert drawing == expected


def test_the_influence_on_the_chosen_character_is_drawn_over_those_before_it(opened_page: Tab) -> None:
    """Relative to the strongest one; no other character has a color, also after another one is chosen."""
    influence = page().influence
    assert influence is not None
    opened_page.evaluate("choose(views.length - 1)")
    legend = opened_page.evaluate("document.querySelector('#legend').textContent")
    assert f"the {LAGS} characters before the chosen one" in legend
    for at in (40, 44, 41, 2, 0):
        opened_page.evaluate(f"goTo({at})")
        classes = opened_page.evaluate("[...document.querySelectorAll('#text span')].map(s => s.className)")
        matches = [re.search(r"(above|below)-(\d)", names) for names in classes]
        levels = {
            place: int(match[2]) * (-1 if match[1] == "below" else 1) for place, match in enumerate(matches) if match
        }
        shares = influence[at] / (np.abs(influence[at]).max() or 1)
        stored = np.rint((shares + 1) * 127.5) / 127.5 - 1
        expected = {at - lag: level for lag, level in enumerate(colors.quantize(stored).tolist(), 1) if level}
        assert levels == expected
        strongest = "none" if not expected else f"{int(np.abs(shares).argmax()) + 1} back"
        assert opened_page.evaluate("document.querySelector('#value').textContent").endswith(strongest)


def test_a_line_end_breaks_the_line_and_wide_glyphs_take_two_columns(opened_page: Tab) -> None:
    """Both are as on a terminal."""
    tops = opened_page.evaluate("[...document.querySelectorAll('#text span')].map(s => s.offsetTop)")
    end = TEXT.index("\n")
    assert tops[end] < tops[end + 1]
    widths = opened_page.evaluate(
        "[...document.querySelectorAll('#text span')].map(s => s.getBoundingClientRect().width)"
    )
    assert widths[TEXT.index("日")] == pytest.approx(2 * widths[0], rel=0.01)


def test_arrow_keys_move_through_the_text(opened_page: Tab) -> None:
    """By characters, by lines, to the ends of a line, and not beyond the text."""
    opened_page.press("ArrowLeft")
    assert position(opened_page) == 0
    opened_page.press("ArrowRight")
    opened_page.press("ArrowRight")
    assert position(opened_page) == 2
    opened_page.press("ArrowDown")
    assert position(opened_page) == TEXT.index("\n") + 1 + 2
    opened_page.press("ArrowUp")
    assert position(opened_page) == 2
    opened_page.press("End")
    assert position(opened_page) == TEXT.index("\n")
    opened_page.press("Home")
    assert position(opened_page) == 0


def test_keys_move_through_cells_and_through_the_concept(opened_page: Tab) -> None:
    """Brackets cycle through the cells, the surprise and the influence; m goes to the beginnings of the concept."""
    names = []
    for _ in range(6):
        names.append(opened_page.evaluate("document.querySelector('#view-name').textContent"))
        opened_page.press("]")
    assert names == [*(f"tanh(c) of {cell}" for cell in (*CELLS, MYSTERY)), "surprise", "influence", names[0]]
    opened_page.press("[")
    opened_page.press("m")
    assert position(opened_page) == 7
    opened_page.press("m")
    opened_page.press("M")
    assert position(opened_page) == 7


def test_the_panel_describes_a_character(opened_page: Tab) -> None:
    """Its name, activation, surprise, concepts and guesses, with a status for screen readers."""
    opened_page.evaluate("goTo(2)")
    assert (
        opened_page.evaluate("document.querySelector('#where').textContent")
        == '" U+0022 quotation mark · character 1,003'
    )
    value = page().cells[0].row.values[2]
    assert float(opened_page.evaluate("document.querySelector('#value').textContent")) == pytest.approx(
        value, abs=0.01
    )
    bits = page().surprise.bits[2]
    assert opened_page.evaluate("document.querySelector('#bits').textContent") == f"{bits:.2f} bits"
    holding = ", ".join(f"{sanitize(name, keep='')} above its median" for name in NAMES)
    assert opened_page.evaluate("document.querySelector('#holding').textContent") == holding
    rows = opened_page.evaluate(
        "[...document.querySelectorAll('#guesses tr')]"
        ".map(row => [row.className, ...[...row.cells].map(cell => cell.textContent)])"
    )
    assert rows[0] == ["came", '"', "U+0022 quotation mark", "60 %"]
    assert rows[2] == ["", "¶", "line end", "5 %"]
    assert opened_page.evaluate("document.querySelector('[role=status]').textContent").startswith(
        "U+0022 quotation mark: "
    )
    opened_page.evaluate("goTo(0)")
    assert opened_page.evaluate("document.querySelector('#bits').textContent") == "no prediction for the first"


def test_the_mouse_selects_the_character_below_it(opened_page: Tab) -> None:
    """No click is needed."""
    opened_page.point('#text span[data-at="1"]')
    opened_page.point('#text span[data-at="4"]')
    assert position(opened_page) == 4
    opened_page.press("Home")
    opened_page.evaluate("window.scrollBy(0, 30)")
    assert position(opened_page) == 0, "scrolling below a resting mouse selects nothing"


def test_a_finding_is_drawn_when_clicked(opened_page: Tab) -> None:
    """Its cell is drawn, its concept underlined, and the text has the focus."""
    opened_page.point("#findings tbody:nth-of-type(2) .pick", click=True)
    assert opened_page.evaluate("document.querySelector('#view').selectedIndex") == 1
    assert opened_page.evaluate("document.querySelector('#concept').selectedIndex") == 2
    assert opened_page.evaluate("document.activeElement.id") == "text"
    assert opened_page.evaluate("document.querySelector('#findings tr[aria-current]').dataset.cell") == CELLS[1]
    marked = opened_page.evaluate(
        "[...document.querySelectorAll('#text span')].map(s => s.classList.contains('holds'))"
    )
    assert marked == page().concepts[1].marks.holds.tolist()


def test_an_unexplained_cell_is_drawn_when_clicked(opened_page: Tab) -> None:
    """The concept that explains most of it is underlined."""
    opened_page.point(f"tr[data-cell='{MYSTERY}'] .pick", click=True)
    assert opened_page.evaluate("document.querySelector('#view-name').textContent") == f"tanh(c) of {MYSTERY}"
    assert opened_page.evaluate("document.querySelector('#concept').selectedIndex") == 1
    groups = opened_page.evaluate("[...document.querySelectorAll('#view optgroup')].map(g => g.children.length)")
    assert groups == [2, 1, 2]


def test_a_finding_unfolds_and_folds_again(opened_page: Tab) -> None:
    """The button has the state; the details are as wide as the visible part of the table."""
    button, row = "#findings tbody:nth-of-type(1) .unfold", "document.querySelector('#findings .unfolded')"
    height = f"{row}.getBoundingClientRect().height"
    assert opened_page.evaluate(height) == 0
    opened_page.point(button, click=True)
    assert opened_page.evaluate(f"document.querySelector('{button}').ariaExpanded") == "true"
    assert opened_page.evaluate(height) > 100
    observed = "document.querySelector('.wide').clientWidth"
    assert opened_page.evaluate(f"document.querySelector('.full').getBoundingClientRect().width <= {observed}")
    opened_page.point(button, click=True)
    assert opened_page.evaluate(height) == 0


def test_headings_sort_both_ways(opened_page: Tab) -> None:
    """Numbers in descending order first; the heading has the order, and details move with their row."""
    cells = "[...document.querySelectorAll('#findings tr[data-cell]')].map(r => r.dataset.cell)"
    fit = "#findings thead tr:nth-child(2) th:nth-child(4)"
    opened_page.point(f"{fit} button", click=True)
    assert opened_page.evaluate(cells) == list(CELLS)
    assert opened_page.evaluate(f"document.querySelector('{fit}').ariaSort") == "descending"
    opened_page.point(f"{fit} button", click=True)
    assert opened_page.evaluate(cells) == list(reversed(CELLS))
    together = "[...document.querySelectorAll('#findings > tbody')].every(b => b.rows[1].id === "
    assert opened_page.evaluate(together + "b.querySelector('.unfold').getAttribute('aria-controls'))")
    opened_page.point("#findings thead tr:nth-child(2) th:nth-child(2) button", click=True)
    assert opened_page.evaluate(cells) == ["1.4", "2.317"]
    assert opened_page.evaluate("document.querySelectorAll('[aria-sort]').length") == 1
    opened_page.point("#findings thead tr:nth-child(2) th:nth-child(3) button", click=True)
    assert opened_page.evaluate(cells) == list(CELLS), "the strongest verdict first"


def test_the_report_is_readable_without_scripts(tmp_path: Path) -> None:
    """All findings are unfolded, and there are no buttons without effect."""
    path = tmp_path / "page.html"
    path.write_bytes(page().html().encode())
    with tab(tmp_path / "profile") as browser:
        browser.send("Emulation.setScriptExecutionDisabled", value=True)
        browser.open(path)
        text = browser.evaluate("document.body.innerText")
        assert "Increase in loss by mean ablation of the cell" in text
        assert "switched off here" in text
        heights = "[...document.querySelectorAll('.unfolded')].map(row => row.getBoundingClientRect().height)"
        assert min(browser.evaluate(heights)) > 100
        assert browser.evaluate("getComputedStyle(document.querySelector('.unfold')).display") == "none"


def test_digits_replace_colors(opened_page: Tab) -> None:
    """On request, in print, and if the system sets its own colors."""
    after = "getComputedStyle(document.querySelector('#text span'), '::after').content"
    assert opened_page.evaluate(after) == "none"
    opened_page.point("#digits", click=True)
    assert opened_page.evaluate(after) == '"5"'
    opened_page.point("#digits", click=True)
    opened_page.send("Emulation.setEmulatedMedia", media="print")
    assert opened_page.evaluate(after) == '"5"'
    assert opened_page.evaluate("getComputedStyle(document.querySelector('#controls')).display") == "none"
    opened_page.send("Emulation.setEmulatedMedia", media="", features=[{"name": "forced-colors", "value": "active"}])
    assert opened_page.evaluate(after) == '"5"'


def test_the_theme_follows_the_system_until_one_is_chosen(opened_page: Tab) -> None:
    """The heat map does so too."""
    paper = "getComputedStyle(document.body).backgroundColor"
    color = f"getComputedStyle(document.querySelector('#text .{strongest_class()}')).backgroundColor"
    observed = {}
    for scheme in ("light", "dark"):
        opened_page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        observed[scheme] = (opened_page.evaluate(paper), opened_page.evaluate(color))
    assert observed["light"][0] == "rgb(255, 255, 255)"
    assert observed["dark"][0] != observed["light"][0]
    assert [observed[scheme][1] for scheme in ("light", "dark")] == [
        f"rgb({', '.join(str(int(shade[at : at + 2], 16)) for at in (1, 3, 5))})"
        for shade in (colors.hex_color(5), colors.hex_color(5, dark=True))
    ]
    choose_theme(opened_page, "light")
    assert opened_page.evaluate(paper) == "rgb(255, 255, 255)"
    choose_theme(opened_page, "")


def choose_theme(opened_page: Tab, name: str) -> None:
    """Choose a theme in the list of themes."""
    theme = "document.querySelector('#theme')"
    opened_page.evaluate(f"{theme}.value = '{name}'; {theme}.dispatchEvent(new Event('change'))")


def strongest_class() -> str:
    """Return the CSS class of the strongest positive level."""
    return f"above-{colors.MAX_LEVEL}"


@pytest.mark.parametrize("width", [320, 700, 1600])
def test_nothing_is_wider_than_the_window(opened_page: Tab, width: int) -> None:
    """From the width of a phone."""
    opened_page.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    assert opened_page.evaluate("document.documentElement.scrollWidth") <= width
    opened_page.send("Emulation.setDeviceMetricsOverride", width=1200, height=900, deviceScaleFactor=1, mobile=False)


def test_the_report_prints(opened_page: Tab, tmp_path: Path) -> None:
    """On a few pages."""
    opened_page.evaluate("for (const row of document.querySelectorAll('.unfolded')) row.classList.add('open')")
    printed = base64.b64decode(opened_page.send("Page.printToPDF", printBackground=True)["data"])
    (tmp_path / "page.pdf").write_bytes(printed)
    assert printed.startswith(b"%PDF")
    assert 1 <= printed.count(b"/Type /Page\n") <= 8


def test_a_report_without_findings_works_too(tmp_path: Path) -> None:
    """It has a cell and the guesses."""
    path = tmp_path / "nothing.html"
    cell = replace(page().cells[0], concept="")
    nothing = replace(
        page(), findings=replace(findings(), concepts=(), mysteries=(), local=()), cells=(cell,), concepts=()
    )
    path.write_bytes(nothing.html().encode())
    with tab(tmp_path / "profile") as browser:
        browser.open(path)
        browser.evaluate("document.querySelector('#text').focus()")
        for key in ("m", "]", "ArrowRight"):
            browser.press(key)
        assert browser.errors() == []
        assert browser.evaluate("document.querySelector('#holding').textContent") == "nothing"
        assert browser.evaluate("document.querySelector('#bits').textContent").endswith(" bits")
