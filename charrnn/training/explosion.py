"""Warns, once, of a loss that explodes: it still is a number, but the network does worse than guessing."""

import math
from collections.abc import Iterator

from charrnn.training.events import Event, Step, Trouble
from charrnn.training.run import Run

TIMES = 3
"""what guessing among all characters costs, which is where char-rnn begins"""


def warned(events: Iterator[Event], run: Run) -> Iterator[Event]:
    """Pass events through, with Trouble after the first step whose loss has exploded."""
    limit, exploded = TIMES * math.log(len(run.corpus.vocabulary)), False
    for event in events:
        yield event
        if isinstance(event, Step) and event.nats is not None and event.nats > limit and not exploded:
            exploded = True
            yield Trouble(step=event.step, message=_words(event.step, event.nats, run))


def _words(step: int, nats: float, run: Run) -> str:
    guessing = math.log(len(run.corpus.vocabulary))
    return (
        f"the loss exploded to {nats:.3g} nats at step {step:,} (guessing costs {guessing:.2f}); "
        f"if it stays there, start over with a lower rate: `--new --lr {run.training.lr / 10:.2g}`"
    )
