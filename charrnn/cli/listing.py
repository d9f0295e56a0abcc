"""What `charrnn info` says where there are several runs: a line each."""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

from charrnn.cli.streams import terminal_columns, write_json, write_result
from charrnn.errors import CharrnnError
from charrnn.network.model_file import read_info
from charrnn.runs import display_name
from charrnn.views.amounts import age

MAX_TEXT_COLUMNS = 20
"""columns of a text's name"""
HEADINGS = ("run", "text", "network", "bits/char", "size", "age")
DROP_ORDER = ("size", "network", "text", "age", "bits/char")
"""headings that a narrow terminal goes without, the first to go first"""
GAP = 2


@dataclass(frozen=True, kw_only=True)
class RunListing:
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
    runs = [_read_listing(model, now) for model in models]
    if as_json:
        write_json({"runs": [asdict(run) for run in runs]})
        return
    rows = [HEADINGS, *map(_row, runs)]
    widths = _column_widths([max(len(row[column]) for row in rows) for column in range(len(HEADINGS))])
    for row, run in zip(rows, [None, *runs], strict=True):
        shown = (f"{row[column]:{width}}" for column, width in widths.items())
        line = (" " * GAP).join(shown).rstrip()
        write_result(f"{row[0]:{widths[0]}}  {run.problem}" if run and run.problem else line)
    write_result("")
    write_result(f"`charrnn info {display_name(models[0])}` shows one in detail")


def _column_widths(widths: Sequence[int]) -> dict[int, int]:
    """Choose the columns that there is room for, each with its width."""
    chosen, room = dict(enumerate(widths)), terminal_columns(sys.stdout)
    for heading in DROP_ORDER:
        if room is None or sum(chosen.values()) + GAP * (len(chosen) - 1) <= room:
            break
        del chosen[HEADINGS.index(heading)]
    return chosen


def _row(run: RunListing) -> tuple[str, ...]:
    name = display_name(Path(run.model))
    if run.problem:
        return (name, "", "", "", "", "")
    text = run.text if len(run.text) <= MAX_TEXT_COLUMNS else f"{run.text[: MAX_TEXT_COLUMNS - 1]}…"
    bits = "-" if run.bits_per_char is None else f"{run.bits_per_char:.4f}"
    return name, text, run.network, bits, f"{run.bytes / 1e6:.1f} MB", age(run.seconds_old)


def _read_listing(model: Path, now: float) -> RunListing:
    """Read what a model's file says of itself, not its weights."""
    status = model.stat()
    fields: dict[str, Any] = {"text": "", "network": "", "bits_per_char": None}
    try:
        fields = dict(_read_fields(model))
    except CharrnnError as error:
        fields["problem"] = error.message
    return RunListing(model=str(model), bytes=status.st_size, seconds_old=max(0.0, now - status.st_mtime), **fields)


def _read_fields(model: Path) -> Iterator[tuple[str, Any]]:
    about = read_info(model)
    config, training = about.config, about.training
    nats = training.get("val_nats")
    yield "text", PurePath(str(training.get("corpus") or "-")).name
    yield "network", f"{config.cell} {config.layers}×{config.hidden}".upper()
    yield "bits_per_char", nats / math.log(2) if isinstance(nats, float) and math.isfinite(nats) else None
