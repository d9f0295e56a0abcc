"""The events of a training can be logged in a few lines to a writer such as that of TensorBoard."""

from pathlib import Path

import pytest
from common import FINISHED, bottles

import charrnn
from charrnn.training.events import Evaluation, Report


class Writer:
    """A stand-in for `torch.utils.tensorboard.SummaryWriter`, with the signature of its `add_scalar`."""

    def __init__(self) -> None:
        self.scalars: list[tuple[str, float, int]] = []

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Record a number."""
        self.scalars.append((tag, scalar_value, global_step))


def test_losses_are_logged_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training and held-out losses, each at the step of its event, up to the last one."""
    monkeypatch.chdir(tmp_path)
    Path("book.txt").write_text(bottles(90))
    writer = Writer()
    for event in charrnn.training_events("book.txt", **FINISHED):
        if isinstance(event, Report | Evaluation):
            writer.add_scalar(f"loss/{type(event).__name__}", event.nats, event.step)
    assert {tag for tag, _, _ in writer.scalars} == {"loss/Report", "loss/Evaluation"}
    evaluations = [step for tag, _, step in writer.scalars if tag == "loss/Evaluation"]
    assert evaluations == sorted(evaluations)
    assert evaluations[-1] == FINISHED["steps"]
