"""Surprisal: the bits are those of scoring, and ranks and guesses follow the probabilities of the model."""

import math

import numpy as np
import pytest
from common import random_model

from charrnn.inspection.measures.surprisal import Surprise, measure_surprisal
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model
from charrnn.scoring import score

TEXT = "ab cab\nfed bad\x1b" * 25


@pytest.fixture
def surprise(model: Model, rnn: InferenceRNN) -> Surprise:
    """Return the surprisal of a text of three chunks, with all guesses."""
    ids = model.vocabulary.encode(TEXT)
    return measure_surprisal(rnn, model.vocabulary, ids, guesses=len(model.vocabulary), start=7)


def test_the_bits_add_up_to_the_score_of_the_text(model: Model, rnn: InferenceRNN, surprise: Surprise) -> None:
    """The sum does not depend on chunks, and the first character has no bits."""
    complete = score(rnn, model.vocabulary, TEXT)
    assert surprise.characters == complete.characters
    assert math.isclose(surprise.bits_per_char, complete.bits_per_char, rel_tol=1e-5)
    assert surprise.bits[0] == 0


def test_the_guess_at_the_rank_of_a_character_is_the_character(surprise: Surprise) -> None:
    """The probability of the guess equals the surprisal of the character."""
    for position in range(1, len(TEXT)):
        rank = surprise.ranks[position] - 1
        assert surprise.guesses[position][rank] == TEXT[position]
        assert math.isclose(-math.log2(surprise.probabilities[position, rank]), surprise.bits[position], abs_tol=1e-9)


def test_guesses_are_in_descending_order_of_probability(surprise: Surprise) -> None:
    """The probabilities of all guesses add up to one."""
    assert np.allclose(surprise.probabilities[1:].sum(axis=1), 1)
    assert (np.diff(surprise.probabilities[1:], axis=1) <= 0).all()
    assert surprise.guesses[0] == ""
    assert surprise.top_k_accuracy(len(surprise.guesses[1])) == 1


def test_fewer_guesses_are_the_first_of_all(model: Model, rnn: InferenceRNN, surprise: Surprise) -> None:
    """Bits and ranks do not depend on the number of guesses."""
    few = measure_surprisal(rnn, model.vocabulary, model.vocabulary.encode(TEXT), guesses=2)
    assert few.guesses[1:] == tuple(guesses[:2] for guesses in surprise.guesses[1:])
    assert np.array_equal(few.ranks, surprise.ranks)
    none = measure_surprisal(rnn, model.vocabulary, model.vocabulary.encode(TEXT), guesses=0)
    assert np.array_equal(none.bits, surprise.bits)


def test_equally_likely_characters_have_different_ranks() -> None:
    """Ties are ordered by id in ranks and guesses."""
    model = random_model("abc", scale=0)
    surprise = measure_surprisal(
        InferenceRNN.from_model(model), model.vocabulary, model.vocabulary.encode("aabcc"), guesses=3
    )
    assert surprise.ranks.tolist() == [0, 1, 2, 3, 3]
    assert np.allclose(surprise.bits[1:], math.log2(3))


def test_the_most_surprising_places_have_the_highest_surprisal(surprise: Surprise) -> None:
    """Each place comes with the text around it."""
    places = surprise.most_surprising(5)
    assert [place.bits for place in places] == sorted(surprise.bits, reverse=True)[:5]
    for place in places:
        assert TEXT[: place.at].endswith(place.before)
        assert TEXT[place.at] == place.character
        assert TEXT[place.at + 1 :].startswith(place.after)


def test_the_numbers_of_every_character_are_in_the_json(surprise: Surprise) -> None:
    """The first character has null values and no guesses."""
    values = surprise.to_json()
    assert values["content"] == TEXT
    assert len(values["bits"]) == len(values["ranks"]) == len(values["guesses"]) == len(TEXT)
    assert (values["bits"][0], values["ranks"][0], values["guesses"][0]) == (None, None, [])
    assert values["guesses"][1][0][0] == surprise.guesses[1][0]
    assert values["most_surprising"][0]["at"] == surprise.most_surprising()[0].at + 7
