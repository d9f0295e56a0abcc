"""The cell equations against torch's fused layers, an independent implementation."""

from typing import Any

import numpy as np
import pytest
import torch

from charrnn.config import NetworkConfig
from charrnn.network.cells import CELLS
from charrnn.network.char_rnn import CharRNN
from charrnn.network.inference import InferenceRNN

KINDS = [
    NetworkConfig(cell=cell, layers=layers, hidden=24, embedding=embedding)
    for cell in CELLS
    for layers, embedding in ((1, 5), (3, 7), (2, 0))
]
ARRAYS = {"numpy": lambda tensor: tensor.detach().numpy(), "torch": lambda tensor: tensor.detach()}


def network(config: NetworkConfig) -> CharRNN:
    """Return a network whose weights are all far from zero, so that each term of an equation matters."""
    torch.manual_seed(1)
    model = CharRNN(config, 11)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


def reader(model: CharRNN, kind: str) -> InferenceRNN:
    """Return the network for inference with a kind of arrays."""
    return InferenceRNN(model.config, {name: ARRAYS[kind](weight) for name, weight in model.state_dict().items()})


def some_ids(kind: str, *shape: int) -> Any:
    """Return random ids in a kind of arrays."""
    ids = np.random.default_rng(0).integers(11, size=shape)
    return torch.from_numpy(ids) if kind == "torch" else ids


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("config", KINDS, ids=str)
def test_reading_equals_torchs_fused_layers(config: NetworkConfig, kind: str) -> None:
    """Outputs, logits and last state agree to 1e-5, from a state that is not zero."""
    model, ids = network(config), some_ids(kind, 13, 4)
    stepper = reader(model, kind)
    with torch.no_grad():
        start = tuple(torch.randn_like(part) * 0.3 for part in model.initial_state(4))
        logits, state = model(torch.as_tensor(ids), start)
    first = tuple(
        type(zero)(*(ARRAYS[kind](part[layer]) for part in start))
        for layer, zero in enumerate(stepper.initial_state(4))
    )
    cache = stepper.run_with_cache(ids, first)
    assert np.allclose(stepper.logits(cache.layers[-1].hidden), logits, atol=1e-5)
    for layer, after in enumerate(cache.state):
        for part, expected in zip(after, state, strict=False):
            assert np.allclose(part, expected[layer], atol=1e-5)


@pytest.mark.parametrize("config", KINDS, ids=str)
def test_stepping_one_character_at_a_time_equals_reading_at_once(config: NetworkConfig) -> None:
    """Sampling and inspection compute the same activations."""
    stepper, ids = reader(network(config), "numpy"), some_ids("numpy", 9, 2)
    cache = stepper.run_with_cache(ids, stepper.initial_state(2))
    state = stepper.initial_state(2)
    for time, row in enumerate(ids):
        logits, state = stepper.step(row, state)
        assert np.allclose(logits, stepper.logits(cache.layers[-1].hidden[time]), atol=1e-6)


@pytest.mark.parametrize("config", KINDS, ids=str)
def test_carried_windows_equal_one_long_pass(config: NetworkConfig) -> None:
    """Cutting a text into windows changes nothing if the state is carried, in both implementations."""
    model, ids = network(config), some_ids("numpy", 12, 3)
    stepper = reader(model, "numpy")
    complete = stepper.run_with_cache(ids, stepper.initial_state(3))
    half = stepper.run_with_cache(ids[5:], stepper.run_with_cache(ids[:5], stepper.initial_state(3)).state)
    assert np.allclose(half.layers[-1].hidden, complete.layers[-1].hidden[5:], atol=1e-6)
    with torch.no_grad():
        pair, _ = model(torch.from_numpy(ids), model.initial_state(3))
        _, state = model(torch.from_numpy(ids[:5]), model.initial_state(3))
        second, _ = model(torch.from_numpy(ids[5:]), state)
    assert torch.allclose(second, pair[5:], atol=1e-6)


@pytest.mark.parametrize("config", KINDS, ids=str)
def test_the_cached_gates_determine_the_next_state(config: NetworkConfig) -> None:
    """The state follows from the gates by the textbook equations."""
    stepper = reader(network(config), "numpy")
    first = stepper.run_with_cache(some_ids("numpy", 3, 2), stepper.initial_state(2)).state
    layer, before = stepper.run_with_cache(some_ids("numpy", 1, 2), first).layers[0], first[0]
    has_cell_state = CELLS[config.cell].has_cell_state
    if has_cell_state:
        f, g, o = (layer.gate(name)[0] for name in "fgo")
        i = layer.gate("i")[0] if "i" in stepper.gate_names else 1 - f
        assert layer.cell_state is not None
        assert np.allclose(layer.cell_state[0], f * before.cell_state + i * g, atol=1e-6)
        assert np.allclose(layer.hidden[0], o * np.tanh(f * before.cell_state + i * g), atol=1e-6)
        assert config.cell != "capped" or (i <= 1 - f).all()
        assert np.allclose(layer.signal, np.tanh(layer.cell_state))
    elif config.cell == "gru":
        z, n = layer.gate("z")[0], layer.gate("n")[0]
        assert np.allclose(layer.hidden[0], (1 - z) * n + z * before.hidden, atol=1e-6)
    assert stepper.signal_name == ("tanh(c)" if has_cell_state else "h")


def test_large_vocabulary_is_read_without_a_table() -> None:
    """The table of input projections would take too much memory; the results without it are equal."""
    torch.manual_seed(0)
    model = CharRNN(NetworkConfig(hidden=128, embedding=3), 5000).eval()
    ids = np.random.default_rng(0).integers(5000, size=(4, 2))
    stepper = reader(model, "numpy")
    cache = stepper.run_with_cache(ids, stepper.initial_state(2))
    with torch.no_grad():
        logits, _ = model(torch.from_numpy(ids), model.initial_state(2))
    assert np.allclose(stepper.logits(cache.layers[-1].hidden), logits, atol=1e-5)


def test_sigmoid_does_not_overflow() -> None:
    """Saturated gates are exactly 0 and 1, without a warning."""
    from charrnn.network.cells import sigmoid

    assert sigmoid(np.array([-1e5, 0.0, 1e5], dtype=np.float32)).tolist() == [0.0, 0.5, 1.0]
