"""The course of a training: its events, timed, kept within their budget, recorded and saved as they pass.

What they are shown by, and what has them end before, is left to others.
"""

import time
from collections.abc import Callable, Iterator

from charrnn.training.budget import Budget, Clock, timed
from charrnn.training.events import Event
from charrnn.training.explosion import warned
from charrnn.training.loop import train
from charrnn.training.metrics import recorded
from charrnn.training.saving import kept
from charrnn.training.session import Session

Until = Callable[[Iterator[Event]], Iterator[Event]]
"""passes events through, until it is enough"""


def course(
    session: Session,
    *,
    began: float,
    sample_every: int | None = None,
    save_every: float | None = None,
    until: Until = iter,
    clock: Clock = time.monotonic,
) -> Iterator[Event]:
    """Train a run to the end of its plan, or `until` it is enough; at the events' end it is saved (CharrnnError).

    `began` is the clock's time at which it was asked for: what was done before training counts too. Previews come
    after so many steps, saves after so many seconds; None: as they are due.
    """
    run, directory, minutes = session.run, session.directory, session.run.training.minutes
    events = timed(train(run, sample_every=sample_every), run, began=began, clock=clock)
    if minutes:
        events = Budget(run, 60 * minutes, clock=clock).kept(events)
    events = recorded(until(warned(events, run)), directory.metrics, step=run.step)
    return kept(events, run, directory, every_seconds=save_every, clock=clock)
