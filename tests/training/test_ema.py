"""Averaged weights are the documented exponential moving average of the weights, and become the model."""

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
from charrnn.training.optimization import HORIZON_FRACTION, ema_weight, make_ema, update_ema
from charrnn.training.trainer import Trainer

TRAINING = TrainingConfig(batch=1, length=1, lr=0.5, warm_up=20, final_lr=0.02)


def test_averaged_weights_are_the_exponential_moving_average(make_trainer: Callable[..., Trainer]) -> None:
    """A naive average in float64 with the same weights agrees."""
    trainer = make_trainer(steps=80)
    naive = {name: weight.astype(np.float64) for name, weight in trainer.raw_weights().items()}
    for step in range(40):
        weight_of_new = ema_weight(trainer.training, trainer.plan, step)
        trainer.train_step()
        naive = {
            name: (1 - weight_of_new) * naive[name] + weight_of_new * weight
            for name, weight in trainer.raw_weights().items()
        }
    assert ema_weight(trainer.training, trainer.plan, 39) < 0.5
    for name, mean in trainer.ema_weights().items():
        assert mean == pytest.approx(naive[name], abs=1e-5)
    assert not np.array_equal(trainer.ema_weights()["output.weight"], trainer.raw_weights()["output.weight"])


@given(steps=st.integers(100, 100_000), at=st.floats(0, 1))
def test_the_horizon_is_a_fraction_of_the_steps_and_shrinks_with_the_learning_rate(steps: int, at: float) -> None:
    """Without a planned end it stays this fraction; at the end it is scaled by the root of the learning rate."""
    step = int(at * steps)
    endless, ending = (1 / ema_weight(TRAINING, plan, step) for plan in (Plan(steps=None), Plan(steps=steps)))
    if step >= TRAINING.warm_up:
        assert endless == pytest.approx(max(1.0, HORIZON_FRACTION * step))
    assert 1 <= ending <= endless <= max(1.0, HORIZON_FRACTION * step) * (1 + 1e-9)
    last = 1 / ema_weight(TRAINING, Plan(steps=steps), steps - 1)
    assert last == pytest.approx(max(1.0, HORIZON_FRACTION * (steps - 1) * math.sqrt(0.02)), rel=0.05)


def test_an_ema_weight_of_one_or_zero_is_exact(make_trainer: Callable[..., Trainer]) -> None:
    """The average equals the weights, or is unchanged, bit for bit, and requires no gradient."""
    trainer = make_trainer()
    means = make_ema(trainer.network)
    trainer.train_step()
    before = [mean.clone() for mean in means.parameters()]
    update_ema(means, trainer.network, torch.zeros(()))
    assert all(torch.equal(mean, previous) for mean, previous in zip(means.parameters(), before, strict=True))
    update_ema(means, trainer.network, 1.0)
    assert all(torch.equal(*pair) for pair in zip(means.parameters(), trainer.network.parameters(), strict=True))
    assert not any(mean.requires_grad for mean in means.parameters())
    assert not means.training


def test_evaluation_and_the_saved_model_use_the_averaged_weights(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    """A change of the raw weights changes neither."""
    trainer = make_trainer(steps=40)
    for _ in range(20):
        trainer.train_step()
    loss = held_out_loss(trainer).nats
    with torch.no_grad():
        trainer.network.output.weight.fill_(math.pi)
    assert held_out_loss(trainer).nats == loss
    list(evaluate(trainer))
    checkpoint.save_best_model(trainer, RunDirectory(tmp_path))
    saved = load_model(tmp_path / "model.safetensors").weights
    assert all(np.array_equal(weight, trainer.ema_weights()[name]) for name, weight in saved.items())


def test_averaged_weights_are_better_than_raw_weights_during_training(make_trainer: Callable[..., Trainer]) -> None:
    """The learning rate is high, so this is what a training that is stopped early gains."""
    trainer = make_trainer(steps=2000, lr=0.05, hidden=32)
    for _ in range(200):
        trainer.train_step()
    means = held_out_loss(trainer).nats
    trainer.ema_network.load_state_dict(trainer.network.state_dict())
    assert means < held_out_loss(trainer).nats


def test_a_checkpoint_without_averaged_weights_resumes_with_the_raw_weights(
    make_trainer: Callable[..., Trainer],
) -> None:
    """The average starts at the current weights."""
    trainer, resumed = make_trainer(steps=40), make_trainer(steps=40)
    for _ in range(20):
        trainer.train_step()
    arrays = {name: array for name, array in state_arrays(trainer).items() if not name.startswith("learning.")}
    load_state(resumed, arrays, json.loads(state_metadata(trainer)["run"]))
    assert all(np.array_equal(weight, trainer.ema_weights()[name]) for name, weight in resumed.raw_weights().items())
    list(train_loop(resumed, sample_every=0))
