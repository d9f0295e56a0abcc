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
from charrnn.network.model_file import load
from charrnn.runs import RunDirectory
from charrnn.training import checkpoint
from charrnn.training.averaging import SHARE_OF_STEPS, averaged, follow, newest_share
from charrnn.training.evaluation import evaluate, held_out_loss
from charrnn.training.loop import train
from charrnn.training.run import Run
from charrnn.training.schedule import Plan
from charrnn.training.snapshot import arrays_of, metadata_of, restore

TRAINING = TrainingConfig(batch=1, length=1, lr=0.5, warm_up=20, final_lr=0.02)


def test_they_are_running_means(make_run: Callable[..., Run]) -> None:
    """Of the weights after every step, each counted by what is left of its share."""
    run = make_run(steps=80)
    naive = {name: weight.astype(np.float64) for name, weight in run.weights().items()}
    for step in range(40):
        share = newest_share(run.training, run.plan, step)
        run.update()
        naive = {name: (1 - share) * naive[name] + share * weight for name, weight in run.weights().items()}
    assert newest_share(run.training, run.plan, 39) < 0.5
    for name, mean in run.averages().items():
        assert mean == pytest.approx(naive[name], abs=1e-5)
    assert not np.array_equal(run.averages()["output.weight"], run.weights()["output.weight"])


@given(steps=st.integers(100, 100_000), at=st.floats(0, 1))
def test_they_reach_back_over_a_share_of_the_steps_and_at_the_end_over_less(steps: int, at: float) -> None:
    """While no end is known, over all of that share; at the end by the root of what the rate has come to."""
    step = int(at * steps)
    endless, ending = (1 / newest_share(TRAINING, plan, step) for plan in (Plan(steps=None), Plan(steps=steps)))
    if step >= TRAINING.warm_up:
        assert endless == pytest.approx(max(1.0, SHARE_OF_STEPS * step))
    assert 1 <= ending <= endless <= max(1.0, SHARE_OF_STEPS * step) * (1 + 1e-9)
    last = 1 / newest_share(TRAINING, Plan(steps=steps), steps - 1)
    assert last == pytest.approx(max(1.0, SHARE_OF_STEPS * (steps - 1) * math.sqrt(0.02)), rel=0.05)


def test_a_share_of_one_or_none_is_exact(make_run: Callable[..., Run]) -> None:
    """The means are then the weights to the last bit, or what they were; and nothing of them learns."""
    run = make_run()
    means = averaged(run.network)
    run.update()
    before = [mean.clone() for mean in means.parameters()]
    follow(means, run.network, torch.zeros(()))
    assert all(torch.equal(mean, was) for mean, was in zip(means.parameters(), before, strict=True))
    follow(means, run.network, 1.0)
    assert all(torch.equal(*pair) for pair in zip(means.parameters(), run.network.parameters(), strict=True))
    assert not any(mean.requires_grad for mean in means.parameters())
    assert not means.training


def test_they_are_what_is_evaluated_and_kept(make_run: Callable[..., Run], tmp_path: Path) -> None:
    """Not the weights that learn: those could be anything."""
    run = make_run(steps=40)
    for _ in range(20):
        run.update()
    loss = held_out_loss(run).nats
    with torch.no_grad():
        run.network.output.weight.fill_(math.pi)
    assert held_out_loss(run).nats == loss
    list(evaluate(run))
    checkpoint.save_model(run, RunDirectory(tmp_path))
    kept = load(tmp_path / "model.safetensors").weights
    assert all(np.array_equal(weight, run.averages()[name]) for name, weight in kept.items())


def test_on_the_way_they_are_better_than_the_weights(make_run: Callable[..., Run]) -> None:
    """Where the rate is high: what a training that is stopped early is worth."""
    run = make_run(steps=2000, lr=0.05, hidden=32)
    for _ in range(200):
        run.update()
    means = held_out_loss(run).nats
    run.averaged.load_state_dict(run.network.state_dict())
    assert means < held_out_loss(run).nats


def test_a_run_that_had_none_begins_them_where_it_stands(make_run: Callable[..., Run]) -> None:
    """Its checkpoint has one kind of weights only; it is gone on from."""
    run, again = make_run(steps=40), make_run(steps=40)
    for _ in range(20):
        run.update()
    arrays = {name: array for name, array in arrays_of(run).items() if not name.startswith("learning.")}
    restore(again, arrays, json.loads(metadata_of(run)["run"]))
    assert all(np.array_equal(weight, run.averages()[name]) for name, weight in again.weights().items())
    list(train(again, sample_every=0))
