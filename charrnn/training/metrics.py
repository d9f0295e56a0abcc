"""The record of a training: a line of JSON a report or evaluation, appended as they pass, and the n-gram's first."""

import contextlib
import dataclasses
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charrnn.errors import reason
from charrnn.storage import append, is_regular, not_regular, write_whole
from charrnn.text.ngram import NGram
from charrnn.training.events import Evaluation, Event, Overfitting, Report, Trouble
from charrnn.training.lock import check_lock


def recorded(events: Iterator[Event], path: Path, *, step: int) -> Iterator[Event]:
    """Pass events through, appending to `path`; lines of steps after `step`, which is gone back to, are dropped.

    If the file cannot be written, that is told once as Trouble, and nothing else is lost.
    """
    there: set[tuple[Any, Any]] = set()
    broken = False
    try:
        _check_place(path)
        kept = [line for line in lines_of(path) if line.get("step", math.inf) <= step]
        # A run that was killed makes what was due at its last saved step once more; it has its line already.
        there |= {(line.get("event"), line["step"]) for line in kept}
        write_whole(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
    except OSError as error:
        broken = True
        yield Trouble(step=step, message=f"cannot write {path}: {reason(error)}")
    for event in events:
        if isinstance(event, (Report, Evaluation, Overfitting)) and not broken:
            try:
                _append(path, described(event), there)
            except OSError as error:
                broken = True
                yield Trouble(step=event.step, message=f"cannot write {path}: {reason(error)}")
        yield event


def note_ngram(path: Path, ngram: NGram) -> None:
    """Put the line of the n-gram before all others, in place of an older one.

    If the file cannot be written, `recorded` tells.
    """
    with contextlib.suppress(OSError):
        _check_place(path)
        others = [line for line in lines_of(path) if line.get("event") != "ngram"]
        lines = [{**described(ngram), "step": 0}, *others]
        write_whole(path, "".join(json.dumps(line) + "\n" for line in lines).encode())


def noted_ngram(path: Path) -> NGram | None:
    """Look the n-gram up; None if no line tells of one."""
    lines = lines_of(path) if path.is_file() else iter(())
    for line in lines:
        if line.get("event") == "ngram":
            # Whatever stands there, what is given is numbers.
            with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
                return NGram(
                    order=int(line["order"]),
                    nats=float(line["nats"]),
                    learned_from=int(line["learned_from"]),
                    characters=int(line["characters"]),
                    nats_by_order=tuple(map(float, line["nats_by_order"])),
                )
    return None


def described(event: Event | NGram) -> dict[str, Any]:
    """Give an event's plain values, with its name and with every loss in bits too."""
    values = dataclasses.asdict(event)
    bits = {f"{name[:-4]}bits": value / math.log(2) for name, value in values.items() if name.endswith("nats")}
    return {"event": type(event).__name__.lower(), **values, **bits}


def _check_place(path: Path) -> None:
    """Raise OSError unless a record may be read and written at a path, LockLostError if it may be another run's."""
    check_lock(path.parent)
    if os.path.lexists(path) and not is_regular(path):
        raise not_regular(path)


def _append(path: Path, line: dict[str, Any], there: set[tuple[Any, Any]]) -> None:
    """Add a line, unless it is among those that are there."""
    if (line["event"], line["step"]) not in there:
        check_lock(path.parent)
        append(path, (json.dumps(line) + "\n").encode())


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Read the lines so far, up to one that was cut off by the end of the machine."""
    if not path.exists():
        return
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            return
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            yield line
