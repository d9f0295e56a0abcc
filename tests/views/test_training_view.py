"""The display of a training in progress."""

import math
from io import StringIO

from rich.console import Console

from charrnn.training.events import Step
from charrnn.views.training_progress import ProgressState


def drawn(progress: ProgressState) -> str:
    """Return the display of 80 columns without color."""
    console = Console(file=StringIO(), width=80, color_system=None, force_terminal=True)
    console.print(progress.view())
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_resumed_run_starts_at_its_last_step() -> None:
    """The display is not at step 0 before the first new step."""
    display = drawn(
        ProgressState(characters_per_step=2048, first_step=300, initial_steps=1200, initial_progress=0.25)
    )
    assert "step 300 / 1,200" in display
    assert "25%" in display
    assert "before the next step" in display
    assert "nan" not in display


def test_unknown_numbers_are_not_shown() -> None:
    """No number before the first step, and no number of steps before it is known."""
    progress = ProgressState(characters_per_step=2048)
    first = drawn(progress)
    assert "before the first step" in first
    assert not {"nan", "?", "lr", "chars/s"} & set(first.split())
    progress.update(Step(step=3, nats=1, gradient_norm=1, learning_rate=0.01, progress=0, steps=None), 0.0)
    assert "step 3 " in drawn(progress)
    assert "train 1.443" in drawn(progress)
    progress.update(Step(step=4, nats=1, gradient_norm=1, learning_rate=0.01, progress=0, steps=1200), 1.0)
    assert "step 4 / 1,200" in drawn(progress)


def step(number: int, nats: float | None) -> Step:
    """Return the event of a step."""
    return Step(step=number, nats=nats, gradient_norm=nats, learning_rate=0.01, progress=0, steps=1200)


def test_a_loss_counts_for_the_steps_before_it_without_a_loss() -> None:
    """The running mean equals that of a training in which every loss is known."""
    every_step, every_32nd = ProgressState(characters_per_step=1), ProgressState(characters_per_step=1)
    for number in range(1, 97):
        every_step.update(step(number, 3.0 if number <= 32 else 2.0), number)
        every_32nd.update(step(number, None if number % 32 else 3.0 if number <= 32 else 2.0), number)
        if number < 32:
            assert "nan" not in drawn(every_32nd)
    assert math.isclose(every_32nd.train_nats, every_step.train_nats, rel_tol=1e-9)
    assert 2.0 < every_32nd.train_nats < 2.1
