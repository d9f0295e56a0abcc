"""The search of `charrnn inspect`: its progress bar, the HTML report, and the drawings of detectors."""

import hashlib
import platform
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from charrnn._version import __version__
from charrnn.cli.csv_output import write_csv
from charrnn.cli.inspect_excerpt import excerpt_influence, excerpt_profiles, excerpt_surprise
from charrnn.cli.inspect_heatmaps import (
    InspectionTarget,
    load_confirmation_text,
    load_target,
    make_heatmap,
    print_heatmaps,
    write_drawing,
)
from charrnn.cli.inspect_options import InspectOptions
from charrnn.cli.search_progress import progress_bar
from charrnn.cli.streams import write_json, write_note
from charrnn.inspection.concepts import CONCEPTS, Concept
from charrnn.inspection.measures.activations import first_component, record_cells
from charrnn.inspection.search.concept_occurrences import best_common_excerpt, best_excerpt, is_on, on_label
from charrnn.inspection.search.findings import (
    MIN_EPISODES,
    MIN_STREAMS_WITH_CONCEPT,
    STRONG_VERDICTS,
    VERDICTS,
    Finding,
    Findings,
    best_to_draw,
    explain,
)
from charrnn.inspection.search.screening import SearchOptions
from charrnn.inspection.search.search import search
from charrnn.network.cell_id import parse_cell
from charrnn.storage.run_directory import display_name
from charrnn.text.held_out import DEFAULT_CHARS
from charrnn.views.console import stdout_console
from charrnn.views.findings_table import FindingsTable, visible_findings
from charrnn.views.formatting import sparkline
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks, marks_of
from charrnn.views.layout import MAX_LINE_COLUMNS
from charrnn.views.report.document import HtmlReport, ReportCell, ReportConcept
from charrnn.views.sanitize import unicode_output

# The report in HTML: the cells that the report draws, over which part of the text, and its provenance

REPORT_CHARS = 4_000
"""number of characters of the text in the report"""
EVIDENCE_FIELDS = ("streams", "seed", "permutations", "placebos", "placebo_fit", "confirmed_on", "quick")
"""fields of the findings, by their JSON keys, that the provenance lists"""
MAX_REPORT_CELLS = 60
"""number of cells that can be selected in the report"""


def write_report(path: Path, target: InspectionTarget, findings: Findings, concepts: Mapping[str, Concept]) -> str:
    """Write the HTML report of findings, and return a note with its size (CharrnnError).

    `concepts` maps the names in the findings to concepts.
    """
    return write_drawing(path, build_report(target, findings, concepts).html())


def build_report(target: InspectionTarget, findings: Findings, concepts: Mapping[str, Concept]) -> HtmlReport:
    """Return the report of findings over the excerpt of the text in which most of their concepts change."""
    concepts_by_name = {
        finding.concept: concepts[finding.concept] for finding in (*findings.concepts, *findings.local)
    }
    marks = {name: is_on(concept, concept.mark(target.parsed)) for name, concept in concepts_by_name.items()}
    excerpt = best_common_excerpt(marks.values(), target.parsed.text, length=REPORT_CHARS)
    cells = _report_cells(target, findings, excerpt)
    return HtmlReport(
        title=f"Cells of {display_name(target.path)}",
        findings=findings,
        signal=findings.signal,
        surprise=excerpt_surprise(target, excerpt),
        cells=cells,
        concepts=tuple(
            ReportConcept(name=name, marks=Marks(label=on_label(concept), holds=marks[name][excerpt]))
            for name, concept in concepts_by_name.items()
        ),
        rules={verdict: explain(verdict) for verdict in VERDICTS},
        provenance=_provenance(target, findings),
        profiles=excerpt_profiles(target, findings, [cell.row for cell in cells]),
        influence=excerpt_influence(target, excerpt),
    )


def _report_cells(target: InspectionTarget, findings: Findings, excerpt: slice) -> tuple[ReportCell, ...]:
    """Return each cell of the findings once: findings first, local ones last; the first cell if there are none."""
    chosen: dict[str, tuple[str, str]] = {}
    for finding in findings.concepts:
        chosen.setdefault(finding.cell, (finding.concept, "found"))
    for mystery in findings.mysteries:
        chosen.setdefault(mystery.cell, (mystery.best, "needed, and unexplained"))
    for finding in findings.local:
        chosen.setdefault(finding.cell, (finding.concept, "known from the last character"))
    chosen = dict(list(chosen.items())[:MAX_REPORT_CELLS]) or {"1.0": ("", "the first cell")}
    shared = [finding for finding in findings.concepts if finding.verdict == "shared"]
    names = list(dict.fromkeys([*chosen, *(cell for finding in shared for cell in finding.carriers)]))
    cells = [parse_cell(name) for name in names]
    activations = record_cells(target.rnn, target.ids, cells, excerpt, signal=findings.signal)
    rows = dict(zip(names, activations, strict=True))
    single_cells = (
        ReportCell(row=HeatmapRow(label=cell, values=rows[cell]), concept=concept, group=group)
        for cell, (concept, group) in chosen.items()
    )
    return (*single_cells, *(_principal_component(finding, rows) for finding in shared))


def _principal_component(finding: Finding, rows: Mapping[str, NDArray[np.float32]]) -> ReportCell:
    """Return the first principal component of the group that carries a concept, from the activations by cell."""
    component = first_component(np.stack([rows[cell] for cell in finding.carriers]))
    label = f"{len(finding.carriers)} cells of {finding.concept}"
    row = HeatmapRow(label=label, values=component)
    return ReportCell(row=row, concept=finding.concept, group="first principal component of a group")


def _provenance(target: InspectionTarget, findings: Findings) -> dict[str, str]:
    """Return what is needed to reproduce the report; no times, so that the same search writes the same report."""
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
    """Yield the settings and sample sizes that the findings are based on."""
    fields = findings.to_json()
    for name in EVIDENCE_FIELDS:
        if fields.get(name) is not None:
            yield f"{name.replace('_', ' ')} {fields[name]}"
    yield f"judged from {MIN_EPISODES} episodes in each half and {MIN_STREAMS_WITH_CONCEPT} streams on"


def command_line() -> str:
    """Return the command line of this call, quoted for a shell."""
    return shlex.join(["charrnn", *click.get_current_context().find_root().obj])


# The search, and the cells that detect a concept

MAX_DRAWN_CELLS = 12
"""number of findings whose cells are drawn"""
EXCERPT_LINES = 4
"""lines of text in each drawing"""
LABEL_COLUMNS = 8
"""columns that the label of a cell may take beside the text"""


def run_search(path: Path, options: InspectOptions, concepts: Sequence[Concept]) -> None:
    """Search all cells for the given concepts, by default all of them, and draw the cells that detect one."""
    target = load_target(path, options, options.chars or DEFAULT_CHARS)
    # Loaded before the bar is drawn, because a note about the text would be written into the bar.
    confirm = load_confirmation_text(target, options, options.chars or DEFAULT_CHARS)
    with progress_bar() as progress:
        findings = search(
            target.rnn,
            target.parsed,
            target.ids,
            rng=np.random.default_rng(options.seed),
            options=SearchOptions(
                model=str(path),
                concepts=concepts or None,
                confirm=confirm,
                signal=options.signal,
                quick=options.quick,
                progress=progress,
            ),
        )
    findings = replace(findings, seed=options.seed, start=options.start)
    concepts_by_name = {concept.name: concept for concept in concepts} or CONCEPTS
    note = write_report(options.html, target, findings, concepts_by_name) if options.html else ""
    if options.as_csv:
        write_csv(findings.to_json()["concepts"])
    elif options.as_json:
        write_json(findings.to_json())
    else:
        stdout_console().print(FindingsTable(findings=findings))
        _print_hint_without_detectors(findings, concepts)
    if options.svg or not (options.as_json or options.as_csv):
        drawn = findings_to_draw(findings)
        heatmaps = (
            _finding_heatmap(target, finding, concepts_by_name[finding.concept], options.signal) for finding in drawn
        )
        print_heatmaps(heatmaps, options)
    if note:
        write_note(note)


def _print_hint_without_detectors(findings: Findings, concepts: Sequence[Concept]) -> None:
    """Print a hint if a search for all concepts found no detector."""
    if not concepts and not findings.census.detectors:
        write_note("hint: no cell detects a concept yet; such cells emerge with longer training or more text")


def findings_to_draw(findings: Findings) -> list[Finding]:
    """Return the findings to draw: those with a carrier or a detector, or the strongest one if there are none."""
    detected = [finding for finding in visible_findings(findings.concepts) if finding.verdict in STRONG_VERDICTS]
    return detected[:MAX_DRAWN_CELLS] or best_to_draw(findings.concepts, 1)


def _finding_heatmap(target: InspectionTarget, finding: Finding, concept: Concept, signal: str) -> Heatmap:
    """Return a heat map of a finding's cell over the excerpt that shows the concept best, and its tuning curve."""
    console = stdout_console()
    columns = max(20, min(console.width, MAX_LINE_COLUMNS) - LABEL_COLUMNS)
    excerpt = best_excerpt(concept, target.parsed, lines=EXCERPT_LINES, columns=columns)
    layer, unit = finding.cell.split(".")
    tuning_curve = sparkline([mean for _, mean in finding.tuning], unicode=unicode_output(console))
    return make_heatmap(
        target,
        [(int(layer), int(unit))],
        excerpt,
        signal=signal,
        title=f"cell {finding.cell}, {finding.concept}: {concept.description} · its mean by value {tuning_curve}",
        marks=marks_of(concept, target.parsed, excerpt),
    )
