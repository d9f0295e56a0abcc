"""Warns, once, of a loss that explodes: it still is a number, but the network does worse than guessing."""

import math
from collections.abc import Iterator

from charrnn.training.events import Event, Step, TrainingWarning
from charrnn.training.run import Trainer

EXPLOSION_FACTOR = 3
"""what guessing among all characters costs, which is where char-rnn begins"""


def warn_on_explosion(events: Iterator[Event], trainer: Trainer) -> Iterator[Event]:
    """Pass events through, with Trouble after the first step whose loss has exploded."""
    limit, exploded = EXPLOSION_FACTOR * math.log(len(trainer.corpus.vocabulary)), False
    for event in events:
        yield event
        if isinstance(event, Step) and event.nats is not None and event.nats > limit and not exploded:
            exploded = True
            yield TrainingWarning(step=event.step, message=_explosion_message(event.step, event.nats, trainer))


def _explosion_message(step: int, nats: float, trainer: Trainer) -> str:
    guessing = math.log(len(trainer.corpus.vocabulary))
    return (
        f"the loss exploded to {nats:.3g} nats at step {step:,} (guessing costs {guessing:.2f}); "
        f"if it stays there, start over with a lower rate: `--new --lr {trainer.training.lr / 10:.2g}`"
    )
