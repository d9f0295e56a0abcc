"""Profiles of cells: the weights are what a cell adds to the logits, and every activation is counted."""

import numpy as np
import pytest

from charrnn.errors import WrongUsageError
from charrnn.inspection.measures.activations import record_cells
from charrnn.inspection.measures.cell_profile import (
    BINS,
    activation_histogram,
    centered_output_weights,
    profile_cell,
)
from charrnn.inspection.measures.max_activating import find_contexts
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model

EMPTY = (0,) * BINS


def test_the_weights_are_the_changes_of_the_logits_above_their_mean(rnn: InferenceRNN) -> None:
    """One more unit of h changes the logits by the weights and a constant."""
    hidden = np.random.default_rng(0).normal(size=12)
    more = hidden.copy()
    more[5] += 1
    change = rnn.logits(more) - rnn.logits(hidden)
    assert np.allclose(centered_output_weights(rnn, 5), change - change.mean(), atol=1e-6)


def test_the_strongest_characters_are_listed_by_their_sign(rnn: InferenceRNN, model: Model) -> None:
    """The promoted ones have positive weights, the suppressed ones negative weights."""
    profile = profile_cell(rnn, model.vocabulary, (2, 5), EMPTY, signal="tanh(c)")
    weights = dict(zip(model.vocabulary.characters, centered_output_weights(rnn, 5), strict=True))
    assert profile.promotes[0].nats == max(weights.values())
    assert profile.suppresses[0].nats == min(weights.values())
    for listed in (profile.promotes, profile.suppresses):
        assert all(entry.nats == weights[entry.character] for entry in listed)
        assert [entry.nats for entry in listed] == sorted((entry.nats for entry in listed), key=abs, reverse=True)
    assert all(entry.nats > 0 for entry in profile.promotes)
    assert all(entry.nats < 0 for entry in profile.suppresses)


def test_a_cell_below_the_last_layer_writes_no_character(rnn: InferenceRNN, model: Model) -> None:
    """Its JSON has null."""
    profile = profile_cell(rnn, model.vocabulary, (1, 5), EMPTY, signal="tanh(c)")
    assert not profile.is_output
    assert profile.to_json() == {"cell": "1.5", "promotes": None, "suppresses": None, "histogram": [0] * BINS}
    with pytest.raises(WrongUsageError, match=r"no cell 3\.0"):
        profile_cell(rnn, model.vocabulary, (3, 0), EMPTY, signal="tanh(c)")


def test_the_histogram_of_the_contexts_is_that_of_the_activations(rnn: InferenceRNN, model: Model) -> None:
    """Up to the edges of the bins, where rounding decides."""
    text = "".join(np.random.default_rng(3).choice(list("\n abcdefgh"), size=700))
    ids = model.vocabulary.encode(text)
    (contexts,) = find_contexts(rnn, text, ids, [(2, 5)], np.random.default_rng(0), vocabulary=model.vocabulary)
    (values,) = record_cells(rnn, ids, [(2, 5)], slice(0, len(ids)))
    expected = activation_histogram(values)
    assert sum(contexts.profile.histogram) == sum(expected) == len(text)
    assert np.abs(np.subtract(contexts.profile.histogram, expected)).max() <= 2
