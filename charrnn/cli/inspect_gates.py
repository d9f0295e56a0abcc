"""Gates of single cells in `charrnn inspect --cell --gates`: a heat map of all gates and states of each cell."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from charrnn.cli.inspect_heatmaps import (
    HEATMAP_CHARS,
    InspectionTarget,
    check_one_concept,
    heatmap_title,
    load_target,
    marks_json,
    print_heatmaps,
    provenance,
)
from charrnn.cli.inspect_options import InspectOptions
from charrnn.cli.streams import write_json
from charrnn.inspection.concepts import Concept
from charrnn.inspection.measures.cell_gates import record_gates
from charrnn.views.cell_gates import gates_heatmap
from charrnn.views.heatmap import Heatmap, Marks, marks_of
from charrnn.views.sanitize import light_background


def show_gates(path: Path, options: InspectOptions, concepts: Sequence[Concept]) -> None:
    """Draw the gates and states of the requested cells over the text, with the marks of at most one concept."""
    check_one_concept(concepts)
    target = load_target(path, options, options.chars or HEATMAP_CHARS)
    marks = marks_of(concepts[0], target.parsed) if concepts else None
    print_heatmaps(list(_heatmaps(target, options, marks)), options)


def _heatmaps(target: InspectionTarget, options: InspectOptions, marks: Marks | None) -> Iterator[Heatmap]:
    """Yield the heat map of each cell; write its numbers if JSON is requested."""
    title = heatmap_title(target)
    for cell in options.cells:
        gates = record_gates(target.rnn, target.ids, cell, target.parsed.text, **provenance(target, options))
        if options.as_json:
            write_json(gates.to_json() | marks_json(marks))
        yield gates_heatmap(gates, title=f"{gates.cell} of {title}", marks=marks, light=light_background())
