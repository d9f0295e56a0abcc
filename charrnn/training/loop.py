"""The training loop: a generator of what happens.

It prints nothing, knows no clock and writes no file: saving, drawing, timing and stopping wrap the iterator.
"""

from collections.abc import Iterator

from charrnn.training.evaluation import evaluate
from charrnn.training.events import Event, Trouble
from charrnn.training.patience import overfits, overfitting
from charrnn.training.preview import is_due, preview
from charrnn.training.report import report
from charrnn.training.run import Run


def train(run: Run, *, sample_every: int | None = None) -> Iterator[Event]:
    """Learn until the plan is done or the run overfits, yielding events; between any two it can be saved and left.

    What is long comes with a Moment now and then; left at one, it is as if it had not been begun.

    `sample_every`: steps between previews; None: ever rarer ones, 0: none.
    """
    while True:
        # What is due is done before the next step, so a run that was saved and left in between still does it.
        if is_due(run, sample_every):
            yield from preview(run)
        if run.part_is_due("evaluation"):
            yield from evaluate(run)
        if run.part_is_due("report"):
            yield report(run)
        if run.plan.finished(run.step):
            return
        if overfits(run):
            yield overfitting(run)
            return
        yield run.update()
        while run.troubles:
            yield Trouble(step=run.step, message=run.troubles.pop())
