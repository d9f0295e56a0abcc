"""charrnn info: what a model is and how it was trained."""

import dataclasses
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.completing import ModelType
from charrnn.cli.formats import DrawingType
from charrnn.cli.options import OUTPUT, Command, json_option, option
from charrnn.cli.story import story
from charrnn.cli.streams import say, say_json, tell
from charrnn.errors import CharrnnError, reason
from charrnn.runs import RunDirectory, find_model, model_name, models
from charrnn.views.terminal import is_terminal, unicode_stream, visible

if TYPE_CHECKING:
    from charrnn.network.model_file import Model
    from charrnn.text.ngram import NGram
    from charrnn.training.history import History
    from charrnn.views.plot import Plot

LINE = 60
"""columns that a vocabulary may take"""
MEASURED = "val_window256_nats"
"""what a model tells of itself once its training has come to its end"""
DOCUMENTS = {"line": "a line each", "blank": "apart by blank lines", "file": "a file each"}


@click.command(
    cls=Command,
    examples=(
        ("charrnn info", "list the runs here"),
        ("charrnn info checkpoints/hamlet --svg loss.svg", "one of them, its loss as a picture"),
        ("charrnn info checkpoints/hamlet --json", "for a script"),
    ),
)
@click.argument("model", required=False, metavar="[MODEL]", type=ModelType())
@option("--svg", type=DrawingType(".svg"), section=OUTPUT, help="Write the loss curve as a picture.")
@json_option
def info(model: Path | None, svg: Path | None, as_json: bool) -> None:
    """Show what MODEL, a run's directory or a model file, is and how it was trained.

    Without MODEL, list the runs here, or show the only one.
    """
    several = models()
    if model is None and len(several) > 1 and svg is None:
        from charrnn.cli.listing import list_runs

        list_runs(several, as_json=as_json)
        return
    _tell_of_one(find_model(model), svg, as_json=as_json)


def _tell_of_one(path: Path, svg: Path | None, *, as_json: bool) -> None:
    """Say what is known of one model, and draw the course of its loss."""
    from charrnn.network.model_file import load
    from charrnn.training.metrics import noted_ngram

    metrics = RunDirectory(path.parent).metrics
    loaded, course, ngram = load(path), _course(metrics), noted_ngram(metrics)
    if svg:
        _write_picture(svg, path, course, ngram)
    if as_json:
        facts = _facts(path, loaded) | {"history": dataclasses.asdict(course), "ngram": _ngram_facts(ngram)}
        say_json(facts)
        return
    _say_in_columns(tuple(_lines(path, loaded, ngram)))
    if course.validation:
        from charrnn.views.terminal import output

        say("")
        output().print(_plot("", course, ngram))


def _course(metrics: Path) -> "History":
    """Return the course of the losses; if the file cannot be read, print a note and return an empty course."""
    from charrnn.training.history import History, history

    try:
        return history(metrics)
    except OSError as error:
        tell(f"note: cannot read {metrics}: {reason(error)}")
        return History()


def _say_in_columns(lines: tuple[tuple[str, str], ...]) -> None:
    """Say what there is to say: folded on a terminal, a line each in a pipe."""
    from charrnn.views.facts import GAP, Facts
    from charrnn.views.terminal import output

    if is_terminal(sys.stdout):
        output().print(Facts(lines=lines))
        return
    column = max(len(name) for name, _ in lines) + GAP
    for name, line in lines:
        say(f"{name:{column}}{line}")


def _plot(title: str, course: "History", ngram: "NGram | None") -> "Plot":
    from charrnn.views.history import history_plot

    bits = None if ngram is None else ngram.nats / math.log(2)
    return history_plot(course, title, ngram_bits=bits)


def _write_picture(svg: Path, path: Path, course: "History", ngram: "NGram | None") -> None:
    """Write the course of the loss as a picture (CharrnnError)."""
    if not course.validation:
        raise CharrnnError(f"{model_name(path)} has no history to draw", hint="it stands in a run's metrics.jsonl")
    from charrnn.cli.drawing import write_drawing
    from charrnn.views.plot_svg import plot_svg

    write_drawing(svg, plot_svg(_plot(model_name(path), course, ngram)))


def _facts(path: Path, model: "Model") -> dict[str, Any]:
    """Lay out what is known for scripts."""
    return {
        "model": str(path),
        "network": model.config.to_mapping(),
        "parameters": model.parameters,
        "bytes": path.stat().st_size,
        "vocabulary": list(model.vocabulary.characters),
        "training": dict(model.training),
    }


def _ngram_facts(ngram: "NGram | None") -> dict[str, Any] | None:
    return None if ngram is None else {**dataclasses.asdict(ngram), "bits": ngram.nats / math.log(2)}


def _lines(path: Path, model: "Model", ngram: "NGram | None") -> Iterator[tuple[str, str]]:
    """Lay out what is known for people."""
    config = model.config
    network = f"{config.cell.upper()} {config.layers} × {config.hidden}"
    embedding = f"embedding {config.embedding}" if config.embedding else "one-hot"
    size = f"{model.parameters:,} weights ({path.stat().st_size / 1e6:.1f} MB)"
    yield "model", model_name(path)
    yield "network", f"{network} · {embedding} · {size}"
    yield "vocabulary", _vocabulary(model.vocabulary.characters)
    if config.documents:
        yield "documents", DOCUMENTS[config.documents]
    yield from story(model.training)
    if (saved := _unfinished(path, model)) is not None:
        yield "saved", f"up to step {saved:,}, not finished: the command that began it continues"
    if ngram:
        yield "to beat", _compared(ngram, model.training.get("val_nats"))
        yield "", f"learned from {ngram.learned_from:,} characters"


def _unfinished(path: Path, model: "Model") -> int | None:
    """Give the last step of a run that was not measured at its end; None for others, and for a model by itself."""
    directory = RunDirectory(path.parent)
    return directory.last_saved() if directory.model == path and MEASURED not in model.training else None


def _vocabulary(characters: tuple[str, ...]) -> str:
    """Count the characters and show as many as fit the line."""
    start = f"{len(characters):,} characters: "
    shown = visible("".join(characters[:LINE]), keep="", unicode=unicode_stream(sys.stdout))
    room = LINE - len(start)
    return start + (shown if len(shown) <= room else f"{shown[: room - 1]}…")


def _compared(ngram: "NGram", nats: object) -> str:
    from charrnn.views.ngram import compared

    return compared(ngram, nats / math.log(2) if isinstance(nats, float) and math.isfinite(nats) else None)
