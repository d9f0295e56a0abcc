"""The table of findings: complete and harmless on any screen, with or without colour."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from charrnn.inspection.findings import Finding, Findings, TooRare
from charrnn.views.amounts import sparkline
from charrnn.views.findings import FindingsTable


def some_finding(concept: str, fit: float, sign: int = 1) -> Finding:
    """Make up a finding."""
    return Finding(
        concept=concept,
        description="inside double quotes",
        cell="2.317",
        sign=sign,
        fit=fit,
        fit_se=0.02,
        memory=fit - 0.02,
        tuning=tuple((float(level), sign * level / 16) for level in range(16)),
        episodes=1_412,
        top=(("2.317", fit),),
    )


FINDINGS = Findings(
    model="checkpoints/hamlet",
    text="a\x1b[31m[bold]b\u202e.txt",
    characters=200_000,
    signal="tanh(c)",
    cells=512,
    concepts=(some_finding("in_quote", 0.83), some_finding("[red]line\x07pos", -0.001, sign=-1)),
    too_rare=(TooRare(concept="comment", episodes=7),),
)


class Stream(io.StringIO):
    """A stream of a given encoding."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]  # StringIO has none to speak of
        """What characters it can take."""
        return self._encoding


def drawn(width: int, *, encoding: str = "utf-8", findings: Findings = FINDINGS, colour: bool = False) -> str:
    """Draw the table on a screen of this width."""
    stream = Stream(encoding)
    console = Console(file=stream, width=width, force_terminal=colour, color_system="truecolor" if colour else None)
    console.print(FindingsTable(findings=findings))
    return stream.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_concept_cell_fit_and_memory_are_there_at_any_width(width: int, encoding: str) -> None:
    """No line is wider than the screen, and what matters most is on one line."""
    lines = drawn(width, encoding=encoding).splitlines()
    assert max(map(cell_len, lines)) <= width
    row = next(line for line in lines if line.startswith("in_quote"))
    assert row.split()[1:4] == ["2.317", "+", "0.83"]
    assert "0.81" in row


def test_wider_screens_show_more() -> None:
    """The curve, the error and the evidence first, the concept in words last."""
    assert "▁▁▂" not in drawn(40)
    assert "▁▁▂" in drawn(80)
    assert "1,412" in drawn(80)
    assert "inside double quotes" not in drawn(80)
    assert "inside double quotes" in drawn(200)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_column_shown_is_explained_below(width: int) -> None:
    """Each heading begins a line of its own under the table."""
    lines = drawn(width).splitlines()
    headings = next(line for line in lines if line.startswith("concept")).replace("what it is", "what").split()
    begins = [line.split(" ")[0] for line in lines[lines.index("") + 2 :]]
    assert [begin for begin in begins if begin in headings][-len(headings) :] == headings


def test_text_of_others_commands_nothing() -> None:
    """Neither escape sequences nor markup, from the name of a file or of a concept."""
    plain = drawn(80)
    assert "\x1b" not in plain
    assert "\x07" not in plain
    assert "\u202e" not in plain
    assert "a␛[31m[bold]b" in plain
    assert "[red]line␇pos" in plain


def test_only_ascii_reaches_a_screen_that_has_no_more() -> None:
    """The curve is made of digits there."""
    plain = drawn(80, encoding="ascii")
    assert plain.isascii()
    assert "0112234455677889" in plain


def test_nothing_is_said_by_colour_alone() -> None:
    """Without its escape sequences the coloured table is the plain one."""
    assert re.sub(r"\x1b\[[0-9;]*m", "", drawn(80, colour=True)) == drawn(80)


def test_what_is_too_rare_is_named_with_its_episodes() -> None:
    """Alone where there is nothing else, and a fit that rounds to nothing has no sign."""
    assert "comment (7)" in drawn(80)
    assert "-0.00" not in drawn(80)
    alone = Findings(
        model="m", text="t", characters=4_000, signal="h", cells=8, concepts=(), too_rare=FINDINGS.too_rare
    )
    assert drawn(80, findings=alone).splitlines()[-1].startswith("too rare")


def test_a_sparkline_has_a_height_for_every_number() -> None:
    """The lowest number is the lowest block; numbers that are all alike lie flat."""
    assert sparkline([0.1, 0.3, 0.2]) == "▁█▅"
    assert sparkline([0.5, 0.5]) == "▁▁"
    assert sparkline([]) == ""
    assert sparkline([3, 1], unicode=False) == "90"
