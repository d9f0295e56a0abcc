"""The course of a training: its events, timed, kept within their budget, recorded and saved as they pass.

What they are shown by, and what has them end before, is left to others.
"""

import time
from collections.abc import Callable, Iterator

from charrnn.training.budget import Clock, TimeBudget, count_seconds
from charrnn.training.events import Event
from charrnn.training.explosion import warn_on_explosion
from charrnn.training.loop import train_loop
from charrnn.training.metrics import log_events
from charrnn.training.saving import save_on_the_way
from charrnn.training.session import Session

StopFilter = Callable[[Iterator[Event]], Iterator[Event]]
"""passes events through, until it is enough"""


def fit(
    session: Session,
    *,
    began: float,
    sample_every: int | None = None,
    save_every: float | None = None,
    until: StopFilter = iter,
    clock: Clock = time.monotonic,
) -> Iterator[Event]:
    """Train a run to the end of its plan, or `until` it is enough; at the events' end it is saved (CharrnnError).

    `began` is the clock's time at which it was asked for: what was done before training counts too. Previews come
    after so many steps, saves after so many seconds; None: as they are due.
    """
    trainer, directory, minutes = session.trainer, session.directory, session.trainer.training.minutes
    events = count_seconds(train_loop(trainer, sample_every=sample_every), trainer, began=began, clock=clock)
    if minutes:
        events = TimeBudget(trainer, 60 * minutes, clock=clock).adjust(events)
    events = log_events(until(warn_on_explosion(events, trainer)), directory.metrics, step=trainer.step)
    return save_on_the_way(events, trainer, directory, every_seconds=save_every, clock=clock)
