"""The findings table is complete and sanitized on every screen, with and without color."""

import html
import io
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from charrnn.inspection.search.findings import CausalEffect, CellCounts, Finding, Findings, TooRare, UnexplainedCell
from charrnn.views.finding_columns import FINDING_COLUMNS, NumberColumn
from charrnn.views.findings_table import FindingsTable
from charrnn.views.formatting import sparkline
from charrnn.views.report.findings_table import findings_table_html


def make_finding(concept: str, fit: float, sign: int = 1, verdict: str = "detector", **known: Any) -> Finding:
    """Return a finding with made-up numbers."""
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
        verdict=verdict,
        p=0.001,
        scrambled=0.07,
        r2_by_cells=((1, 0.3), (2, 0.5), (4, 0.6), (8, 0.84), (512, 0.93)),
        linear_layer=2,
        **known,
    )


CAUSE = CausalEffect(
    edges=120,
    edge_delta=0.42,
    edge_se=0.02,
    edge_z=9.0,
    elsewhere_delta=-0.001,
    elsewhere_se=0.001,
    controls=(0.01, 0.02),
    doses=((-0.9, 0.01), (0.0, 0.02), (0.9, 0.03)),
    monotone=True,
)
FINDINGS = Findings(
    model="checkpoints/hamlet",
    text="a\x1b[31m[bold]b\u202e.txt",
    characters=200_000,
    signal="tanh(c)",
    cells=512,
    concepts=(
        make_finding("in_quote", 0.83, verdict="causal", inside=0.95, outside=0.02, cause=CAUSE, near=("string",)),
        make_finding("string", 0.82, near=("in_quote",)),
        make_finding("[red]line\x07pos", 0.51, sign=-1, rank_correlation=-0.97),
        make_finding("paren_depth", 0.14, verdict="distributed"),
        make_finding("if_cond", -0.001, verdict="none"),
    ),
    too_rare=(TooRare(concept="comment", episodes=7, halves=(3, 4), streams=5), TooRare(concept="url", episodes=0)),
    streams=24,
    permutations=999,
    placebos=12,
    placebo_fit=0.012,
    local=(make_finding("vowel", 0.34, verdict="local"),),
    census=CellCounts(detectors=31, causal=9, partial=214, local=312, dead=2),
    mysteries=(
        UnexplainedCell(
            cell="1.44",
            delta=0.0342,
            delta_se=0.002,
            best="line_pos",
            fit=0.08,
            local=0.2,
            writes_on=("\n", " ", "\x1b"),
            forgets_on=("q",),
        ),
    ),
)


class Stream(io.StringIO):
    """A stream of a given encoding."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]  # StringIO has no encoding
        """Return the encoding of the stream."""
        return self._encoding


def drawn(width: int, *, encoding: str = "utf-8", findings: Findings = FINDINGS, color: bool = False) -> str:
    """Return the table as drawn on a screen of this width."""
    stream = Stream(encoding)
    console = Console(file=stream, width=width, force_terminal=color, color_system="truecolor" if color else None)
    console.print(FindingsTable(findings=findings))
    return stream.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_concept_cell_fit_and_verdict_are_shown_at_any_width(width: int, encoding: str) -> None:
    """No line is wider than the screen, and the most important columns are on one line."""
    lines = drawn(width, encoding=encoding).splitlines()
    assert max(map(cell_len, lines)) <= width
    row = next(line for line in lines if line.startswith("in_quote"))
    assert "2.317+" in row
    assert ".83" in row
    assert "causal" in row


def test_wider_screens_show_more() -> None:
    """Narrow screens omit the description first, then standard error, linear probe, activity and loss elsewhere."""
    tables = [drawn(width) for width in (40, 80, 120, 200)]
    for narrow, wide in pairwise(
        [next(line for line in table.splitlines() if "concept" in line) for table in tables]
    ):
        assert set(narrow.split()) <= set(wide.split())
    assert "memory" not in tables[0].splitlines()[2]
    assert "+.42" in tables[1]
    assert "95% / 2%" in tables[2]
    assert "ρ −.97" in tables[3]
    assert "inside double quotes" not in tables[2]
    assert "inside double quotes" in tables[3]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_column_shown_is_explained_below(width: int) -> None:
    """Each heading starts a line of its own below the table."""
    lines = drawn(width).splitlines()
    heading = next(line for line in lines if line.startswith("concept"))
    below = lines[lines.index(heading) + 1 :]
    for name in ("concept", "cell", "fit", "±se", "memory", "scrambled", "inside/outside", "edge Δ", "verdict"):
        assert (name in heading) == any(line.startswith(f"{name} ") for line in below), name


def test_terminal_and_report_explain_each_column_in_the_same_words() -> None:
    """Both tables take headings and explanations from one definition; only a hint on usage may follow."""
    legend = re.split(r"(?m)^(?=concept )", drawn(200, findings=replace(FINDINGS, mysteries=())))[-1]
    terminal = dict(re.findall(r"(?m)^(\S+(?: \S+)*)  +(.*?) *$", legend))
    page = findings_table_html("findings", FINDINGS.concepts, ["causal"], "")
    report = {
        html.unescape(heading): html.unescape(explanation)
        for heading, explanation in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    }
    titles = {
        html.unescape(heading): html.unescape(title)
        for title, heading in re.findall(r'<button type="button" title="([^"]*)">(.*?)</button>', page)
    }
    assert titles == {heading: report[heading] for heading in titles}
    columns = {column.heading: column for column in FINDING_COLUMNS}
    shared = terminal.keys() & report.keys()
    assert {"concept", "cell", "fit", "memory", "scrambled", "linear", "edge Δ", "else", "verdict"} <= shared
    for heading in shared:
        explanations = {terminal[heading], report[heading]}
        assert len(explanations) == 1 or not isinstance(columns[heading], NumberColumn)
        assert all(explanation.startswith(columns[heading].explanation) for explanation in explanations)


def test_nearly_equal_concepts_share_a_row() -> None:
    """The row of the stronger verdict names the other concept."""
    lines = drawn(200).splitlines()
    assert any(line.startswith("in_quote ≈ string ") for line in lines)
    assert not any(line.startswith("string") for line in lines)


def test_a_distributed_concept_is_shown_with_its_number_of_cells() -> None:
    """The smallest number of cells that predict the concept nearly as well as all."""
    assert "distributed (8 cells .84)" in drawn(200)


def test_one_line_counts_the_cells_and_one_describes_the_controls() -> None:
    """Both are below the table."""
    table = drawn(200)
    assert "512 cells: 31 detectors (9 causal), 214 partial, 61% mostly local, 2 dead" in table
    assert "chosen on 12 streams, judged on 12 · p by 999 permutations · 12 placebos, the best .01" in table


@pytest.mark.parametrize("width", [40, 80, 200])
def test_columns_that_do_not_fit_are_listed(width: int) -> None:
    """Each column is in the table or in the list of those left out; on a wide screen there is no list."""
    table = drawn(width)
    heading = next(line for line in table.splitlines() if line.startswith("concept"))
    _, separator, omitted = table.partition("left out on a screen of this width: ")
    names = " ".join(omitted.split("needed,")[0].split()).split(", ")
    for name in ("±se", "linear", "inside/outside", "edge Δ", "else", "what it is"):
        assert (name in heading) != (name in names)
    assert bool(separator) == (width < 200)


def test_the_terms_of_the_lines_below_the_table_are_explained() -> None:
    """Streams, the best placebo, and the columns about unexplained cells, each at the start of a line."""
    lines = drawn(200).splitlines()
    for term in ("streams", "the best .01", "costs", "closest", "writes on", "forgets on"):
        assert any(line.startswith(f"{term}  ") for line in lines), term


def test_concepts_without_a_cell_and_controls_have_no_row() -> None:
    """They are listed in a line each."""
    table = drawn(80)
    assert "followed by no cell: if_cond" in table
    assert "controls, known from the last character (fit): vowel 2.317 (.34)" in table


def test_unexplained_cells_are_listed_with_their_loss_and_characters() -> None:
    """Each character is visible and sanitized."""
    lines = drawn(80).splitlines()
    row = next(line for line in lines if line.startswith("1.44"))
    assert row.split() == ["1.44", "+.034", "line_pos", ".08", "¶", "␣", "␛", "q"]


def test_untrusted_names_are_sanitized() -> None:
    """No escape sequence and no markup of a name of a file or of a concept has an effect."""
    plain = drawn(80)
    assert "\x1b" not in plain
    assert "\x07" not in plain
    assert "\u202e" not in plain
    assert "a␛[31m[bold]b" in plain
    assert "[red]line␇pos" in plain


@pytest.mark.parametrize(("encoding", "sign"), [("utf-8", "°"), ("ascii", "*")])
def test_concepts_that_depend_on_later_text_have_a_sign_that_is_explained(encoding: str, sign: str) -> None:
    """The sign exists in the encoding; without such a concept there is no explanation."""
    ahead = replace(FINDINGS, concepts=(make_finding("next:space", 0.6, uses_future=True),))
    output = drawn(80, encoding=encoding, findings=ahead)
    assert f"next:space{sign} " in output
    assert f"{sign}   " in output
    assert "depends on text that comes later" in output
    assert "depends on text" not in drawn(80, encoding=encoding)


def test_an_empty_column_is_omitted() -> None:
    """Values that a quick search does not measure have neither a column nor an explanation."""
    quick = replace(
        FINDINGS, concepts=tuple(replace(finding, scrambled=None, cause=None) for finding in FINDINGS.concepts)
    )
    output = drawn(200, findings=quick)
    assert "scrambled" not in output
    assert "edge" not in output
    assert "scrambled" in drawn(200)


def test_no_heading_in_ascii_is_folded() -> None:
    """The width of the table includes longer headings in ASCII."""
    for width in range(60, 140):
        output = drawn(width, encoding="ascii").splitlines()
        heading = next(line for line in output if line.startswith("concept"))
        assert output[output.index(heading) + 1].split()[0] in ("[red]line^Gpos", "in_quote"), width


def test_an_ascii_screen_gets_only_ascii() -> None:
    """Bars, signs and headings have ASCII equivalents."""
    plain = drawn(200, encoding="ascii")
    assert plain.isascii()
    assert "####" in plain
    assert "edge cost" in plain


def test_color_carries_no_information_of_its_own() -> None:
    """Without its escape sequences the colored table equals the plain table."""
    assert re.sub(r"\x1b\[[0-9;]*m", "", drawn(80, color=True)) == drawn(80)


def test_rare_concepts_are_listed_with_their_episodes_in_each_half_and_the_limit() -> None:
    """As in the list of concepts; a hint says how to read more."""
    lines = drawn(80).splitlines()
    position = lines.index("too rare here to be judged (episodes in each half): comment (3 + 4)")
    assert "30 episodes in each half" in lines[position + 1]
    assert "`--text FILE` reads a longer text" in " ".join(lines[position + 1 : position + 3])
    assert "a concept needs" not in drawn(80, findings=replace(FINDINGS, too_rare=FINDINGS.too_rare[1:]))


def test_concepts_that_never_occur_have_a_line_of_their_own() -> None:
    """They are listed, or only counted if they are many; no sentence begins with "and"."""
    assert "never here: url" in drawn(80).splitlines()
    never = tuple(TooRare(concept=f"never{number}", episodes=0) for number in range(21))
    shown = drawn(80, findings=replace(FINDINGS, concepts=(), too_rare=never))
    assert "never here: 21 concepts (see `--list-concepts`)" in shown
    assert "too rare" not in shown


@pytest.mark.parametrize("width", [40, 80, 200])
def test_each_verdict_that_occurs_has_a_line_with_its_reason(width: int) -> None:
    """On the terminal below the table and in the report; verdicts without a row have none."""
    judged = [replace(finding, reason=f"{finding.verdict} because") for finding in FINDINGS.concepts]
    shown = drawn(width, findings=replace(FINDINGS, concepts=tuple(judged)))
    lines = [line.split() for line in shown[shown.index("why these verdicts:") :].splitlines()[1:4]]
    assert [line[0] for line in lines] == ["causal", "detector", "distributed"]
    assert all(line[:2] == [line[0]] * 2 for line in lines)
    page = findings_table_html("findings", judged, ["causal"], "")
    assert "<dt>none</dt><dd>none because</dd>" in page
    assert 'title="causal because"' in page
    assert "why these verdicts" not in drawn(width)


def test_a_sparkline_has_a_height_for_every_number() -> None:
    """The lowest number has the lowest bar; equal numbers have equal bars."""
    assert sparkline([0.1, 0.3, 0.2]) == "▁█▅"
    assert sparkline([0.5, 0.5]) == "▁▁"
    assert sparkline([]) == ""
    assert sparkline([3, 1], unicode=False) == "90"
