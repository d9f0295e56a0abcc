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

from charrnn.training.events import EarlyStop
from charrnn.training.run import PERIODS, BestWeights, Trainer

LOSS_TOLERANCE = 0.02
"""of the best loss: less than this may be the learning rate's doing"""


def shows_no_overfitting(nats: float, error: float, train_nats: float, best: BestWeights) -> bool:
    """Tell whether an evaluation shows no overfitting; `error` is the standard error of its `nats`."""
    above = nats - best.nats
    return above <= max(error, LOSS_TOLERANCE * best.nats) or not train_nats < best.train_nats


def should_stop(trainer: Trainer) -> bool:
    """Tell whether the run is to end here, before its plan does, for want of patience."""
    patience = trainer.training.patience
    if not patience or trainer.plan.steps is None or trainer.plan.finished(trainer.step):
        return False
    parts = trainer.periods_done["evaluation"] - trainer.last_good_period
    share = parts / PERIODS["evaluation"]
    return parts > 0 and share >= patience and share * trainer.plan.steps >= trainer.batches.steps_per_epoch


def overfitting_event(trainer: Trainer) -> EarlyStop:
    """Say of a run that overfits what is lost by stopping: nothing after its best."""
    assert trainer.best is not None, "whoever overfits was better before"
    return EarlyStop(
        step=trainer.step,
        progress=trainer.plan.progress(trainer.step),
        best_nats=trainer.best.nats,
        best_step=trainer.best.step,
    )


def recent_train_nll(trainer: Trainer) -> float:
    """Give the mean training loss of the steps since the last evaluation, NaN if there are none."""
    steps, nats = trainer.train_sums.tolist()
    return nats / steps if steps else float("nan")
