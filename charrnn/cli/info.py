"""charrnn info: what a model is and how it was trained."""

import dataclasses
import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.options import Command, json_option, model_argument
from charrnn.cli.streams import say
from charrnn.runs import RunDirectory, model_name
from charrnn.views.terminal import visible

if TYPE_CHECKING:
    from charrnn.network.model_file import Model
    from charrnn.text.ngram import NGram

GAP = 2
"""columns between the names on the left and what stands beside them"""
LINE = 60
"""columns that a vocabulary may take"""
CURVE = 40
PROTOCOLS = {"val_nats": ", state carried", "val_window256_nats": ", zeroed every 256"}
"""how the losses were measured"""


@click.command(
    cls=Command,
    examples=(
        ("charrnn info", "the newest model here"),
        ("charrnn info checkpoints/hamlet --json", "for a script"),
    ),
)
@model_argument
@json_option
def info(model: Path, as_json: bool) -> None:
    """Say what MODEL is and how it was trained: a run's directory or a model file; left out, the newest run here."""
    from charrnn.network.model_file import load
    from charrnn.training.metrics import noted_ngram

    metrics = RunDirectory(model.parent).metrics
    loaded, history, ngram = load(model), validation_bits(metrics), noted_ngram(metrics)
    if as_json:
        click.echo(json.dumps(_facts(model, loaded) | {"validation_bits": history, "ngram": _ngram_facts(ngram)}))
        return
    lines = list(_lines(model, loaded, history, ngram))
    column = max(len(name) for name, _ in lines) + GAP
    for name, line in lines:
        say(f"{name:{column}}{line}")


def validation_bits(metrics: Path) -> list[float]:
    """Read the course of the loss on held-out text from a run's metrics; nothing if there are none."""
    if not metrics.is_file():
        return []
    return list(_evaluations(metrics.read_text(encoding="utf-8", errors="replace")))


def _evaluations(metrics: str) -> Iterator[float]:
    for line in metrics.splitlines():
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            # A line cut off by the end of the machine, or none of ours.
            continue
        bits = values.get("bits") if isinstance(values, dict) and values.get("event") == "evaluation" else None
        if isinstance(bits, (int, float)) and math.isfinite(bits):
            yield bits


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


def _lines(path: Path, model: "Model", history: list[float], ngram: "NGram | None") -> Iterator[tuple[str, str]]:
    """Lay out what is known for people."""
    config = model.config
    network = f"{config.cell.upper()} {config.layers} × {config.hidden}"
    embedding = f"embedding {config.embedding}" if config.embedding else "one-hot"
    size = f"{model.parameters:,} weights ({path.stat().st_size / 1e6:.1f} MB)"
    yield "model", model_name(path)
    yield "network", f"{network} · {embedding} · {size}"
    yield "vocabulary", _vocabulary(model.vocabulary.characters)
    yield from _training(model.training)
    if history:
        yield "validation", _curve(history)
    if ngram:
        yield "to beat", _compared(ngram, model.training.get("val_nats"))
        yield "", f"learned from {ngram.learned_from:,} characters"


def _vocabulary(characters: tuple[str, ...]) -> str:
    """Count the characters and show as many as fit the line."""
    start = f"{len(characters):,} characters: "
    shown = visible("".join(characters[:LINE]), keep="")
    room = LINE - len(start)
    return start + (shown if len(shown) <= room else f"{shown[: room - 1]}…")


def _training(training: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Show what a model file tells of its training, whatever that is."""
    for name, value in training.items():
        if name.endswith("nats") and isinstance(value, float):
            measured = PROTOCOLS.get(name, "")
            yield name.replace("_", " "), f"{value:.4f} ({value / math.log(2):.4f} bits) per character{measured}"
        else:
            told = _settings(value) if isinstance(value, Mapping) else _amount(value)
            yield visible(name.replace("_", " "), keep=""), told


def _amount(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if type(value) is int else visible(str(value), keep="")


def _settings(settings: Mapping[str, Any]) -> str:
    """Lay settings out in one line, a step's batch and length together; those that were not set are left out."""
    told = {name.replace("_", " "): _amount(value) for name, value in settings.items() if value is not None}
    if "batch" in told and "length" in told:
        told["batch"] += f" × {told.pop('length')}"
    return " · ".join(f"{visible(name, keep='')} {amount}" for name, amount in told.items())


def _compared(ngram: "NGram", nats: object) -> str:
    from charrnn.views.ngram import compared

    return compared(ngram, nats / math.log(2) if isinstance(nats, float) else None)


def _curve(history: list[float]) -> str:
    from charrnn.views.amounts import sparkline

    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return f"{history[0]:.3f} {sparkline(history, CURVE, unicode=unicode)} {history[-1]:.3f} bits/char"
