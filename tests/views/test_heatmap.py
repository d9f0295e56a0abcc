"""A heat map shows every character once and in order, with the activation of each cell below it."""

import re
import unicodedata
from io import BytesIO, TextIOWrapper
from typing import Literal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment

from charrnn.views import colors
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks
from charrnn.views.layout import MAX_LINE_COLUMNS, label_width, wrap_text

Depth = Literal["truecolor", "256", "standard"]

FOREIGN = st.text(
    st.characters(exclude_categories=())
    | st.sampled_from("\x1b\x07\r\x9b\u202e\u200d\ufe0f\u0301\u093e\U0001f3fd\n\t日👩🇯[m"),
    max_size=60,
)
ASCII = st.text(st.sampled_from("to be, or [/bold] not :smile: {}"), max_size=200)
ODD = "esc \x1b[31m\r\n\tbidi\u202e cafe\u0301 हिन्दी 👩\u200d🚀 👍🏽 ❤\ufe0f 🇯🇵 \u1112\u1161 日本語\u2028\ud800\x9b\n"
DEPTHS: tuple[Depth | None, ...] = ("truecolor", "256", "standard", None)
WIDTHS = (1, 20, 40, 80, 200)
CODES = re.compile(r"\x1b\[[0-9;]*m")
COMMANDING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def heatmap(text: str, cells: int = 1, *, marks: bool = False, title: str = "") -> Heatmap:
    """Return a heat map of sine waves of several lengths over a text."""
    positions = np.arange(len(text))
    rows = [HeatmapRow(label=f"{cell}.317", values=np.sin(positions / (cell + 2))) for cell in range(cells)]
    holds = Marks(label="in_word", holds=positions % 3 > 0) if marks else None
    return Heatmap(text=text, rows=tuple(rows), signal="tanh(c)", marks=holds, title=title)


def console(width: int, depth: Depth | None, encoding: str = "utf-8") -> Console:
    """Return a console that writes into memory."""
    stream = TextIOWrapper(BytesIO(), encoding=encoding, newline="")
    return Console(file=stream, width=width, color_system=depth, force_terminal=True, _environ={})


def written(drawing: Heatmap, width: int, depth: Depth | None = None, encoding: str = "utf-8") -> str:
    """Return the output of a console of the given width."""
    screen = console(width, depth, encoding)
    with screen.capture() as capture:
        screen.print(drawing)
    return capture.get()


def blocks(drawing: Heatmap, width: int, depth: Depth | None = None) -> list[list[str]]:
    """Return the rows of each block, the text and its strips, without labels, marks and legend."""
    margin = label_width([row.label for row in drawing.rows], width)
    rows = [row[margin:] for row in CODES.sub("", written(drawing, width, depth)).splitlines()]
    size = 1 + len(drawing.rows)
    count = sum(1 for _ in wrap_text(drawing.text, width - margin))
    return [rows[size * block : size * (block + 1)] for block in range(count)]


def backgrounds(drawing: Heatmap, width: int) -> list[int]:
    """Return the background level of each character, newlines included, in a drawing of one cell."""
    screen = console(width, "truecolor")
    table = colors.diverging_styles("truecolor")
    drawing_lines = Segment.split_lines(screen.render(drawing))
    count = sum(1 for _ in wrap_text(drawing.text, width))
    levels: list[int] = []
    for _, line in zip(range(count), drawing_lines, strict=False):
        for segment in line:
            level = table.index(segment.style) - colors.MAX_LEVEL if segment.style else 0
            levels += [level] * len(segment.text)
    return levels


@given(FOREIGN, st.sampled_from(DEPTHS), st.sampled_from(WIDTHS), st.sampled_from([1, 3]), st.booleans())
@settings(deadline=None)
@example(ODD, "truecolor", 80, 1, True)
@example(ODD, None, 1, 3, True)
def test_no_text_controls_the_terminal_and_no_row_is_too_wide(
    text: str, depth: Depth | None, width: int, cells: int, marks: bool
) -> None:
    """All output except Rich's color codes is printable, in rows of at most the width of the console."""
    output = CODES.sub("", written(heatmap(text, cells, marks=marks, title=text), width, depth))
    assert not [character for character in set(output) - {"\n"} if unicodedata.category(character) in COMMANDING]
    assert all(cell_len(row) <= min(width, MAX_LINE_COLUMNS) for row in output.split("\n"))


@given(FOREIGN, st.sampled_from(DEPTHS), st.sampled_from(WIDTHS))
@settings(deadline=None)
@example(ODD, None, 40)
@example(ODD, None, 1)
def test_every_strip_is_as_wide_as_its_text(text: str, depth: Depth | None, width: int) -> None:
    """For any text, the activation of a character is directly below it."""
    for words, *strips in blocks(heatmap(text, cells=2), min(width, MAX_LINE_COLUMNS), depth):
        assert [len(strip) for strip in strips] == [cell_len(words)] * 2


@given(ASCII, st.sampled_from(DEPTHS), st.sampled_from(WIDTHS))
@settings(deadline=None)
def test_the_text_is_shown_completely_and_literally(text: str, depth: Depth | None, width: int) -> None:
    """The joined rows equal the text; markup of Rich has no effect."""
    drawing_lines = blocks(heatmap(text, cells=2), min(width, MAX_LINE_COLUMNS), depth)
    assert "".join(block[0] for block in drawing_lines) == text


@given(ASCII, st.sampled_from(WIDTHS))
@settings(deadline=None)
def test_colors_and_digits_show_equal_activations(text: str, width: int) -> None:
    """Background levels and digits are both those of the cell."""
    drawing = heatmap(text)
    values = drawing.rows[0].values
    digits = "".join(strip for _, strip in blocks(drawing, min(width, MAX_LINE_COLUMNS)))
    assert digits == "".join(map(str, colors.digits(values)))
    assert backgrounds(drawing, min(width, MAX_LINE_COLUMNS)) == colors.quantize(values).tolist()


def test_a_newline_and_a_tab_have_a_column_each() -> None:
    """They have an activation too; a newline then ends the line."""
    assert written(heatmap("a\n\tb\n"), 20).splitlines()[:4] == ["a¶", "57", "→b¶", "999"]


def test_a_wide_character_has_its_digit_twice() -> None:
    """A Japanese character has two columns."""
    assert blocks(heatmap("日本"), 80) == [["日本", "5577"]]


def test_characters_that_would_combine_stand_alone() -> None:
    """Combining marks stand on a circle; joiners and skin tones of emoji are replaced, so that columns are fixed."""
    assert blocks(heatmap("e\u0301 👩\u200d🚀👍🏽"), 80)[0][0] == "e◌\u0301 👩�🚀👍�"


def test_ascii_output_has_the_same_columns() -> None:
    """Other characters are escaped, with the value below each column; an escape wider than the screen is "?"."""
    output = written(heatmap("né\t日\n", marks=True), 80, encoding="ascii")
    assert output.isascii()
    text, digits = output.splitlines()[0], output.splitlines()[2]
    assert text == "      n\\xe9>\\u65e5$"
    assert [digits[text.index(first) : text.index(first) + 4] for first in ("\\x", "\\u")] == ["7777", "9999"]
    assert "?" in written(heatmap("né\t日\n"), 5, encoding="ascii")


@pytest.mark.parametrize(("depth", "strips"), [("truecolor", 0), (None, 1)])
def test_marks_underline_where_the_concept_holds(depth: Depth | None, strips: int) -> None:
    """The underlined columns are those of the marked characters, two for a wide character."""
    text = "to be 日本"
    holds = np.array([True, True, False, False, True, False, True, False])
    marks = Marks(label="held", holds=holds)
    rows = (HeatmapRow(label="1", values=np.zeros(len(text))),)
    output = written(Heatmap(text=text, rows=rows, signal="h", marks=marks), 80, depth).splitlines()
    assert output[1].strip() == "▔▔  ▔ ▔▔"
    assert len(output) == 3 + strips


@given(FOREIGN, FOREIGN, FOREIGN, st.sampled_from(WIDTHS), st.sampled_from(["utf-8", "ascii"]))
@settings(deadline=None)
def test_names_are_sanitized_like_the_text(label: str, signal: str, concept: str, width: int, encoding: str) -> None:
    """Names come from files too."""
    rows = (HeatmapRow(label=label, values=np.zeros(2)), HeatmapRow(label="1.0", values=np.zeros(2)))
    marks = Marks(label=concept, holds=np.ones(2, dtype=np.bool_))
    output = written(Heatmap(text="ab", rows=rows, signal=signal, marks=marks), width, "256", encoding)
    assert "\x1b" not in CODES.sub("", output)
    assert encoding == "utf-8" or output.isascii()


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_legend_names_the_signal_and_its_range(depth: Depth | None) -> None:
    """It explains the colors or digits and the underlined concept."""
    legend = CODES.sub("", written(heatmap("text", marks=True), 100, depth)).splitlines()[-1]
    for part in ("tanh(c) of 0.317", "−1", "+1", "▔ in_word"):
        assert part in legend


def test_no_color_means_no_escape_sequence() -> None:
    """With NO_COLOR a terminal with colors shows digits."""
    stream = TextIOWrapper(BytesIO())
    terminal = Console(file=stream, color_system="truecolor", force_terminal=True, no_color=True, width=80)
    drawing = heatmap("text")
    with terminal.capture() as capture:
        terminal.print(drawing)
    assert "\x1b" not in capture.get()
    assert "".join(map(str, colors.digits(drawing.rows[0].values))) in capture.get()


def test_a_run_of_equal_levels_is_drawn_at_once() -> None:
    """Equal neighbors share an escape sequence; drawing a long text is fast only because of that."""
    text = "a" * 20_000
    rows = (HeatmapRow(label="1.0", values=np.ones(len(text))),)
    output = written(Heatmap(text=text, rows=rows, signal="h"), 100, "truecolor")
    runs = len(text) // 100 + 2 * colors.MAX_LEVEL
    assert len(CODES.findall(output)) == 2 * runs


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((4, 1)), np.array([0, 0, 0, np.nan])])
def test_values_that_do_not_fit_the_text_are_rejected(values: NDArray[np.float64]) -> None:
    """A row must have a finite value for each character."""
    with pytest.raises(ValueError, match="4 finite values"):
        Heatmap(text="text", rows=(HeatmapRow(label="1.0", values=values),), signal="h")


def test_marks_that_do_not_fit_the_text_are_rejected() -> None:
    """Marks must have a boolean for each character."""
    rows = heatmap("text").rows
    with pytest.raises(ValueError, match="4 characters"):
        Heatmap(text="text", rows=rows, signal="h", marks=Marks(label="held", holds=np.ones(3, dtype=np.bool_)))


def test_a_heat_map_without_cells_is_rejected() -> None:
    """At least one row is needed."""
    with pytest.raises(ValueError, match="needs a row"):
        Heatmap(text="text", rows=(), signal="h")
