"""Clamps that are given as values of a cell's signal."""

import numpy as np
import pytest

from charrnn.errors import WrongUsageError
from charrnn.network.inference import InferenceRNN
from charrnn.network.interventions import MAX_TANH, make_clamps


@pytest.mark.parametrize("signal", [-1, -0.4, 0, 0.9, 1])
def test_a_clamped_cell_has_the_given_signal(rnn: InferenceRNN, signal: float) -> None:
    """The signal is the same at each character; ±1 is rounded to the largest value that tanh(c) can have."""
    ids = np.random.default_rng(0).integers(0, 11, (20, 1))
    cache = rnn.run_with_cache(ids, rnn.initial_state(1), make_clamps(rnn, {(2, 7): signal, (1, 0): 0.5}))
    assert np.allclose(cache.layers[1].signal[:, 0, 7], np.clip(signal, -MAX_TANH, MAX_TANH), atol=1e-6)
    assert np.allclose(cache.layers[0].signal[:, 0, 0], 0.5, atol=1e-6)


@pytest.mark.parametrize(
    ("cell", "signal", "message"),
    [((3, 0), 0, "no cell 3.0"), ((1, 12), 0, "no cell 1.12"), ((1, 1), 1.5, "from -1 to 1")],
)
def test_a_missing_cell_or_an_impossible_value_is_refused(
    rnn: InferenceRNN, cell: tuple[int, int], signal: float, message: str
) -> None:
    """The error names the cell."""
    with pytest.raises(WrongUsageError, match=message):
        make_clamps(rnn, {cell: signal})
