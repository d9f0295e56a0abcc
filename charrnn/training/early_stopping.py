"""Early stopping: the end of a run before its last step, when the network only overfits.

A run without progress is not stopped. While the learning rate is high, the held-out loss goes up and down, and when
the rate falls to zero it often falls again by a few percent; so only overfitting ends a run. An evaluation shows
overfitting if the held-out loss exceeds the best one by more than its standard error and by more than two percent,
although the training loss is lower than it was at the best evaluation. (If the training loss has risen too, the
steps are too large, and smaller ones may help.) The run ends when every evaluation has shown overfitting

- for a share of the run, `TrainingConfig.patience`, and
- for as long as one epoch takes: a few chapters in a row may raise the loss, and others may lower it again.

Measured in 22 runs on 5 to 200 kB of Tiny Shakespeare and Lua's source (LSTM, GRU and tanh, 32 to 256 cells, rates
up to five times the recipe's): nine ended after 40 to 95 % of their steps, and none of them improved when
continued. Ending every run without improvement for a fifth of its steps would have ended twelve: one of them would
still have improved, and one was recovering from a gradient that had raised its training loss too. Of eight more
runs, with averaged weights, seven ended after 25 to 85 %, and none of them improved when continued.

Where the end of the text was held out although it is of a different kind (see `text.split`), its loss can rise while
the network improves: no evaluation shows overfitting, and the last weights are the best ones. Files that the user
named for validation choose the weights and can end the run even if they are of a different kind, unless an n-gram
model of the training text predicts them worse than a uniform guess; the message does not call that overfitting.

All state is in the checkpoint, so a run that was stopped and resumed ends at the same step.
"""

import math

from charrnn.text.corpus import Corpus
from charrnn.text.split import END
from charrnn.training.events import EarlyStop
from charrnn.training.progress import PERIODS, BestWeights
from charrnn.training.trainer import Trainer

LOSS_TOLERANCE = 0.02
"""fraction of the best loss; a smaller difference can come from the learning rate"""


def shows_no_overfitting(nats: float, error: float, train_nats: float, best: BestWeights) -> bool:
    """Return whether an evaluation shows no overfitting; `error` is the standard error of its loss `nats`."""
    above = nats - best.nats
    return above <= max(error, LOSS_TOLERANCE * best.nats) or not train_nats < best.train_nats


def keeps_last_weights(corpus: Corpus) -> bool:
    """Return whether the held-out loss cannot show which weights are best."""
    split = corpus.split
    if split is None or split.difference is None or not split.is_different:
        return False
    return split.kind == END or split.difference.held_out_bits > math.log2(len(corpus.vocabulary))


def should_stop(trainer: Trainer) -> bool:
    """Return whether the run must end before its last step, because it has overfitted for longer than `patience`."""
    patience = trainer.training.patience
    if not patience or trainer.plan.steps is None or trainer.progress.finished:
        return False
    periods = trainer.bookkeeping.periods_done["evaluation"] - trainer.bookkeeping.last_period_without_overfitting
    fraction = periods / PERIODS["evaluation"]
    return periods > 0 and fraction >= patience and fraction * trainer.plan.steps >= trainer.batches.steps_per_epoch


def is_finished(trainer: Trainer) -> bool:
    """Return whether no step is left, because the plan is done or the run stops early."""
    return trainer.progress.finished or should_stop(trainer)


def overfitting_event(trainer: Trainer) -> EarlyStop:
    """Return the event of a run that ends early, with its best evaluation."""
    assert trainer.best is not None, "a run that overfits had a better evaluation before"
    return EarlyStop(
        step=trainer.step,
        progress=trainer.progress.fraction,
        best_nats=trainer.best.nats,
        best_step=trainer.best.step,
        is_different=trainer.corpus.split is not None and trainer.corpus.split.is_different,
    )
