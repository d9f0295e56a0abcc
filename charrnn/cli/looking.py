"""What `charrnn inspect` does once its options are known: a search of all cells, or a look at those asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.cli.concepts import concepts_asked
from charrnn.cli.drawing import heatmap_of, marks_of, show
from charrnn.cli.streams import say_json
from charrnn.cli.subject import Asked, Subject, subject_of
from charrnn.errors import WrongUsageError
from charrnn.inspection.activity import Cell
from charrnn.inspection.concepts import Concept
from charrnn.inspection.reading import USUAL
from charrnn.runs import model_name
from charrnn.views.heatmap import Heatmap

SHOWN = 800
"""characters, left to ourselves"""
DIGITS = 4
"""of a cell's value, in JSON"""


def look(path: Path, asked: Asked, views: Sequence[str]) -> None:
    """Show the cells and the other views that were asked for, or where nothing was, search."""
    concepts = concepts_asked(asked["concepts"])
    if asked["cells"] or (views and not concepts):
        _refuse_what_needs_a_search(asked)
    if asked["cells"]:
        _look_at_cells(path, asked, concepts)
    elif concepts or not views:
        from charrnn.cli.searching import search

        search(path, asked, concepts)
    if views:
        from charrnn.cli.viewing import show_views

        show_views(path, asked, views)


def _refuse_what_needs_a_search(asked: Asked) -> None:
    """See that nothing was asked for that only a search does: it would be passed over in silence."""
    given = {
        "--html FILE": asked["html"],
        "--confirm FILE": asked["confirm"],
        "--quick": asked["quick"],
        f"--signal {asked['signal']}": asked["signal"] != USUAL,
    }
    for option in (option for option, is_given in given.items() if is_given):
        raise WrongUsageError(
            f"{option.split()[0]} belongs to a search, which was not asked for", hint=f"`charrnn inspect {option}`"
        )


def _look_at_cells(path: Path, asked: Asked, concepts: Sequence[Concept]) -> None:
    """Show the cells that were asked for over the text's beginning, where a concept holds beside them."""
    if len(concepts) > 1:
        raise WrongUsageError(
            f"--cell can have one concept beside it, not {len(concepts)}",
            hint=f"`--concept {concepts[0].name}` alone",
        )
    subject = subject_of(path, asked, asked["chars"] or SHOWN)
    heatmap = _cells_map(subject, asked["cells"], concepts)
    if asked["as_json"]:
        say_json(_values(subject, heatmap, asked["start"]))
    show([heatmap], asked)


def _values(subject: Subject, heatmap: Heatmap, start: int) -> dict[str, Any]:
    """Lay a heat map out for scripts: a value of each cell, and of a concept, for each character of the content."""
    marks = heatmap.marks
    cells = {row.label: np.asarray(row.values, np.float64).round(DIGITS).tolist() for row in heatmap.rows}
    return {
        "model": str(subject.path),
        "text": subject.source.name,
        "start": start,
        "characters": len(heatmap.text),
        "signal": heatmap.signal,
        "content": heatmap.text,
        "cells": cells,
    } | ({"marks": {marks.label: np.asarray(marks.holds, np.int64).tolist()}} if marks else {})


def _cells_map(subject: Subject, cells: Sequence[Cell], concepts: Sequence[Concept]) -> Heatmap:
    """Draw cells over the text's beginning, with where a concept holds if one was named."""
    whole = slice(0, len(subject.ids))
    marks = None
    if concepts:
        marks = marks_of(subject, concepts[0], whole)
    return heatmap_of(
        subject, cells, whole, title=f"{model_name(subject.path)} over {subject.source.name}", marks=marks
    )
