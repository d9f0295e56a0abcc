"""The search of `charrnn inspect`: every cell against every concept, its progress bar, and the report in HTML."""

import hashlib
import platform
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click
import numpy as np

from charrnn._version import __version__
from charrnn.cli.inspect_heatmaps import (
    InspectionTarget,
    load_confirmation_text,
    load_target,
    make_heatmap,
    make_marks,
    print_heatmaps,
    write_picture,
)
from charrnn.cli.options import Options
from charrnn.cli.streams import write_json, write_note
from charrnn.inspection.concepts import CONCEPTS, Concept
from charrnn.inspection.measures.activations import CELL_WARM_UP, record_cells
from charrnn.inspection.measures.surprisal import Surprise, measure_surprisal
from charrnn.inspection.search.concept_occurrences import best_common_excerpt, best_excerpt, is_on, on_label
from charrnn.inspection.search.finding import VERDICTS, explain
from charrnn.inspection.search.findings import Finding, Findings, best_to_draw
from charrnn.inspection.search.search import search
from charrnn.inspection.search.splits import (
    MIN_EPISODES,
    MIN_STREAMS_WITH_CONCEPT,
    STAGE_FRACTIONS,
    Progress,
    no_progress,
)
from charrnn.network.cell_id import parse_cell
from charrnn.storage.run_directory import display_name
from charrnn.text.corpus import DEFAULT_CHARS
from charrnn.views.console import stderr_console, stdout_console
from charrnn.views.findings_table import FindingsTable, visible_findings
from charrnn.views.formatting import sparkline
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks
from charrnn.views.layout import MAX_LINE_COLUMNS
from charrnn.views.report.document import Report, ReportCell, ReportConcept
from charrnn.views.sanitize import can_animate, unicode_output

# The progress bar

Step = TypeVar("Step")


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Give something that shows the stages as they go by; where no terminal is, nothing is shown."""
    if not can_animate(sys.stderr):
        yield no_progress
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=30), TaskProgressColumn()
    with Progress(*columns, console=stderr_console(), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        ends = 0.0

        def watch(steps: Iterable[Step], stage: str, count: int) -> Iterator[Step]:
            """Pass the steps on, and move the bar through the stage's share."""
            nonlocal ends
            begins, ends = ends, ends + STAGE_FRACTIONS[stage]
            for number, step in enumerate(steps):
                done = begins + (ends - begins) * number / max(count, 1)
                progress.update(task, description=stage, completed=done)
                yield step
            progress.update(task, completed=ends)

        yield watch


# The report in HTML: the cells that it draws, over which part of the text, and its provenance

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


# The search, and the cells that detect a concept

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
