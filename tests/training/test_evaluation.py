"""The held-out loss is what it is called: one carried stream over the text."""

from collections.abc import Callable

import numpy as np
import pytest

from charrnn.network.reader import Reader
from charrnn.scoring import character_nats
from charrnn.training.evaluation import held_out_loss
from charrnn.training.loop import train
from charrnn.training.run import Run


def test_rows_with_a_warm_up_give_the_loss_of_one_long_pass(make_run: Callable[..., Run]) -> None:
    """Reading many rows side by side is nearly the stream that the figure is named after."""
    run = make_run(steps=100)
    list(train(run, sample_every=0))
    reader = Reader(run.network.config, run.weights())
    one_pass = character_nats(reader, run.corpus.ids[run.train_characters :], rows=1, warm_up=0)
    loss = held_out_loss(run)
    assert loss.characters == one_pass.size
    assert loss.nats == pytest.approx(float(np.mean(one_pass)), abs=2e-3)


def test_evaluating_leaves_the_network_learning(make_run: Callable[..., Run]) -> None:
    """Dropout is off for the figure and on again after it."""
    run = make_run(dropout=0.5)
    assert held_out_loss(run).nats == held_out_loss(run).nats
    assert run.network.training
