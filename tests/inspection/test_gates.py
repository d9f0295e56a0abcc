"""Gate saturation: planted cells are counted exactly, and time constants equal their known values."""

import numpy as np
import pytest
from common import random_weights
from numpy.typing import NDArray

from charrnn.config import NetworkConfig
from charrnn.inspection.measures.gate_saturation import Autocorrelation, GateSaturation, measure_gates
from charrnn.inspection.search.statistics import rank_correlation
from charrnn.network.inference import InferenceRNN

HIDDEN, CHARACTERS = 8, 5
IDS = np.random.default_rng(5).integers(CHARACTERS, size=6_000)


def gates_of(cell: str, plant: dict[tuple[int, int], float]) -> GateSaturation:
    """Return the gates of a random network of one layer, with biases planted by (block, unit)."""
    config = NetworkConfig(cell=cell, layers=1, hidden=HIDDEN, embedding=0)
    weights = random_weights(config, CHARACTERS)
    for (block, unit), bias in plant.items():
        row = block * HIDDEN + unit
        for name in ("weight_ih", "weight_hh", "bias_hh"):
            weights[f"rnn.{name}_l0"][row] = 0
        weights["rnn.bias_ih_l0"][row] = bias
    return measure_gates(InferenceRNN(config, weights), IDS)


def test_a_planted_lstm_cell_never_forgets() -> None:
    """Its forget gate is always open, and its time constant is infinite."""
    (layer,) = gates_of("lstm", {(1, 3): 40.0, (1, 5): -40.0}).layers
    forget = layer.saturations[1]
    assert forget.gate.endswith("f")
    assert (forget.high[3], forget.low[3]) == (1, 0)
    assert (forget.high[5], forget.low[5]) == (0, 1)
    assert layer.never_forgets[3]
    assert layer.always_forgets[5]
    assert not layer.never_forgets[5]
    assert layer.time_constants is not None
    assert layer.time_constants[3] == np.inf
    assert layer.time_constants[5] < 0.1
    assert layer.to_json()["time_constants"][3] is None


def test_the_update_gate_is_the_keep_gate_of_a_gru() -> None:
    """In torch's form an open z keeps the state; a constant z determines the time constant."""
    (layer,) = gates_of("gru", {(1, 2): 40.0, (1, 6): np.log(0.95 / 0.05)}).layers
    assert layer.keeping == "z"
    assert layer.never_forgets[2]
    assert layer.time_constants is not None
    assert layer.time_constants[6] == pytest.approx(-1 / np.log(0.95), rel=1e-6)


def test_the_correlation_time_of_a_leaky_cell_is_its_time_constant() -> None:
    """With random input, a cell that keeps 0.95 of its state is an autoregressive process."""
    (layer,) = gates_of("gru", {(1, 6): np.log(0.95 / 0.05)}).layers
    assert layer.time_constants is not None
    assert layer.correlation_times[6] == pytest.approx(layer.time_constants[6], rel=0.35)


def test_a_tanh_network_has_no_gates_but_saturates() -> None:
    """The saturation of h itself is counted on both sides."""
    (layer,) = gates_of("rnn", {(0, 1): 40.0, (0, 4): -40.0}).layers
    (saturation,) = layer.saturations
    assert (saturation.high[1], saturation.low[4]) == (1, 1)
    assert layer.dead[[1, 4]].all()
    assert layer.dead.sum() == 2
    assert layer.time_constants is None
    assert layer.agreement is None


def test_saturation_fractions_equal_those_of_a_single_pass() -> None:
    """The gates of all characters are computed in one row and counted directly."""
    config = NetworkConfig(cell="lstm", layers=2, hidden=HIDDEN, embedding=3)
    rnn = InferenceRNN(config, random_weights(config, CHARACTERS))
    ids = IDS[:1500]
    cache = rnn.run_with_cache(ids[:, None], rnn.initial_state(1))
    for layer, layer_cache in zip(measure_gates(rnn, ids).layers, cache.layers, strict=True):
        for saturation, name in zip(layer.saturations, "ifo", strict=True):
            assert np.allclose(saturation.high, (layer_cache.gate(name) > 0.9).mean(axis=(0, 1)))
            assert np.allclose(saturation.low, (layer_cache.gate(name) < 0.1).mean(axis=(0, 1)))
        assert layer.time_constants is not None
        assert np.allclose(layer.time_constants, -1 / np.log(layer_cache.gate("f")).mean(axis=(0, 1)))


def process(memory: float, steps: int = 60_000) -> NDArray[np.float64]:
    """Return an autoregressive process, whose autocorrelation at lag k is memory^k."""
    noise, values = np.random.default_rng(8).normal(size=steps), np.zeros(steps)
    for step in range(1, steps):
        values[step] = memory * values[step - 1] + noise[step]
    return values


@pytest.mark.parametrize("pieces", [1, 3, 7])
def test_the_correlation_time_of_a_process_is_its_time_constant(pieces: int) -> None:
    """The result does not depend on how the steps are split into chunks."""
    memories = (0.0, 0.6, 0.9)
    values = np.stack([process(memory) for memory in memories], axis=1)[:, None, :]
    correlation = Autocorrelation(len(memories))
    for piece in np.array_split(values, pieces):
        correlation.add(piece, np.ones(piece.shape[:2], np.bool_))
    assert np.allclose(correlation.variance(), values.var(axis=(0, 1)))
    none, short, long = correlation.correlation_times()
    assert none < 1
    assert short == pytest.approx(-1 / np.log(0.6), rel=0.15)
    assert long == pytest.approx(-1 / np.log(0.9), rel=0.15)


def test_uncounted_characters_do_not_affect_the_result() -> None:
    """Warm-up characters are excluded from all sums."""
    values = process(0.8, 3000).reshape(-1, 2, 1)
    counted = np.ones(values.shape[:2], np.bool_)
    counted[:200, 1] = False
    changed = np.where(counted[:, :, None], values, 1e6)
    first, second = Autocorrelation(1), Autocorrelation(1)
    first.add(values, counted)
    second.add(changed, counted)
    assert np.array_equal(first.correlation_times(), second.correlation_times())


def test_rank_correlation_depends_on_the_order_alone() -> None:
    """It is None if all values are equal."""
    values = np.array([1.0, 5.0, 2.0, np.inf])
    assert rank_correlation(values, np.exp(values)) == 1
    assert rank_correlation(values, -np.array([1.0, 5.0, 2.0, 9.0])) == -1
    assert rank_correlation(values, np.ones(4)) is None
    assert rank_correlation(values[:1], values[:1]) is rank_correlation(values[:0], values[:0]) is None
    assert rank_correlation(np.array([1.0, 2.0, 9.0]), np.array([7, 8, 8])) == pytest.approx(0.75**0.5)
