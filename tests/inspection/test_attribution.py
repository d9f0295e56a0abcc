"""Attribution of single predictions: both measures equal their definitions, for every kind of cell."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from common import random_model, random_weights

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.inspection.measures.attribution import (
    MAX_SURPRISING,
    MIN_DISTANCE,
    REPLACEMENT_COUNT,
    WINDOW,
    attribute_positions,
    attribute_prediction,
    attribute_surprising,
    gradient_of_each,
    surprising_indices,
)
from charrnn.inspection.measures.lag_attribution import Replacements
from charrnn.inspection.measures.surprisal import measure_surprisal
from charrnn.network.inference import InferenceRNN, log_softmax
from charrnn.network.model_file import Model
from charrnn.text.vocabulary import Ids, Vocabulary

ALPHABET = "\n abcdefgh"
END = 0
CELLS = ("lstm", "gru", "rnn")


def network(cell: str, embedding: int = 4, documents: str | None = None) -> InferenceRNN:
    """Return a network of two layers with large random weights, in float64."""
    config = NetworkConfig(cell=cell, layers=2, hidden=7, embedding=embedding, documents=documents)
    return InferenceRNN(config, random_weights(config, len(ALPHABET)), end_id=END if documents else None)


def some_ids(length: int = 40) -> Ids:
    """Return random ids without the end of a document."""
    return np.random.default_rng(1).integers(1, len(ALPHABET), size=length)


def bits_of_last(rnn: InferenceRNN, ids: Ids) -> float:
    """Return the log-probability of the last of some ids, in bits."""
    state = rnn.run_with_cache(ids[:-1, None], rnn.initial_state(1)).state
    return float(log_softmax(rnn.logits(state[-1].hidden))[0, ids[-1]]) / math.log(2)


@pytest.mark.parametrize("cell", CELLS)
def test_occlusion_is_the_mean_effect_of_replacing_one_character(cell: str) -> None:
    """Read one by one, the replaced texts give the same numbers as in one batch."""
    rnn, ids = network(cell), some_ids()
    attribution = attribute_prediction(rnn, Vocabulary(tuple(ALPHABET)), ids, 39, np.random.default_rng(5))
    replacements, expected = Replacements(ids, np.random.default_rng(5)), []
    for place in range(39):
        effects = []
        for other in replacements.different_from(ids[place].repeat(REPLACEMENT_COUNT)):
            changed = ids.copy()
            changed[place] = other
            effects.append(bits_of_last(rnn, ids) - bits_of_last(rnn, changed))
        expected.append(np.mean(effects))
    assert np.abs(expected).max() > 0.1
    assert np.allclose(attribution.occlusion, expected, atol=1e-9)
    assert (attribution.divergence >= 0).all()


@pytest.mark.parametrize("cell", CELLS)
def test_gradient_times_input_is_the_derivative_by_the_scale_of_a_character(cell: str) -> None:
    """The character has an embedding of its own here, which is made a little larger and smaller."""
    config = NetworkConfig(cell=cell, layers=2, hidden=7, embedding=4)
    ids = some_ids(12)
    ids[5] = len(ALPHABET)

    def last_bits(scale: float) -> float:
        weights = random_weights(config, len(ALPHABET) + 1)
        weights["embedding.weight"][-1] *= scale
        return bits_of_last(InferenceRNN(config, weights), ids)

    rnn = InferenceRNN(config, random_weights(config, len(ALPHABET) + 1))
    vocabulary = Vocabulary((*ALPHABET, "z"))
    attribution = attribute_prediction(rnn, vocabulary, ids, 11, np.random.default_rng(0))
    derivative = (last_bits(1 + 1e-5) - last_bits(1 - 1e-5)) / 2e-5
    assert abs(derivative) > 1e-3
    assert attribution.gradient[5] == pytest.approx(derivative, rel=1e-4)


def test_a_model_without_an_embedding_has_the_gradients_of_one_with_the_identity() -> None:
    """Its input is a one-hot vector."""
    size = len(ALPHABET)
    bare, ids = network("lstm", embedding=0), some_ids()
    config = replace(bare.config, embedding=size)
    embedded = InferenceRNN(config, {**bare.weights, "embedding.weight": np.eye(size)})
    vocabulary = Vocabulary(tuple(ALPHABET))
    first, second = (
        attribute_prediction(rnn, vocabulary, ids, 30, np.random.default_rng(0)) for rnn in (bare, embedded)
    )
    assert np.abs(first.gradient).max() > 0.01
    assert np.allclose(first.gradient, second.gradient)
    assert np.allclose(first.occlusion, second.occlusion)


@pytest.mark.parametrize("cell", CELLS)
def test_nothing_before_the_end_of_a_document_has_an_influence(cell: str) -> None:
    """The state is reset there."""
    rnn, ids = network(cell, documents="line"), some_ids()
    ids[20] = END
    attribution = attribute_prediction(rnn, Vocabulary(tuple(ALPHABET)), ids, 30, np.random.default_rng(0))
    assert not attribution.gradient[:20].any()
    assert np.abs(attribution.occlusion[:20]).max() < 1e-12
    assert attribution.occlusion[20:].any()


def test_the_record_describes_the_prediction() -> None:
    """Its window, its position, and the guesses with their probabilities."""
    model = random_model(ALPHABET)
    rnn, ids = InferenceRNN.from_model(model), some_ids(300)
    attribution = attribute_prediction(
        rnn, model.vocabulary, ids, 250, np.random.default_rng(0), model="m", text="t", start=1000
    )
    surprise = measure_surprisal(rnn, model.vocabulary, ids, guesses=5)
    assert (attribution.at, attribution.start, attribution.characters) == (1250, 1250 - WINDOW, WINDOW)
    assert attribution.content == surprise.content[250 - WINDOW : 250]
    assert attribution.character == surprise.content[250]
    assert attribution.bits == pytest.approx(surprise.bits[250], abs=1e-3)
    assert attribution.rank == surprise.ranks[250]
    assert "".join(character for character, _ in attribution.guesses) == surprise.guesses[250]
    places = attribution.strongest(3)
    assert abs(attribution.occlusion[places[0]]) == np.abs(attribution.occlusion).max()


def test_surprising_predictions_are_far_apart_and_not_at_the_beginning(model: Model) -> None:
    """Unless the text is that short."""
    rnn = InferenceRNN.from_model(model)
    for length in (2, 20, 33, 34, 400):
        ids = np.random.default_rng(2).integers(len(model.vocabulary), size=length)
        indices = surprising_indices(measure_surprisal(rnn, model.vocabulary, ids, guesses=0))
        assert 1 <= len(indices) <= MAX_SURPRISING
        assert indices[0] >= min(MIN_DISTANCE, length - 1)
        assert all(later - earlier >= MIN_DISTANCE for earlier, later in pairwise(indices))
        attributions = attribute_surprising(rnn, model.vocabulary, ids[:40], np.random.default_rng(0))
        assert all(len(attribution.occlusion) == attribution.at for attribution in attributions)


@pytest.mark.parametrize(
    ("position", "message"), [(99, "outside the text"), (100, "not predicted"), (140, "outside the text")]
)
def test_a_position_without_a_prediction_is_refused(model: Model, position: int, message: str) -> None:
    """With the positions that are predicted."""
    rnn, ids = InferenceRNN.from_model(model), some_ids()
    with pytest.raises(CharrnnError, match=message) as caught:
        attribute_positions(rnn, model.vocabulary, ids, [position], np.random.default_rng(0), start=100)
    assert caught.value.hint == "positions 101 to 139 are predicted"


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("documents", [None, "line"])
def test_the_gradients_of_all_predictions_equal_those_of_each(cell: str, documents: str | None) -> None:
    """From the activations of one reading, in several batches."""
    rnn, ids = network(cell, documents=documents), some_ids(300)
    ids[150] = END
    products = gradient_of_each(rnn, ids, 20, 16)
    assert products.shape == (280, 16)
    for index in (20, 21, 147, 148, 149, 151, 160, 299):
        attribution = attribute_prediction(rnn, Vocabulary(tuple(ALPHABET)), ids, index, np.random.default_rng(0))
        expected = attribution.gradient[::-1][:16] * math.log(2)
        assert np.allclose(products[index - 20], expected, atol=1e-9)
    assert np.abs(products).max() > 0.1


def test_predictions_without_enough_text_before_them_have_no_gradients() -> None:
    """The first one that has them is that after one character more than the lags."""
    products = gradient_of_each(network("gru"), some_ids(30), 0, 16)
    assert not products[:17].any()
    assert products[17:].any(axis=1).all()
    assert gradient_of_each(network("gru"), some_ids(10), 2, 16).shape == (8, 16)
