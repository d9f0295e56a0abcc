"""The training loop: a generator of what happens.

It prints nothing, knows no clock and writes no file: saving, drawing, timing and stopping wrap the iterator.
"""

from collections.abc import Iterator

from charrnn.training.evaluation import evaluate
from charrnn.training.events import Event
from charrnn.training.preview import is_due, preview
from charrnn.training.report import report
from charrnn.training.run import Run

EVALUATIONS = 20
REPORTS = 200


def train(run: Run, *, sample_every: int | None = None) -> Iterator[Event]:
    """Learn until the plan is done, yielding events; between any two of them the run can be saved and left.

    `sample_every`: steps between previews; None: ever rarer ones, 0: none.
    """
    if run.step == 0 and sample_every != 0:
        yield preview(run)
    while True:
        if _evaluation_is_due(run):
            yield evaluate(run)
        if run.plan.finished(run.step):
            return
        yield run.update()
        if is_due(run, sample_every):
            yield preview(run)
        if run.plan.passes(run.step, REPORTS):
            yield report(run)


def _evaluation_is_due(run: Run) -> bool:
    """Tell whether the run has come to an evaluation that it has not made yet, perhaps before it was stopped."""
    due = run.step > 0 and (run.plan.finished(run.step) or run.plan.passes(run.step, EVALUATIONS))
    return due and run.evaluated_at < run.step
