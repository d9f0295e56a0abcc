"""Details of `charrnn info`: the training recorded in a model file, and the table of several runs.

A model file may contain any values: every value is shown, and none is trusted.
"""

import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from charrnn.cli.csv_output import write_csv
from charrnn.cli.streams import terminal_columns, write_json, write_note, write_result
from charrnn.errors import CharrnnError, os_reason
from charrnn.storage.run_directory import RunDirectory, display_name
from charrnn.training.metrics import read_lines
from charrnn.training.run_listing import read_listing
from charrnn.views.formatting import duration, omitted_line
from charrnn.views.run_comparison import COMPARED_HEADINGS, HEADINGS, run_row

# The training that a model file records

MAX_NAME_CHARS, MAX_VALUE_CHARS = 40, 400
"""maximum lengths of a key and of a value from a file, in characters"""
PROTOCOLS = {"val_nats": "state carried", "val_window256_nats": "state zeroed every 256 characters"}
"""how each loss was measured, by its key"""

Metadata = dict[str, Any]


def training_lines(training: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the lines about a training, each with its label; "" continues the line above."""
    left = dict(training)
    sections = ("imported", _import_lines), ("text", _text_lines), ("training", _training_time_lines)
    for label, lines in (*sections, ("loss", _loss_lines)):
        for number, line in enumerate(lines(left)):
            yield "" if number else label, _shortened(line, MAX_VALUE_CHARS)
    for name, value in left.items():
        value_text = _format_settings(value) if isinstance(value, Mapping) else _format_value(value)
        yield _shortened(name.replace("_", " "), MAX_NAME_CHARS), _shortened(value_text, MAX_VALUE_CHARS)


def _import_lines(left: Metadata) -> Iterator[str]:
    """Yield the file that the weights come from, its checksum, and the names of its tensors with their parts."""
    record = _take(left, "imported", dict) or {}
    if source := record.get("source"):
        yield f"from {_shortened(source, MAX_NAME_CHARS)}" + (
            f", layout of {record['layout']}" if "layout" in record else ""
        )
    if sha256 := record.get("sha256"):
        yield f"SHA-256 {sha256}"
    if mapping := record.get("mapping"):
        yield " · ".join(f"{name} = {part}" for name, part in mapping.items())


def _text_lines(left: Metadata) -> Iterator[str]:
    """Yield the name and the size of the text."""
    parts = [
        _take(left, "corpus", str),
        _format_count(_take(left, "characters", int), "characters"),
        _format_count(_take(left, "train_characters", int), "for training"),
    ]
    if (held_out := _take(left, "held_out", str)) is not None:
        parts.append(f"{held_out} held out")
    if any(parts):
        yield " · ".join(filter(None, parts))


def _training_time_lines(left: Metadata) -> Iterator[str]:
    """Yield the number of steps, the number of epochs and the time."""
    step = _take(left, "step", int)
    steps = None if step is None else _take(left, "steps", int)
    epoch, seconds = (_take(left, name, float) for name in ("epoch", "seconds"))
    steps_label = None if step is None else f"step {step:,}" + ("" if steps is None else f" of {steps:,}")
    epochs_label = None if epoch is None else f"text read {epoch:.3g} times"
    parts = [steps_label, epochs_label, None if seconds is None else duration(seconds)]
    if any(parts):
        yield " · ".join(filter(None, parts))


def _loss_lines(left: Metadata) -> Iterator[str]:
    """Yield the losses by each protocol, and the size of the held-out text."""
    for name, protocol in PROTOCOLS.items():
        nats = _take(left, name, float)
        if nats is not None:
            yield f"{nats / math.log(2):.4f} bits per character ({nats:.4f} nats), {protocol}"
    held_out = _take(left, "val_characters", int)
    if held_out is not None:
        yield f"measured over {held_out:,} held-out characters"


def _take(left: Metadata, name: str, kind: type) -> Any:
    """Remove and return a value if it has the expected type and is finite, else return None and leave the value."""
    value = left.get(name)
    is_expected = isinstance(value, kind) and not isinstance(value, bool)
    return left.pop(name) if is_expected and (not isinstance(value, float) or math.isfinite(value)) else None


def _format_count(count: int | None, noun: str) -> str | None:
    """Return a number with its noun; None for None."""
    return None if count is None else f"{count:,} {noun}"


def _format_value(value: object) -> str:
    """Return a value as text, a float with four digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if type(value) is int else str(value)


def _shortened(text: str, length: int) -> str:
    """Return a text from a file, cut to a length."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _format_settings(settings: Mapping[str, Any]) -> str:
    """Return settings on one line, streams and their length together; settings without a value are left out."""
    parts = {name.replace("_", " "): _format_value(value) for name, value in settings.items() if value is not None}
    if "batch" in parts and "length" in parts:
        parts["batch"] += f" streams × {parts.pop('length')} characters"
    return " · ".join(f"{name} {value}" for name, value in parts.items())


# Several runs, one line each

DROP_ORDER = ("size", "network", "text", "weights", "age", "time", "bits/char")
"""columns that are dropped on a narrow terminal, in this order"""
GAP = 2
"""spaces between columns"""


def list_runs(models: Sequence[Path], *, as_json: bool, compared: bool = False) -> None:
    """Print a table of runs in the given order, or write a line of JSON; with a note on sizes if compared."""
    now = time.time()
    runs = [read_listing(model, now) for model in models]
    if as_json:
        write_json({"runs": [asdict(run) for run in runs]})
        return
    headings = COMPARED_HEADINGS if compared else HEADINGS
    rows = [headings, *(run_row(run, headings) for run in runs)]
    widths = _column_widths(headings, [max(map(len, column)) for column in zip(*rows, strict=True)])
    for row, run in zip(rows, [None, *runs], strict=True):
        shown = (f"{row[column]:{width}}" for column, width in widths.items())
        line = (" " * GAP).join(shown).rstrip()
        write_result(f"{row[0]:{widths[0]}}  {run.problem}" if run and run.problem else line)
    write_result("")
    if line := omitted_line(heading for column, heading in enumerate(headings) if column not in widths):
        write_result(line)
    write_result(f"`charrnn info {display_name(models[0])}` shows one in detail")
    networks = [run.network for run in runs if run.network]
    if compared and len({run.text for run in runs}) == 1 and (note := size_note(networks)):
        write_note(note)


def size_note(networks: Sequence[str]) -> str:
    """Return a note if networks of different kinds also differ in size, which the time budget determines; else "".

    >>> size_note(["LSTM 1×448", "GRU 1×512"])
    'note: the sizes differ: LSTM 1×448, GRU 1×512; trained with the same `--hidden` they are alike'
    >>> size_note(["LSTM 1×448", "GRU 1×448"]), size_note(["LSTM 1×448", "LSTM 2×448"])
    ('', '')
    """
    kinds, sizes = ({network.split()[part] for network in networks} for part in (0, 1))
    if len(kinds) < 2 or len(sizes) < 2:
        return ""
    listed = ", ".join(dict.fromkeys(networks))
    return f"note: the sizes differ: {listed}; trained with the same `--hidden` they are alike"


def _column_widths(headings: Sequence[str], widths: Sequence[int]) -> dict[int, int]:
    """Return the width of each column that fits on the terminal, by its index."""
    chosen, available = dict(enumerate(widths)), terminal_columns(sys.stdout)
    for heading in DROP_ORDER:
        if available is None or sum(chosen.values()) + GAP * (len(chosen) - 1) <= available:
            break
        if heading in headings:
            del chosen[headings.index(heading)]
    return chosen


# The metrics of runs, for other programs


def write_metrics(models: Sequence[Path]) -> None:
    """Write the n-gram, the reports and the evaluations of the runs of some models as CSV (CharrnnError)."""
    rows: list[Mapping[str, Any]] = []
    for model in models:
        metrics = RunDirectory(model.parent).metrics
        try:
            run = {"run": display_name(model.parent)}
            rows += (run | {"event": line["event"], "step": line["step"]} | line for line in read_lines(metrics))
        except OSError as error:
            raise CharrnnError(f"cannot read {metrics}: {os_reason(error)}") from error
    if not rows:
        raise CharrnnError("there are no metrics of a training", hint="`charrnn train FILE` writes them")
    write_csv(rows)
