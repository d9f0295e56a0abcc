"""What `charrnn inspect` does when it searches: every cell for every concept, and the findings that show most."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from charrnn.cli.drawing import heatmap_of, marks_of, show, waiting
from charrnn.cli.paging import write_page
from charrnn.cli.subject import Asked, Subject, subject_of
from charrnn.inspection.concepts import CONCEPTS, Concept
from charrnn.inspection.findings import Finding, worth_drawing
from charrnn.inspection.passage import passage
from charrnn.inspection.search import find
from charrnn.runs import model_name
from charrnn.views.findings import FindingsTable
from charrnn.views.heatmap import Heatmap
from charrnn.views.terminal import output

SEARCHED = 200_000
"""characters, left to ourselves"""
DRAWN = 3
"""findings"""


def search(path: Path, asked: Asked, concepts: Sequence[Concept]) -> None:
    """Search all cells for concepts, all there are by default, and draw the findings that show most."""
    subject = subject_of(path, asked, asked["chars"] or SEARCHED)
    with waiting(f"reading {len(subject.ids):,} characters"):
        findings = find(
            subject.reader, subject.source, subject.ids, model=model_name(path), concepts=concepts or None
        )
    known = {concept.name: concept for concept in concepts} or CONCEPTS
    if asked["html"]:
        write_page(asked["html"], subject, findings, known)
    if asked["as_json"]:
        click.echo(json.dumps(findings.to_json()))
        if not asked["svg"]:
            return
    else:
        output().print(FindingsTable(findings=findings))
    drawn = worth_drawing(findings.concepts, DRAWN)
    show((_finding_map(subject, finding, known[finding.concept]) for finding in drawn), asked)


def _finding_map(subject: Subject, finding: Finding, concept: Concept) -> Heatmap:
    """Draw a finding's cell where its concept shows best."""
    stretch = passage(concept, subject.source)
    layer, unit = finding.cell.split(".")
    return heatmap_of(
        subject,
        [(int(layer), int(unit))],
        stretch,
        title=f"cell {finding.cell}: {concept.description}",
        marks=marks_of(subject, concept, stretch),
    )
