"""What `charrnn inspect` does once its options are known: a search of all cells, or a look at those asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.cli.concepts import parse_concepts
from charrnn.cli.drawing import make_heatmap, make_marks, print_heatmaps
from charrnn.cli.streams import write_json
from charrnn.cli.subject import InspectionTarget, Options, load_target
from charrnn.errors import WrongUsageError
from charrnn.inspection.activity import CellIndex
from charrnn.inspection.concepts import Concept
from charrnn.inspection.reading import DEFAULT_SIGNAL
from charrnn.runs import display_name
from charrnn.views.heatmap import Heatmap

DEFAULT_CHARS = 800
"""characters, left to ourselves"""
DIGITS = 4
"""of a cell's value, in JSON"""


def _dispatch(path: Path, options: Options, views: Sequence[str]) -> None:
    """Show the cells and the other views that were asked for, or where nothing was, search."""
    concepts = parse_concepts(options["concepts"])
    if options["cells"] or (views and not concepts):
        _reject_search_options(options)
    if options["cells"]:
        _look_at_cells(path, options, concepts)
    elif concepts or not views:
        from charrnn.cli.searching import run_search

        run_search(path, options, concepts)
    if views:
        from charrnn.cli.viewing import show_views

        show_views(path, options, views)


def _reject_search_options(options: Options) -> None:
    """See that nothing was asked for that only a search does: it would be passed over in silence."""
    given = {
        "--html FILE": options["html"],
        "--confirm FILE": options["confirm"],
        "--quick": options["quick"],
        f"--signal {options['signal']}": options["signal"] != DEFAULT_SIGNAL,
    }
    for option in (option for option, is_given in given.items() if is_given):
        raise WrongUsageError(
            f"{option.split()[0]} belongs to a search, which was not asked for", hint=f"`charrnn inspect {option}`"
        )


def _look_at_cells(path: Path, options: Options, concepts: Sequence[Concept]) -> None:
    """Show the cells that were asked for over the text's beginning, where a concept holds beside them."""
    if len(concepts) > 1:
        raise WrongUsageError(
            f"--cell can have one concept beside it, not {len(concepts)}",
            hint=f"`--concept {concepts[0].name}` alone",
        )
    target = load_target(path, options, options["chars"] or DEFAULT_CHARS)
    heatmap = _cells_map(target, options["cells"], concepts)
    if options["as_json"]:
        write_json(_values(target, heatmap, options["start"]))
    print_heatmaps([heatmap], options)


def _values(target: InspectionTarget, heatmap: Heatmap, start: int) -> dict[str, Any]:
    """Lay a heat map out for scripts: a value of each cell, and of a concept, for each character of the content."""
    marks = heatmap.marks
    cells = {row.label: np.asarray(row.values, np.float64).round(DIGITS).tolist() for row in heatmap.rows}
    return {
        "model": str(target.path),
        "text": target.parsed.name,
        "start": start,
        "characters": len(heatmap.text),
        "signal": heatmap.signal,
        "content": heatmap.text,
        "cells": cells,
    } | ({"marks": {marks.label: np.asarray(marks.holds, np.int64).tolist()}} if marks else {})


def _cells_map(target: InspectionTarget, cells: Sequence[CellIndex], concepts: Sequence[Concept]) -> Heatmap:
    """Draw cells over the text's beginning, with where a concept holds if one was named."""
    whole = slice(0, len(target.ids))
    marks = None
    if concepts:
        marks = make_marks(target, concepts[0], whole)
    return make_heatmap(
        target, cells, whole, title=f"{display_name(target.path)} over {target.parsed.name}", marks=marks
    )
