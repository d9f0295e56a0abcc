"""The end of a document resets the state: joined documents are read as separate ones."""

from itertools import chain

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from charrnn.config import NetworkConfig
from charrnn.network.cells import CELLS
from charrnn.network.char_rnn import CharRNN
from charrnn.network.inference import InferenceRNN

END = 2
DOCUMENTS = ([5, 1, 3, END], [END], [4, END], [1, 1, 0, 6, 3, 5, 4, 0, END], [6, 0, END])

pytestmark = pytest.mark.parametrize("cell", CELLS)


def network(cell: str, *, documents: str | None = "line", embedding: int = 3) -> CharRNN:
    """Return a network of two layers with weights so large that the state matters."""
    torch.manual_seed(0)
    config = NetworkConfig(cell=cell, layers=2, hidden=6, embedding=embedding, documents=documents)
    model = CharRNN(config, 7, end_id=None if documents is None else END)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.7)
    return model


def together() -> Tensor:
    """Return the documents in two streams, the second in another order: (T, 2)."""
    order = (DOCUMENTS, (*DOCUMENTS[3:], *DOCUMENTS[:3]))
    return torch.tensor([list(chain(*documents)) for documents in order]).t()


def loss_of(logits: Tensor, ids: Tensor) -> Tensor:
    """Return the summed loss of all characters except the first."""
    return functional.cross_entropy(logits.flatten(0, 1), ids.flatten(), reduction="sum")


def one_by_one(model: CharRNN) -> Tensor:
    """Return the summed loss of all documents, each read alone from the initial state."""
    total = torch.zeros(())
    for document in DOCUMENTS:
        read = torch.tensor(document)[:-1, None]
        first = model.output(model.initial_state(1)[0][-1:])
        logits = torch.cat([first, model(read, model.initial_state(1))[0]]) if len(read) else first
        total = total + loss_of(logits, torch.tensor(document)[:, None])
    return total


@pytest.mark.parametrize("embedding", [0, 3])
def test_joined_documents_have_the_gradients_of_separate_ones(cell: str, embedding: int) -> None:
    """Loss and all gradients agree: neither state nor gradient crosses the end of a document."""
    model = network(cell, embedding=embedding)
    ids = together()
    before = torch.full((1, 2), END)
    logits, _ = model(torch.cat([before, ids[:-1]]), model.initial_state(2))
    names = [name for name, _ in model.named_parameters()]
    row = torch.autograd.grad(loss_of(logits, ids), list(model.parameters()))
    singles = torch.autograd.grad(2 * one_by_one(model), list(model.parameters()))
    assert torch.allclose(loss_of(logits, ids), 2 * one_by_one(model), rtol=1e-5)
    for name, first, second in zip(names, row, singles, strict=True):
        assert torch.allclose(first, second, atol=1e-4), name


def test_the_state_after_an_end_is_fresh_and_after_anything_else_is_not(cell: str) -> None:
    """The state is reset in all layers, for any length of the window and any initial state."""
    model, ids = network(cell), together()
    before = tuple(100 * torch.randn_like(part) for part in model.initial_state(2))
    for stop in range(1, len(ids) + 1):
        _, state = model(ids[:stop], before)
        pairs = zip(state, model.initial_state(2), strict=True)
        fresh = torch.stack([torch.isclose(first, second, atol=1e-6).all(-1) for first, second in pairs]).all(0)
        assert torch.equal(fresh, (ids[stop - 1] == END).expand(2, 2))


def test_a_window_without_an_end_is_read_as_by_a_network_without_documents(cell: str) -> None:
    """Bit by bit, with equal weights."""
    ids = torch.tensor([[1, 3], [0, 5], [4, 4]])
    model, plain = network(cell), network(cell, documents=None)
    state = tuple(torch.randn_like(part) for part in model.initial_state(2))
    assert torch.equal(model(ids, state)[0], plain(ids, state)[0])


@pytest.mark.parametrize("way", ["read", "step"])
def test_inference_resets_the_state_as_the_trained_network_does(cell: str, way: str) -> None:
    """For a whole text and one character at a time."""
    model, ids = network(cell), together()
    expected, left = model(ids, model.initial_state(2))
    rnn = InferenceRNN(
        model.config, {name: weight.numpy() for name, weight in model.state_dict().items()}, end_id=END
    )
    state = rnn.initial_state(2)
    if way == "read":
        cache = rnn.run_with_cache(ids.numpy(), state)
        logits, state = rnn.logits(cache.layers[-1].hidden), cache.state
    else:
        parts = []
        for row in ids.numpy():
            logits, state = rnn.step(row, state)
            parts.append(logits)
        logits = np.stack(parts)
    assert np.allclose(logits, expected.detach(), atol=1e-5)
    assert all(np.allclose(layer.hidden, left[0][n].detach(), atol=1e-6) for n, layer in enumerate(state))


def test_bfloat16_resets_the_state_at_the_end_of_a_document(cell: str) -> None:
    """The saturating input saturates the gates in bfloat16 too."""
    model, ids = network(cell), together()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _, state = model(ids, model.initial_state(2))
    for part, fresh in zip(state, model.initial_state(2), strict=True):
        assert torch.allclose(part.float(), fresh, atol=4e-3)
