"""Cells held at a value: everything that listens hears it, and nothing else is touched."""

import numpy as np
import pytest
from numpy.typing import NDArray

from charrnn.config import NetworkConfig
from charrnn.network.clamp import Clamp
from charrnn.network.model_file import weight_shapes
from charrnn.network.reader import Reader

Ids = NDArray[np.int64]

CHARACTERS, STREAMS, HIDDEN = 9, 3, 6


def random_reader(cell: str) -> Reader:
    """Lay out a network of two layers with large random weights."""
    config, rng = NetworkConfig(cell=cell, layers=2, hidden=HIDDEN, embedding=4), np.random.default_rng(0)
    return Reader(config, {name: rng.normal(size=shape) for name, shape in weight_shapes(config, CHARACTERS).items()})


def one_cell(unit: int, value: float) -> Clamp:
    """Hold one cell in all streams."""
    held = np.arange(HIDDEN)[None] == unit
    return Clamp(held=held, values=np.full((1, HIDDEN), value))


@pytest.fixture
def ids() -> Ids:
    """Draw characters for all streams (T, B)."""
    return np.random.default_rng(1).integers(CHARACTERS, size=(7, STREAMS))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_held_cell_has_its_value_at_every_character(cell: str, ids: Ids) -> None:
    """And the others of its layer go on by themselves: at the first character they are what they would be."""
    reader = random_reader(cell)
    free, held = (reader.read(ids, reader.start(STREAMS), clamps) for clamps in ({}, {1: one_cell(2, 0.25)}))
    with_it, without = (np.asarray(reading.layers[0].signal) for reading in (held, free))
    assert np.allclose(with_it[:, :, 2], np.tanh(0.25) if cell == "lstm" else 0.25)
    others = np.arange(HIDDEN) != 2
    assert np.array_equal(with_it[0][:, others], without[0][:, others])
    assert not np.allclose(with_it[-1][:, others], without[-1][:, others])
    assert not np.allclose(held.layers[1].hidden[0], free.layers[1].hidden[0])


def test_what_an_lstm_says_follows_from_the_held_memory(ids: Ids) -> None:
    """H = o·tanh(c) holds of the held cell too."""
    reader = random_reader("lstm")
    layer = reader.read(ids, reader.start(STREAMS), {2: one_cell(0, -1.5)}).layers[1]
    assert np.allclose(layer.hidden[:, :, 0], layer.gate("o")[:, :, 0] * np.tanh(-1.5))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_each_stream_can_have_a_clamp_of_its_own(cell: str, ids: Ids) -> None:
    """Streams side by side say what they would say alone."""
    reader = random_reader(cell)
    held = np.eye(STREAMS, HIDDEN, dtype=bool)
    values = np.linspace(-0.9, 0.9, STREAMS * HIDDEN).reshape(STREAMS, HIDDEN)
    together = reader.read(ids, reader.start(STREAMS), {1: Clamp(held=held, values=values)})
    for stream in range(STREAMS):
        alone = {1: Clamp(held=held[stream : stream + 1], values=values[stream : stream + 1])}
        expected = reader.read(ids[:, stream : stream + 1], reader.start(1), alone)
        assert np.allclose(together.layers[1].hidden[:, stream], expected.layers[1].hidden[:, 0])


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_stepping_and_reading_hold_alike(cell: str, ids: Ids) -> None:
    """One character at a time gives the logits of all at once."""
    reader, clamps = random_reader(cell), {1: one_cell(3, 0.5), 2: one_cell(1, -0.5)}
    reading, state = reader.read(ids, reader.start(STREAMS), clamps), reader.start(STREAMS)
    for row, hidden in zip(ids, reading.layers[-1].hidden, strict=True):
        logits, state = reader.step(row, state, clamps)
        assert np.allclose(logits, reader.logits(hidden))
