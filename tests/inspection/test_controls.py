"""Controls of the search: permutation tests, shuffled weights, linear probes and selectivity."""

import numpy as np
import pytest
from numpy.typing import NDArray
from planted_networks import LSTM, alphabet_of, plant, random_weights, some_text

from charrnn.config import NetworkConfig
from charrnn.inspection.concepts import CONCEPTS, Concept, ParsedText
from charrnn.inspection.search.controls import PermutationTest, permutation_count, shuffle_weights
from charrnn.inspection.search.probes import ActivationSample, CellProducts, fit_linear_probes
from charrnn.inspection.search.splits import ConceptCodes, SplitStreams, quantize_marks, split_text, trigram_groups
from charrnn.inspection.search.sufficient_statistics import accumulate
from charrnn.network.cells import CELLS
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import weight_shapes

Matrix = NDArray[np.float64]

TEXT = some_text(lines=1_500)  # long enough for 24 streams
PARSED, STREAMS = ParsedText.of(TEXT, "planted.md"), split_text(TEXT)
CODINGS = tuple(
    quantize_marks(CONCEPTS[name], CONCEPTS[name].mark(PARSED), STREAMS)
    for name in ("in_quote", "line_pos", "bracket_depth")
)
STEPS = STREAMS.length - STREAMS.warm_up


def noise(cells: int, seed: int = 0) -> Matrix:
    """Return independent random activations (T, B, cells)."""
    return np.random.default_rng(seed).normal(size=(STEPS, STREAMS.count, cells))


def drifting(streams: SplitStreams, steps: int, rng: np.random.Generator) -> Matrix:
    """Return an autocorrelated signal with a drift over the whole text (T, B), for cells or labels."""
    slow = np.zeros((steps, streams.count))
    innovations = rng.normal(size=slow.shape)
    for step in range(1, steps):
        slow[step] = 0.98 * slow[step - 1] + innovations[step]
    return slow + rng.normal() * 20 * np.linspace(-1, 1, streams.count)


def test_the_permutation_test_keeps_its_significance_level() -> None:
    """Independent cells and labels with autocorrelation and drift: about one in twenty p-values is below 0.05."""
    rng = np.random.default_rng(0)
    streams = SplitStreams(starts=np.arange(24) * 300, length=300, warm_up=0)
    concept = Concept(name="any", kind="counter", description="", mark=lambda parsed: np.zeros(len(parsed.text), int))
    significant = 0
    for _ in range(200):
        label = drifting(streams, 300, rng)
        codes = np.searchsorted(np.quantile(label, np.arange(1, 16) / 16), label).astype(np.uint8)
        coding = ConceptCodes(
            concept=concept,
            codes=codes,
            levels=tuple(map(float, range(16))),
            episodes=np.ones(24, dtype=np.int64),
            present=np.ones(24, dtype=np.bool_),
        )
        permutation_test = PermutationTest([coding], streams, 1)
        permutation_test.accumulate(drifting(streams, 300, rng)[:, :, None], 0)
        significant += permutation_test.p_values(rng, count=199)[0] <= 0.05
    assert 4 <= significant <= 18


def test_a_p_value_is_the_fraction_of_permutations_that_do_as_well() -> None:
    """Accumulated in blocks of any size, it equals a naive computation on the whole arrays."""
    cells = noise(3)
    cells[:, :, 1] += 0.3 * CODINGS[0].codes
    permutation_test = PermutationTest(CODINGS, STREAMS, 3)
    for first in range(0, STEPS, 37):
        permutation_test.accumulate(cells[first : first + 37], first)
    p_values = permutation_test.p_values(np.random.default_rng(5), count=99)
    rng = np.random.default_rng(5)
    activations = cells[:, STREAMS.confirmation] - cells[:, STREAMS.confirmation].mean(axis=0)
    orders = [np.arange(12), *(rng.permutation(12) for _ in range(99))]
    for coding, p in zip(CODINGS, p_values, strict=True):
        labels = coding.labels[:, STREAMS.confirmation].astype(float)
        labels -= labels.mean(axis=0)
        best = [
            np.abs(
                np.einsum("ts,tsh->h", labels, activations[:, order]) / np.sqrt((activations**2).sum(axis=(0, 1)))
            ).max()
            for order in orders
        ]
        assert p == pytest.approx(np.mean(np.array(best) >= best[0] * (1 - 1e-5)), abs=0.011)
    assert p_values[0] == pytest.approx(0.01)


def test_all_permutations_of_few_streams_are_enumerated() -> None:
    """The p-value of a perfect cell then depends on the text only, and not on the seed."""
    few = SplitStreams(starts=STREAMS.starts[:8], length=STREAMS.length, warm_up=STREAMS.warm_up)
    coding = quantize_marks(CONCEPTS["line_pos"], CONCEPTS["line_pos"].mark(PARSED), few)
    permutation_test = PermutationTest([coding], few, 1)
    permutation_test.accumulate(coding.labels[:, :, np.newaxis].astype(np.float64), 0)
    assert permutation_count(few) == 23
    assert permutation_count(STREAMS) == 999
    for seed in range(3):
        assert permutation_test.p_values(np.random.default_rng(seed)) == [pytest.approx(1 / 24)]


def test_shuffling_keeps_every_weight_within_its_gate() -> None:
    """Nearly all weights change their place."""
    config = NetworkConfig(cell="lstm", layers=2, hidden=12, embedding=0)
    weights = random_weights(config, alphabet_of(TEXT), 0)
    for layer in (0, 1):
        plant(weights, 3, LSTM["in_quote"], '"' if layer else alphabet_of(TEXT), layer=layer)
    shuffled = shuffle_weights(InferenceRNN(config, weights), np.random.default_rng(1))
    for name, weight in weights.items():
        gates = 4 if name.startswith("rnn.") else 1
        for before, after in zip(np.split(weight, gates), np.split(shuffled.weights[name], gates), strict=True):
            assert np.array_equal(np.sort(before.ravel()), np.sort(after.ravel()))
    name = "rnn.weight_ih_l0"
    assert (weights[name] == shuffled.weights[name]).mean() < 0.1


@pytest.mark.parametrize("cell", CELLS)
def test_shuffling_permutes_each_gate_of_every_kind_of_cell(cell: str) -> None:
    """Also the peephole weights, which fewer gates have."""
    config = NetworkConfig(cell=cell, layers=1, hidden=7, embedding=3)
    weights = {name: np.random.default_rng(0).normal(size=shape) for name, shape in weight_shapes(config, 5).items()}
    shuffled = shuffle_weights(InferenceRNN(config, weights), np.random.default_rng(1)).weights
    for name, weight in weights.items():
        gates = len(weight) // 7 if name.startswith("rnn.") else 1
        before, after = (array.reshape(gates, -1) for array in (weight, shuffled[name]))
        assert np.array_equal(np.sort(before), np.sort(after)), name
        assert not np.array_equal(before, after), name


def test_a_linear_probe_is_a_regression_scored_on_held_out_streams() -> None:
    """The R² of one cell and of all cells equals that of naive least squares, fitted on discovery streams."""
    cells = noise(6) * 0.5
    for cell, weight in ((1, 0.3), (3, 0.5), (4, 0.4)):
        cells[:, :, cell] += weight * CODINGS[1].labels / 20
    padded = np.concatenate([np.zeros((STREAMS.warm_up, STREAMS.count, 6)), cells])
    products = CellProducts(STREAMS, 2, 3)
    groups = trigram_groups(np.array([ord(character) for character in TEXT]))
    statistics = accumulate([padded], CODINGS, groups, STREAMS, accumulators=[products.accumulate])
    probe = fit_linear_probes(statistics, products)[1]
    assert probe.layer == 2

    def naive(chosen: list[int]) -> float:
        halves = []
        for half in STREAMS.halves:
            own = cells[:, half][:, :, chosen].reshape(-1, len(chosen))
            halves.append((np.column_stack([own, np.ones(len(own))]), CODINGS[1].labels[:, half].ravel()))
        slopes = np.linalg.lstsq(*halves[0], rcond=None)[0]
        design, label = halves[1]
        return float(1 - ((label - design @ slopes) ** 2).mean() / label.var())

    assert dict(probe.r2_by_cells) == pytest.approx({1: naive([3]), 2: naive([3, 4]), 3: naive([3, 4, 5])}, abs=1e-4)


def test_a_threshold_is_fitted_on_one_half_and_scored_on_the_other() -> None:
    """True and false positive rates for a binary concept, the rank correlation for a counter."""
    cells = noise(2) * 0.1
    cells[:, :, 0] += np.where(CODINGS[0].codes > 0, -1.0, 0.5)
    cells[:, :, 1] += np.tanh(CODINGS[1].labels)
    sample = ActivationSample(STREAMS, 2, np.random.default_rng(0))
    for first in range(0, STEPS, 50):
        sample.accumulate(cells[first : first + 50], first)
    selectivity = sample.selectivity(CODINGS[0], 0, -1)
    assert selectivity.inside == pytest.approx(1.0)
    assert selectivity.outside == pytest.approx(0.0)
    assert selectivity.rank_correlation is None
    rising = sample.selectivity(CODINGS[1], 1, 1)
    assert rising.inside is None
    assert rising.rank_correlation == pytest.approx(sample.selectivity(CODINGS[1], 1, -1).rank_correlation)
    assert 0.1 < (rising.rank_correlation or 0.0) < 1.0
