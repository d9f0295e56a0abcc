"""What is seen of a training as it goes."""

from io import StringIO

from rich.console import Console

from charrnn.training.events import Step
from charrnn.views.training import Watch


def drawn(watch: Watch) -> str:
    """Draw this moment at 80 columns, without colour."""
    console = Console(file=StringIO(), width=80, color_system=None, force_terminal=True)
    console.print(watch.picture())
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


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
