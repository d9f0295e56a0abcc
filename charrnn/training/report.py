"""What is said of the steps since the last report."""

from charrnn.training.events import Report
from charrnn.training.run import Trainer
from charrnn.training.schedule import learning_rate


def make_report(trainer: Trainer) -> Report:
    """Give the means since the last report, and begin anew."""
    trainer.mark_done("report")
    steps, nats, gradient_norm = trainer.report_sums.tolist()
    trainer.report_sums[:] = 0
    return Report(
        step=trainer.step,
        epoch=trainer.epoch,
        nats=nats / steps,
        gradient_norm=gradient_norm / steps,
        learning_rate=learning_rate(trainer.training, trainer.plan, trainer.step),
        progress=trainer.plan.progress(trainer.step),
    )
