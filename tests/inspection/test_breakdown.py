"""The breakdown: every character is of one kind, its bits are counted once, and the n-gram's beside them."""

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


def broken(text: str = TEXT) -> ErrorBreakdown:
    """Break down a text whose n-th character costs n bits."""
    return break_down_errors(text, np.arange(1, len(text)) * math.log(2))


def test_every_kind_of_character_has_its_name() -> None:
    """A letter by its place in the word, an apostrophe as punctuation, brackets by their side."""
    named = [CHAR_KINDS[kind] for kind in char_kinds("ab c\n(é3,x\u0301yz]\t").tolist()]
    assert named == [
        *("first letter", "second letter", "space", "first letter", "newline", "opening bracket", "first letter"),
        *("digit", "punctuation", "first letter", "second letter", "later letter", "later letter"),
        *("closing bracket", "space"),
    ]


@pytest.mark.parametrize("by", ["kind", "place in line"])
def test_groups_add_up_to_the_whole(by: str) -> None:
    """Each character but the first is in one group."""
    whole = broken()
    groups = next(grouping.groups for grouping in whole.groupings if grouping.by == by)
    assert sum(group.characters for group in groups) == whole.characters == len(TEXT) - 1
    assert sum(group.bits for group in groups) == pytest.approx(whole.bits)
    assert whole.bits == pytest.approx(sum(range(1, len(TEXT))))


def test_letters_are_counted_by_their_place_in_the_word() -> None:
    """The groups of letters are those of the kinds."""
    by_kind, by_letter, *_ = broken().groupings
    firsts = [group for group in by_kind.groups if group.name == "first letter"]
    assert (by_letter.groups[0].characters, by_letter.groups[0].bits) == (firsts[0].characters, firsts[0].bits)


def test_closing_brackets_are_cut_by_the_distance_to_their_opening_ones() -> None:
    """One that closes nothing is in no group."""
    grouping = broken("(a) [bcdefg] ) {(]}").groupings[-1]
    assert [(group.name, group.characters) for group in grouping.groups] == [("2-3", 2), ("4-7", 1)]


def naive_distance(text: str, place: int) -> int:
    """Look back for the bracket that one closes, the slow way: by building the text's stack anew."""
    opened: list[int] = []
    pairs = {")": "(", "]": "[", "}": "{"}
    for at, mark in enumerate(text[: place + 1]):
        if mark in pairs.values():
            opened.append(at)
        elif mark in pairs:
            fitting = [number for number, other in enumerate(opened) if text[other] == pairs[mark]]
            begin = opened[fitting[-1]] if fitting else None
            if fitting:
                del opened[fitting[-1] :]
            if at == place:
                return -1 if begin is None else place - begin
    return 0


@given(st.text(st.sampled_from("()[]{}a"), max_size=30))
@example("([)]")
def test_bracket_distances_are_those_of_a_stack(text: str) -> None:
    """Whatever is closed in whatever order."""
    assert bracket_distances(text).tolist() == [naive_distance(text, place) for place in range(len(text))]


def test_many_brackets_that_close_nothing_take_no_time() -> None:
    """A hostile text has a hundred thousand open ones, and as many of another kind that close none."""
    text = "(" * 100_000 + "]" * 100_000
    assert (bracket_distances(text)[100_000:] == -1).all()


@given(st.text(st.sampled_from("ab \n1é\u0301(")))
def test_places_begin_anew_with_each_word_and_line(text: str) -> None:
    """As counting character by character has it."""
    word = line = 0
    for mark, in_word, in_line in zip(text, word_positions(text), line_positions(text), strict=True):
        word = word + 1 if mark in "abé\u0301" else 0
        assert (in_word, in_line) == (word, line)
        line = 0 if mark == "\n" else line + 1


def test_an_n_gram_is_the_best_one_of_the_same_text() -> None:
    """Learned from the training text and asked about the other, it is what the text's own module finds."""
    rng = np.random.default_rng(0)
    ids = np.cumsum(rng.integers(1, 3, size=6_000)) % 5
    learned, held_out = ids[:5_000], ids[5_000:]
    found = ngram_predictions(learned, held_out, size=5)
    best = fit_best_ngram(ids, train_characters=5_000, size=5, at_most=20_000)
    assert (found.order, found.learned_from) == (best.order, best.learned_from)
    _, expected = best_probabilities(concat_pieces(ids, [slice(0, 5_000)], [slice(5_001, 6_000)], size=5))
    assert np.allclose(found.probabilities, expected)


def test_the_n_grams_bits_stand_beside_the_models() -> None:
    """They too add up."""
    ids = np.array([ord(mark) % 50 for mark in TEXT])
    counted = ngram_predictions(np.tile(ids, 40), ids, size=50)
    whole = break_down_errors(TEXT, np.ones(len(TEXT) - 1), counted=counted)
    assert whole.ngram_bits == pytest.approx(-np.log2(counted.probabilities).sum())
    assert sum(group.ngram_bits or 0.0 for group in whole.groupings[0].groups) == pytest.approx(whole.ngram_bits)
    ngram = whole.to_json()["ngram"]
    assert ngram["order"] == counted.order
