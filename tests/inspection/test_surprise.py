"""Surprise is what scoring counts, character by character, and the guesses are what the model would have said."""

import math

import numpy as np
import pytest
from small import random_model

from charrnn.inspection.measures.surprisal import Surprise, measure_surprisal
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model
from charrnn.scoring import score

TEXT = "ab cab\nfed bad\x1b" * 25


@pytest.fixture
def seen(model: Model, rnn: InferenceRNN) -> Surprise:
    """Look at a text of three chunks, all guesses kept."""
    ids = model.vocabulary.encode(TEXT)
    return measure_surprisal(rnn, model.vocabulary, ids, guesses=len(model.vocabulary), start=7)


def test_the_bits_add_up_to_the_texts_score(model: Model, rnn: InferenceRNN, seen: Surprise) -> None:
    """Whatever a chunk is, and the first character costs nothing."""
    whole = score(rnn, model.vocabulary, TEXT)
    assert seen.characters == whole.characters
    assert math.isclose(seen.bits_per_char, whole.bits_per_char, rel_tol=1e-5)
    assert seen.bits[0] == 0


def test_the_guess_of_a_rank_that_came_true_is_the_character(seen: Surprise) -> None:
    """And its probability is what the bits say."""
    for place in range(1, len(TEXT)):
        rank = seen.ranks[place] - 1
        assert seen.guesses[place][rank] == TEXT[place]
        assert math.isclose(-math.log2(seen.probabilities[place, rank]), seen.bits[place], abs_tol=1e-9)


def test_guesses_are_odds_in_their_order(seen: Surprise) -> None:
    """All together they are certain, and each is as likely as the one before it or less."""
    assert np.allclose(seen.probabilities[1:].sum(axis=1), 1)
    assert (np.diff(seen.probabilities[1:], axis=1) <= 0).all()
    assert seen.guesses[0] == ""
    assert seen.top_k_accuracy(len(seen.guesses[1])) == 1


def test_fewer_guesses_are_the_best_of_all(model: Model, rnn: InferenceRNN, seen: Surprise) -> None:
    """Bits and ranks do not care how many are kept."""
    few = measure_surprisal(rnn, model.vocabulary, model.vocabulary.encode(TEXT), guesses=2)
    assert few.guesses[1:] == tuple(told[:2] for told in seen.guesses[1:])
    assert np.array_equal(few.ranks, seen.ranks)
    none = measure_surprisal(rnn, model.vocabulary, model.vocabulary.encode(TEXT), guesses=0)
    assert np.array_equal(none.bits, seen.bits)


def test_equally_likely_characters_share_no_rank() -> None:
    """A model that has no opinion ranks by number, as its guesses stand."""
    model = random_model("abc", scale=0)
    seen = measure_surprisal(
        InferenceRNN.from_model(model), model.vocabulary, model.vocabulary.encode("aabcc"), guesses=3
    )
    assert seen.ranks.tolist() == [0, 1, 2, 3, 3]
    assert np.allclose(seen.bits[1:], math.log2(3))


def test_the_most_surprising_places_are_those_of_the_most_bits(seen: Surprise) -> None:
    """Each with what stood around it."""
    shocks = seen.most_surprising(5)
    assert [shock.bits for shock in shocks] == sorted(seen.bits, reverse=True)[:5]
    for shock in shocks:
        assert TEXT[: shock.at].endswith(shock.before)
        assert TEXT[shock.at] == shock.character
        assert TEXT[shock.at + 1 :].startswith(shock.after)


def test_the_numbers_of_every_character_are_in_the_json(seen: Surprise) -> None:
    """Nothing is said of the first."""
    values = seen.to_json()
    assert values["content"] == TEXT
    assert len(values["bits"]) == len(values["ranks"]) == len(values["guesses"]) == len(TEXT)
    assert (values["bits"][0], values["ranks"][0], values["guesses"][0]) == (None, None, [])
    assert values["guesses"][1][0][0] == seen.guesses[1][0]
    assert values["most_surprising"][0]["at"] == seen.most_surprising()[0].at + 7
