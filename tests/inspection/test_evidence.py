"""The evidence: one pass of sums equals statistics of the whole matrix, and chance earns nothing."""

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
    """Write lines of words with quotes and brackets, all of them closed in their line."""
    chance = np.random.default_rng(3)
    words = ("a", "to", "sun", "so", "moon", "there", "is", "no", "sea")
    around = (("", ""), ('"', '"'), ("(", ")"), ("[(", ")]"))
    phrases = [" ".join(chance.choice(words, size=1 + number % 5)) for number in range(3 * lines)]
    spoken = [phrase.join(around[chance.integers(4)]) for phrase in phrases]
    return "".join(" ".join(spoken[number : number + 3]) + "\n" for number in range(0, 3 * lines, 3))


TEXT = some_text()
STREAMS = split_text(TEXT)
CODINGS = tuple(quantize_marks(CONCEPTS[name], CONCEPTS[name].mark(ParsedText.of(TEXT)), STREAMS) for name in NAMES)
GROUP = trigram_groups(np.array([ord(character) for character in TEXT]))
HALVES = {"train": STREAMS.discovery, "test": STREAMS.confirmation}


def some_activations(seed: int = 0) -> Matrix:
    """Draw slow random cells, all but the first following a concept a little: (T, B, cells)."""
    noise = np.random.default_rng(seed).normal(size=(STREAMS.length, STREAMS.count, CELLS))
    cells = np.cumsum(noise, axis=0) * 0.02 + noise * 0.1
    for number, coding in enumerate(CODINGS, 1):
        cells[STREAMS.warm_up :, :, number] += np.sqrt(coding.codes) * 0.3
    return cells


def taken(cells: Matrix, size: int = 50) -> SufficientStatistics:
    """Take the sums in chunks of so many steps."""
    return accumulate((cells[first : first + size] for first in range(0, len(cells), size)), CODINGS, GROUP, STREAMS)


def naive_fit(cells: Matrix, number: int) -> Matrix:
    """Score code means learnt on discovery by the residuals on confirmation, from the whole matrix."""
    scored, codes = cells[STREAMS.warm_up :], CODINGS[number].codes
    seen, other = scored[:, STREAMS.discovery], scored[:, STREAMS.confirmation]
    predicted = np.zeros_like(other)
    for value in range(len(CODINGS[number].levels)):
        mean = seen[codes[:, STREAMS.discovery] == value].mean(axis=0)
        predicted[codes[:, STREAMS.confirmation] == value] = mean
    fit: Matrix = 1 - ((other - predicted) ** 2).sum(axis=(0, 1)) / (other.shape[0] * other.shape[1]) / other.var(
        axis=(0, 1)
    )
    return fit


def naive_memory(cells: Matrix, number: int, cell: int) -> float:
    """Regress the cell on the codes, both less their means by group, on one half; score the slopes on the other."""
    learned, scored = (naive_rest(cells, number, cell, half) for half in (STREAMS.discovery, STREAMS.confirmation))
    slopes = np.linalg.lstsq(*learned, rcond=1e-9)[0]
    design, target = scored
    return float(1 - ((target - design @ slopes) ** 2).sum() / (target**2).sum())


def naive_rest(cells: Matrix, number: int, cell: int, streams: NDArray[np.bool_]) -> tuple[Matrix, Matrix]:
    """Subtract the means of the last three characters from one-hot codes and a cell."""
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
    """Fit and memory score agree with a naive computation to 1e-6."""
    cells = some_activations(seed)
    statistics = taken(cells, size)
    for number in range(len(CODINGS)):
        assert np.allclose(
            statistics.of_concept(number).explained_variance(**HALVES), naive_fit(cells, number), atol=1e-6
        )
    assert statistics.partial_ev(1)[1][2] == pytest.approx(naive_memory(cells, 1, 2), abs=1e-6)


def test_single_precision_far_from_zero_loses_nothing() -> None:
    """A cell that lives near -0.9 and hardly moves is scored as well as one around zero."""
    cells = some_activations().astype(np.float32) * np.float32(0.01)
    moved = cells - np.float32(0.9)
    fits = [taken(some.astype(np.float32)).of_concept(1).explained_variance(**HALVES) for some in (cells, moved)]
    assert np.allclose(fits[0], fits[1], atol=1e-3)
    whole = naive_fit(moved.astype(np.float64), 1)
    assert np.allclose(fits[1], whole, atol=1e-5)


def test_scale_and_offset_of_a_cell_do_not_matter() -> None:
    """The share of variance explained is the same for any a·x + b."""
    cells = some_activations()
    about = [taken(some).of_concept(2).explained_variance(**HALVES) for some in (cells, 3.0 - 0.5 * cells)]
    assert np.allclose(about[0], about[1])


def test_a_cell_that_is_the_concept_has_fit_one_and_standard_error_zero() -> None:
    """Any function of the codes, straight or not."""
    cells = some_activations()
    cells[STREAMS.warm_up :, :, 0] = np.cos(CODINGS[1].codes)
    about = taken(cells).of_concept(1)
    assert about.explained_variance(**HALVES)[0] == pytest.approx(1)
    assert about.standard_error(**HALVES)[0] == pytest.approx(0, abs=1e-9)
    assert int(about.selection_score(STREAMS).argmax()) == 0


def test_cells_that_know_nothing_of_the_text_never_get_a_high_fit() -> None:
    """The best of many slow random cells explains next to nothing on text that it was not chosen on."""
    chance = np.random.default_rng(1)
    noise = chance.normal(size=(STREAMS.length, STREAMS.count, 200))
    statistics = taken(noise + np.cumsum(noise, axis=0) * 0.1)
    for number in range(len(CODINGS)):
        about = statistics.of_concept(number)
        chosen = int(about.selection_score(STREAMS).argmax())
        assert about.explained_variance(**HALVES)[chosen] < 0.05
        assert statistics.partial_ev(number)[1][chosen] < 0.1


def test_a_dead_cell_is_never_preferred_and_never_explained() -> None:
    """Without a guard its share would be 0/0."""
    cells = some_activations()
    cells[:, :, 0] = 0.7
    cells[:, :, 1] = 1e-4 * np.sign(cells[:, :, 1])
    about = taken(cells).of_concept(0)
    assert np.isneginf(about.selection_score(STREAMS)[:2]).all()
    assert (about.explained_variance(**HALVES)[:2] == 0).all()


def test_the_choice_never_looks_at_the_confirmation_streams() -> None:
    """Whatever the cells do there, the same one is preferred."""
    cells = some_activations()
    other = cells.copy()
    other[:, STREAMS.confirmation] = np.random.default_rng(5).normal(size=other[:, STREAMS.confirmation].shape)
    preferences = [taken(some).of_concept(0).selection_score(STREAMS) for some in (cells, other)]
    assert np.allclose(preferences[0], preferences[1])


def test_the_warm_up_is_not_scored() -> None:
    """What a network does before it has read anything changes no sum."""
    cells = some_activations()
    other = cells.copy()
    other[: STREAMS.warm_up] = 9.0
    fits = [taken(some).of_concept(0).explained_variance(**HALVES) for some in (cells, other)]
    assert np.allclose(fits[0], fits[1])


def test_memory_tells_a_memory_from_spelling() -> None:
    """A quote's inside is remembered; that the last character is a bracket is not."""
    cells = some_activations()
    brackets = np.isin(list(TEXT), list("([)]")).astype(float)
    cells[:, :, 0] = brackets[STREAMS.positions()]
    cells[STREAMS.warm_up :, :, 1] = CODINGS[0].codes
    statistics = taken(cells)
    assert statistics.partial_ev(2)[1][0] == pytest.approx(0, abs=1e-6)
    assert statistics.partial_ev(0)[1][1] == pytest.approx(1, abs=1e-6)


def test_what_is_learned_of_memory_must_carry_over_to_other_text() -> None:
    """A cell that turns its meaning over on the streams of the score remembers nothing there, it misleads."""
    cells = some_activations()
    cells[STREAMS.warm_up :, :, 1] = CODINGS[0].codes * np.where(STREAMS.discovery, 1.0, -1.0)
    assert taken(cells).partial_ev(0)[1][1] < -1


def test_common_trigrams_have_a_group_of_their_own_and_rare_ones_share() -> None:
    """Equal last three characters are one group, and there are never more than GROUPS."""
    ids = np.random.default_rng(0).integers(30, size=40_000)
    groups = trigram_groups(ids)
    assert groups.min() >= 0
    assert groups.max() < GROUPS
    key = ids[:-2] * 900 + ids[1:-1] * 30 + ids[2:]
    pairs = set(zip(key.tolist(), groups[2:].tolist(), strict=True))
    assert len(pairs) == len(set(key.tolist()))


def test_too_few_steps_are_noticed() -> None:
    """A reading that stops early is a mistake of the caller, not weak evidence."""
    with pytest.raises(ValueError, match="scored steps"):
        taken(some_activations()[:-1])
