"""How far back a model reaches: everything is the carried loss, and what cannot be seen changes nothing."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from small import random_model, random_weights

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.inspection.measures import lag_attribution as lags_of
from charrnn.inspection.measures.effective_context import (
    LONG_CONTEXT_CHARS,
    LONG_CONTEXT_DIVISOR,
    loss_by_context,
    measure_context,
    nll_after,
)
from charrnn.inspection.measures.lag_attribution import attribute_by_lag, gradient_norms
from charrnn.network.inference import InferenceRNN
from charrnn.scoring import char_nll

CHARACTERS = 6
IDS = np.random.default_rng(2).integers(CHARACTERS, size=2_400)


def reader_of(cell: str, *, forgetful: bool = False, embedding: int = 3) -> InferenceRNN:
    """Lay out a small random network; a forgetful one hears nothing of what it said before."""
    config = NetworkConfig(cell=cell, layers=1, hidden=7, embedding=embedding)
    weights = random_weights(config, CHARACTERS, 0.8)
    if forgetful:
        weights["rnn.weight_hh_l0"][:] = 0
    return InferenceRNN(config, weights)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_with_all_of_the_text_as_context_a_character_costs_what_it_costs(cell: str) -> None:
    """One stretch from the beginning is the carried reading."""
    rnn, contexts = reader_of(cell), (1, 3, 64, 200)
    expected = char_nll(rnn, IDS, rows=1)
    found = nll_after(rnn, IDS, np.zeros(LONG_CONTEXT_DIVISOR, np.int64), contexts)
    for context, (places, nats) in zip(contexts, found, strict=True):
        assert (places == context).all()
        assert np.allclose(nats, expected[context - 1], rtol=1e-6)


def test_a_stretch_knows_nothing_of_what_came_before() -> None:
    """Its characters cost what they would in a text that begins there."""
    rnn, start = reader_of("lstm"), 700
    alone = char_nll(rnn, IDS[start:], rows=1)
    (_, one), (_, ten) = nll_after(rnn, IDS, np.array([start]), (1, 10))
    assert np.allclose([one[0], ten[0]], alone[[0, 9]])


def test_a_model_without_memory_needs_one_character() -> None:
    """More context gains nothing, and the standard error says that this is sure."""
    found = loss_by_context(reader_of("rnn", forgetful=True), IDS, positions=64)
    assert found.sufficient_context == 1
    assert np.allclose(found.bits, found.full_bits, rtol=1e-5)
    assert (found.errors < 1e-6).all()


def test_longer_contexts_are_asked_of_fewer_places() -> None:
    """A quarter of them beyond LONG."""
    found = loss_by_context(reader_of("rnn"), IDS, positions=64)
    expected = [64 if context <= LONG_CONTEXT_CHARS else 64 // LONG_CONTEXT_DIVISOR for context in found.contexts]
    assert list(found.positions) == expected


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_what_a_model_cannot_see_does_nothing(cell: str) -> None:
    """Without recurrent weights a tanh network hears the last character alone; a GRU still leaks through z."""
    found = attribute_by_lag(reader_of(cell, forgetful=True), IDS, np.random.default_rng(0), anchors=8)
    assert found.occlusion[0] > 0.01
    if cell == "rnn":
        assert (found.occlusion[1:] == 0).all()
        assert (found.gradient.median[1:] == 0).all()
    else:
        assert (found.occlusion[1:4] > 0).all()
        assert (found.gradient.median[1:4] > 0).all()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_gradients_by_lag_are_torchs(cell: str) -> None:
    """The last character's first, each as long as autograd's, to eight digits."""
    rnn, ends = reader_of(cell, embedding=0), np.array([300, 411])
    window = lags_of.read_windows(rnn, IDS, ends, 20, 30)
    config = rnn.config
    weights = random_weights(config, CHARACTERS, 0.8)
    holder = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[cell]
    torch_rnn = holder(CHARACTERS, config.hidden, dtype=torch.float64)
    tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
    torch_rnn.load_state_dict({name[4:]: tensor for name, tensor in tensors.items() if name.startswith("rnn.")})
    heard = torch.nn.functional.one_hot(torch.from_numpy(IDS[ends + np.arange(-50, 1)[:, None]]), CHARACTERS)
    heard = heard.double().requires_grad_()
    logits = torch_rnn(heard)[0][-1] @ tensors["output.weight"].T + tensors["output.bias"]
    told = torch.from_numpy(IDS[ends + 1])
    torch.nn.functional.cross_entropy(logits, told, reduction="sum").backward()  # type: ignore[no-untyped-call]
    assert heard.grad is not None
    expected: NDArray[np.float64] = heard.grad.norm(dim=-1).numpy()[::-1][:21]
    assert np.allclose(gradient_norms(rnn, window), expected, rtol=1e-8)


def test_another_character_is_another_one() -> None:
    """Drawn as often as it comes; in a text of one character there is no other."""
    others = lags_of.Replacements(IDS, np.random.default_rng(0))
    assert not (others.different_from(IDS) == IDS).any()
    drawn = others.different_from(np.zeros(20_000, np.int64))
    shares = np.bincount(IDS, minlength=CHARACTERS)[1:] / (IDS != 0).sum()
    assert np.allclose(np.bincount(drawn, minlength=CHARACTERS)[1:] / len(drawn), shares, atol=0.02)
    rare = np.append(np.zeros(10_000_000, np.int64), 1)
    assert (lags_of.Replacements(rare, np.random.default_rng(0)).different_from(rare[:9]) == 1).all()
    alike = np.zeros(9, np.int64)
    assert (lags_of.Replacements(alike, np.random.default_rng(0)).different_from(alike) == alike).all()


def test_anchors_in_groups_say_what_they_say_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, the numbers are not touched: gradients need no chance."""
    whole = attribute_by_lag(reader_of("lstm"), IDS, np.random.default_rng(0), anchors=9)
    monkeypatch.setattr(lags_of, "MAX_NUMBERS", 1)
    single = attribute_by_lag(reader_of("lstm"), IDS, np.random.default_rng(0), anchors=9)
    assert np.allclose(whole.gradient.median, single.gradient.median)
    assert np.allclose(whole.gradient.low, single.gradient.low)


def test_the_lag_from_which_on_nothing_matters_has_nothing_that_does_behind_it() -> None:
    """And the JSON holds every number, all finite."""
    found = measure_context(reader_of("lstm"), IDS, np.random.default_rng(0))
    median = found.lags.gradient.median
    below = found.gradient_below(0.1)
    assert below is not None
    assert (median[below:] < 0.1).all()
    assert median[below - 1] >= 0.1
    values = found.to_json()
    assert len(values["gradient"]["median"]) == len(median)
    assert len(values["occlusion_bits"]) == len(values["occluded"])
    assert values["gradient_below"]["0.1"] == below


def test_a_seed_makes_the_same_numbers() -> None:
    """To the last digit."""
    rnn = InferenceRNN.from_model(random_model("abcdef"))
    first, second = (measure_context(rnn, IDS, np.random.default_rng(4)).to_json() for _ in range(2))
    assert first == second


def test_a_text_too_short_to_tell_is_refused() -> None:
    """Rather than a curve of three points."""
    with pytest.raises(CharrnnError, match="1,999 characters"):
        measure_context(reader_of("rnn"), IDS[:1999], np.random.default_rng(0))
