"""The record of a training: a line of JSON a report or evaluation, appended as they pass."""

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charrnn.training.events import Evaluation, Event, Report


def recorded(events: Iterator[Event], path: Path, *, step: int) -> Iterator[Event]:
    """Pass events through, appending to `path`; lines of steps after `step`, which is gone back to, are dropped."""
    kept = [line for line in _lines(path) if line.get("step", math.inf) <= step]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in kept)
        for event in events:
            if isinstance(event, (Report, Evaluation)):
                file.write(json.dumps(described(event)) + "\n")
                file.flush()
            yield event


def described(event: Event) -> dict[str, Any]:
    """Give an event's plain values, with its name and with every loss in bits too."""
    values = dataclasses.asdict(event)
    bits = {f"{name[:-4]}bits": value / math.log(2) for name, value in values.items() if name.endswith("nats")}
    return {"event": type(event).__name__.lower(), **values, **bits}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read the lines so far, up to one that was cut off by the end of the machine."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return
