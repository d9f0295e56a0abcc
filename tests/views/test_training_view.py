"""What is seen of a training as it goes."""

import math
from io import StringIO

from rich.console import Console

from charrnn.training.events import Step
from charrnn.views.training import Watch


def drawn(watch: Watch) -> str:
    """Draw this moment at 80 columns, without colour."""
    console = Console(file=StringIO(), width=80, color_system=None, force_terminal=True)
    console.print(watch.picture())
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_run_that_goes_on_begins_where_it_stood() -> None:
    """Not at step 0, though no step was made yet."""
    seen = drawn(Watch(characters_per_step=2048, begins_at=300, planned=1200, begun=0.25))
    assert "step 300 / 1,200" in seen
    assert "25%" in seen
    assert "before the next step" in seen
    assert "nan" not in seen


def test_only_what_is_known_is_told() -> None:
    """No number before the first step, and no number of steps while the speed is measured."""
    watch = Watch(characters_per_step=2048)
    first = drawn(watch)
    assert "before the first step" in first
    assert not {"nan", "?", "lr", "chars/s"} & set(first.split())
    watch.see(Step(step=3, nats=1, gradient_norm=1, learning_rate=0.01, progress=0, steps=None), 0.0)
    assert "step 3 " in drawn(watch)
    assert "train 1.443" in drawn(watch)
    watch.see(Step(step=4, nats=1, gradient_norm=1, learning_rate=0.01, progress=0, steps=1200), 1.0)
    assert "step 4 / 1,200" in drawn(watch)


def step(number: int, nats: float | None) -> Step:
    """Tell of a step."""
    return Step(step=number, nats=nats, gradient_norm=nats, learning_rate=0.01, progress=0, steps=1200)


def test_a_loss_that_is_known_now_and_then_stands_for_the_steps_before_it() -> None:
    """The running mean is what it would be if each of them had been known; before the first there is none."""
    each, some = Watch(characters_per_step=1), Watch(characters_per_step=1)
    for number in range(1, 97):
        each.see(step(number, 3.0 if number <= 32 else 2.0), number)
        some.see(step(number, None if number % 32 else 3.0 if number <= 32 else 2.0), number)
        if number < 32:
            assert "nan" not in drawn(some)
    assert math.isclose(some.train_nats, each.train_nats, rel_tol=1e-9)
    assert 2.0 < some.train_nats < 2.1
