"""Patience: when a training ends before its plan does, because the network now only learns its text by heart.

A training that stands still is not stopped. While the learning rate is high the held-out loss goes up and down, and
when the rate falls to zero it often comes down again, by some per cent; so what ends a training is overfitting alone.
An evaluation shows it where the held-out loss is above the best by more than its standard error and by more than two
per cent of it, although the loss on what is being read is lower than it was at the best. (Where that has risen too,
the steps are too large, and smaller ones may mend it.) The training ends when every evaluation has shown it

- for a share of the training, `TrainingConfig.patience`, and
- for as long as it takes to read the text once: what a few chapters in a row do to the loss, others may undo.

Seen in 22 trainings on 5 to 200 kB of Tiny Shakespeare and Lua's source (LSTM, GRU and tanh, 32 to 256 cells, rates
up to five times the recipe's): nine ended after 40 to 95 % of their plan, and carried on, none came below its best
again. To end whatever is no better for a fifth would have ended twelve: one of them had still been to improve, and
one had been thrown off by a gradient, in which the loss on what was read had risen as well. Of eight more, with
averaged weights, seven ended after 25 to 85 %, and carried on, none of them came below its best again.

All that it depends on is in a checkpoint, so a training that was stopped and resumed ends at the same step.
"""

from charrnn.training.events import Overfitting
from charrnn.training.run import PARTS, Best, Run

SHARE_ABOVE = 0.02
"""of the best loss: less than this may be the learning rate's doing"""


def is_sound(nats: float, error: float, train_nats: float, best: Best) -> bool:
    """Tell whether an evaluation shows no overfitting; `error` is the standard error of its `nats`."""
    above = nats - best.nats
    return above <= max(error, SHARE_ABOVE * best.nats) or not train_nats < best.train_nats


def overfits(run: Run) -> bool:
    """Tell whether the run is to end here, before its plan does, for want of patience."""
    patience = run.training.patience
    if not patience or run.plan.steps is None or run.plan.finished(run.step):
        return False
    parts = run.parts["evaluation"] - run.sound_parts
    share = parts / PARTS["evaluation"]
    return parts > 0 and share >= patience and share * run.plan.steps >= run.windows.per_epoch


def overfitting(run: Run) -> Overfitting:
    """Say of a run that overfits what is lost by stopping: nothing after its best."""
    assert run.best is not None, "whoever overfits was better before"
    return Overfitting(
        step=run.step,
        progress=run.plan.progress(run.step),
        best_nats=run.best.nats,
        best_step=run.best.step,
    )


def recent_nats(run: Run) -> float:
    """Give the mean training loss of the steps since the last evaluation, NaN if there are none."""
    steps, nats = run.since_evaluation.tolist()
    return nats / steps if steps else float("nan")
