"""The progress bar of a search for concepts."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from charrnn.inspection.search.splits import STAGE_FRACTIONS, Progress, no_progress
from charrnn.views.console import stderr_console
from charrnn.views.sanitize import can_animate

Step = TypeVar("Step")


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Yield a wrapper of the search's stages that draws a progress bar; without a terminal nothing is drawn."""
    if not can_animate(sys.stderr):
        yield no_progress
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=30), TaskProgressColumn()
    with Progress(*columns, console=stderr_console(), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        stage_end = 0.0

        def with_progress(steps: Iterable[Step], stage: str, count: int) -> Iterator[Step]:
            """Yield the steps of a stage, and move the bar through the fraction of the stage."""
            nonlocal stage_end
            stage_start, stage_end = stage_end, stage_end + STAGE_FRACTIONS[stage]
            for number, step in enumerate(steps):
                done = stage_start + (stage_end - stage_start) * number / max(count, 1)
                bar.update(task, description=stage, completed=done)
                yield step
            bar.update(task, completed=stage_end)

        yield with_progress
