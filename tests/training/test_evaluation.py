"""The held-out losses follow their protocols: one stream with carried state, and windows from the zero state."""

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
    """Train for a few steps with dropout; return the trainer, its network for inference and the held-out ids."""
    trainer = make_trainer(**{"steps": 60, "dropout": 0.5, "val_fraction": 0.5} | settings)
    list(train_loop(trainer, sample_every=0))
    ids = np.asarray(trainer.corpus.ids[trainer.train_characters :], dtype=np.int64)
    return trainer, InferenceRNN(trainer.network.config, trainer.ema_weights()), ids


def nll_by_window(rnn: InferenceRNN, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the negative log-likelihood of a text in windows that each start from the zero state."""
    starts = range(0, len(ids) - 1, 256)
    return np.concatenate([char_nll(rnn, ids[start : start + 257], rows=1) for start in starts])


def test_the_window_loss_agrees_with_a_naive_loop(make_trainer: Callable[..., Trainer]) -> None:
    """All 256 characters of a window are scored; the last window is shorter."""
    trainer, rnn, ids = trained(make_trainer)
    naive, loss = nll_by_window(rnn, ids), held_out_window_loss(trainer)
    assert len(ids) > 7 * 256
    assert loss.characters == naive.size == len(ids) - 1
    assert loss.nats == pytest.approx(float(np.mean(naive)), abs=1e-5)
    assert loss.error == pytest.approx(float(np.std(naive)) / math.sqrt(naive.size), rel=1e-4)
    assert loss.nats > held_out_loss(trainer).nats + 1e-3


def test_the_carried_loss_is_that_of_one_stream(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a single row, the state is carried across all chunks."""
    monkeypatch.setattr(evaluation, "ROWS", 1)
    trainer, rnn, ids = trained(make_trainer)
    one_pass, loss = char_nll(rnn, ids, rows=1, warm_up=0), held_out_loss(trainer)
    assert loss.nats == pytest.approx(float(np.mean(one_pass)), abs=1e-5)
    assert loss.error == pytest.approx(float(np.std(one_pass)) / math.sqrt(one_pass.size), rel=1e-4)


@pytest.mark.parametrize("val_fraction", [0.003, 0.03, 0.05])
def test_a_text_shorter_than_a_window_is_one_window(
    val_fraction: float, make_trainer: Callable[..., Trainer]
) -> None:
    """Both protocols are equal then."""
    trainer, rnn, ids = trained(make_trainer, val_fraction=val_fraction, steps=3)
    assert len(ids) < 256
    assert held_out_window_loss(trainer).nats == pytest.approx(float(np.mean(nll_by_window(rnn, ids))), abs=1e-5)


def test_complete_windows_of_a_long_text_are_read(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows are spread evenly over the text, however small the chunks are."""
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
def test_the_cost_of_the_final_evaluation_is_estimated(
    max_characters: int, make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The estimate covers both protocols, so that a time budget can reserve time for them."""
    trainer = make_trainer(val_fraction=0.5)
    monkeypatch.setattr(evaluation, "MAX_CHARACTERS", max_characters)
    monkeypatch.setattr(evaluation, "ROWS", 4)
    read = held_out_loss(trainer, max_chars=max_characters).read + held_out_window_loss(trainer).read
    assert final_cost_chars(trainer) == pytest.approx(read, rel=0.2)


def test_rows_with_a_warm_up_give_the_loss_of_one_long_pass(make_trainer: Callable[..., Trainer]) -> None:
    """The loss of parallel rows is nearly that of one stream."""
    trainer = make_trainer(steps=100)
    list(train_loop(trainer, sample_every=0))
    rnn = InferenceRNN(trainer.network.config, trainer.ema_weights())
    one_pass = char_nll(rnn, trainer.corpus.ids[trainer.train_characters :], rows=1, warm_up=0)
    loss = held_out_loss(trainer)
    assert loss.characters == one_pass.size
    assert loss.nats == pytest.approx(float(np.mean(one_pass)), abs=2e-3)


def test_evaluation_restores_the_training_mode(make_trainer: Callable[..., Trainer]) -> None:
    """Dropout is off during the evaluation and on again after it."""
    trainer = make_trainer(dropout=0.5)
    assert held_out_loss(trainer).nats == held_out_loss(trainer).nats
    assert trainer.network.training
