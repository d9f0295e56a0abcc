"""The page of a search: which cells it draws over which stretch of the text, and where all of it came from.

How the page looks is left to the views.
"""

import hashlib
import platform
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from charrnn import __version__
from charrnn.cli.drawing import write_picture
from charrnn.cli.subject import InspectionTarget
from charrnn.inspection.activity import CELL_WARM_UP, record_cells
from charrnn.inspection.coding import MIN_EPISODES, MIN_STREAMS_WITH_CONCEPT
from charrnn.inspection.concepts import Concept
from charrnn.inspection.findings import Findings
from charrnn.inspection.passage import best_common_excerpt, is_on, on_label
from charrnn.inspection.surprise import Surprise, measure_surprisal
from charrnn.inspection.verdicts import VERDICTS, explain
from charrnn.network.cell_name import parse_cell
from charrnn.runs import display_name
from charrnn.views.heatmap import HeatmapRow, Marks
from charrnn.views.page.document import Report, ReportCell, ReportConcept

REPORT_CHARS = 4_000
"""characters"""
GUESSES = 5
EVIDENCE = ("streams", "seed", "permutations", "placebos", "placebo_fit", "confirmed_on", "quick")
"""what findings may say of themselves, by its names in JSON"""
MAX_CELLS = 60
"""that can be picked, the best findings' first, controls last"""


def write_report(path: Path, target: InspectionTarget, findings: Findings, concepts: Mapping[str, Concept]) -> None:
    """Write the page of these findings, which are of these concepts by their names."""
    write_picture(path, build_report(target, findings, concepts).html())


def build_report(target: InspectionTarget, findings: Findings, concepts: Mapping[str, Concept]) -> Report:
    """Choose what the page shows: the stretch of the text in which the most of what was found comes and goes."""
    concepts_by_name = {
        finding.concept: concepts[finding.concept] for finding in (*findings.concepts, *findings.local)
    }
    marks = {name: is_on(concept, concept.mark(target.parsed)) for name, concept in concepts_by_name.items()}
    stretch = best_common_excerpt(marks.values(), target.parsed.text, length=REPORT_CHARS)
    return Report(
        title=f"Cells of {display_name(target.path)}",
        findings=findings,
        signal=findings.signal,
        surprise=_surprise(target, stretch),
        cells=_cells(target, findings, stretch),
        concepts=tuple(
            ReportConcept(name=name, marks=Marks(label=on_label(concept), holds=marks[name][stretch]))
            for name, concept in concepts_by_name.items()
        ),
        rules={verdict: explain(verdict) for verdict in VERDICTS},
        provenance=_provenance(target, findings),
    )


def _cells(target: InspectionTarget, findings: Findings, stretch: slice) -> tuple[ReportCell, ...]:
    """Take each cell that there is something to say of once; without any, the first cell."""
    chosen: dict[str, tuple[str, str]] = {}
    for finding in findings.concepts:
        chosen.setdefault(finding.cell, (finding.concept, "found"))
    for mystery in findings.mysteries:
        chosen.setdefault(mystery.cell, (mystery.best, "needed, and unexplained"))
    for finding in findings.local:
        chosen.setdefault(finding.cell, (finding.concept, "known from the last character"))
    chosen = dict(list(chosen.items())[:MAX_CELLS]) or {"1.0": ("", "the first cell")}
    values = record_cells(target.rnn, target.ids, [parse_cell(cell) for cell in chosen], stretch)
    return tuple(
        ReportCell(row=HeatmapRow(label=cell, values=row), concept=concept, group=group)
        for (cell, (concept, group)), row in zip(chosen.items(), values, strict=True)
    )


def _surprise(target: InspectionTarget, stretch: slice) -> Surprise:
    """Ask what the model expected in the stretch, having read what stands before it."""
    begin = max(0, stretch.start - CELL_WARM_UP)
    ids = target.ids[begin : stretch.stop]
    surprisal = measure_surprisal(target.rnn, target.model.vocabulary, ids, guesses=GUESSES)
    here = slice(stretch.start - begin, None)
    return replace(
        surprisal,
        start=stretch.start,
        content=target.parsed.text[stretch],
        bits=surprisal.bits[here],
        ranks=surprisal.ranks[here],
        guesses=surprisal.guesses[here],
        probabilities=surprisal.probabilities[here],
    )


def _provenance(target: InspectionTarget, findings: Findings) -> dict[str, str]:
    """Say by what the same page is made again, and from what; no times, so that it is the same."""
    text = target.parsed.text.encode("utf-8", "surrogatepass")
    return {
        "Command": command_line(),
        "Model": f"{target.path}, SHA-256 {hashlib.sha256(target.path.read_bytes()).hexdigest()}",
        "Text": f"{findings.text}, {findings.characters:,} characters, SHA-256 {hashlib.sha256(text).hexdigest()}",
        "Signal": findings.signal,
        "Evidence": ", ".join(_evidence(findings)),
        "Versions": f"charrnn {__version__}, NumPy {np.__version__}, Python {platform.python_version()}",
    }


def _evidence(findings: Findings) -> Iterator[str]:
    """Say what the numbers rest on, as far as the findings tell, and what was not judged."""
    fields = findings.to_json()
    for name in EVIDENCE:
        if fields.get(name) is not None:
            yield f"{name.replace('_', ' ')} {fields[name]}"
    yield f"judged from {MIN_EPISODES} episodes in each half and {MIN_STREAMS_WITH_CONCEPT} streams on"


def command_line() -> str:
    """Write the command again as it was given."""
    return shlex.join(["charrnn", *click.get_current_context().find_root().obj])
