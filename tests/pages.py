"""A page to test: hostile in every text that is not its own, with values that can be told apart."""

import numpy as np

from charrnn.inspection.findings import Finding, Findings, TooRare
from charrnn.inspection.surprise import Surprise
from charrnn.views.heatmap import HeatmapRow, Marks
from charrnn.views.page import Page, PageCell, PageConcept

HOSTILE = (
    "</script><script>document.title='taken'</script><!--\x1b[31m\u202e\u2066\u200b&amp;\"'\x00\ud800${x}\\u003c\r"
)
TEXT = f'a "b" c\n{HOSTILE}日本 עברית\u0301 👩\u200d🚀\ttail\n' * 3 + "the end " * 20
CELLS = ("2.317", "1.4")
NAMES = ("in_quote", f"mine{HOSTILE}")


def finding(concept: str, cell: str, fit: float) -> Finding:
    """Make a finding with a curve of three levels."""
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


def findings() -> Findings:
    """Make findings of both concepts, and one too rare."""
    return Findings(
        model=HOSTILE,
        text=HOSTILE,
        characters=200_000,
        signal="tanh(c)",
        cells=640,
        concepts=(finding(NAMES[0], CELLS[0], 0.83), finding(NAMES[1], CELLS[1], -0.02)),
        too_rare=(TooRare(concept=f"rare{HOSTILE}", episodes=3),),
    )


def page() -> Page:
    """Make a page of two cells over the hostile text."""
    places = np.arange(len(TEXT))
    waves = (np.sin(places / 5), np.cos(places / 3))
    holds = (places % 7 < 3, places % 2 == 0)
    rng = np.random.default_rng(0)
    surprise = Surprise(
        model="",
        text="",
        start=1000,
        content=TEXT,
        bits=rng.exponential(3, size=len(TEXT)) * (places > 0),
        ranks=np.minimum(places, 1),
        guesses=("", *(character + "<\n" for character in TEXT[1:])),
        probabilities=np.tile([0.6, 0.3, 0.05], (len(TEXT), 1)),
    )
    return Page(
        title=f"Cells of {HOSTILE}",
        findings=findings(),
        signal="tanh(c)",
        surprise=surprise,
        cells=tuple(
            PageCell(row=HeatmapRow(label=cell, values=wave), concept=name)
            for cell, wave, name in zip(CELLS, waves, NAMES, strict=True)
        ),
        concepts=tuple(
            PageConcept(name=name, marks=Marks(label=f"{name} above its median", holds=on))
            for name, on in zip(NAMES, holds, strict=True)
        ),
        provenance={"Command": f"charrnn inspect --text {HOSTILE}", "Model": HOSTILE},
    )
