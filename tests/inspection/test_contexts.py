"""Max-activating examples: the extremes are exact, no two examples overlap, and a seed fixes the random ones."""

import numpy as np
import pytest
from common import random_model

from charrnn.errors import WrongUsageError
from charrnn.inspection.measures.activations import CONTEXT_CHARS, record_cells, run_over_text
from charrnn.inspection.measures.max_activating import CellContexts, find_contexts
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model

MODEL = random_model()
RNG = np.random.default_rng(3)
TEXT = "".join(RNG.choice(list("\n abcdefgh"), size=9_000))


def contexts_of(text: str = TEXT, seed: int = 0, cell: tuple[int, int] = (2, 5)) -> CellContexts:
    """Return the examples of one cell."""
    rnn, ids = InferenceRNN.from_model(MODEL), MODEL.vocabulary.encode(text)
    (contexts,) = find_contexts(rnn, text, ids, [cell], np.random.default_rng(seed), vocabulary=MODEL.vocabulary)
    return contexts


@pytest.mark.parametrize("length", [1, 2, 255, 256, 257, 1024, 2048, 2049, 5000])
def test_every_character_is_counted_once(length: int) -> None:
    """The number of rows does not matter; warm-up characters are not counted."""
    counts = np.zeros(length, np.int64)
    ids = MODEL.vocabulary.encode(TEXT[:length])
    for _, positions, counted in run_over_text(InferenceRNN.from_model(MODEL), ids):
        np.add.at(counts, positions[counted], 1)
    assert (counts == 1).all()


def test_the_first_examples_are_the_maximum_and_the_minimum() -> None:
    """In a text that is read in one row the activations are exactly those of a single pass."""
    text = TEXT[:2000]
    values = record_cells(InferenceRNN.from_model(MODEL), MODEL.vocabulary.encode(text), [(2, 5)], slice(0, 2000))[0]
    contexts = contexts_of(text)
    assert contexts.highest[0].value == values.max()
    assert contexts.lowest[0].value == values.min()
    assert [context.value for context in contexts.highest] == sorted(
        (c.value for c in contexts.highest), reverse=True
    )
    for context in (*contexts.highest, *contexts.lowest, *contexts.random, *contexts.near_median):
        begin = context.at - len(context.before)
        assert np.array_equal(context.values, values[begin : begin + len(context.values)])


def test_contexts_are_excerpts_of_the_text() -> None:
    """There are five examples of each sort, each with the text around it."""
    contexts = contexts_of()
    for kind in (contexts.highest, contexts.lowest, contexts.random, contexts.near_median):
        assert len(kind) == 5
        for context in kind:
            assert TEXT[context.at] == context.character
            around = TEXT[max(0, context.at - CONTEXT_CHARS) : context.at + CONTEXT_CHARS + 1]
            assert context.before + context.character + context.after == around
            assert len(context.values) == len(around)


def test_positions_refer_to_the_whole_text() -> None:
    """The positions are correct if only a part of the text is read."""
    rnn, ids = InferenceRNN.from_model(MODEL), MODEL.vocabulary.encode(TEXT[100:900])
    (contexts,) = find_contexts(
        rnn, TEXT[100:900], ids, [(2, 5)], np.random.default_rng(0), vocabulary=MODEL.vocabulary, start=100
    )
    assert all(TEXT[context.at] == context.character for context in (*contexts.highest, *contexts.lowest))


def test_no_two_contexts_overlap() -> None:
    """Examples of different sorts do not overlap either."""
    contexts = contexts_of()
    positions = sorted(
        context.at
        for kind in (contexts.highest, contexts.lowest, contexts.random, contexts.near_median)
        for context in kind
    )
    assert (np.diff(positions) > 2 * CONTEXT_CHARS).all()


def test_middling_examples_are_near_the_median() -> None:
    """They lie between the quantiles of 40 and 60 percent, up to the width of a bin."""
    values = record_cells(
        InferenceRNN.from_model(MODEL), MODEL.vocabulary.encode(TEXT), [(2, 5)], slice(0, len(TEXT))
    )[0]
    low, high = np.quantile(values, (0.4, 0.6))
    assert all(low - 0.002 <= context.value <= high + 0.002 for context in contexts_of().near_median)
    assert np.allclose(contexts_of().quantiles, np.quantile(values, (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)), atol=0.003)


def test_repeated_passages_are_one_example() -> None:
    """A repetitive text has few different examples."""
    repeated = ("abc def\n" * 20 + TEXT[:50]) * 40
    highest = contexts_of(repeated).highest
    ends = [(context.before + context.character)[-12:] for context in highest]
    assert len(set(ends)) == len(ends)


def test_a_seed_fixes_the_random_examples() -> None:
    """The extremes do not depend on the seed; the random examples do."""
    first, same, other = contexts_of(), contexts_of(), contexts_of(seed=1)
    assert first == same
    assert first.highest == other.highest
    assert first.random != other.random


def test_the_examples_of_a_saturated_cell_are_not_all_at_the_beginning() -> None:
    """Ties between many equal activations are broken at random."""
    saturated = {**MODEL.weights, "rnn.bias_ih_l1": MODEL.weights["rnn.bias_ih_l1"].copy()}
    for gate, bias in ((0, 40.0), (1, 40.0), (2, 40.0)):
        saturated["rnn.bias_ih_l1"][gate * 12 + 5] = bias
    model = Model(config=MODEL.config, vocabulary=MODEL.vocabulary, weights=saturated)
    ids = model.vocabulary.encode(TEXT)
    rnn = InferenceRNN.from_model(model)
    (contexts,) = find_contexts(rnn, TEXT, ids, [(2, 5)], np.random.default_rng(0), vocabulary=model.vocabulary)
    assert contexts.quantiles[2] == 1
    assert max(context.at for context in contexts.highest) > len(TEXT) // 3


def test_a_short_text_has_as_many_examples_as_fit() -> None:
    """Even a text of a single character has one example."""
    for text in ("a", "abc"):
        contexts = contexts_of(text)
        assert (len(contexts.highest), contexts.lowest, contexts.random, contexts.near_median) == (1, (), (), ())
        assert contexts.characters == len(text)


def test_a_cell_that_does_not_exist_is_refused() -> None:
    """A missing cell raises WrongUsageError."""
    with pytest.raises(WrongUsageError, match=r"no cell 3\.0"):
        contexts_of(cell=(3, 0))
