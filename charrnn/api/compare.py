"""Comparison of runs in the Python API: a table of runs and their loss curves, drawn in notebooks."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from charrnn.arguments import path_name, system_errors
from charrnn.errors import WrongUsageError
from charrnn.storage.run_directory import find_model
from charrnn.training.run_listing import RunCurve, RunListing, model_labels, read_curve, read_listing
from charrnn.views.notebook import table_html
from charrnn.views.plot_svg import plots_svg
from charrnn.views.run_comparison import COMPARED_HEADINGS, curves_plots, run_row

TITLE = "held-out loss"


@dataclass(frozen=True, kw_only=True)
class RunComparison:
    """Runs with their sizes, times and losses, and their loss curves; a notebook shows both."""

    runs: tuple[RunListing, ...]
    """text, network, weights, time and loss of each run"""
    curves: tuple[RunCurve, ...]
    """loss by step of each run, with the characters and seconds per step"""

    def to_svg(self) -> str:
        """Return the loss curves by characters and by seconds as an SVG picture, such as `info --svg` writes."""
        plots = curves_plots(self.curves, TITLE)
        if not plots:
            raise WrongUsageError("no run has a history to draw", hint="the history is in a run's metrics.jsonl")
        return plots_svg(plots)

    def _repr_html_(self) -> str:
        """Return the table and the loss curves as HTML for a notebook."""
        rows = [run_row(run, COMPARED_HEADINGS) for run in self.runs]
        problems = [run.problem for run in self.runs if run.problem]
        table = table_html(COMPARED_HEADINGS, rows) + "".join(table_html(["problem"], [[text]]) for text in problems)
        plots = curves_plots(self.curves, TITLE)
        return table + (plots_svg(plots) if plots else "")


def compare(*runs: str | os.PathLike[str]) -> RunComparison:
    """Return a comparison of runs, given by their directories or model files.

    Raise CharrnnError if one of them does not exist, or its metrics cannot be read.

    >>> comparison = charrnn.compare("checkpoints/letters")
    >>> comparison.runs[0].network, comparison.runs[0].parameters
    ('LSTM 1×30', 8219)
    """
    if not runs:
        raise WrongUsageError("no run is named", hint="`charrnn.models()` lists the runs")
    named = [Path(path_name(run, "the name of a run")) for run in runs]
    with system_errors():
        models = [find_model(path) for path in named]
        listings = tuple(read_listing(model, time.time()) for model in models)
        curves = tuple(map(read_curve, models, model_labels(models)))
    return RunComparison(runs=listings, curves=curves)
