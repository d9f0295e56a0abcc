"""Heat maps of a subject's cells, printed one after the other or written as pictures.

Which cells are worth it is left to the commands.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from charrnn.cli.formats import check_output
from charrnn.cli.streams import tell
from charrnn.cli.subject import Asked, Subject
from charrnn.errors import CharrnnError, reason
from charrnn.inspection.activity import Cell, activity
from charrnn.inspection.concepts import Concept
from charrnn.inspection.passage import holding, holds
from charrnn.storage import write_whole
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks
from charrnn.views.terminal import light_background, output


def heatmap_of(
    subject: Subject, cells: Sequence[Cell], stretch: slice, *, title: str, marks: Marks | None
) -> Heatmap:
    """Draw cells over a stretch of the text."""
    values = activity(subject.reader, subject.ids, cells, stretch)
    labels = [f"{layer}.{unit}" for layer, unit in cells]
    return Heatmap(
        text=subject.source.text[stretch],
        rows=tuple(HeatmapRow(label=label, values=row) for label, row in zip(labels, values, strict=True)),
        signal=subject.reader.signal_name,
        marks=marks,
        title=title,
        light=light_background(),
    )


def marks_of(subject: Subject, concept: Concept, stretch: slice) -> Marks:
    """Say where a concept holds in a stretch of the text."""
    return Marks(label=holding(concept), holds=holds(concept, concept.mark(subject.source))[stretch])


def show(heatmaps: Iterable[Heatmap], asked: Asked) -> None:
    """Print heat maps one after the other; write the first as a picture if that was asked for."""
    draw = output().print
    for number, heatmap in enumerate(heatmaps):
        if asked["svg"] and number == 0:
            from charrnn.views.svg import heatmap_svg

            write_drawing(asked["svg"], heatmap_svg(heatmap))
        if asked["as_json"]:
            return
        draw("")
        draw(heatmap)


def write_drawing(path: Path, drawing: str) -> None:
    """Write a picture or a page, and say where it is; raise CharrnnError rather than replace any other file."""
    check_output(path, ".svg" if drawing.startswith("<svg") else ".html")
    try:
        write_whole(path, drawing.encode())
    except OSError as error:
        raise CharrnnError(f"cannot write {path}: {reason(error)}") from error
    tell(f"{path}: {len(drawing.encode()) / 1000:.1f} kB")
