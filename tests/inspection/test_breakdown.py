"""Error breakdown: every character is in one group of each kind, and the bits of the groups add up."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.inspection.measures.error_breakdown import (
    CHAR_KINDS,
    ErrorBreakdown,
    bracket_distances,
    break_down_errors,
    char_kinds,
    line_positions,
    word_positions,
)
from charrnn.text.ngram import best_probabilities, concat_pieces, fit_best_ngram, ngram_predictions

TEXT = "The (old) man's 42 boats,\n  {a[1] = b};\nfin\n"


def breakdown_of(text: str = TEXT) -> ErrorBreakdown:
    """Return the breakdown of a text whose n-th character has a loss of n bits."""
    return break_down_errors(text, np.arange(1, len(text)) * math.log(2))


def test_characters_are_classified() -> None:
    """Letters by position in the word, an apostrophe as punctuation, brackets by side."""
    names = [CHAR_KINDS[kind] for kind in char_kinds("ab c\n(é3,x\u0301yz]\t").tolist()]
    assert names == [
        *("first letter", "second letter", "space", "first letter", "newline", "opening bracket", "first letter"),
        *("digit", "punctuation", "first letter", "second letter", "later letter", "later letter"),
        *("closing bracket", "space"),
    ]


@pytest.mark.parametrize("by", ["kind", "place in line"])
def test_groups_add_up_to_the_total(by: str) -> None:
    """Each character but the first is in one group."""
    breakdown = breakdown_of()
    groups = next(grouping.groups for grouping in breakdown.groupings if grouping.by == by)
    assert sum(group.characters for group in groups) == breakdown.characters == len(TEXT) - 1
    assert sum(group.bits for group in groups) == pytest.approx(breakdown.bits)
    assert breakdown.bits == pytest.approx(sum(range(1, len(TEXT))))


def test_letters_are_grouped_by_position_in_the_word() -> None:
    """The first group equals the kind "first letter"."""
    by_kind, by_letter, *_ = breakdown_of().groupings
    firsts = [group for group in by_kind.groups if group.name == "first letter"]
    assert (by_letter.groups[0].characters, by_letter.groups[0].bits) == (firsts[0].characters, firsts[0].bits)


def test_closing_brackets_are_grouped_by_distance_to_the_opening_one() -> None:
    """A closing bracket without an opening one is in no group."""
    grouping = breakdown_of("(a) [bcdefg] ) {(]}").groupings[-1]
    assert [(group.name, group.characters) for group in grouping.groups] == [("2-3", 2), ("4-7", 1)]


def naive_distance(text: str, place: int) -> int:
    """Return the distance to the opening bracket by building the stack of the text anew."""
    opened: list[int] = []
    pairs = {")": "(", "]": "[", "}": "{"}
    for position, mark in enumerate(text[: place + 1]):
        if mark in pairs.values():
            opened.append(position)
        elif mark in pairs:
            fitting = [number for number, other in enumerate(opened) if text[other] == pairs[mark]]
            begin = opened[fitting[-1]] if fitting else None
            if fitting:
                del opened[fitting[-1] :]
            if position == place:
                return -1 if begin is None else place - begin
    return 0


@given(st.text(st.sampled_from("()[]{}a"), max_size=30))
@example("([)]")
def test_bracket_distances_equal_those_of_a_naive_stack(text: str) -> None:
    """Brackets may be unbalanced and crossed."""
    assert bracket_distances(text).tolist() == [naive_distance(text, position) for position in range(len(text))]


def test_unbalanced_brackets_take_linear_time() -> None:
    """A hostile text has a hundred thousand open brackets and as many closers of another kind."""
    text = "(" * 100_000 + "]" * 100_000
    assert (bracket_distances(text)[100_000:] == -1).all()


@given(st.text(st.sampled_from("ab \n1é\u0301(")))
def test_positions_restart_with_each_word_and_line(text: str) -> None:
    """The positions equal those counted character by character."""
    word = line = 0
    for mark, in_word, in_line in zip(text, word_positions(text), line_positions(text), strict=True):
        word = word + 1 if mark in "abé\u0301" else 0
        assert (in_word, in_line) == (word, line)
        line = 0 if mark == "\n" else line + 1


def test_the_n_gram_model_is_the_best_one_for_the_text() -> None:
    """It equals the model that the n-gram module selects."""
    rng = np.random.default_rng(0)
    ids = np.cumsum(rng.integers(1, 3, size=6_000)) % 5
    learned, held_out = ids[:5_000], ids[5_000:]
    predictions = ngram_predictions(learned, held_out, size=5)
    best = fit_best_ngram(ids, train_characters=5_000, size=5, max_chars=20_000)
    assert (predictions.order, predictions.learned_from) == (best.order, best.learned_from)
    _, expected = best_probabilities(concat_pieces(ids, [slice(0, 5_000)], [slice(5_001, 6_000)], size=5))
    assert np.allclose(predictions.probabilities, expected)


def test_the_bits_of_the_n_gram_model_add_up() -> None:
    """The total is the sum over the groups."""
    ids = np.array([ord(mark) % 50 for mark in TEXT])
    counted = ngram_predictions(np.tile(ids, 40), ids, size=50)
    breakdown = break_down_errors(TEXT, np.ones(len(TEXT) - 1), counted=counted)
    assert breakdown.ngram_bits == pytest.approx(-np.log2(counted.probabilities).sum())
    assert sum(group.ngram_bits or 0.0 for group in breakdown.groupings[0].groups) == pytest.approx(
        breakdown.ngram_bits
    )
    ngram = breakdown.to_json()["ngram"]
    assert ngram["order"] == counted.order
