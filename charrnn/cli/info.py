"""`charrnn info`: what a model is and how it was trained."""

import dataclasses
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.arguments import custom_separator
from charrnn.cli.options import OUTPUT, Command, json_option, option
from charrnn.cli.path_types import DrawingType, ModelType, find_or_bundled
from charrnn.cli.streams import write_json, write_note, write_result
from charrnn.config import CELL_TITLES
from charrnn.errors import CharrnnError, WrongUsageError, os_reason
from charrnn.storage.run_directory import RunDirectory, display_name, find_model, is_bundled, list_models
from charrnn.views.sanitize import is_terminal, sanitize, unicode_stream

if TYPE_CHECKING:
    from charrnn.network.model_file import Model
    from charrnn.text.ngram import NGram
    from charrnn.training.metrics import History
    from charrnn.views.plot import Plot


VOCABULARY_COLUMNS = 60
"""width of the list of characters"""
FINAL_LOSS_KEY = "val_window256_nats"
"""key in a model's training metadata that only a finished training writes"""
DOCUMENT_LABELS = {"line": "one per line", "blank": "separated by blank lines", "file": "one per file"}


@click.command(
    cls=Command,
    examples=(
        ("charrnn info", "list the runs here"),
        ("charrnn info checkpoints/hamlet --svg loss.svg", "one of them, its loss as a picture"),
        ("charrnn info checkpoints/lstm checkpoints/gru", "compare two of them"),
        ("charrnn info checkpoints/hamlet --json", "for a script"),
    ),
)
@click.argument("models", nargs=-1, metavar="[MODEL]...", type=ModelType())
@option(
    "--svg",
    type=DrawingType(".svg"),
    section=OUTPUT,
    help="Write the loss curve, or those of several runs, as a picture.",
)
@option("--title", metavar="TEXT", section=OUTPUT, help="Title of the picture of --svg.")
@option("--csv", "as_csv", is_flag=True, section=OUTPUT, help="Write the metrics of one or several runs as CSV.")
@json_option
def info(models: tuple[Path, ...], svg: Path | None, title: str | None, as_csv: bool, as_json: bool) -> None:
    """Show the network and the training of MODEL, a run's directory or a model file, or compare several.

    Without MODEL, list the runs here, or show the only one; without runs, the bundled model.
    """
    if title is not None and not svg:
        raise WrongUsageError("--title is the title of a picture", hint="add `--svg FILE`")
    if as_csv and (svg or as_json):
        raise WrongUsageError(f"--csv and {'--svg' if svg else '--json'} exclude each other")
    listed = [find_model(model) for model in models] or list_models()
    if as_csv:
        from charrnn.cli.info_details import write_metrics

        write_metrics(listed or [find_or_bundled(None)])
        return
    if len(models) > 1:
        from charrnn.cli.info_compare import compare_runs

        compare_runs(listed, svg, title, as_json=as_json)
        return
    if len(listed) > 1 and not svg:
        from charrnn.cli.info_details import list_runs

        list_runs(listed, as_json=as_json)
        return
    _show_model(listed[0] if listed else find_or_bundled(None), svg, title, as_json=as_json)


def _show_model(path: Path, svg: Path | None, title: str | None, *, as_json: bool) -> None:
    """Print the network and the training of a model, and its loss curve."""
    from charrnn.network.model_file import load_model
    from charrnn.training.metrics import read_ngram

    metrics = RunDirectory(path.parent).metrics
    loaded, history, ngram = load_model(path), _read_history(metrics), read_ngram(metrics)
    note = _write_plot(svg, path, title, history, ngram) if svg else ""
    if as_json:
        facts = _facts(path, loaded) | {"history": dataclasses.asdict(history), "ngram": _ngram_facts(ngram)}
        write_json(facts)
    else:
        _show_run(path, loaded, history, ngram)
    if note:
        write_note(note)


def _show_run(path: Path, loaded: "Model", history: "History", ngram: "NGram | None") -> None:
    """Print the lines about a model, and its loss curve."""
    _show_columns(tuple(_lines(path, loaded, ngram)))
    if history.validation:
        from charrnn.views.console import stdout_console

        write_result("")
        stdout_console().print(_plot("", history, ngram))


def _read_history(metrics: Path) -> "History":
    """Return the history of the losses; if the file cannot be read, print a note and return an empty history."""
    from charrnn.training.metrics import History, read_history

    try:
        return read_history(metrics)
    except OSError as error:
        write_note(f"note: cannot read {metrics}: {os_reason(error)}")
        return History()


def _show_columns(lines: tuple[tuple[str, str], ...]) -> None:
    """Print labeled lines, wrapped on a terminal only."""
    from charrnn.views.console import stdout_console
    from charrnn.views.formatting import GAP, KeyValueLines

    if is_terminal(sys.stdout):
        stdout_console().print(KeyValueLines(lines=lines))
        return
    width = max(len(label) for label, _ in lines) + GAP
    for label, line in lines:
        write_result(f"{label:{width}}{line}")


def _plot(title: str, history: "History", ngram: "NGram | None") -> "Plot":
    """Return a plot of the loss curves and the n-gram baseline."""
    from charrnn.views.training_summary import loss_plot

    bits = None if ngram is None else ngram.nats / math.log(2)
    return loss_plot(history, title, ngram_bits=bits)


def _write_plot(svg: Path, path: Path, title: str | None, history: "History", ngram: "NGram | None") -> str:
    """Write the loss curve as a picture, and return a note with its size (CharrnnError)."""
    if not history.validation:
        raise CharrnnError(
            f"{display_name(path)} has no history to draw", hint="the history is in a run's metrics.jsonl"
        )
    from charrnn.cli.inspect_heatmaps import write_plots

    return write_plots(svg, [_plot(display_name(path) if title is None else title, history, ngram)])


def _facts(path: Path, model: "Model") -> dict[str, Any]:
    """Return the network, its size and its training as JSON values."""
    return {
        "model": str(path),
        "network": model.config.to_mapping(),
        "parameters": model.parameters,
        "bytes": path.stat().st_size,
        "vocabulary": list(model.vocabulary.characters),
        "training": dict(model.training),
    }


def _ngram_facts(ngram: "NGram | None") -> dict[str, Any] | None:
    """Return the n-gram baseline as JSON values."""
    return None if ngram is None else {**dataclasses.asdict(ngram), "bits": ngram.nats / math.log(2)}


def _custom_label(documents: str) -> str:
    """Return the label of a custom kind of documents."""
    separator = custom_separator(documents)
    return f"each begins with {documents}" if separator and separator.pattern else f"separated by {documents!r}"


def _lines(path: Path, model: "Model", ngram: "NGram | None") -> Iterator[tuple[str, str]]:
    """Yield the lines about the network and its training, each with its label."""
    from charrnn.views.formatting import file_size

    config = model.config
    network = f"{CELL_TITLES[config.cell]} {config.layers} × {config.hidden}"
    embedding = f"embedding {config.embedding}" if config.embedding else "one-hot"
    size = f"{model.parameters:,} weights ({file_size(path.stat().st_size)})"
    yield "model", display_name(path)
    yield "network", f"{network} · {embedding} · {size}"
    yield "vocabulary", _vocabulary(model.vocabulary.characters)
    if config.documents:
        yield "documents", DOCUMENT_LABELS.get(config.documents, _custom_label(config.documents))
    from charrnn.cli.info_details import training_lines

    yield from training_lines(model.training)
    if is_bundled(path):
        yield "run", "its text is Python's standard library: `charrnn inspect` reads that of this Python"
    elif not RunDirectory(path.parent).corpus.is_file():
        yield "run", "its text is not here: `charrnn inspect` needs `--text FILE`"
    if (saved := _unfinished(path, model)) is not None:
        yield "saved", f"up to step {saved:,}, not finished: the same `charrnn train` command continues"
    if ngram:
        yield "to beat", _ngram_comparison(ngram, model.training.get("val_nats"))
        yield "", f"learned from {ngram.learned_from:,} characters"


def _unfinished(path: Path, model: "Model") -> int | None:
    """Return the last saved step of an unfinished run; None for a finished run and for a single model file."""
    directory = RunDirectory(path.parent)
    return (
        directory.last_checkpoint_step() if directory.model == path and FINAL_LOSS_KEY not in model.training else None
    )


def _vocabulary(characters: tuple[str, ...]) -> str:
    """Return the size of a vocabulary, and as many of its characters as fit on the line."""
    start = f"{len(characters):,} characters: "
    shown = sanitize("".join(characters[:VOCABULARY_COLUMNS]), keep="", unicode=unicode_stream(sys.stdout))
    width = VOCABULARY_COLUMNS - len(start)
    return start + (shown if len(shown) <= width else f"{shown[: width - 1]}…")


def _ngram_comparison(ngram: "NGram", nats: object) -> str:
    """Return the n-gram baseline compared with a recorded loss, which may be any value, as text."""
    from charrnn.views.formatting import ngram_comparison

    return ngram_comparison(ngram, nats / math.log(2) if isinstance(nats, float) and math.isfinite(nats) else None)
