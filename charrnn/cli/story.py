"""What a model file tells of its training, in words: what is known of it, and whatever else stands there.

A file may say anything; nothing that it says is lost, and none of it is trusted.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from charrnn.views.amounts import duration

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
