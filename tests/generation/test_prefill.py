"""Prefill: prompts of any length give the state of reading them character by character."""

import numpy as np
import pytest
from common import random_model

from charrnn.config import NetworkConfig
from charrnn.generation.generate import CHECK_EVERY_CHARS, prefill
from charrnn.network.cells import State, tanh
from charrnn.network.inference import InferenceRNN
from charrnn.network.interventions import make_clamps
from charrnn.network.model_file import Model, weight_shapes
from charrnn.text.vocabulary import Ids

LATCH = 5


def stepped(rnn: InferenceRNN, ids: Ids, **clamps: object) -> State:
    """Return the state after reading character by character."""
    state = rnn.initial_state(1)
    for number in ids:
        _, state = rnn.step(np.array([number]), state, **clamps)  # type: ignore[arg-type]
    return state


def assert_same(first: State, second: State) -> None:
    """Assert that two states have the same effect."""
    for layer, expected in zip(first, second, strict=True):
        assert np.allclose(layer.hidden, expected.hidden, atol=2e-5)
        assert np.allclose(tanh(layer.cell_state), tanh(expected.cell_state), atol=2e-5)


def latching(model: Model) -> InferenceRNN:
    """Return the network with a cell that "a" sets, and that never forgets."""
    size, weights = model.config.hidden, {name: weight.copy() for name, weight in model.weights.items()}
    rows = np.arange(4) * size + LATCH
    for name in ("rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0"):
        weights[name][rows] = 0
    weights["rnn.bias_ih_l0"][rows] = (-30, 30, 3, 30)
    embedding = weights["embedding.weight"]
    embedding[:, 0] = 0
    embedding[model.vocabulary.id_of("a"), 0] = 1
    weights["rnn.weight_ih_l0"][LATCH, 0] = 60
    return InferenceRNN(model.config, weights)


@pytest.mark.parametrize("rows", [2, 3, 7])
@pytest.mark.parametrize("length", [8, 3 * CHECK_EVERY_CHARS + 5, 2500])
def test_prefill_in_rows_gives_the_state_of_one_row(rnn: InferenceRNN, rows: int, length: int) -> None:
    """For rows that are long enough for the network to forget its initial state, and for shorter ones."""
    ids = np.random.default_rng(0).integers(0, 11, length)
    assert_same(prefill(rnn, ids, rows=rows), stepped(rnn, ids))


@pytest.mark.fault("F70")
def test_the_prompt_is_read_with_clamped_cells(rnn: InferenceRNN) -> None:
    """In several rows as in one row."""
    ids, clamps = np.random.default_rng(0).integers(0, 11, 3000), make_clamps(rnn, {(1, 3): 0.5, (2, 1): -1})
    for rows in (1, 4):
        assert_same(prefill(rnn, ids, rows=rows, clamps=clamps), stepped(rnn, ids, clamps=clamps))


def test_a_state_that_is_never_forgotten_is_carried_from_row_to_row(model: Model) -> None:
    """A cell that the first characters set is still set thousands of characters later."""
    rnn, a = latching(model), model.vocabulary.id_of("a")
    ids = np.random.default_rng(0).integers(a + 1, 11, 1500)
    for first in (a, a + 1):
        ids[0] = first
        left = prefill(rnn, ids, rows=5)
        assert_same(left, stepped(rnn, ids))
        assert (left[0].hidden[0, LATCH] > 0.5) == (first == a)


@pytest.mark.parametrize("rows", [1, 4])
def test_every_chunk_of_a_prompt_passes_the_progress_wrapper(rnn: InferenceRNN, rows: int) -> None:
    """The wrapper can display how much of the prompt was read."""
    ids, observed = np.random.default_rng(0).integers(0, 11, 2000), []

    def watched(pieces: list[Ids]) -> list[Ids]:
        observed.extend(pieces)
        return pieces

    prefill(rnn, ids, rows=rows, progress=watched)  # type: ignore[arg-type]
    assert sum(piece.size for piece in observed) >= len(ids)


def test_an_empty_prompt_gives_the_initial_state() -> None:
    """Nothing is read."""
    rnn = InferenceRNN.from_model(random_model())
    assert not prefill(rnn, np.array([], np.int64))[0].hidden.any()


def test_a_cell_state_that_peepholes_read_is_exact() -> None:
    """States with equal tanh(c) and different c have different effects on the gates."""
    config = NetworkConfig(cell="peephole", layers=1, hidden=1, embedding=0)
    weights = {name: np.zeros(shape) for name, shape in weight_shapes(config, 2).items()}
    weights["rnn.bias_ih_l0"][:] = (40, 40, 0, -135)
    weights["rnn.weight_ih_l0"][2] = (0, 40)
    weights["rnn.weight_peephole_l0"][2] = 1
    weights["output.weight"][1] = 1
    counter, ids = InferenceRNN(config, weights), np.zeros(8 * CHECK_EVERY_CHARS, np.int64)
    middle = len(ids) // 2
    ids[:50], ids[middle : middle + 50], ids[-60:] = 1, 1, 1  # c is 50, 100 and 160; from the middle on, 50 and 110
    assert_same(prefill(counter, ids, rows=2), stepped(counter, ids))
    assert stepped(counter, ids)[0].hidden > 0.99
