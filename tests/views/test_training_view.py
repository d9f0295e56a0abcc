"""The display of a training in progress."""

import math
from io import StringIO

from rich.console import Console

from charrnn.training.events import Preview, Step
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


def test_the_number_of_steps_of_a_time_budget_is_an_estimate() -> None:
    """It is rounded and called so, until the last step."""
    progress = ProgressState(characters_per_step=1, ends_at=60.0)
    for progress_now, expected in ((0.5, "step 3 of about 1,700 "), (1.0, "step 3 / 1,683 ")):
        done = Step(step=3, nats=1, gradient_norm=1, learning_rate=0.01, progress=progress_now, steps=1683)
        progress.update(done, 1.0)
        assert expected in drawn(progress)
    exact = ProgressState(characters_per_step=1, first_step=3, initial_steps=1683)
    assert "step 3 / 1,683 " in drawn(exact)


def test_the_sparkline_says_what_it_shows() -> None:
    """The training loss, in bits, from the first report to the last."""
    progress = ProgressState(characters_per_step=1, history=[4.0, 3.0, 2.5])
    (line,) = [line for line in drawn(progress).splitlines() if "█" in line]
    assert line.split() == ["training", "loss", "4.00", "█▃▁", "2.50", "bits"]


def test_a_preview_is_wrapped_at_spaces() -> None:
    """No word is cut, and no more lines are drawn than fit."""
    words = " ".join(f"word{number}" for number in range(100))
    progress = ProgressState(characters_per_step=1, preview=Preview(step=1, text=words))
    lines = drawn(progress).splitlines()
    preview = lines[[index for index, line in enumerate(lines) if "step 1 " in line][-1] + 1 :]
    assert len(preview) == 6
    assert [word for line in preview for word in line.split()] == words.split()[
        : sum(map(len, map(str.split, preview)))
    ]


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
