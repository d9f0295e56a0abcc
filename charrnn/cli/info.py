"""charrnn info: what a model is and how it was trained."""

import dataclasses
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.completing import ModelType
from charrnn.cli.formats import DrawingType
from charrnn.cli.options import OUTPUT, Command, json_option, option
from charrnn.cli.streams import say, say_json
from charrnn.errors import CharrnnError
from charrnn.runs import RunDirectory, find_model, model_name, models
from charrnn.views.terminal import unicode_stream, visible

if TYPE_CHECKING:
    from charrnn.network.model_file import Model
    from charrnn.text.ngram import NGram
    from charrnn.training.history import History
    from charrnn.views.plot import Plot

GAP = 2
"""columns between the names on the left and what stands beside them"""
LINE = 60
"""columns that a vocabulary may take"""
LONGEST_NAME, LONGEST_TOLD = 40, 400
"""characters of what a file tells of its training"""
PROTOCOLS = {"val_nats": ", state carried", "val_window256_nats": ", zeroed every 256"}
"""how the losses were measured"""
DOCUMENTS = {"line": "a line each", "blank": "apart by blank lines", "file": "a file each"}


@click.command(
    cls=Command,
    examples=(
        ("charrnn info", "the runs here, or the only one"),
        ("charrnn info checkpoints/hamlet --svg loss.svg", "one, and its loss as a picture"),
        ("charrnn info checkpoints/hamlet --json", "for a script"),
    ),
)
@click.argument("model", required=False, metavar="[MODEL]", type=ModelType())
@option("--svg", type=DrawingType(".svg"), section=OUTPUT, help="The loss as a picture.")
@json_option
def info(model: Path | None, svg: Path | None, as_json: bool) -> None:
    """Say what MODEL is and how it was trained: a run's directory or a model file.

    Left out: a list of the runs here, or what the only one is.
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
    from charrnn.training.history import history
    from charrnn.training.metrics import noted_ngram

    metrics = RunDirectory(path.parent).metrics
    loaded, course, ngram = load(path), history(metrics), noted_ngram(metrics)
    if svg:
        _write_picture(svg, path, course, ngram)
    if as_json:
        facts = _facts(path, loaded) | {"history": dataclasses.asdict(course), "ngram": _ngram_facts(ngram)}
        say_json(facts)
        return
    lines = list(_lines(path, loaded, ngram))
    column = max(len(name) for name, _ in lines) + GAP
    for name, line in lines:
        say(f"{name:{column}}{line}")
    if course.validation:
        from charrnn.views.terminal import output

        say("")
        output().print(_plot(path, course, ngram))


def _plot(path: Path, course: "History", ngram: "NGram | None") -> "Plot":
    from charrnn.views.history import history_plot

    bits = None if ngram is None else ngram.nats / math.log(2)
    return history_plot(course, model_name(path), ngram_bits=bits)


def _write_picture(svg: Path, path: Path, course: "History", ngram: "NGram | None") -> None:
    """Write the course of the loss as a picture (CharrnnError)."""
    if not course.validation:
        raise CharrnnError(f"{model_name(path)} has no history to draw", hint="it stands in a run's metrics.jsonl")
    from charrnn.cli.drawing import write_drawing
    from charrnn.views.plot_svg import plot_svg

    write_drawing(svg, plot_svg(_plot(path, course, ngram)))


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
    yield from _training(model.training)
    if ngram:
        yield "to beat", _compared(ngram, model.training.get("val_nats"))
        yield "", f"learned from {ngram.learned_from:,} characters"


def _vocabulary(characters: tuple[str, ...]) -> str:
    """Count the characters and show as many as fit the line."""
    start = f"{len(characters):,} characters: "
    shown = visible("".join(characters[:LINE]), keep="", unicode=unicode_stream(sys.stdout))
    return start + _shortened(shown, LINE - len(start))


def _training(training: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Show what a model file tells of its training, whatever that is."""
    for name, value in training.items():
        if name.endswith("nats") and isinstance(value, float):
            measured = PROTOCOLS.get(name, "")
            yield name.replace("_", " "), f"{value:.4f} ({value / math.log(2):.4f} bits) per character{measured}"
        else:
            told = _settings(value) if isinstance(value, Mapping) else _amount(value)
            yield _shortened(name.replace("_", " "), LONGEST_NAME), _shortened(told, LONGEST_TOLD)


def _amount(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if type(value) is int else str(value)


def _shortened(text: str, length: int) -> str:
    """Cut off what a file may say without an end."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _settings(settings: Mapping[str, Any]) -> str:
    """Lay settings out in one line, a step's batch and length together; those that were not set are left out."""
    told = {name.replace("_", " "): _amount(value) for name, value in settings.items() if value is not None}
    if "batch" in told and "length" in told:
        told["batch"] += f" × {told.pop('length')}"
    return " · ".join(f"{name} {amount}" for name, amount in told.items())


def _compared(ngram: "NGram", nats: object) -> str:
    from charrnn.views.ngram import compared

    return compared(ngram, nats / math.log(2) if isinstance(nats, float) else None)
