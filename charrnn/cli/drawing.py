"""Heat maps of a subject's cells, printed one after the other or written as pictures.

Which cells are worth it is left to the commands.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from charrnn.cli.formats import check_output
from charrnn.cli.streams import write_note
from charrnn.cli.subject import InspectionTarget, Options
from charrnn.errors import CharrnnError, os_reason
from charrnn.inspection.activity import CellIndex, record_cells
from charrnn.inspection.concepts import Concept
from charrnn.inspection.passage import is_on, on_label
from charrnn.storage import atomic_write
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks
from charrnn.views.terminal import light_background, stdout_console


def make_heatmap(
    target: InspectionTarget, cells: Sequence[CellIndex], stretch: slice, *, title: str, marks: Marks | None
) -> Heatmap:
    """Draw cells over a stretch of the text."""
    values = record_cells(target.rnn, target.ids, cells, stretch)
    labels = [f"{layer}.{unit}" for layer, unit in cells]
    return Heatmap(
        text=target.parsed.text[stretch],
        rows=tuple(HeatmapRow(label=label, values=row) for label, row in zip(labels, values, strict=True)),
        signal=target.rnn.signal_name,
        marks=marks,
        title=title,
        light=light_background(),
    )


def make_marks(target: InspectionTarget, concept: Concept, stretch: slice) -> Marks:
    """Say where a concept holds in a stretch of the text."""
    return Marks(label=on_label(concept), holds=is_on(concept, concept.mark(target.parsed))[stretch])


def print_heatmaps(heatmaps: Iterable[Heatmap], options: Options) -> None:
    """Print heat maps one after the other; write the first as a picture if that was asked for."""
    draw = stdout_console().print
    for number, heatmap in enumerate(heatmaps):
        if options["svg"] and number == 0:
            from charrnn.views.svg import heatmap_svg

            write_picture(options["svg"], heatmap_svg(heatmap))
        if options["as_json"]:
            return
        draw("")
        draw(heatmap)


def write_picture(path: Path, drawing: str) -> None:
    """Write a picture or a page, and say where it is; raise CharrnnError rather than replace any other file."""
    check_output(path, ".svg" if drawing.startswith("<svg") else ".html")
    try:
        atomic_write(path, drawing.encode())
    except OSError as error:
        raise CharrnnError(f"cannot write {path}: {os_reason(error)}") from error
    write_note(f"{path}: {len(drawing.encode()) / 1000:.1f} kB")
