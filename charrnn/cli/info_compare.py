"""Comparison of runs in `charrnn info A B`: the loss curves of several runs, by characters and by seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from charrnn.cli.info_details import list_runs, model_labels
from charrnn.cli.streams import write_note, write_result
from charrnn.errors import CharrnnError, os_reason
from charrnn.network.model_file import read_info
from charrnn.storage.run_directory import RunDirectory
from charrnn.training.metrics import History, is_loss, read_history
from charrnn.views.plot import Curve, Plot, linear_axis

UNITS = {"characters": "characters read", "seconds": "seconds of training"}
"""quantities on the horizontal axis, with their labels"""


class RunCurve(NamedTuple):
    """The held-out loss of a run by step, and the constant factors that turn a step into other quantities."""

    label: str
    history: History
    per_step: Mapping[str, float]
    """characters and seconds per step; a quantity that the run does not record is missing"""


def compare_runs(models: Sequence[Path], svg: Path | None, title: str | None, *, as_json: bool) -> None:
    """Print a table of runs and their loss curves; write the curves as a picture (CharrnnError)."""
    curves = [_read_curve(*named) for named in zip(models, model_labels(models), strict=True)]
    plots = [plot for unit in UNITS if (plot := curves_plot(curves, unit))]
    titled = [replace(plot, title=title or "held-out loss") for plot in plots]
    note = _write_picture(svg, titled) if svg else ""
    list_runs(models, as_json=as_json, compared=True)
    if not as_json:
        _print_plots(plots)
    if note:
        write_note(note)


def _print_plots(plots: Sequence[Plot]) -> None:
    """Print plots, each after an empty line."""
    from charrnn.views.console import stdout_console

    for plot in plots:
        write_result("")
        stdout_console().print(plot)


def curves_plot(curves: Sequence[RunCurve], unit: str) -> Plot | None:
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
        title="",
        x_axis=linear_axis([0, *(x for x, _ in drawn_points)], UNITS[unit], tight=True),
        y_axis=linear_axis((bits for _, bits in drawn_points), "bits per character"),
        curves=tuple(drawn),
    )


def _read_curve(model: Path, label: str) -> RunCurve:
    """Return the losses of a run, without curves if its files cannot be read; note why its metrics cannot."""
    metrics = RunDirectory(model.parent).metrics
    try:
        history, training = read_history(metrics), read_info(model).training
    except OSError as error:
        write_note(f"note: cannot read {metrics}: {os_reason(error)}")
        history, training = History(), {}
    except CharrnnError:  # the table names the problem of the model file
        history, training = History(), {}
    return RunCurve(label=label, history=history, per_step=_per_step(training, history))


def _per_step(training: Mapping[str, Any], history: History) -> dict[str, float]:
    """Return the characters and the seconds per step; the values of a model file may be anything."""
    last_step = max((step for step, _ in (*history.training, *history.validation)), default=0)
    step, epoch, characters = (training.get(name) for name in ("step", "epoch", "train_characters"))
    factors = {}
    if is_loss(step) and step and is_loss(epoch) and is_loss(characters):
        factors["characters"] = epoch * characters / step
    if is_loss(seconds := training.get("seconds")) and last_step:
        factors["seconds"] = seconds / last_step
    return {name: factor for name, factor in factors.items() if factor}


def _write_picture(svg: Path, plots: Sequence[Plot]) -> str:
    """Write the plots below each other as a picture, and return a note with its size (CharrnnError)."""
    if not plots:
        raise CharrnnError("no run has a history to draw", hint="the history is in a run's metrics.jsonl")
    from charrnn.cli.inspect_heatmaps import write_plots

    return write_plots(svg, plots)
