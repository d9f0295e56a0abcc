"""The held-out losses are what they are called: one carried stream over the text, and windows from a cold start."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from charrnn.network.inference import InferenceRNN
from charrnn.scoring import char_nll
from charrnn.training import evaluation
from charrnn.training.evaluation import final_cost_chars, held_out_loss, held_out_window_loss
from charrnn.training.loop import train_loop
from charrnn.training.trainer import Trainer


def trained(
    make_trainer: Callable[..., Trainer], **settings: float
) -> tuple[Trainer, InferenceRNN, NDArray[np.int64]]:
    """Train a little with dropout; give the run, the same network as NumPy reads it, and the held-out ids."""
    trainer = make_trainer(**{"steps": 60, "dropout": 0.5, "val_fraction": 0.5} | settings)
    list(train_loop(trainer, sample_every=0))
    ids = np.asarray(trainer.corpus.ids[trainer.train_characters :], dtype=np.int64)
    return trainer, InferenceRNN(trainer.network.config, trainer.ema_weights()), ids


def cold(rnn: InferenceRNN, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Score a text naively: window after window, each by itself from the zero state."""
    starts = range(0, len(ids) - 1, 256)
    return np.concatenate([char_nll(rnn, ids[start : start + 257], rows=1) for start in starts])


def test_windows_are_those_of_a_naive_loop(make_trainer: Callable[..., Trainer]) -> None:
    """All 256 characters of each are scored, the first from the zero state; the rest at the end is a shorter one."""
    trainer, rnn, ids = trained(make_trainer)
    naive, loss = cold(rnn, ids), held_out_window_loss(trainer)
    assert len(ids) > 7 * 256
    assert loss.characters == naive.size == len(ids) - 1
    assert loss.nats == pytest.approx(float(np.mean(naive)), abs=1e-5)
    assert loss.error == pytest.approx(float(np.std(naive)) / math.sqrt(naive.size), rel=1e-4)
    assert loss.nats > held_out_loss(trainer).nats + 1e-3


def test_carried_is_the_loss_of_one_stream(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a single row it is that stream itself, over the edges of what is read at once."""
    monkeypatch.setattr(evaluation, "ROWS", 1)
    trainer, rnn, ids = trained(make_trainer)
    one_pass, loss = char_nll(rnn, ids, rows=1, warm_up=0), held_out_loss(trainer)
    assert loss.nats == pytest.approx(float(np.mean(one_pass)), abs=1e-5)
    assert loss.error == pytest.approx(float(np.std(one_pass)) / math.sqrt(one_pass.size), rel=1e-4)


@pytest.mark.parametrize("val_fraction", [0.003, 0.03, 0.05])
def test_a_text_shorter_than_a_window_is_one(val_fraction: float, make_trainer: Callable[..., Trainer]) -> None:
    """Then both protocols are the same stream."""
    trainer, rnn, ids = trained(make_trainer, val_fraction=val_fraction, steps=3)
    assert len(ids) < 256
    assert held_out_window_loss(trainer).nats == pytest.approx(float(np.mean(cold(rnn, ids))), abs=1e-5)


def test_of_a_long_text_whole_windows_are_read(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each from its beginning to its end, from all parts of the text alike, however little is read at once."""
    trainer, rnn, ids = trained(make_trainer, steps=3)
    monkeypatch.setattr(evaluation, "MAX_CHARACTERS", 700)
    monkeypatch.setattr(evaluation, "MAX_LOGITS", 3000)
    monkeypatch.setattr(evaluation, "ROWS", 3)
    stride = 768
    windows = [ids[start : start + 257] for start in range(0, len(ids) - 1, stride)]
    naive = np.concatenate([char_nll(rnn, window, rows=1) for window in windows])
    loss = held_out_window_loss(trainer)
    assert len(windows) == 3
    assert loss.characters == naive.size
    assert loss.nats == pytest.approx(float(np.mean(naive)), abs=1e-5)


@pytest.mark.parametrize("max_characters", [1000, 200_000])
def test_what_is_read_at_the_end_is_foreseen(
    max_characters: int, make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By both protocols together, so that a time budget can leave room for it."""
    trainer = make_trainer(val_fraction=0.5)
    monkeypatch.setattr(evaluation, "MAX_CHARACTERS", max_characters)
    monkeypatch.setattr(evaluation, "ROWS", 4)
    read = held_out_loss(trainer, max_chars=max_characters).read + held_out_window_loss(trainer).read
    assert final_cost_chars(trainer) == pytest.approx(read, rel=0.2)


def test_rows_with_a_warm_up_give_the_loss_of_one_long_pass(make_trainer: Callable[..., Trainer]) -> None:
    """Reading many rows side by side is nearly the stream that the figure is named after."""
    trainer = make_trainer(steps=100)
    list(train_loop(trainer, sample_every=0))
    rnn = InferenceRNN(trainer.network.config, trainer.ema_weights())
    one_pass = char_nll(rnn, trainer.corpus.ids[trainer.train_characters :], rows=1, warm_up=0)
    loss = held_out_loss(trainer)
    assert loss.characters == one_pass.size
    assert loss.nats == pytest.approx(float(np.mean(one_pass)), abs=2e-3)


def test_evaluating_leaves_the_network_learning(make_trainer: Callable[..., Trainer]) -> None:
    """Dropout is off for the figure and on again after it."""
    trainer = make_trainer(dropout=0.5)
    assert held_out_loss(trainer).nats == held_out_loss(trainer).nats
    assert trainer.network.training
