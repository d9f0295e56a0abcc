"""A report for tests, with hostile texts and distinct values."""

from dataclasses import replace

import numpy as np

from charrnn.inspection.measures.cell_profile import CellProfile, CharacterWeight
from charrnn.inspection.measures.surprisal import Surprise
from charrnn.inspection.search.finding import CausalEffect
from charrnn.inspection.search.findings import CellCounts, Finding, Findings, TooRare, UnexplainedCell
from charrnn.views.heatmap import HeatmapRow, Marks
from charrnn.views.report.document import HtmlReport, ReportCell, ReportConcept

HOSTILE = (
    "</script><script>document.title='taken'</script><!--\x1b[31m\u202e\u2066\u200b&amp;\"'\x00\ud800${x}\\u003c\r"
)
TEXT = f'a "b" c\n{HOSTILE}日本 עברית\u0301 👩\u200d🚀\ttail\n' * 3 + "the end " * 20
CELLS = ("2.317", "1.4")
NAMES = ("in_quote", f"mine{HOSTILE}")
MYSTERY = "1.9"
LAGS = 3
CONTROL = f"vowel{HOSTILE}"
RULES = {"causal": "it is used >= 0.02", "detector": "fit >= 0.5", "none": f"p > 0.05{HOSTILE}"}
CAUSE = CausalEffect(
    edges=325,
    edge_delta=1.660834,
    edge_se=0.07742,
    edge_z=19.93,
    elsewhere_delta=-0.003616,
    elsewhere_se=0.001287,
    controls=(0.002035, -0.035865, 0.061),
    doses=((0.7515, 0.045436), (0.0, 0.067913), (-0.3966, 0.0835)),
    monotone=True,
    partner=f"1.5{HOSTILE}",
    pair_delta=2.125,
    pair_added=0.875,
    pair_z=4.25,
)
PROFILE = CellProfile(
    cell=CELLS[0],
    signal="tanh(c)",
    is_output=True,
    promotes=tuple(CharacterWeight(character, 1.23456) for character in "<\u202e\x1b"),
    suppresses=(CharacterWeight(" ", -2.5), CharacterWeight("\n", -0.125)),
    histogram=(0, 3, 250, 0, 1),
    state="tanh(c)",
)


def finding(concept: str, cell: str, fit: float) -> Finding:
    """Return a finding with a tuning curve of three levels."""
    return Finding(
        concept=concept,
        description=f"what {concept} is",
        cell=cell,
        sign=-1,
        fit=fit,
        fit_se=0.01,
        memory=fit / 2,
        tuning=((0.0, -0.5), (1.0, 0.25), (2.0, 1.0)),
        episodes=1234,
        top=((cell, fit),),
    )


def full_finding() -> Finding:
    """Return a finding in which all values are known."""
    return replace(
        finding(NAMES[0], CELLS[0], 0.83),
        uses_future=True,
        near=(f"near{HOSTILE}",),
        verdict="causal",
        p=0.001,
        scrambled=0.3083,
        scrambled_memory=0.0612,
        scrambled_linear=0.3366,
        placebo=0.4343,
        placebo_memory=0.0897,
        rival=f"rival{HOSTILE}",
        unique=0.6345,
        r2_by_cells=((1, 0.3785), (2, 0.731), (64, 0.7678)),
        linear_layer=3,
        inside=0.9512,
        outside=0.0234,
        rank_correlation=-0.6343,
        cause=CAUSE,
        top=((CELLS[0], 0.5092), (f"1.2{HOSTILE}", 0.3305)),
    )


def findings() -> Findings:
    """Return findings: two concepts, a rare one, one that never occurs, a control and an unexplained cell."""
    return Findings(
        model=HOSTILE,
        text=HOSTILE,
        characters=200_000,
        signal="tanh(c)",
        cells=640,
        concepts=(full_finding(), finding(NAMES[1], CELLS[1], -0.02)),
        too_rare=(TooRare(concept=f"rare{HOSTILE}", episodes=3), TooRare(concept=f"never{HOSTILE}", episodes=0)),
        streams=24,
        permutations=999,
        placebos=9,
        placebo_fit=0.4321,
        local=(finding(CONTROL, CELLS[1], 0.33),),
        census=CellCounts(dead=6, detectors=5, causal=1, partial=14, local=121),
        mysteries=(
            UnexplainedCell(
                cell=MYSTERY,
                delta=0.012345,
                delta_se=0.001234,
                best=NAMES[0],
                fit=0.0812,
                local=0.2511,
                writes_on=("\u202e", "<", " "),
                forgets_on=("\n",),
            ),
        ),
    )


def page() -> HtmlReport:
    """Return a report with three cells over the hostile text."""
    positions = np.arange(len(TEXT))
    waves = (np.sin(positions / 5), np.cos(positions / 3), np.sin(positions / 11))
    holds = (positions % 7 < 3, positions % 2 == 0)
    rng = np.random.default_rng(0)
    surprise = Surprise(
        model="",
        text="",
        start=1000,
        characters=len(TEXT) - 1,
        content=TEXT,
        bits=rng.exponential(3, size=len(TEXT)) * (positions > 0),
        ranks=np.minimum(positions, 1),
        guesses=("", *(character + "<\n" for character in TEXT[1:])),
        probabilities=np.tile([0.6, 0.3, 0.05], (len(TEXT), 1)),
    )
    return HtmlReport(
        title=f"Cells of {HOSTILE}",
        findings=findings(),
        signal="tanh(c)",
        surprise=surprise,
        cells=tuple(
            ReportCell(row=HeatmapRow(label=cell, values=wave), concept=name, group=group)
            for cell, wave, name, group in zip(
                (*CELLS, MYSTERY), waves, (*NAMES, NAMES[0]), ("found", "found", f"others{HOSTILE}"), strict=True
            )
        ),
        concepts=tuple(
            ReportConcept(name=name, marks=Marks(label=f"{name} above its median", holds=on))
            for name, on in zip(NAMES, holds, strict=True)
        ),
        rules=RULES,
        profiles={CELLS[0]: PROFILE, CELLS[1]: replace(PROFILE, cell=CELLS[1], is_output=False, promotes=())},
        influence=np.random.default_rng(1).normal(size=(len(TEXT), LAGS)) * (positions > LAGS)[:, None],
        provenance={"Command": f"charrnn inspect --text {HOSTILE}", "Model": HOSTILE},
    )
