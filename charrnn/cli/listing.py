"""What `charrnn info` says where there are several runs: a line each."""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

from charrnn.cli.streams import say, say_json, terminal_columns
from charrnn.errors import CharrnnError
from charrnn.network.model_file import describe
from charrnn.runs import model_name
from charrnn.views.amounts import age

LONGEST_TEXT = 20
"""columns of a text's name"""
HEADINGS = ("run", "text", "network", "bits/char", "size", "age")
DROPPED = ("size", "network", "text", "age", "bits/char")
"""headings that a narrow terminal goes without, the first to go first"""
GAP = 2


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A run in a list of runs."""

    model: str
    """the path of the model's file"""
    text: str
    """what it learned"""
    network: str
    """its kind and size"""
    bits_per_char: float | None
    """on held-out text; None if it was never measured"""
    bytes: int
    """of the model file"""
    seconds_old: float
    """since the model was written"""
    problem: str = ""
    """why the model cannot be read"""


def list_runs(models: Sequence[Path], *, as_json: bool) -> None:
    """List runs, the newest first."""
    now = time.time()
    runs = [_listed(model, now) for model in models]
    if as_json:
        say_json({"runs": [asdict(run) for run in runs]})
        return
    rows = [HEADINGS, *map(_row, runs)]
    widths = _fitting([max(len(row[column]) for row in rows) for column in range(len(HEADINGS))])
    for row, run in zip(rows, [None, *runs], strict=True):
        shown = (f"{row[column]:{width}}" for column, width in widths.items())
        line = (" " * GAP).join(shown).rstrip()
        say(f"{row[0]:{widths[0]}}  {run.problem}" if run and run.problem else line)
    say("")
    say(f"`charrnn info {model_name(models[0])}` shows one in detail")


def _fitting(widths: Sequence[int]) -> dict[int, int]:
    """Choose the columns that there is room for, each with its width."""
    chosen, room = dict(enumerate(widths)), terminal_columns(sys.stdout)
    for heading in DROPPED:
        if room is None or sum(chosen.values()) + GAP * (len(chosen) - 1) <= room:
            break
        del chosen[HEADINGS.index(heading)]
    return chosen


def _row(run: Listed) -> tuple[str, ...]:
    name = model_name(Path(run.model))
    if run.problem:
        return (name, "", "", "", "", "")
    text = run.text if len(run.text) <= LONGEST_TEXT else f"{run.text[: LONGEST_TEXT - 1]}…"
    bits = "-" if run.bits_per_char is None else f"{run.bits_per_char:.4f}"
    return name, text, run.network, bits, f"{run.bytes / 1e6:.1f} MB", age(run.seconds_old)


def _listed(model: Path, now: float) -> Listed:
    """Read what a model's file says of itself, not its weights."""
    about = model.stat()
    told: dict[str, Any] = {"text": "", "network": "", "bits_per_char": None}
    try:
        told = dict(_told(model))
    except CharrnnError as error:
        told["problem"] = error.message
    return Listed(model=str(model), bytes=about.st_size, seconds_old=max(0.0, now - about.st_mtime), **told)


def _told(model: Path) -> Iterator[tuple[str, Any]]:
    about = describe(model)
    config, training = about.config, about.training
    nats = training.get("val_nats")
    yield "text", PurePath(str(training.get("corpus") or "-")).name
    yield "network", f"{config.cell} {config.layers}×{config.hidden}".upper()
    yield "bits_per_char", nats / math.log(2) if isinstance(nats, float) and math.isfinite(nats) else None
