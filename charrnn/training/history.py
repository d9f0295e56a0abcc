"""The course of a training's losses, read from its metrics."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from charrnn.training.metrics import is_loss, read_lines

LossCurve = tuple[tuple[int, float], ...]
"""step and bits per character, in the order of the steps"""


@dataclass(frozen=True, kw_only=True)
class History:
    """How a training went."""

    training: LossCurve = ()
    """on what it read, the mean since the report before"""
    validation: LossCurve = ()
    """on held-out text"""


def read_history(metrics: Path) -> History:
    """Return the history in a run's metrics; foreign lines are skipped, and no file is no history (OSError)."""
    return History(
        training=tuple(_loss_curve(metrics, "report")), validation=tuple(_loss_curve(metrics, "evaluation"))
    )


def _loss_curve(metrics: Path, event: str) -> Iterator[tuple[int, float]]:
    for line in read_lines(metrics):
        bits = line.get("bits")
        if line["event"] == event and is_loss(bits):
            yield line["step"], float(bits)
