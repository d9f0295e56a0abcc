"""The trainable network: variational dropout, DropConnect, and no dropout in evaluation."""

import itertools

import pytest
import torch
from torch import Tensor

from charrnn.config import NetworkConfig
from charrnn.network import char_rnn
from charrnn.network.cells import CELLS
from charrnn.network.char_rnn import CharRNN, LayerWeights

LENGTH, STREAMS, UNITS = 7, 5, 4000


def network(**values: object) -> CharRNN:
    """Return a small network."""
    torch.manual_seed(0)
    settings: dict[str, object] = {"hidden": 8, "embedding": 4, "layers": 2} | values
    return CharRNN(NetworkConfig.from_mapping(settings), 11)


def logits(model: CharRNN, seed: int = 0) -> Tensor:
    """Return the outputs of a window, with dropout masks from a seed."""
    ids = torch.randint(11, (LENGTH, STREAMS), generator=torch.Generator().manual_seed(1))
    torch.manual_seed(seed)
    return model(ids, model.initial_state(STREAMS))[0]  # type: ignore[no-any-return]


def test_a_variational_mask_is_equal_at_every_character_and_different_in_every_stream() -> None:
    """A unit that is dropped for a stream is dropped in the whole window."""
    torch.manual_seed(0)
    left = char_rnn.variational_dropout(torch.ones(LENGTH, STREAMS, UNITS), 0.5)
    assert (left == left[0]).all()
    assert all(
        (left[0, first] != left[0, second]).any() for first, second in itertools.combinations(range(STREAMS), 2)
    )


def test_a_variational_mask_is_drawn_anew_for_each_window() -> None:
    """Different units are dropped in two windows."""
    torch.manual_seed(0)
    values = torch.ones(LENGTH, STREAMS, UNITS)
    assert (char_rnn.variational_dropout(values, 0.5) != char_rnn.variational_dropout(values, 0.5)).any()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_mask_zeroes_its_share_and_keeps_the_mean(share: float) -> None:
    """Within four standard errors."""
    torch.manual_seed(0)
    left = char_rnn.variational_dropout(torch.ones(2, STREAMS, UNITS), share)[0]
    error = 4 * (share * (1 - share) / left.numel()) ** 0.5
    assert (left == 0).float().mean().item() == pytest.approx(share, abs=error)
    assert left.mean().item() == pytest.approx(1, abs=error / (1 - share))


def test_a_rate_of_zero_changes_nothing() -> None:
    """The tensors themselves are returned."""
    values = torch.randn(LENGTH, STREAMS, 3)
    assert char_rnn.variational_dropout(values, 0.0) is values
    assert char_rnn.drop_connect(values, 0.0) is values


@pytest.mark.parametrize("kind", ["dropout", "input_dropout", "weight_drop"])
@pytest.mark.parametrize("cell", CELLS)
def test_dropout_acts_in_training_mode_only(cell: str, kind: str) -> None:
    """Training depends on the seed; evaluation equals that of the network without dropout."""
    model = network(cell=cell, **{kind: 0.5})
    assert not torch.equal(logits(model, 0), logits(model, 1))
    torch.testing.assert_close(logits(model.eval(), 0), logits(network(cell=cell).eval(), 1))


@pytest.mark.parametrize("cell", CELLS)
def test_dropped_weights_are_dropped_for_the_whole_window(cell: str) -> None:
    """A window with DropConnect equals a window of a network with the masked weights."""
    model = network(cell=cell, layers=1, weight_drop=0.4)
    learning = logits(model, seed=3)
    torch.manual_seed(3)
    recurrent = model.get_parameter("rnn.weight_hh_l0")
    with torch.no_grad():
        recurrent.copy_(char_rnn.drop_connect(recurrent, 0.4))
    torch.testing.assert_close(logits(model.eval()), learning)


@pytest.mark.parametrize("cell", CELLS)
def test_dropped_weights_have_no_gradient(cell: str) -> None:
    """The gradient of dropped weights is zero, that of others is not."""
    model = network(cell=cell, layers=1, weight_drop=0.4)
    logits(model, seed=3).square().sum().backward()  # type: ignore[no-untyped-call]
    torch.manual_seed(3)
    recurrent = model.get_parameter("rnn.weight_hh_l0")
    is_kept = char_rnn.drop_connect(torch.ones_like(recurrent), 0.4) > 0
    assert recurrent.grad is not None
    assert torch.equal(recurrent.grad != 0, is_kept)


@pytest.mark.parametrize("cell", CELLS)
def test_two_halves_of_a_window_equal_the_whole_window(cell: str) -> None:
    """The returned state continues the text, in every layer."""
    model = network(cell=cell).eval()
    ids = torch.randint(11, (LENGTH, STREAMS))
    complete, left = model(ids, model.initial_state(STREAMS))
    first, between = model(ids[:3], model.initial_state(STREAMS))
    second, after = model(ids[3:], between)
    torch.testing.assert_close(torch.cat((first, second)), complete)
    torch.testing.assert_close(after, left)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_layer_in_bfloat16_is_close_to_the_exact_one(cell: str) -> None:
    """Outputs, states and gradients of torch's layer, whatever autocast is enabled around it."""
    model = network(cell=cell, layers=1)
    weights = char_rnn.layer_weights(cell, model.rnn, 0)
    assert isinstance(weights, LayerWeights)
    inputs = torch.randn(LENGTH, STREAMS, 4)
    state = tuple(torch.randn(STREAMS, 8) for _ in model.initial_state(1))
    kernels: dict[str, char_rnn.Kernel] = {"lstm": torch.lstm, "gru": torch.gru, "rnn": torch.rnn_tanh}
    parts = [part.unsqueeze(0) for part in state]
    kernel, before = kernels[cell], parts if cell == "lstm" else parts[0]
    exact, left = char_rnn._torch_layer(kernel, inputs, before, weights)
    exact.sum().backward()  # type: ignore[no-untyped-call]
    gradients = [weight.grad.clone() for weight in weights if weight.grad is not None]
    model.zero_grad()
    with torch.autocast("cpu", dtype=torch.float16):
        rounded, after = char_rnn._in_bfloat16(kernel, inputs, before, weights)
    rounded.sum().backward()  # type: ignore[no-untyped-call]
    assert {rounded.dtype, *(part.dtype for part in after)} == {torch.bfloat16}
    torch.testing.assert_close(rounded.float(), exact, atol=0.03, rtol=0)
    for first, second in zip(after, left, strict=True):
        torch.testing.assert_close(first.float(), second, atol=0.05, rtol=0)
    for weight, gradient in zip(weights, gradients, strict=True):
        assert weight.grad is not None
        assert weight.grad.dtype == torch.float32
        torch.testing.assert_close(weight.grad, gradient, atol=0.05 * float(gradient.abs().max()), rtol=0)
