"""Details of `charrnn info`: the training recorded in a model file, and the table of several runs.

A model file may contain anything: every value is shown, and none is trusted.
"""

import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

from charrnn.cli.streams import terminal_columns, write_json, write_result
from charrnn.errors import CharrnnError
from charrnn.network.model_file import read_info
from charrnn.storage.run_directory import display_name
from charrnn.views.formatting import age, duration

# The training that a model file records

MAX_NAME_CHARS, MAX_VALUE_CHARS = 40, 400
"""characters of what a file tells, and calls it"""
PROTOCOLS = {"val_nats": "state carried", "val_window256_nats": "state zeroed every 256 characters"}
"""how the losses were measured"""

Metadata = dict[str, Any]


def training_lines(training: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Tell it line by line, each with a word before it, or none where it goes on from the line above."""
    left = dict(training)
    for word, lines in (("text", _text_lines), ("training", _training_time_lines), ("loss", _loss_lines)):
        for number, line in enumerate(lines(left)):
            yield "" if number else word, _shortened(line, MAX_VALUE_CHARS)
    for name, value in left.items():
        value_text = _settings(value) if isinstance(value, Mapping) else _amount(value)
        yield _shortened(name.replace("_", " "), MAX_NAME_CHARS), _shortened(value_text, MAX_VALUE_CHARS)


def _text_lines(left: Metadata) -> Iterator[str]:
    """Tell what was learned, and how much of it."""
    parts = [
        _take(left, "corpus", str),
        _format_count(_take(left, "characters", int), "characters"),
        _format_count(_take(left, "train_characters", int), "of them learned"),
    ]
    if any(parts):
        yield " · ".join(filter(None, parts))


def _training_time_lines(left: Metadata) -> Iterator[str]:
    """Tell how long it was learned."""
    step = _take(left, "step", int)
    steps = None if step is None else _take(left, "steps", int)
    epoch, seconds = (_take(left, name, float) for name in ("epoch", "seconds"))
    steps_label = None if step is None else f"step {step:,}" + ("" if steps is None else f" of {steps:,}")
    read = None if epoch is None else f"text read {epoch:.3g} times"
    parts = [steps_label, read, None if seconds is None else duration(seconds)]
    if any(parts):
        yield " · ".join(filter(None, parts))


def _loss_lines(left: Metadata) -> Iterator[str]:
    """Tell what came of it, by each protocol, and on how much text."""
    for name, measured in PROTOCOLS.items():
        nats = _take(left, name, float)
        if nats is not None:
            yield f"{nats / math.log(2):.4f} bits per character ({nats:.4f} nats), {measured}"
    held_out = _take(left, "val_characters", int)
    if held_out is not None:
        yield f"measured over {held_out:,} held-out characters"


def _take(left: Metadata, name: str, kind: type) -> Any:
    """Take out what a file tells by a name if that is of the kind that is meant; where not it stays, for None."""
    value = left.get(name)
    meant = isinstance(value, kind) and not isinstance(value, bool)
    return left.pop(name) if meant and (not isinstance(value, float) or math.isfinite(value)) else None


def _format_count(amount: int | None, of: str) -> str | None:
    return None if amount is None else f"{amount:,} {of}"


def _amount(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if type(value) is int else str(value)


def _shortened(text: str, length: int) -> str:
    """Cut off what a file may say without an end."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _settings(settings: Mapping[str, Any]) -> str:
    """Lay settings out in one line, a step's batch and length together; those that were not set are left out."""
    parts = {name.replace("_", " "): _amount(value) for name, value in settings.items() if value is not None}
    if "batch" in parts and "length" in parts:
        parts["batch"] += f" × {parts.pop('length')}"
    return " · ".join(f"{name} {amount}" for name, amount in parts.items())


# Several runs, one line each

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
