"""The held-out losses are what they are called: one carried stream over the text, and windows from a cold start."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from charrnn.network.reader import Reader
from charrnn.scoring import character_nats
from charrnn.training import evaluation
from charrnn.training.evaluation import held_out_loss, held_out_window_loss, read_at_the_end
from charrnn.training.loop import train
from charrnn.training.run import Run


def trained(make_run: Callable[..., Run], **settings: float) -> tuple[Run, Reader, NDArray[np.int64]]:
    """Train a little with dropout; give the run, the same network as NumPy reads it, and the held-out ids."""
    run = make_run(**{"steps": 60, "dropout": 0.5, "val_fraction": 0.5} | settings)
    list(train(run, sample_every=0))
    ids = np.asarray(run.corpus.ids[run.train_characters :], dtype=np.int64)
    return run, Reader(run.network.config, run.averages()), ids


def cold(reader: Reader, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Score a text naively: window after window, each by itself from the zero state."""
    starts = range(0, len(ids) - 1, 256)
    return np.concatenate([character_nats(reader, ids[start : start + 257], rows=1) for start in starts])


def test_windows_are_those_of_a_naive_loop(make_run: Callable[..., Run]) -> None:
    """All 256 characters of each are scored, the first from the zero state; the rest at the end is a shorter one."""
    run, reader, ids = trained(make_run)
    naive, loss = cold(reader, ids), held_out_window_loss(run)
    assert len(ids) > 7 * 256
    assert loss.characters == naive.size == len(ids) - 1
    assert loss.nats == pytest.approx(float(np.mean(naive)), abs=1e-5)
    assert loss.error == pytest.approx(float(np.std(naive)) / math.sqrt(naive.size), rel=1e-4)
    assert loss.nats > held_out_loss(run).nats + 1e-3


def test_carried_is_the_loss_of_one_stream(make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a single row it is that stream itself, over the edges of what is read at once."""
    monkeypatch.setattr(evaluation, "ROWS", 1)
    run, reader, ids = trained(make_run)
    one_pass, loss = character_nats(reader, ids, rows=1, warm_up=0), held_out_loss(run)
    assert loss.nats == pytest.approx(float(np.mean(one_pass)), abs=1e-5)
    assert loss.error == pytest.approx(float(np.std(one_pass)) / math.sqrt(one_pass.size), rel=1e-4)


@pytest.mark.parametrize("val_fraction", [0.003, 0.03, 0.05])
def test_a_text_shorter_than_a_window_is_one(val_fraction: float, make_run: Callable[..., Run]) -> None:
    """Then both protocols are the same stream."""
    run, reader, ids = trained(make_run, val_fraction=val_fraction, steps=3)
    assert len(ids) < 256
    assert held_out_window_loss(run).nats == pytest.approx(float(np.mean(cold(reader, ids))), abs=1e-5)


def test_of_a_long_text_whole_windows_are_read(make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each from its beginning to its end, from all parts of the text alike, however little is read at once."""
    run, reader, ids = trained(make_run, steps=3)
    monkeypatch.setattr(evaluation, "MOST_CHARACTERS", 700)
    monkeypatch.setattr(evaluation, "LARGEST_LOGITS", 3000)
    monkeypatch.setattr(evaluation, "ROWS", 3)
    stride = 768
    windows = [ids[start : start + 257] for start in range(0, len(ids) - 1, stride)]
    naive = np.concatenate([character_nats(reader, window, rows=1) for window in windows])
    loss = held_out_window_loss(run)
    assert len(windows) == 3
    assert loss.characters == naive.size
    assert loss.nats == pytest.approx(float(np.mean(naive)), abs=1e-5)


@pytest.mark.parametrize("most", [1000, 200_000])
def test_what_is_read_at_the_end_is_foreseen(
    most: int, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By both protocols together, so that a time budget can leave room for it."""
    run = make_run(val_fraction=0.5)
    monkeypatch.setattr(evaluation, "MOST_CHARACTERS", most)
    monkeypatch.setattr(evaluation, "ROWS", 4)
    read = held_out_loss(run, at_most=most).read + held_out_window_loss(run).read
    assert read_at_the_end(run) == pytest.approx(read, rel=0.2)


def test_rows_with_a_warm_up_give_the_loss_of_one_long_pass(make_run: Callable[..., Run]) -> None:
    """Reading many rows side by side is nearly the stream that the figure is named after."""
    run = make_run(steps=100)
    list(train(run, sample_every=0))
    reader = Reader(run.network.config, run.averages())
    one_pass = character_nats(reader, run.corpus.ids[run.train_characters :], rows=1, warm_up=0)
    loss = held_out_loss(run)
    assert loss.characters == one_pass.size
    assert loss.nats == pytest.approx(float(np.mean(one_pass)), abs=2e-3)


def test_evaluating_leaves_the_network_learning(make_run: Callable[..., Run]) -> None:
    """Dropout is off for the figure and on again after it."""
    run = make_run(dropout=0.5)
    assert held_out_loss(run).nats == held_out_loss(run).nats
    assert run.network.training
