"""What `charrnn inspect` does when it searches: every cell for every concept, and the cells that detect one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from charrnn.cli.drawing import make_heatmap, make_marks, print_heatmaps
from charrnn.cli.paging import write_report
from charrnn.cli.progress import progress_bar
from charrnn.cli.streams import write_json, write_note
from charrnn.cli.subject import InspectionTarget, Options, load_confirmation_text, load_target
from charrnn.held_out import DEFAULT_CHARS
from charrnn.inspection.concepts import CONCEPTS, Concept
from charrnn.inspection.findings import Finding, Findings, best_to_draw
from charrnn.inspection.passage import best_excerpt
from charrnn.inspection.search import search
from charrnn.views.amounts import sparkline
from charrnn.views.findings import FindingsTable, visible_findings
from charrnn.views.heatmap import Heatmap
from charrnn.views.layout import MAX_LINE_COLUMNS
from charrnn.views.terminal import stdout_console, unicode_output

MAX_DRAWN_CELLS = 12
"""cells at most"""
LINES = 4
"""of text under each"""
GUTTER = 8
"""columns at most that a cell's name takes beside the text"""


def run_search(path: Path, options: Options, concepts: Sequence[Concept]) -> None:
    """Search all cells for concepts, all there are by default, and draw the cells that detect one."""
    target = load_target(path, options, options["chars"] or DEFAULT_CHARS)
    # Read before the bar is drawn: what is said of it would run into that.
    confirm = load_confirmation_text(target, options, options["chars"] or DEFAULT_CHARS)
    with progress_bar() as progress:
        findings = search(
            target.rnn,
            target.parsed,
            target.ids,
            rng=np.random.default_rng(options["seed"]),
            model=str(path),
            concepts=concepts or None,
            confirm=confirm,
            signal=options["signal"],
            quick=options["quick"],
            progress=progress,
        )
    findings = replace(findings, seed=options["seed"], start=options["start"])
    concepts_by_name = {concept.name: concept for concept in concepts} or CONCEPTS
    if options["html"]:
        write_report(options["html"], target, findings, concepts_by_name)
    if options["as_json"]:
        write_json(findings.to_json())
        if not options["svg"]:
            return
    else:
        stdout_console().print(FindingsTable(findings=findings))
        _say_if_nothing_was_found(findings, concepts)
    print_heatmaps(
        (_finding_map(target, finding, concepts_by_name[finding.concept]) for finding in findings_to_draw(findings)),
        options,
    )


def _say_if_nothing_was_found(findings: Findings, concepts: Sequence[Concept]) -> None:
    """Say, where no cell detects any of all the concepts there are, that this can change."""
    if not concepts and not findings.census.detectors:
        write_note("hint: no cell detects a concept yet; such cells come with longer training, or with more text")


def findings_to_draw(findings: Findings) -> list[Finding]:
    """Choose whose cells are drawn: what is causal or a detector; where there is none, what shows most."""
    detected = [
        finding for finding in visible_findings(findings.concepts) if finding.verdict in ("causal", "detector")
    ]
    return detected[:MAX_DRAWN_CELLS] or best_to_draw(findings.concepts, 1)


def _finding_map(target: InspectionTarget, finding: Finding, concept: Concept) -> Heatmap:
    """Draw a finding's cell where its concept shows best, with how it answers to the concept's levels."""
    console = stdout_console()
    columns = max(20, min(console.width, MAX_LINE_COLUMNS) - GUTTER)
    stretch = best_excerpt(concept, target.parsed, lines=LINES, columns=columns)
    layer, unit = finding.cell.split(".")
    curve = sparkline([mean for _, mean in finding.tuning], unicode=unicode_output(console))
    return make_heatmap(
        target,
        [(int(layer), int(unit))],
        stretch,
        title=f"cell {finding.cell}, {finding.concept} {curve}: {concept.description}",
        marks=make_marks(target, concept, stretch),
    )
