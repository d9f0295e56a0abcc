"""Measures over the excerpt of the text in the HTML report: surprisal, influence of characters, profiles of cells."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from charrnn.cli.inspect_heatmaps import InspectionTarget
from charrnn.inspection.measures.activations import CELL_WARM_UP
from charrnn.inspection.measures.attribution import gradient_of_each
from charrnn.inspection.measures.cell_profile import CellProfile, activation_histogram, profile_cell
from charrnn.inspection.measures.surprisal import Surprise, measure_surprisal
from charrnn.inspection.search.findings import Findings
from charrnn.network.cell_id import parse_cell
from charrnn.text.vocabulary import Ids
from charrnn.views.heatmap import HeatmapRow

REPORT_GUESSES = 5
"""number of best guesses for each character of the report"""
REPORT_LAGS = 16
"""number of characters before each character of the report whose influence on it is computed"""


def excerpt_surprise(target: InspectionTarget, excerpt: slice) -> Surprise:
    """Return the surprisal of the characters of an excerpt; the model first reads the text before the excerpt."""
    ids, first = _ids_with_warm_up(target, excerpt)
    surprisal = measure_surprisal(target.rnn, target.model.vocabulary, ids, guesses=REPORT_GUESSES)
    in_excerpt = slice(first, None)
    return replace(
        surprisal,
        start=excerpt.start,
        content=target.parsed.text[excerpt],
        bits=surprisal.bits[in_excerpt],
        ranks=surprisal.ranks[in_excerpt],
        guesses=surprisal.guesses[in_excerpt],
        probabilities=surprisal.probabilities[in_excerpt],
    )


def excerpt_influence(target: InspectionTarget, excerpt: slice) -> NDArray[np.floating]:
    """Return gradient × input of the last few characters for each character of an excerpt, (T, REPORT_LAGS)."""
    return gradient_of_each(target.rnn, *_ids_with_warm_up(target, excerpt), REPORT_LAGS)


def excerpt_profiles(
    target: InspectionTarget, findings: Findings, rows: Iterable[HeatmapRow]
) -> dict[str, CellProfile]:
    """Return the profile of each cell of the findings, with the histogram of its row over an excerpt."""
    cells = {finding.cell for finding in (*findings.concepts, *findings.local)}
    return {
        row.label: profile_cell(
            target.rnn,
            target.model.vocabulary,
            parse_cell(row.label),
            activation_histogram(row.values),
            signal=findings.signal,
        )
        for row in rows
        if row.label in cells
    }


def _ids_with_warm_up(target: InspectionTarget, excerpt: slice) -> tuple[Ids, int]:
    """Return the ids of an excerpt after those of a warm-up, and the index of its first character."""
    warm_up_start = max(0, excerpt.start - CELL_WARM_UP)
    return target.ids[warm_up_start : excerpt.stop], excerpt.start - warm_up_start
