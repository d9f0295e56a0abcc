"""What is seen of a training as it goes."""

import math
from io import StringIO

from rich.console import Console

from charrnn.training.events import Step
from charrnn.views.training_progress import ProgressState


def drawn(progress: ProgressState) -> str:
    """Draw this moment at 80 columns, without colour."""
    console = Console(file=StringIO(), width=80, color_system=None, force_terminal=True)
    console.print(progress.view())
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_run_that_goes_on_begins_where_it_stood() -> None:
    """Not at step 0, though no step was made yet."""
    seen = drawn(ProgressState(characters_per_step=2048, first_step=300, initial_steps=1200, initial_progress=0.25))
    assert "step 300 / 1,200" in seen
    assert "25%" in seen
    assert "before the next step" in seen
    assert "nan" not in seen


def test_only_what_is_known_is_told() -> None:
    """No number before the first step, and no number of steps while the speed is measured."""
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
    """Tell of a step."""
    return Step(step=number, nats=nats, gradient_norm=nats, learning_rate=0.01, progress=0, steps=1200)


def test_a_loss_that_is_known_now_and_then_stands_for_the_steps_before_it() -> None:
    """The running mean is what it would be if each of them had been known; before the first there is none."""
    each, some = ProgressState(characters_per_step=1), ProgressState(characters_per_step=1)
    for number in range(1, 97):
        each.update(step(number, 3.0 if number <= 32 else 2.0), number)
        some.update(step(number, None if number % 32 else 3.0 if number <= 32 else 2.0), number)
        if number < 32:
            assert "nan" not in drawn(some)
    assert math.isclose(some.train_nats, each.train_nats, rel_tol=1e-9)
    assert 2.0 < some.train_nats < 2.1
