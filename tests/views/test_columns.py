"""Texts side by side."""

from io import StringIO

from rich.console import Console

from charrnn.cli.sample_endings import Loop, find_loop
from charrnn.views.layout import wrap_text
from charrnn.views.side_by_side import SideBySideTexts, TextColumn

TEXTS = ("to be\nor not", "日本語の文字" * 3, "x\x1b[31m" * 9)


def drawn(width: int, *, terminal: bool = True, texts: tuple[str, ...] = TEXTS) -> list[str]:
    """Draw texts side by side on a screen of that width."""
    columns = tuple(TextColumn(heading=f"h{n}", notes=("1.00 bits/char",), text=text) for n, text in enumerate(texts))
    console = Console(file=StringIO(), width=width, force_terminal=terminal, color_system=None)
    console.print(SideBySideTexts(title="run · after 'a\x1b'", columns=columns))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return]


def test_each_text_stays_in_its_column() -> None:
    """Also with wide characters and controls: no line is wider than the screen, and no control character is drawn."""
    lines = drawn(60)
    assert "\x1b" not in "".join(lines)
    assert all(len(line.encode("utf-16-le")) <= 120 for line in lines)
    assert [line[:18].strip() for line in lines[2:7]] == ["h0", "1.00 bits/char", "", "to be¶", "or not"]
    assert lines[5][20:29] == "日本語の文字日本語"


def test_narrow_screens_and_pipes_show_the_texts_below_each_other() -> None:
    """Each has a heading that includes its notes."""
    for lines in (drawn(40), drawn(200, terminal=False)):
        assert [line for line in lines if line.startswith("h")] == [f"h{n} · 1.00 bits/char" for n in range(3)]


def test_a_loop_in_a_text_is_found() -> None:
    """With its start and length; a few repeated characters at the end are no loop."""
    assert find_loop("once: " + "abcd" * 12) == Loop(6, 4)
    assert find_loop("x" + "the end. " * 6 + "the") == Loop(1, 9)
    assert find_loop("well" + "l" * 9) is None
    assert find_loop("") is None


def test_lines_break_at_words() -> None:
    """A word moves to the next line as a whole; a line without spaces, or with early ones only, is filled."""
    lines = ["".join(line.glyphs) for line in wrap_text("the quick brown fox jumps\nover " + "x" * 30, 12)]
    assert lines == ["the quick ", "brown fox ", "jumps¶", "over xxxxxxx", "x" * 12, "x" * 11]
