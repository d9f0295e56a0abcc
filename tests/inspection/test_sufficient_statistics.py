"""Sufficient statistics: one pass of sums equals statistics of the whole arrays, and random cells score nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.search.splits import GROUPS, quantize_marks, split_text, trigram_groups
from charrnn.inspection.search.sufficient_statistics import SufficientStatistics, accumulate

Matrix = NDArray[np.float64]

CELLS = 5
NAMES = ("in_quote", "line_pos", "bracket_depth")


def some_text(lines: int = 450) -> str:
    """Return lines of words with quotes and brackets, all of them closed within their line."""
    rng = np.random.default_rng(3)
    words = ("a", "to", "sun", "so", "moon", "there", "is", "no", "sea")
    delimiters = (("", ""), ('"', '"'), ("(", ")"), ("[(", ")]"))
    phrases = [" ".join(rng.choice(words, size=1 + number % 5)) for number in range(3 * lines)]
    enclosed = [phrase.join(delimiters[rng.integers(4)]) for phrase in phrases]
    return "".join(" ".join(enclosed[number : number + 3]) + "\n" for number in range(0, 3 * lines, 3))


TEXT = some_text()
STREAMS = split_text(TEXT)
CODINGS = tuple(quantize_marks(CONCEPTS[name], CONCEPTS[name].mark(ParsedText.of(TEXT)), STREAMS) for name in NAMES)
GROUP = trigram_groups(np.array([ord(character) for character in TEXT]))
HALVES = {"train": STREAMS.discovery, "test": STREAMS.confirmation}


def some_activations(seed: int = 0) -> Matrix:
    """Return autocorrelated random activations; all cells but the first follow a concept weakly (T, B, cells)."""
    noise = np.random.default_rng(seed).normal(size=(STREAMS.length, STREAMS.count, CELLS))
    cells = np.cumsum(noise, axis=0) * 0.02 + noise * 0.1
    for number, coding in enumerate(CODINGS, 1):
        cells[STREAMS.warm_up :, :, number] += np.sqrt(coding.codes) * 0.3
    return cells


def statistics_of(cells: Matrix, size: int = 50) -> SufficientStatistics:
    """Return the statistics of activations, accumulated in chunks of `size` steps."""
    return accumulate((cells[first : first + size] for first in range(0, len(cells), size)), CODINGS, GROUP, STREAMS)


def naive_fit(cells: Matrix, number: int) -> Matrix:
    """Return the explained variance on confirmation by code means of discovery, from the whole arrays."""
    scored, codes = cells[STREAMS.warm_up :], CODINGS[number].codes
    train, test = scored[:, STREAMS.discovery], scored[:, STREAMS.confirmation]
    predicted = np.zeros_like(test)
    for value in range(len(CODINGS[number].levels)):
        mean = train[codes[:, STREAMS.discovery] == value].mean(axis=0)
        predicted[codes[:, STREAMS.confirmation] == value] = mean
    fit: Matrix = 1 - ((test - predicted) ** 2).sum(axis=(0, 1)) / (test.shape[0] * test.shape[1]) / test.var(
        axis=(0, 1)
    )
    return fit


def naive_memory(cells: Matrix, number: int, cell: int) -> float:
    """Return the partial EV of a regression of the centered cell on the centered codes, fitted on discovery."""
    train, test = (
        centered_within_groups(cells, number, cell, half) for half in (STREAMS.discovery, STREAMS.confirmation)
    )
    slopes = np.linalg.lstsq(*train, rcond=1e-9)[0]
    design, target = test
    return float(1 - ((target - design @ slopes) ** 2).sum() / (target**2).sum())


def centered_within_groups(
    cells: Matrix, number: int, cell: int, streams: NDArray[np.bool_]
) -> tuple[Matrix, Matrix]:
    """Return one-hot codes and a cell with the means of the trigram groups subtracted."""
    groups = GROUP[STREAMS.scored()][:, streams].ravel()
    target = cells[STREAMS.warm_up :, streams, cell].ravel().copy()
    design = np.eye(len(CODINGS[number].levels))[CODINGS[number].codes[:, streams].ravel()]
    for group in np.unique(groups):
        design[groups == group] -= design[groups == group].mean(axis=0)
        target[groups == group] -= target[groups == group].mean()
    return design, target


@settings(max_examples=8, deadline=None)
@given(size=st.integers(1, 900), seed=st.integers(0, 99))
def test_sums_over_chunks_of_any_size_equal_the_whole_matrix(size: int, seed: int) -> None:
    """Explained variance and partial explained variance agree with a naive computation to 1e-6."""
    cells = some_activations(seed)
    statistics = statistics_of(cells, size)
    for number in range(len(CODINGS)):
        assert np.allclose(
            statistics.of_concept(number).explained_variance(**HALVES), naive_fit(cells, number), atol=1e-6
        )
    assert statistics.partial_ev(1)[1][2] == pytest.approx(naive_memory(cells, 1, 2), abs=1e-6)


def test_single_precision_far_from_zero_loses_nothing() -> None:
    """A cell near -0.9 with little variance is scored as accurately as a cell around zero."""
    cells = some_activations().astype(np.float32) * np.float32(0.01)
    moved = cells - np.float32(0.9)
    fits = [
        statistics_of(activations.astype(np.float32)).of_concept(1).explained_variance(**HALVES)
        for activations in (cells, moved)
    ]
    assert np.allclose(fits[0], fits[1], atol=1e-3)
    complete = naive_fit(moved.astype(np.float64), 1)
    assert np.allclose(fits[1], complete, atol=1e-5)


def test_scale_and_offset_of_a_cell_do_not_matter() -> None:
    """The explained variance is the same for any a·x + b."""
    cells = some_activations()
    sums = [
        statistics_of(activations).of_concept(2).explained_variance(**HALVES)
        for activations in (cells, 3.0 - 0.5 * cells)
    ]
    assert np.allclose(sums[0], sums[1])


def test_a_cell_that_equals_the_concept_has_fit_one_and_standard_error_zero() -> None:
    """True for any function of the codes, linear or not."""
    cells = some_activations()
    cells[STREAMS.warm_up :, :, 0] = np.cos(CODINGS[1].codes)
    sums = statistics_of(cells).of_concept(1)
    assert sums.explained_variance(**HALVES)[0] == pytest.approx(1)
    assert sums.standard_error(**HALVES)[0] == pytest.approx(0, abs=1e-9)
    assert int(sums.selection_score(STREAMS).argmax()) == 0


def test_independent_cells_never_get_a_high_fit() -> None:
    """The best of many random cells explains almost nothing on held-out text."""
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(STREAMS.length, STREAMS.count, 200))
    statistics = statistics_of(noise + np.cumsum(noise, axis=0) * 0.1)
    for number in range(len(CODINGS)):
        sums = statistics.of_concept(number)
        selected = int(sums.selection_score(STREAMS).argmax())
        assert sums.explained_variance(**HALVES)[selected] < 0.05
        assert statistics.partial_ev(number)[1][selected] < 0.1


def test_a_dead_cell_is_never_selected_and_never_explained() -> None:
    """Without a guard its explained variance would be 0/0."""
    cells = some_activations()
    cells[:, :, 0] = 0.7
    cells[:, :, 1] = 1e-4 * np.sign(cells[:, :, 1])
    sums = statistics_of(cells).of_concept(0)
    assert np.isneginf(sums.selection_score(STREAMS)[:2]).all()
    assert (sums.explained_variance(**HALVES)[:2] == 0).all()


def test_the_selection_never_uses_the_confirmation_streams() -> None:
    """Different activations there do not change the selection scores."""
    cells = some_activations()
    other = cells.copy()
    other[:, STREAMS.confirmation] = np.random.default_rng(5).normal(size=other[:, STREAMS.confirmation].shape)
    scores = [statistics_of(activations).of_concept(0).selection_score(STREAMS) for activations in (cells, other)]
    assert np.allclose(scores[0], scores[1])


def test_the_warm_up_is_not_scored() -> None:
    """Activations during the warm-up change no sum."""
    cells = some_activations()
    other = cells.copy()
    other[: STREAMS.warm_up] = 9.0
    fits = [statistics_of(activations).of_concept(0).explained_variance(**HALVES) for activations in (cells, other)]
    assert np.allclose(fits[0], fits[1])


def test_partial_ev_distinguishes_memory_from_spelling() -> None:
    """The inside of a quote requires memory; a bracket as last character does not."""
    cells = some_activations()
    brackets = np.isin(list(TEXT), list("([)]")).astype(float)
    cells[:, :, 0] = brackets[STREAMS.positions()]
    cells[STREAMS.warm_up :, :, 1] = CODINGS[0].codes
    statistics = statistics_of(cells)
    assert statistics.partial_ev(2)[1][0] == pytest.approx(0, abs=1e-6)
    assert statistics.partial_ev(0)[1][1] == pytest.approx(1, abs=1e-6)


def test_negative_partial_ev_means_that_the_slopes_do_not_generalize() -> None:
    """A cell with inverted meaning on the confirmation streams scores below zero."""
    cells = some_activations()
    cells[STREAMS.warm_up :, :, 1] = CODINGS[0].codes * np.where(STREAMS.discovery, 1.0, -1.0)
    assert statistics_of(cells).partial_ev(0)[1][1] < -1


def test_common_trigrams_have_a_group_of_their_own_and_rare_ones_share() -> None:
    """Equal trigrams are in one group, and there are never more than GROUPS groups."""
    ids = np.random.default_rng(0).integers(30, size=40_000)
    groups = trigram_groups(ids)
    assert groups.min() >= 0
    assert groups.max() < GROUPS
    key = ids[:-2] * 900 + ids[1:-1] * 30 + ids[2:]
    pairs = set(zip(key.tolist(), groups[2:].tolist(), strict=True))
    assert len(pairs) == len(set(key.tolist()))


def test_too_few_steps_raise_an_error() -> None:
    """Activations that end early are a mistake of the caller, not weak evidence."""
    with pytest.raises(ValueError, match="scored steps"):
        statistics_of(some_activations()[:-1])
