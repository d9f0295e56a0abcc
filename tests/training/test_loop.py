"""The training loop learns, yields its events on time, and stops before weights become NaN."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from charrnn.errors import DivergedError
from charrnn.network.cells import CELLS
from charrnn.training.evaluation import held_out_loss
from charrnn.training.events import Evaluation, Preview, Report, Step
from charrnn.training.loop import train_loop
from charrnn.training.optimization import BETAS
from charrnn.training.trainer import Trainer


@pytest.mark.parametrize("cell", CELLS)
def test_every_kind_of_cell_learns(cell: str, make_trainer: Callable[..., Trainer]) -> None:
    """After a few hundred steps the held-out loss is far below that of a uniform guess."""
    trainer = make_trainer(cell=cell, layers=1, hidden=32, steps=200, dropout=0.0)
    shares = trainer.corpus.frequencies(trainer.corpus.characters)
    by_letters = -float(shares @ np.log(shares))
    assert held_out_loss(trainer).nats == pytest.approx(by_letters, abs=0.3)
    list(train_loop(trainer, sample_every=0))
    assert held_out_loss(trainer).nats < 0.5 * by_letters


def test_an_untrained_network_predicts_character_frequencies(make_trainer: Callable[..., Trainer]) -> None:
    """Without context an untrained network predicts the frequencies of characters in the training text."""
    trainer = make_trainer()
    result = torch.softmax(trainer.network.output(torch.zeros(trainer.network.config.hidden)), 0).detach().numpy()
    assert np.allclose(result, trainer.corpus.frequencies(trainer.train_characters), atol=1e-6)


def test_a_network_with_one_hot_inputs_learns(make_trainer: Callable[..., Trainer]) -> None:
    """An embedding of width 0 has no weights and still distinguishes characters."""
    trainer = make_trainer(embedding=0, layers=1, steps=150, dropout=0.0)
    before = held_out_loss(trainer).nats
    list(train_loop(trainer, sample_every=0))
    assert held_out_loss(trainer).nats < before - 0.5


def test_there_is_an_event_for_every_step_and_period(make_trainer: Callable[..., Trainer]) -> None:
    """Steps count up; evaluations and reports come at the end of every period, the last ones at the end."""
    trainer = make_trainer(steps=210, layers=1)
    events = list(train_loop(trainer))
    steps = [event.step for event in events if isinstance(event, Step)]
    evaluations = [event for event in events if isinstance(event, Evaluation)]
    assert steps == list(range(1, 211))
    assert len(evaluations) == 20
    assert evaluations[-1].step == 210
    assert len([event for event in events if isinstance(event, Report)]) == 200
    assert [event.step for event in events if isinstance(event, Preview)][:5] == [0, 25, 27, 53, 79]


def test_the_best_evaluation_keeps_its_weights(make_trainer: Callable[..., Trainer]) -> None:
    """The best weights have the recorded loss."""
    trainer = make_trainer(steps=60)
    evaluations = [event for event in train_loop(trainer, sample_every=0) if isinstance(event, Evaluation)]
    best = min(evaluations, key=lambda event: event.nats)
    assert trainer.best is not None
    assert (trainer.best.step, trainer.best.nats) == (best.step, best.nats)
    trainer.ema_network.load_state_dict(
        {name: torch.from_numpy(weight) for name, weight in trainer.best.weights.items()}
    )
    assert held_out_loss(trainer, warm_up=64).nats == pytest.approx(best.nats, abs=1e-5)


def test_a_preview_is_the_same_text_for_the_same_run(make_trainer: Callable[..., Trainer]) -> None:
    """Previews depend on the seed and the step alone."""
    texts = [[e.text for e in train_loop(make_trainer(steps=30)) if isinstance(e, Preview)] for _ in range(2)]
    assert texts[0] == texts[1]
    assert all(len(text) == 200 for text in texts[0])


@pytest.mark.fault("F65")
def test_a_loss_that_is_not_finite_stops_before_the_update(make_trainer: Callable[..., Trainer]) -> None:
    """The weights are those of the last good step."""
    trainer = make_trainer()
    with torch.no_grad():
        trainer.network.output.bias[0] = math.nan
    before = trainer.raw_weights()
    with pytest.raises(DivergedError, match="at step 1 ") as caught:
        trainer.train_step()
    assert "--lr" in str(caught.value.hint)
    assert (trainer.raw_weights()["output.weight"] == before["output.weight"]).all()


def test_bfloat16_products_give_nearly_the_same_loss(make_trainer: Callable[..., Trainer]) -> None:
    """The weights stay float32; only products are rounded."""
    full, half = (make_trainer(precision=precision, dropout=0.0) for precision in ("float32", "bfloat16"))
    losses = [[trainer.train_step().nats for _ in range(5)] for trainer in (full, half)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert losses[0] != losses[1]
    assert {parameter.dtype for parameter in half.network.parameters()} == {torch.float32}


def test_gradients_are_clipped_by_their_norm(make_trainer: Callable[..., Trainer]) -> None:
    """With a tiny limit the first update of plain gradients is as small as that; 0 is no limit."""
    trainer = make_trainer(clip=1e-3)
    trainer.train_step()
    moments = [mean.norm() for mean in trainer.optimizer.first_moments.values()]
    assert torch.stack(moments).norm() <= 1e-3 * (1 - BETAS[0]) * 1.01
    assert (make_trainer(clip=0.0).train_step().gradient_norm or 0) > 1e-3


def test_a_stream_is_reset_with_the_given_probability(make_trainer: Callable[..., Trainer]) -> None:
    """With probability 1 every window starts from the zero state; with 0 the state is carried."""
    never, always = make_trainer(reset=0.0, dropout=0.0), make_trainer(reset=1.0, dropout=0.0)
    for trainer in (never, always):
        trainer.train_step()
        trainer._reset_some_streams()
    assert all(bool((part == 0).all()) for part in always.state)
    assert all(bool((part != 0).any()) for part in never.state)
