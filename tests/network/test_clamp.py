"""Clamped cells: every reader of a cell sees the clamped value, and nothing else changes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from charrnn.config import NetworkConfig
from charrnn.network.cells import CELLS
from charrnn.network.clamps import Clamp
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import weight_shapes

Ids = NDArray[np.int64]

CHARACTERS, STREAMS, HIDDEN = 9, 3, 6


def random_reader(cell: str) -> InferenceRNN:
    """Return a network of two layers with large random weights."""
    config, rng = NetworkConfig(cell=cell, layers=2, hidden=HIDDEN, embedding=4), np.random.default_rng(0)
    return InferenceRNN(
        config, {name: rng.normal(size=shape) for name, shape in weight_shapes(config, CHARACTERS).items()}
    )


def one_cell(unit: int, value: float) -> Clamp:
    """Return a clamp of one cell in all streams."""
    clamped = np.arange(HIDDEN)[None] == unit
    return Clamp(mask=clamped, values=np.full((1, HIDDEN), value))


@pytest.fixture
def ids() -> Ids:
    """Return random characters for all streams, (T, B)."""
    return np.random.default_rng(1).integers(CHARACTERS, size=(7, STREAMS))


@pytest.mark.parametrize("cell", CELLS)
def test_a_clamped_cell_has_its_value_at_every_character(cell: str, ids: Ids) -> None:
    """At the first character the other cells of its layer have the values that they have without a clamp."""
    rnn = random_reader(cell)
    free, clamped = (
        rnn.run_with_cache(ids, rnn.initial_state(STREAMS), clamps) for clamps in ({}, {1: one_cell(2, 0.25)})
    )
    with_it, without = (np.asarray(cache.layers[0].signal) for cache in (clamped, free))
    assert np.allclose(with_it[:, :, 2], np.tanh(0.25) if CELLS[cell].has_cell_state else 0.25)
    rest = np.arange(HIDDEN) != 2
    assert np.array_equal(with_it[0][:, rest], without[0][:, rest])
    assert not np.allclose(with_it[-1][:, rest], without[-1][:, rest])
    assert not np.allclose(clamped.layers[1].hidden[0], free.layers[1].hidden[0])


@pytest.mark.parametrize("cell", [name for name, kind in CELLS.items() if kind.has_cell_state])
def test_the_output_follows_from_the_clamped_cell_state(cell: str, ids: Ids) -> None:
    """The equation h = o·tanh(c) holds for the clamped cell too."""
    rnn = random_reader(cell)
    layer = rnn.run_with_cache(ids, rnn.initial_state(STREAMS), {2: one_cell(0, -1.5)}).layers[1]
    assert np.allclose(layer.hidden[:, :, 0], layer.gate("o")[:, :, 0] * np.tanh(-1.5))


def test_the_output_gate_of_a_peephole_reads_the_clamped_cell_state(ids: Ids) -> None:
    """The gates of other cells do not change at the first character."""
    rnn = random_reader("peephole")
    free, clamped = (
        rnn.run_with_cache(ids, rnn.initial_state(STREAMS), clamps).layers[0]
        for clamps in ({}, {1: one_cell(2, 1.5)})
    )
    weight = rnn.weights["rnn.weight_peephole_l0"][2 * HIDDEN + 2]
    assert free.cell_state is not None
    odds = free.gate("o")[0, :, 2] / (1 - free.gate("o")[0, :, 2]) * np.exp(weight * (1.5 - free.cell_state[0, :, 2]))
    assert np.allclose(clamped.gate("o")[0, :, 2], odds / (1 + odds))
    rest = np.arange(HIDDEN) != 2
    assert np.array_equal(clamped.gate("o")[0][:, rest], free.gate("o")[0][:, rest])


@pytest.mark.parametrize("cell", CELLS)
def test_each_stream_can_have_a_clamp_of_its_own(cell: str, ids: Ids) -> None:
    """Several streams together have the outputs of each stream alone."""
    rnn = random_reader(cell)
    clamped = np.eye(STREAMS, HIDDEN, dtype=bool)
    values = np.linspace(-0.9, 0.9, STREAMS * HIDDEN).reshape(STREAMS, HIDDEN)
    together = rnn.run_with_cache(ids, rnn.initial_state(STREAMS), {1: Clamp(mask=clamped, values=values)})
    for stream in range(STREAMS):
        alone = {1: Clamp(mask=clamped[stream : stream + 1], values=values[stream : stream + 1])}
        expected = rnn.run_with_cache(ids[:, stream : stream + 1], rnn.initial_state(1), alone)
        assert np.allclose(together.layers[1].hidden[:, stream], expected.layers[1].hidden[:, 0])


@pytest.mark.parametrize("cell", CELLS)
def test_clamps_act_equally_on_single_steps_and_whole_texts(cell: str, ids: Ids) -> None:
    """Reading one character at a time gives the logits of reading all at once."""
    rnn, clamps = random_reader(cell), {1: one_cell(3, 0.5), 2: one_cell(1, -0.5)}
    cache, state = rnn.run_with_cache(ids, rnn.initial_state(STREAMS), clamps), rnn.initial_state(STREAMS)
    for row, hidden in zip(ids, cache.layers[-1].hidden, strict=True):
        logits, state = rnn.step(row, state, clamps)
        assert np.allclose(logits, rnn.logits(hidden))
