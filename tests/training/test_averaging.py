"""Averaged weights are the means that they are said to be, over ever less in the end, and are what a user gets."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config import TrainingConfig
from charrnn.network.model_file import load_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.training import checkpoint
from charrnn.training.checkpoint import load_state, state_arrays, state_metadata
from charrnn.training.evaluation import evaluate, held_out_loss
from charrnn.training.loop import train_loop
from charrnn.training.lr_schedule import Plan
from charrnn.training.optimizer import HORIZON_FRACTION, ema_weight, make_ema, update_ema
from charrnn.training.trainer import Trainer

TRAINING = TrainingConfig(batch=1, length=1, lr=0.5, warm_up=20, final_lr=0.02)


def test_they_are_running_means(make_trainer: Callable[..., Trainer]) -> None:
    """Of the weights after every step, each counted by what is left of its share."""
    trainer = make_trainer(steps=80)
    naive = {name: weight.astype(np.float64) for name, weight in trainer.raw_weights().items()}
    for step in range(40):
        share = ema_weight(trainer.training, trainer.plan, step)
        trainer.train_step()
        naive = {name: (1 - share) * naive[name] + share * weight for name, weight in trainer.raw_weights().items()}
    assert ema_weight(trainer.training, trainer.plan, 39) < 0.5
    for name, mean in trainer.ema_weights().items():
        assert mean == pytest.approx(naive[name], abs=1e-5)
    assert not np.array_equal(trainer.ema_weights()["output.weight"], trainer.raw_weights()["output.weight"])


@given(steps=st.integers(100, 100_000), at=st.floats(0, 1))
def test_they_reach_back_over_a_share_of_the_steps_and_at_the_end_over_less(steps: int, at: float) -> None:
    """While no end is known, over all of that share; at the end by the root of what the rate has come to."""
    step = int(at * steps)
    endless, ending = (1 / ema_weight(TRAINING, plan, step) for plan in (Plan(steps=None), Plan(steps=steps)))
    if step >= TRAINING.warm_up:
        assert endless == pytest.approx(max(1.0, HORIZON_FRACTION * step))
    assert 1 <= ending <= endless <= max(1.0, HORIZON_FRACTION * step) * (1 + 1e-9)
    last = 1 / ema_weight(TRAINING, Plan(steps=steps), steps - 1)
    assert last == pytest.approx(max(1.0, HORIZON_FRACTION * (steps - 1) * math.sqrt(0.02)), rel=0.05)


def test_a_share_of_one_or_none_is_exact(make_trainer: Callable[..., Trainer]) -> None:
    """The means are then the weights to the last bit, or what they were; and nothing of them learns."""
    trainer = make_trainer()
    means = make_ema(trainer.network)
    trainer.train_step()
    before = [mean.clone() for mean in means.parameters()]
    update_ema(means, trainer.network, torch.zeros(()))
    assert all(torch.equal(mean, was) for mean, was in zip(means.parameters(), before, strict=True))
    update_ema(means, trainer.network, 1.0)
    assert all(torch.equal(*pair) for pair in zip(means.parameters(), trainer.network.parameters(), strict=True))
    assert not any(mean.requires_grad for mean in means.parameters())
    assert not means.training


def test_they_are_what_is_evaluated_and_kept(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """Not the weights that learn: those could be anything."""
    trainer = make_trainer(steps=40)
    for _ in range(20):
        trainer.train_step()
    loss = held_out_loss(trainer).nats
    with torch.no_grad():
        trainer.network.output.weight.fill_(math.pi)
    assert held_out_loss(trainer).nats == loss
    list(evaluate(trainer))
    checkpoint.save_best_model(trainer, RunDirectory(tmp_path))
    kept = load_model(tmp_path / "model.safetensors").weights
    assert all(np.array_equal(weight, trainer.ema_weights()[name]) for name, weight in kept.items())


def test_on_the_way_they_are_better_than_the_weights(make_trainer: Callable[..., Trainer]) -> None:
    """Where the rate is high: what a training that is stopped early is worth."""
    trainer = make_trainer(steps=2000, lr=0.05, hidden=32)
    for _ in range(200):
        trainer.train_step()
    means = held_out_loss(trainer).nats
    trainer.ema_network.load_state_dict(trainer.network.state_dict())
    assert means < held_out_loss(trainer).nats


def test_a_run_that_had_none_begins_them_where_it_stands(make_trainer: Callable[..., Trainer]) -> None:
    """Its checkpoint has one kind of weights only; it is gone on from."""
    trainer, again = make_trainer(steps=40), make_trainer(steps=40)
    for _ in range(20):
        trainer.train_step()
    arrays = {name: array for name, array in state_arrays(trainer).items() if not name.startswith("learning.")}
    load_state(again, arrays, json.loads(state_metadata(trainer)["run"]))
    assert all(np.array_equal(weight, trainer.ema_weights()[name]) for name, weight in again.raw_weights().items())
    list(train_loop(again, sample_every=0))
