"""Comparison of runs: a row of a table for each run, and their loss curves by characters and by seconds."""

from collections.abc import Sequence
from pathlib import Path

from charrnn.storage.run_directory import display_name
from charrnn.training.run_listing import RunCurve, RunListing
from charrnn.views.formatting import age, duration, file_size
from charrnn.views.plot import Curve, Plot, linear_axis

MAX_TEXT_COLUMNS = 20
"""maximum width of the name of a text"""
HEADINGS = ("run", "text", "network", "bits/char", "size", "age")
COMPARED_HEADINGS = ("run", "text", "network", "weights", "time", "bits/char")
"""columns of runs that are compared"""
UNITS = {"characters": "characters read", "seconds": "seconds of training"}
"""quantities on the horizontal axis, with their labels"""


def run_row(run: RunListing, headings: Sequence[str]) -> tuple[str, ...]:
    """Return the row of a run, in the order of the headings."""
    entries = {"run": display_name(Path(run.model))}
    if not run.problem:
        short = run.text if len(run.text) <= MAX_TEXT_COLUMNS else f"{run.text[: MAX_TEXT_COLUMNS - 1]}…"
        entries |= {
            "text": short,
            "network": run.network,
            "weights": "-" if run.parameters is None else f"{run.parameters:,}",
            "time": "-" if run.seconds is None else duration(run.seconds),
            "bits/char": "-" if run.bits_per_char is None else f"{run.bits_per_char:.4f}",
            "size": file_size(run.bytes),
            "age": age(run.seconds_old),
        }
    return tuple(entries.get(heading, "") for heading in headings)


def curves_plots(curves: Sequence[RunCurve], title: str) -> list[Plot]:
    """Return the plots of the loss curves over characters and over seconds, as far as the runs record these."""
    return [plot for unit in UNITS if (plot := curves_plot(curves, unit, title))]


def curves_plot(curves: Sequence[RunCurve], unit: str, title: str) -> Plot | None:
    """Return the loss curves over characters or seconds; None if no run records these.

    The speed of a run is treated as constant.
    """
    drawn = [
        Curve(label=run.label, points=tuple((step * run.per_step[unit], bits) for step, bits in points))
        for run in curves
        if unit in run.per_step and (points := run.history.validation)
    ]
    if not drawn:
        return None
    drawn_points = [point for curve in drawn for point in curve.points]
    return Plot(
        title=title,
        x_axis=linear_axis([0, *(x for x, _ in drawn_points)], UNITS[unit], tight=True),
        y_axis=linear_axis((bits for _, bits in drawn_points), "bits per character"),
        curves=tuple(drawn),
    )
