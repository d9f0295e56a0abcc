"""The loop learns, tells what happens, and stops before numbers turn into nonsense."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from charrnn.errors import DivergedError
from charrnn.training.evaluation import held_out_loss
from charrnn.training.events import Evaluation, Preview, Report, Step
from charrnn.training.loop import train
from charrnn.training.optimiser import BETAS
from charrnn.training.run import Run


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_every_kind_of_cell_learns(cell: str, make_run: Callable[..., Run]) -> None:
    """After a few hundred steps the held-out loss is far below that of chance."""
    run = make_run(cell=cell, layers=1, hidden=32, steps=200, dropout=0.0)
    shares = run.corpus.frequencies(run.corpus.characters)
    by_letters = -float(shares @ np.log(shares))
    assert held_out_loss(run).nats == pytest.approx(by_letters, abs=0.3)
    list(train(run, sample_every=0))
    assert held_out_loss(run).nats < 0.5 * by_letters


def test_a_network_begins_with_the_letters_frequencies(make_run: Callable[..., Run]) -> None:
    """Where nothing is known of the text before, it says what counting the training text's letters says."""
    run = make_run()
    said = torch.softmax(run.network.output(torch.zeros(run.network.config.hidden)), 0).detach().numpy()
    assert np.allclose(said, run.corpus.frequencies(run.train_characters), atol=1e-6)


def test_one_hot_characters_can_be_learned_too(make_run: Callable[..., Run]) -> None:
    """An embedding of width 0 has no weights and still tells characters apart."""
    run = make_run(embedding=0, layers=1, steps=150, dropout=0.0)
    before = held_out_loss(run).nats
    list(train(run, sample_every=0))
    assert held_out_loss(run).nats < before - 0.5


def test_the_events_tell_of_every_step_and_part(make_run: Callable[..., Run]) -> None:
    """Steps count up, evaluations and reports come as often as promised, the last at the end."""
    run = make_run(steps=210, layers=1)
    events = list(train(run))
    steps = [event.step for event in events if isinstance(event, Step)]
    evaluations = [event for event in events if isinstance(event, Evaluation)]
    assert steps == list(range(1, 211))
    assert len(evaluations) == 20
    assert evaluations[-1].step == 210
    assert len([event for event in events if isinstance(event, Report)]) == 200
    assert [event.step for event in events if isinstance(event, Preview)][:5] == [0, 25, 27, 53, 79]


def test_the_best_evaluation_keeps_its_weights(make_run: Callable[..., Run]) -> None:
    """What is remembered as best has the loss that was told for it."""
    run = make_run(steps=60)
    evaluations = [event for event in train(run, sample_every=0) if isinstance(event, Evaluation)]
    best = min(evaluations, key=lambda event: event.nats)
    assert run.best is not None
    assert (run.best.step, run.best.nats) == (best.step, best.nats)
    run.averaged.load_state_dict({name: torch.from_numpy(weight) for name, weight in run.best.weights.items()})
    assert held_out_loss(run, warm_up=64).nats == pytest.approx(best.nats, abs=1e-5)


def test_a_preview_is_the_same_text_for_the_same_run(make_run: Callable[..., Run]) -> None:
    """Previews come from seed and step, not from whatever chance is about."""
    texts = [[e.text for e in train(make_run(steps=30)) if isinstance(e, Preview)] for _ in range(2)]
    assert texts[0] == texts[1]
    assert all(len(text) == 200 for text in texts[0])


@pytest.mark.fault("F65")
def test_a_loss_that_is_no_number_stops_before_the_update(make_run: Callable[..., Run]) -> None:
    """The weights are those of the last good step."""
    run = make_run()
    with torch.no_grad():
        run.network.output.bias[0] = math.nan
    before = run.weights()
    with pytest.raises(DivergedError, match="at step 1 ") as caught:
        run.update()
    assert "--lr" in str(caught.value.hint)
    assert (run.weights()["output.weight"] == before["output.weight"]).all()


def test_bfloat16_products_give_nearly_the_same_loss(make_run: Callable[..., Run]) -> None:
    """The weights stay float32; only products are rounded."""
    full, half = (make_run(precision=precision, dropout=0.0) for precision in ("float32", "bfloat16"))
    losses = [[run.update().nats for _ in range(5)] for run in (full, half)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert losses[0] != losses[1]
    assert {parameter.dtype for parameter in half.network.parameters()} == {torch.float32}


def test_gradients_are_clipped_by_their_norm(make_run: Callable[..., Run]) -> None:
    """With a tiny limit the first update of plain gradients is as small as that; 0 is no limit."""
    run = make_run(clip=1e-3)
    run.update()
    moments = [mean.norm() for mean in run.optimiser.first_moments.values()]
    assert torch.stack(moments).norm() <= 1e-3 * (1 - BETAS[0]) * 1.01
    assert (make_run(clip=0.0).update().gradient_norm or 0) > 1e-3


def test_a_stream_is_forgotten_as_often_as_asked(make_run: Callable[..., Run]) -> None:
    """Always: every window is read from the zero state; never: the state goes on."""
    never, always = make_run(reset=0.0, dropout=0.0), make_run(reset=1.0, dropout=0.0)
    for run in (never, always):
        run.update()
        run._forget_some_streams()
    assert all(bool((part == 0).all()) for part in always.state)
    assert all(bool((part != 0).any()) for part in never.state)
