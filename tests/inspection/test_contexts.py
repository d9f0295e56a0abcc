"""Contexts: the highest is the highest, none overlaps another, and chance is the seed's."""

import numpy as np
import pytest
from small import random_model

from charrnn.errors import WrongUsageError
from charrnn.inspection.measures.activations import CONTEXT_CHARS, record_cells, run_over_text
from charrnn.inspection.measures.max_activating import CellContexts, find_contexts
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model

MODEL = random_model()
RNG = np.random.default_rng(3)
TEXT = "".join(RNG.choice(list("\n abcdefgh"), size=9_000))


def found(text: str = TEXT, seed: int = 0, cell: tuple[int, int] = (2, 5)) -> CellContexts:
    """Find one cell's contexts."""
    rnn, ids = InferenceRNN.from_model(MODEL), MODEL.vocabulary.encode(text)
    (one,) = find_contexts(rnn, text, ids, [cell], np.random.default_rng(seed))
    return one


@pytest.mark.parametrize("length", [1, 2, 255, 256, 257, 1024, 2048, 2049, 5000])
def test_every_character_is_watched_once(length: int) -> None:
    """In however many rows; what is read to warm up does not count."""
    seen = np.zeros(length, np.int64)
    ids = MODEL.vocabulary.encode(TEXT[:length])
    for _, places, counted in run_over_text(InferenceRNN.from_model(MODEL), ids):
        np.add.at(seen, places[counted], 1)
    assert (seen == 1).all()


def test_the_highest_is_the_highest_and_the_lowest_the_lowest() -> None:
    """In a text that is read in one row they are those of one long reading, to the last digit."""
    text = TEXT[:2000]
    values = record_cells(InferenceRNN.from_model(MODEL), MODEL.vocabulary.encode(text), [(2, 5)], slice(0, 2000))[0]
    one = found(text)
    assert one.highest[0].value == values.max()
    assert one.lowest[0].value == values.min()
    assert [context.value for context in one.highest] == sorted((c.value for c in one.highest), reverse=True)
    for context in (*one.highest, *one.lowest, *one.random, *one.middling):
        begin = context.at - len(context.before)
        assert np.array_equal(context.values, values[begin : begin + len(context.values)])


def test_contexts_are_what_stands_in_the_text() -> None:
    """Five of each, with what is around them."""
    one = found()
    for kind in (one.highest, one.lowest, one.random, one.middling):
        assert len(kind) == 5
        for context in kind:
            assert TEXT[context.at] == context.character
            around = TEXT[max(0, context.at - CONTEXT_CHARS) : context.at + CONTEXT_CHARS + 1]
            assert context.before + context.character + context.after == around
            assert len(context.values) == len(around)


def test_places_are_those_of_the_whole_text() -> None:
    """Where only a part of it is read, from some place on."""
    rnn, ids = InferenceRNN.from_model(MODEL), MODEL.vocabulary.encode(TEXT[100:900])
    (one,) = find_contexts(rnn, TEXT[100:900], ids, [(2, 5)], np.random.default_rng(0), start=100)
    assert all(TEXT[context.at] == context.character for context in (*one.highest, *one.lowest))


def test_no_two_contexts_overlap() -> None:
    """Of whatever kind they are."""
    one = found()
    places = sorted(context.at for kind in (one.highest, one.lowest, one.random, one.middling) for context in kind)
    assert (np.diff(places) > 2 * CONTEXT_CHARS).all()


def test_the_middling_ones_are_about_the_median() -> None:
    """Between the quantiles of 40 and 60 percent, to the width of a bin."""
    values = record_cells(
        InferenceRNN.from_model(MODEL), MODEL.vocabulary.encode(TEXT), [(2, 5)], slice(0, len(TEXT))
    )[0]
    low, high = np.quantile(values, (0.4, 0.6))
    assert all(low - 0.002 <= context.value <= high + 0.002 for context in found().middling)
    assert np.allclose(found().quantiles, np.quantile(values, (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)), atol=0.003)


def test_the_same_words_are_one_example() -> None:
    """A text that says the same thing over and over has few highest places."""
    repeated = ("abc def\n" * 20 + TEXT[:50]) * 40
    highest = found(repeated).highest
    ends = [(context.before + context.character)[-12:] for context in highest]
    assert len(set(ends)) == len(ends)


def test_a_seed_decides_what_chance_shows() -> None:
    """The extremes are the same for all, the random places are not."""
    one, same, other = found(), found(), found(seed=1)
    assert one == same
    assert one.highest == other.highest
    assert one.random != other.random


def test_a_saturated_cells_highest_places_are_not_all_at_the_beginning() -> None:
    """Where thousands of places are alike, chance decides among them."""
    saturated = {**MODEL.weights, "rnn.bias_ih_l1": MODEL.weights["rnn.bias_ih_l1"].copy()}
    for gate, bias in ((0, 40.0), (1, 40.0), (2, 40.0)):
        saturated["rnn.bias_ih_l1"][gate * 12 + 5] = bias
    model = Model(config=MODEL.config, vocabulary=MODEL.vocabulary, weights=saturated)
    ids = model.vocabulary.encode(TEXT)
    (one,) = find_contexts(InferenceRNN.from_model(model), TEXT, ids, [(2, 5)], np.random.default_rng(0))
    assert one.quantiles[2] == 1
    assert max(context.at for context in one.highest) > len(TEXT) // 3


def test_a_short_text_has_as_many_contexts_as_there_is_room_for() -> None:
    """At least the highest place, even of a single character."""
    for text in ("a", "abc"):
        one = found(text)
        assert (len(one.highest), one.lowest, one.random, one.middling) == (1, (), (), ())
        assert one.characters == len(text)


def test_a_cell_that_does_not_exist_is_refused() -> None:
    """As everywhere."""
    with pytest.raises(WrongUsageError, match=r"no cell 3\.0"):
        found(cell=(3, 0))
