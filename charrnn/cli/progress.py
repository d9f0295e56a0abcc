"""How far a search is: a bar on a terminal, for as long as it takes.

The stages and what each of them takes of the whole are the search's.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from charrnn.inspection.stages import STAGE_FRACTIONS, Progress, no_progress
from charrnn.views.terminal import can_animate, stderr_console

Step = TypeVar("Step")


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Give something that shows the stages as they go by; where no terminal is, nothing is shown."""
    if not can_animate(sys.stderr):
        yield no_progress
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=30), TaskProgressColumn()
    with Progress(*columns, console=stderr_console(), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        ends = 0.0

        def watch(steps: Iterable[Step], stage: str, count: int) -> Iterator[Step]:
            """Pass the steps on, and move the bar through the stage's share."""
            nonlocal ends
            begins, ends = ends, ends + STAGE_FRACTIONS[stage]
            for number, step in enumerate(steps):
                done = begins + (ends - begins) * number / max(count, 1)
                progress.update(task, description=stage, completed=done)
                yield step
            progress.update(task, completed=ends)

        yield watch
