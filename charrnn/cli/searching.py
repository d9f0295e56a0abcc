"""What `charrnn inspect` does when it searches: every cell for every concept, and the cells that detect one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from charrnn.cli.drawing import heatmap_of, marks_of, show
from charrnn.cli.paging import write_page
from charrnn.cli.progress import watching
from charrnn.cli.streams import say_json, tell
from charrnn.cli.subject import Asked, Subject, confirming, subject_of
from charrnn.held_out import SEARCHED
from charrnn.inspection.concepts import CONCEPTS, Concept
from charrnn.inspection.findings import Finding, Findings, worth_drawing
from charrnn.inspection.passage import passage
from charrnn.inspection.search import find
from charrnn.views.amounts import sparkline
from charrnn.views.findings import FindingsTable, rows
from charrnn.views.heatmap import Heatmap
from charrnn.views.layout import WIDEST
from charrnn.views.terminal import output, unicode_output

DRAWN = 12
"""cells at most"""
LINES = 4
"""of text under each"""
GUTTER = 8
"""columns at most that a cell's name takes beside the text"""


def search(path: Path, asked: Asked, concepts: Sequence[Concept]) -> None:
    """Search all cells for concepts, all there are by default, and draw the cells that detect one."""
    subject = subject_of(path, asked, asked["chars"] or SEARCHED)
    # Read before the bar is drawn: what is said of it would run into that.
    confirm = confirming(subject, asked, asked["chars"] or SEARCHED)
    with watching() as watch:
        findings = find(
            subject.reader,
            subject.source,
            subject.ids,
            chance=np.random.default_rng(asked["seed"]),
            model=str(path),
            concepts=concepts or None,
            confirm=confirm,
            signal=asked["signal"],
            quick=asked["quick"],
            watch=watch,
        )
    findings = replace(findings, seed=asked["seed"], start=asked["start"])
    known = {concept.name: concept for concept in concepts} or CONCEPTS
    if asked["html"]:
        write_page(asked["html"], subject, findings, known)
    if asked["as_json"]:
        say_json(findings.to_json())
        if not asked["svg"]:
            return
    else:
        output().print(FindingsTable(findings=findings))
        _say_if_nothing_was_found(findings, concepts)
    show((_finding_map(subject, finding, known[finding.concept]) for finding in drawn(findings)), asked)


def _say_if_nothing_was_found(findings: Findings, concepts: Sequence[Concept]) -> None:
    """Say, where no cell detects any of all the concepts there are, that this can change."""
    if not concepts and not findings.census.detectors:
        tell("hint: no cell detects a concept yet; such cells come with longer training, or with more text")


def drawn(findings: Findings) -> list[Finding]:
    """Choose whose cells are drawn: what is causal or a detector; where there is none, what shows most."""
    found = [finding for finding in rows(findings.concepts) if finding.verdict in ("causal", "detector")]
    return found[:DRAWN] or worth_drawing(findings.concepts, 1)


def _finding_map(subject: Subject, finding: Finding, concept: Concept) -> Heatmap:
    """Draw a finding's cell where its concept shows best, with how it answers to the concept's levels."""
    console = output()
    columns = max(20, min(console.width, WIDEST) - GUTTER)
    stretch = passage(concept, subject.source, lines=LINES, columns=columns)
    layer, unit = finding.cell.split(".")
    curve = sparkline([mean for _, mean in finding.tuning], unicode=unicode_output(console))
    return heatmap_of(
        subject,
        [(int(layer), int(unit))],
        stretch,
        title=f"cell {finding.cell}, {finding.concept} {curve}: {concept.description}",
        marks=marks_of(subject, concept, stretch),
    )
