"""The metrics file has each line once, even after a killed run or damage to the file."""

import json
from pathlib import Path

import pytest

from charrnn.training.events import Report, TrainingWarning
from charrnn.training.metrics import log_events


def report(step: int) -> Report:
    """Return a report of a step."""
    return Report(step=step, epoch=0.1, nats=1.0, gradient_norm=1.0, learning_rate=0.1, progress=0.5)


def steps(path: Path) -> list[int]:
    """Return the steps that have a line."""
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_resuming_drops_the_lines_of_repeated_steps(tmp_path: Path) -> None:
    """A killed run resumes from its last checkpoint, and no line is written twice."""
    path = tmp_path / "metrics.jsonl"
    list(log_events(iter([report(step) for step in (10, 20, 30)]), path, step=0))
    list(log_events(iter([report(step) for step in (20, 30, 40)]), path, step=20))
    assert steps(path) == [10, 20, 30, 40]


def test_damaged_lines_do_not_stop_a_run(tmp_path: Path) -> None:
    """Damaged lines are skipped."""
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"event": "report", "step": 1}\n3\n"x"\n{"step": 2, "event": "report"}\n\xff\xfe\n')
    list(log_events(iter([report(5)]), path, step=4))
    assert steps(path) == [1, 2, 5]


@pytest.mark.fault("F45")
def test_metrics_that_cannot_be_written_cause_one_warning_and_training_continues(tmp_path: Path) -> None:
    """All events pass."""
    path = tmp_path / "missing" / "metrics.jsonl"
    events = list(log_events(iter([report(1), report(2)]), path, step=0))
    assert [type(event) for event in events] == [TrainingWarning, Report, Report]
