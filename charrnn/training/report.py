"""What is said of the steps since the last report."""

from charrnn.training.events import Report
from charrnn.training.run import Run
from charrnn.training.schedule import learning_rate


def report(run: Run) -> Report:
    """Give the means since the last report, and begin anew."""
    run.take_part("report")
    steps, nats, gradient_norm = run.since_report.tolist()
    run.since_report[:] = 0
    return Report(
        step=run.step,
        epoch=run.epoch,
        nats=nats / steps,
        gradient_norm=gradient_norm / steps,
        learning_rate=learning_rate(run.training, run.plan, run.step),
        progress=run.plan.progress(run.step),
    )
