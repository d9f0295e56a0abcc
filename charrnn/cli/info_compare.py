"""Comparison of runs in `charrnn info A B`: the loss curves of several runs, by characters and by seconds."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from charrnn.cli.info_details import list_runs
from charrnn.cli.streams import write_note, write_result
from charrnn.errors import CharrnnError, os_reason
from charrnn.storage.run_directory import RunDirectory
from charrnn.training.metrics import History
from charrnn.training.run_listing import RunCurve, model_labels, read_curve
from charrnn.views.plot import Plot
from charrnn.views.run_comparison import curves_plots


def compare_runs(models: Sequence[Path], svg: Path | None, title: str | None, *, as_json: bool) -> None:
    """Print a table of runs and their loss curves; write the curves as a picture (CharrnnError)."""
    curves = [_read_curve(*named) for named in zip(models, model_labels(models), strict=True)]
    plots = curves_plots(curves, "")
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


def _read_curve(model: Path, label: str) -> RunCurve:
    """Return the losses of a run, without curves if its files cannot be read; note why its metrics cannot."""
    try:
        return read_curve(model, label)
    except OSError as error:
        write_note(f"note: cannot read {RunDirectory(model.parent).metrics}: {os_reason(error)}")
        return RunCurve(label, History(), {})


def _write_picture(svg: Path, plots: Sequence[Plot]) -> str:
    """Write the plots below each other as a picture, and return a note with its size (CharrnnError)."""
    if not plots:
        raise CharrnnError("no run has a history to draw", hint="the history is in a run's metrics.jsonl")
    from charrnn.cli.inspect_heatmaps import write_plots

    return write_plots(svg, plots)
