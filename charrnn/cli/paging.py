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
from charrnn.cli.drawing import write_drawing
from charrnn.cli.subject import Subject
from charrnn.inspection.activity import WARM_UP, activity
from charrnn.inspection.coding import EPISODES_NEEDED, STREAMS_NEEDED
from charrnn.inspection.concepts import Concept
from charrnn.inspection.findings import Findings
from charrnn.inspection.passage import holding, holds, passage_of_many
from charrnn.inspection.surprise import Surprise, surprise
from charrnn.inspection.verdicts import VERDICTS, explained
from charrnn.network.cell_name import cell_named
from charrnn.runs import model_name
from charrnn.views.heatmap import HeatmapRow, Marks
from charrnn.views.page.document import Page, PageCell, PageConcept

DRAWN = 4_000
"""characters"""
GUESSES = 5
EVIDENCE = ("streams", "seed", "permutations", "placebos", "placebo_fit", "confirmed_on", "quick")
"""what findings may say of themselves, by its names in JSON"""
MOST_CELLS = 60
"""that can be picked, the best findings' first, controls last"""


def write_page(path: Path, subject: Subject, findings: Findings, concepts: Mapping[str, Concept]) -> None:
    """Write the page of these findings, which are of these concepts by their names."""
    write_drawing(path, page_of(subject, findings, concepts).html())


def page_of(subject: Subject, findings: Findings, concepts: Mapping[str, Concept]) -> Page:
    """Choose what the page shows: the stretch of the text in which the most of what was found comes and goes."""
    found = {finding.concept: concepts[finding.concept] for finding in (*findings.concepts, *findings.local)}
    marks = {name: holds(concept, concept.mark(subject.source)) for name, concept in found.items()}
    stretch = passage_of_many(marks.values(), subject.source.text, length=DRAWN)
    return Page(
        title=f"Cells of {model_name(subject.path)}",
        findings=findings,
        signal=findings.signal,
        surprise=_surprise(subject, stretch),
        cells=_cells(subject, findings, stretch),
        concepts=tuple(
            PageConcept(name=name, marks=Marks(label=holding(concept), holds=marks[name][stretch]))
            for name, concept in found.items()
        ),
        rules={verdict: explained(verdict) for verdict in VERDICTS},
        provenance=_provenance(subject, findings),
    )


def _cells(subject: Subject, findings: Findings, stretch: slice) -> tuple[PageCell, ...]:
    """Take each cell that there is something to say of once; without any, the first cell."""
    chosen: dict[str, tuple[str, str]] = {}
    for finding in findings.concepts:
        chosen.setdefault(finding.cell, (finding.concept, "found"))
    for mystery in findings.mysteries:
        chosen.setdefault(mystery.cell, (mystery.best, "needed, and unexplained"))
    for finding in findings.local:
        chosen.setdefault(finding.cell, (finding.concept, "known from the last character"))
    chosen = dict(list(chosen.items())[:MOST_CELLS]) or {"1.0": ("", "the first cell")}
    values = activity(subject.reader, subject.ids, [cell_named(cell) for cell in chosen], stretch)
    return tuple(
        PageCell(row=HeatmapRow(label=cell, values=row), concept=concept, group=group)
        for (cell, (concept, group)), row in zip(chosen.items(), values, strict=True)
    )


def _surprise(subject: Subject, stretch: slice) -> Surprise:
    """Ask what the model expected in the stretch, having read what stands before it."""
    begin = max(0, stretch.start - WARM_UP)
    ids = subject.ids[begin : stretch.stop]
    told = surprise(subject.reader, subject.model.vocabulary, ids, guesses=GUESSES)
    here = slice(stretch.start - begin, None)
    return replace(
        told,
        start=stretch.start,
        content=subject.source.text[stretch],
        bits=told.bits[here],
        ranks=told.ranks[here],
        guesses=told.guesses[here],
        probabilities=told.probabilities[here],
    )


def _provenance(subject: Subject, findings: Findings) -> dict[str, str]:
    """Say by what the same page is made again, and from what; no times, so that it is the same."""
    text = subject.source.text.encode("utf-8", "surrogatepass")
    return {
        "Command": retold(),
        "Model": f"{subject.path}, SHA-256 {hashlib.sha256(subject.path.read_bytes()).hexdigest()}",
        "Text": f"{findings.text}, {findings.characters:,} characters, SHA-256 {hashlib.sha256(text).hexdigest()}",
        "Signal": findings.signal,
        "Evidence": ", ".join(_evidence(findings)),
        "Versions": f"charrnn {__version__}, NumPy {np.__version__}, Python {platform.python_version()}",
    }


def _evidence(findings: Findings) -> Iterator[str]:
    """Say what the numbers rest on, as far as the findings tell, and what was not judged."""
    told = findings.to_json()
    for name in EVIDENCE:
        if told.get(name) is not None:
            yield f"{name.replace('_', ' ')} {told[name]}"
    yield f"judged from {EPISODES_NEEDED} episodes in each half and {STREAMS_NEEDED} streams on"


def retold() -> str:
    """Write the command again as it was given."""
    return shlex.join(["charrnn", *click.get_current_context().find_root().obj])
