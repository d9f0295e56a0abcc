"""Gradients with respect to input characters against torch's autograd."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from reference_layers import reference_outputs

from charrnn.config import NetworkConfig
from charrnn.inspection.measures.lag_attribution import input_gradients
from charrnn.network.char_rnn import LAYERS
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import weight_shapes

CHARACTERS, STREAMS, HIDDEN, LAYERS_DEEP = 7, 3, 6, 2
TOLERANCE = 1e-8
END = 3

Weights = dict[str, NDArray[np.float64]]


def network(cell: str, embedding: int, documents: str | None = None) -> tuple[InferenceRNN, Weights]:
    """Return a network of two layers with large random weights, in float64."""
    config, rng = (
        NetworkConfig(cell=cell, layers=LAYERS_DEEP, hidden=HIDDEN, embedding=embedding, documents=documents),
        np.random.default_rng(0),
    )
    weights = {name: rng.normal(size=shape) for name, shape in weight_shapes(config, CHARACTERS).items()}
    return InferenceRNN(config, weights, end_id=END if documents else None), weights


def torchs(cell: str, weights: Weights, ids: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return torch's gradient of the loss of the last character with respect to each character."""
    tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
    table = tensors.get("embedding.weight", torch.eye(CHARACTERS, dtype=torch.float64))
    embedded = table[torch.from_numpy(ids)].requires_grad_()
    outputs = reference_outputs(cell, tensors, embedded, layers=LAYERS_DEEP)
    logits = outputs[-1] @ tensors["output.weight"].T + tensors["output.bias"]
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(targets), reduction="sum").backward()  # type: ignore[no-untyped-call]
    assert embedded.grad is not None
    return embedded.grad.numpy()


@pytest.mark.parametrize("embedding", [0, 4])
@pytest.mark.parametrize("cell", LAYERS)
def test_the_gradient_of_every_character_equals_that_of_torch(cell: str, embedding: int) -> None:
    """Up to rounding in float64, at any distance and through both layers."""
    rnn, weights = network(cell, embedding)
    rng = np.random.default_rng(1)
    ids, targets = rng.integers(CHARACTERS, size=(40, STREAMS)), rng.integers(CHARACTERS, size=STREAMS)
    cache = rnn.run_with_cache(ids, rnn.initial_state(STREAMS))
    logits = rnn.logits(cache.layers[-1].hidden[-1])
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    logit_gradients = odds / odds.sum(-1, keepdims=True) - np.eye(CHARACTERS)[targets]
    actual = input_gradients(rnn, ids, cache, rnn.initial_state(STREAMS), logit_gradients)
    expected = torchs(cell, weights, ids, targets)
    assert np.abs(expected).max() > 0.01
    assert np.abs(actual - expected).max() < TOLERANCE


@pytest.mark.parametrize("cell", LAYERS)
def test_a_text_that_is_cut_in_two_has_the_gradients_of_the_whole_text(cell: str) -> None:
    """Given the state before it, the earlier text does not affect the gradients of later characters."""
    rnn, _ = network(cell, 4)
    rng = np.random.default_rng(1)
    ids, logits = rng.integers(CHARACTERS, size=(12, STREAMS)), rng.normal(size=(STREAMS, CHARACTERS))
    complete = rnn.run_with_cache(ids, rnn.initial_state(STREAMS))
    first = rnn.run_with_cache(ids[:5], rnn.initial_state(STREAMS))
    second = rnn.run_with_cache(ids[5:], first.state)
    expected = input_gradients(rnn, ids, complete, rnn.initial_state(STREAMS), logits)[5:]
    result = input_gradients(rnn, ids[5:], second, first.state, logits)
    assert np.allclose(result, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("cell", LAYERS)
def test_the_gradient_is_zero_before_the_end_of_a_document(cell: str) -> None:
    """After the end, the gradient is that of a text that begins there."""
    rnn, _ = network(cell, 4, documents="line")
    rng = np.random.default_rng(1)
    ids, logits = rng.choice([0, 1, 2, 4, 5, 6], size=(12, STREAMS)), rng.normal(size=(STREAMS, CHARACTERS))
    ids[4], ids[1, 0] = END, END
    complete, after = (
        rnn.run_with_cache(ids, rnn.initial_state(STREAMS)),
        rnn.run_with_cache(ids[5:], rnn.initial_state(STREAMS)),
    )
    result = input_gradients(rnn, ids, complete, rnn.initial_state(STREAMS), logits)
    expected = input_gradients(rnn, ids[5:], after, rnn.initial_state(STREAMS), logits)
    assert (result[:5] == 0).all()
    assert np.abs(expected).max() > 0.01
    assert np.allclose(result[5:], expected, rtol=1e-12, atol=1e-15)
