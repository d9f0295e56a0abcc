"""Effective context: the loss with full context equals the carried loss, and unseen characters have no effect."""

import numpy as np
import pytest
import torch
from common import random_model, random_weights
from numpy.typing import NDArray
from reference_layers import reference_outputs

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.inspection.measures import lag_attribution
from charrnn.inspection.measures.effective_context import (
    LONG_CONTEXT_CHARS,
    LONG_CONTEXT_DIVISOR,
    loss_by_context,
    measure_context,
    nll_after,
)
from charrnn.inspection.measures.lag_attribution import attribute_by_lag, gradient_norms
from charrnn.network.cells import CELLS
from charrnn.network.inference import InferenceRNN
from charrnn.scoring import char_nll

CHARACTERS = 6
IDS = np.random.default_rng(2).integers(CHARACTERS, size=2_400)


def network_of(cell: str, *, forgetful: bool = False, embedding: int = 3) -> InferenceRNN:
    """Return a small random network; a forgetful one has no recurrent weights."""
    config = NetworkConfig(cell=cell, layers=1, hidden=7, embedding=embedding)
    weights = random_weights(config, CHARACTERS, 0.8)
    if forgetful:
        weights["rnn.weight_hh_l0"][:] = 0
    return InferenceRNN(config, weights)


@pytest.mark.parametrize("cell", CELLS)
def test_the_loss_with_full_context_equals_the_carried_loss(cell: str) -> None:
    """A window from the beginning of the text is the carried computation."""
    rnn, contexts = network_of(cell), (1, 3, 64, 200)
    expected = char_nll(rnn, IDS, rows=1)
    losses = nll_after(rnn, IDS, np.zeros(LONG_CONTEXT_DIVISOR, np.int64), contexts)
    for context, (positions, nats) in zip(contexts, losses, strict=True):
        assert (positions == context).all()
        assert np.allclose(nats, expected[context - 1], rtol=1e-6)


def test_a_window_does_not_depend_on_the_text_before_it() -> None:
    """Its losses are those of a text that begins there."""
    rnn, start = network_of("lstm"), 700
    alone = char_nll(rnn, IDS[start:], rows=1)
    (_, first), (_, tenth) = nll_after(rnn, IDS, np.array([start]), (1, 10))
    assert np.allclose([first[0], tenth[0]], alone[[0, 9]])


def test_a_model_without_recurrence_needs_one_character() -> None:
    """More context does not lower the loss, and the standard error is zero."""
    losses = loss_by_context(network_of("rnn", forgetful=True), IDS, positions=64)
    assert losses.sufficient_context == 1
    assert np.allclose(losses.bits, losses.full_bits, rtol=1e-5)
    assert (losses.errors < 1e-6).all()


def test_long_contexts_have_fewer_predictions() -> None:
    """One in LONG_CONTEXT_DIVISOR is made beyond LONG_CONTEXT_CHARS."""
    losses = loss_by_context(network_of("rnn"), IDS, positions=64)
    expected = [64 if context <= LONG_CONTEXT_CHARS else 64 // LONG_CONTEXT_DIVISOR for context in losses.contexts]
    assert list(losses.positions) == expected


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_characters_without_influence_have_no_attribution(cell: str) -> None:
    """Without recurrent weights a tanh network depends on the last character alone; a GRU still leaks through z."""
    attribution = attribute_by_lag(network_of(cell, forgetful=True), IDS, np.random.default_rng(0), anchors=8)
    assert attribution.occlusion[0] > 0.01
    if cell == "rnn":
        assert (attribution.occlusion[1:] == 0).all()
        assert (attribution.gradient.median[1:] == 0).all()
    else:
        assert (attribution.occlusion[1:4] > 0).all()
        assert (attribution.gradient.median[1:4] > 0).all()


@pytest.mark.parametrize("cell", CELLS)
def test_gradient_norms_by_lag_equal_those_of_autograd(cell: str) -> None:
    """The norms are compared to eight digits, the last character first."""
    rnn, ends = network_of(cell, embedding=0), np.array([300, 411])
    window = lag_attribution.read_windows(rnn, IDS, ends, 20, 30)
    config = rnn.config
    weights = random_weights(config, CHARACTERS, 0.8)
    tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
    inputs = torch.nn.functional.one_hot(torch.from_numpy(IDS[ends + np.arange(-50, 1)[:, None]]), CHARACTERS)
    inputs = inputs.double().requires_grad_()
    logits = reference_outputs(cell, tensors, inputs)[-1] @ tensors["output.weight"].T + tensors["output.bias"]
    targets = torch.from_numpy(IDS[ends + 1])
    torch.nn.functional.cross_entropy(logits, targets, reduction="sum").backward()  # type: ignore[no-untyped-call]
    assert inputs.grad is not None
    expected: NDArray[np.float64] = inputs.grad.norm(dim=-1).numpy()[::-1][:21]
    assert np.allclose(gradient_norms(rnn, window), expected, rtol=1e-8)


def test_a_replacement_differs_from_the_character() -> None:
    """It is drawn from the unigram distribution; a text of one character has no replacement."""
    replacements = lag_attribution.Replacements(IDS, np.random.default_rng(0))
    assert not (replacements.different_from(IDS) == IDS).any()
    sampled_ids = replacements.different_from(np.zeros(20_000, np.int64))
    shares = np.bincount(IDS, minlength=CHARACTERS)[1:] / (IDS != 0).sum()
    assert np.allclose(np.bincount(sampled_ids, minlength=CHARACTERS)[1:] / len(sampled_ids), shares, atol=0.02)
    rare = np.append(np.zeros(10_000_000, np.int64), 1)
    assert (lag_attribution.Replacements(rare, np.random.default_rng(0)).different_from(rare[:9]) == 1).all()
    constant = np.zeros(9, np.int64)
    assert (
        lag_attribution.Replacements(constant, np.random.default_rng(0)).different_from(constant) == constant
    ).all()


def test_the_gradient_does_not_depend_on_the_batches_of_anchors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches bound the memory and do not change the result."""
    complete = attribute_by_lag(network_of("lstm"), IDS, np.random.default_rng(0), anchors=9)
    monkeypatch.setattr(lag_attribution, "MAX_NUMBERS", 1)
    single = attribute_by_lag(network_of("lstm"), IDS, np.random.default_rng(0), anchors=9)
    assert np.allclose(complete.gradient.median, single.gradient.median)
    assert np.allclose(complete.gradient.low, single.gradient.low)


def test_the_gradient_stays_below_the_threshold_from_the_reported_lag() -> None:
    """The JSON holds all values."""
    context = measure_context(network_of("lstm"), IDS, np.random.default_rng(0))
    median = context.attribution.gradient.median
    below = context.gradient_below(0.1)
    assert below is not None
    assert (median[below:] < 0.1).all()
    assert median[below - 1] >= 0.1
    values = context.to_json()
    assert len(values["gradient"]["median"]) == len(median)
    assert len(values["occlusion_bits"]) == len(values["occluded"])
    assert values["gradient_below"]["0.1"] == below


def test_equal_seeds_give_equal_results() -> None:
    """The JSON of two measurements is identical."""
    rnn = InferenceRNN.from_model(random_model("abcdef"))
    first, second = (measure_context(rnn, IDS, np.random.default_rng(4)).to_json() for _ in range(2))
    assert first == second


def test_a_text_that_is_too_short_is_refused() -> None:
    """A short text would give a meaningless curve."""
    with pytest.raises(CharrnnError, match="1,999 characters"):
        measure_context(network_of("rnn"), IDS[:1999], np.random.default_rng(0))
