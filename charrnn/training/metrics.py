"""The metrics of a run: JSON lines of reports and evaluations, with the n-gram baseline on the first line."""

import contextlib
import dataclasses
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from charrnn.errors import os_reason
from charrnn.storage.atomic_file import append, atomic_write, is_regular, not_regular, open_regular
from charrnn.storage.run_lock import check_lock
from charrnn.text.ngram import NGram
from charrnn.training.events import EarlyStop, Evaluation, Event, Report, TrainingWarning

MAX_LINE_BYTES = 10_000
"""maximum length of a line; charrnn writes less than a tenth of it"""
MAX_STEPS = 10**12
"""maximum step, as on the command line"""
MAX_LOSS = 1e9
"""maximum loss in nats or bits; no network reaches it"""

EVENT_NAMES: dict[type, str] = {TrainingWarning: "trouble", EarlyStop: "overfitting"}
"""names of events in JSON where they are not the lower-case class names"""


def log_events(events: Iterator[Event], path: Path, *, step: int) -> Iterator[Event]:
    """Pass events through, appending them to `path`; lines of steps after `step`, where the run resumes, are dropped.

    If the file cannot be written, one warning is yielded, and the training continues.
    """
    written: set[tuple[Any, Any]] = set()
    failed = False
    try:
        _check_place(path)
        lines = [line for line in read_lines(path) if line["step"] <= step]
        # A run that was killed repeats what was due at its last saved step, which has its line already.
        written |= {(line["event"], line["step"]) for line in lines}
        atomic_write(path, "".join(json.dumps(line) + "\n" for line in lines).encode())
    except OSError as error:
        failed = True
        yield TrainingWarning(step=step, message=f"cannot write {path}: {os_reason(error)}")
    for event in events:
        if isinstance(event, NGram):
            write_ngram(path, event)
        if isinstance(event, (Report, Evaluation, EarlyStop)) and not failed:
            try:
                _append(path, event_dict(event), written)
            except OSError as error:
                failed = True
                yield TrainingWarning(step=event.step, message=f"cannot write {path}: {os_reason(error)}")
        yield event


def write_ngram(path: Path, ngram: NGram) -> None:
    """Write the line of the n-gram before all other lines, replacing an older one.

    If the file cannot be written, nothing happens; `log_events` warns.
    """
    with contextlib.suppress(OSError):
        _check_place(path)
        other_lines = [line for line in read_lines(path) if line["event"] != "ngram"]
        lines = [{**event_dict(ngram), "step": 0}, *other_lines]
        atomic_write(path, "".join(json.dumps(line) + "\n" for line in lines).encode())


def read_ngram(path: Path) -> NGram | None:
    """Return the n-gram in a metrics file; None if there is none, or if the file cannot be read."""
    with contextlib.suppress(OSError):
        lines = (line for line in read_lines(path) if line["event"] == "ngram")
        return next(filter(None, map(_ngram, lines)), None)
    return None


def _ngram(line: dict[str, Any]) -> NGram | None:
    """Return the n-gram of a line; None if a value is missing or impossible."""
    counts = {name: line.get(name) for name in ("order", "learned_from", "characters")}
    nats, by_order = line.get("nats"), line.get("nats_by_order")
    are_counts = all(type(count) is int and 0 <= count <= MAX_STEPS for count in counts.values())
    if not are_counts or not is_loss(nats) or not isinstance(by_order, list) or not all(map(is_loss, by_order)):
        return None
    return NGram(**counts, nats=float(nats), nats_by_order=tuple(map(float, by_order)))  # type: ignore[arg-type]


def event_dict(event: Event) -> dict[str, Any]:
    """Return an event as plain values, with its name and with every loss in nats also in bits."""
    values = dataclasses.asdict(event)
    bits = {f"{name[:-4]}bits": value / math.log(2) for name, value in values.items() if name.endswith("nats")}
    return {"event": EVENT_NAMES.get(type(event), type(event).__name__.lower()), **values, **bits}


def _check_place(path: Path) -> None:
    """Raise OSError unless `path` is a regular file or free, LockLostError if another process may own it."""
    check_lock(path.parent)
    if os.path.lexists(path) and not is_regular(path):
        raise not_regular(path)


def _append(path: Path, line: dict[str, Any], written: set[tuple[Any, Any]]) -> None:
    """Append a line unless its event and step are among those written."""
    if (line["event"], line["step"]) not in written:
        check_lock(path.parent)
        append(path, (json.dumps(line) + "\n").encode())


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines that charrnn can have written, none if there is no file; other lines are skipped (OSError).

    Each line has an `event`, a string, and a `step`, an integer up to MAX_STEPS. Reading ends at a line that is
    longer than any that charrnn writes, so the memory is bounded.
    """
    if not path.exists():
        return
    with open_regular(path) as file:
        while content := file.readline(MAX_LINE_BYTES):
            if len(content) == MAX_LINE_BYTES:
                return
            line = _parse(content)
            if line is not None:
                yield line


def _parse(content: bytes) -> dict[str, Any] | None:
    """Return the values of a line; None unless charrnn can have written it."""
    try:
        line = json.loads(content.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or type(line.get("event")) is not str or type(line.get("step")) is not int:
        return None
    return line if 0 <= line["step"] <= MAX_STEPS and all(map(_is_plain, line.values())) else None


def _is_plain(value: object) -> bool:
    """Return whether a value is a string, a number of 64 bits, a boolean, null, or a flat list of such values."""
    if isinstance(value, list):
        return all(not isinstance(item, list) and _is_plain(item) for item in value)
    return not isinstance(value, dict) and (type(value) is not int or abs(value) < 2**63)


def is_loss(value: object) -> TypeGuard[float]:
    """Return whether a value can be a loss: a number from 0 to MAX_LOSS.

    >>> is_loss(2.5), is_loss(True), is_loss(float("nan")), is_loss(10**400)
    (True, False, False, False)
    """
    return type(value) in (int, float) and 0 <= value <= MAX_LOSS  # type: ignore[operator]


# The loss curves, read from the metrics

LossCurve = tuple[tuple[int, float], ...]
"""pairs of step and bits per character, in the order of the steps"""


@dataclass(frozen=True, kw_only=True)
class History:
    """The loss curves of a training."""

    training: LossCurve = ()
    """training loss, the mean since the previous report"""
    validation: LossCurve = ()
    """held-out loss"""


def read_history(metrics: Path) -> History:
    """Return the loss curves in a metrics file, empty ones if there is no file; other lines are skipped (OSError)."""
    return History(
        training=tuple(_loss_curve(metrics, "report")), validation=tuple(_loss_curve(metrics, "evaluation"))
    )


def _loss_curve(metrics: Path, event: str) -> Iterator[tuple[int, float]]:
    for line in read_lines(metrics):
        bits = line.get("bits")
        if line["event"] == event and is_loss(bits):
            yield line["step"], float(bits)
