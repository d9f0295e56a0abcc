"""The training loop: a generator of what happens.

It prints nothing, knows no clock and writes no file: saving, drawing, timing and stopping wrap the iterator.
"""

from collections.abc import Iterator

from charrnn.training.evaluation import evaluate
from charrnn.training.events import Event, TrainingWarning
from charrnn.training.patience import overfitting_event, should_stop
from charrnn.training.preview import preview, preview_is_due
from charrnn.training.report import make_report
from charrnn.training.run import Trainer


def train_loop(trainer: Trainer, *, sample_every: int | None = None) -> Iterator[Event]:
    """Learn until the plan is done or the run overfits, yielding events; between any two it can be saved and left.

    What is long comes with a Moment now and then; left at one, it is as if it had not been begun.

    `sample_every`: steps between previews; None: ever rarer ones, 0: none.
    """
    while True:
        # What is due is done before the next step, so a run that was saved and left in between still does it.
        if preview_is_due(trainer, sample_every):
            yield from preview(trainer)
        if trainer.is_due("evaluation"):
            yield from evaluate(trainer)
        if trainer.is_due("report"):
            yield make_report(trainer)
        if trainer.plan.finished(trainer.step):
            return
        if should_stop(trainer):
            yield overfitting_event(trainer)
            return
        yield trainer.train_step()
        while trainer.warnings:
            yield TrainingWarning(step=trainer.step, message=trainer.warnings.pop())
