"""An expanded vocabulary: the predictions of known characters do not change."""

import numpy as np
import pytest
from common import generated_text

from charrnn.config import NetworkConfig
from charrnn.network.cells import CELLS
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, weight_shapes
from charrnn.network.vocabulary_expansion import expand_vocabulary
from charrnn.text.vocabulary import Vocabulary

KNOWN, MORE = "z\nbq a", "éß漢"
CONFIGS = [(cell, embedding) for cell in CELLS for embedding in (0, 4)]

pytestmark = pytest.mark.parametrize(("cell", "embedding"), CONFIGS)


def models(cell: str, embedding: int) -> tuple[Model, Model]:
    """Return a random model of a few characters, and the model with more characters."""
    config = NetworkConfig(cell=cell, layers=2, hidden=12, embedding=embedding)
    rng, shapes = np.random.default_rng(0), weight_shapes(config, len(KNOWN))
    weights = {name: rng.normal(scale=0.8, size=shape).astype(np.float32) for name, shape in shapes.items()}
    small = Model(config=config, vocabulary=Vocabulary(tuple(KNOWN)), weights=weights)
    extended = Vocabulary(tuple(KNOWN + MORE))
    return small, Model(config=config, vocabulary=extended, weights=expand_vocabulary(small, len(extended)))


def logits(model: Model, text: str) -> np.ndarray:
    """Return the logits after a text, from the zero state."""
    rnn, ids = InferenceRNN.from_model(model), model.vocabulary.encode(text)
    return np.asarray(rnn.logits(rnn.run_with_cache(ids[:, None], rnn.initial_state(1)).layers[-1].hidden))[:, 0]


def test_known_characters_keep_their_relative_probabilities(cell: str, embedding: int) -> None:
    """After any text of known characters; all new ones together are at most as likely as the likeliest known one."""
    small, large = models(cell, embedding)
    text = "".join(np.random.default_rng(1).choice(list(KNOWN), 300))
    before, after = logits(small, text), logits(large, text)
    assert np.allclose(before, after[:, : len(KNOWN)], atol=1e-5)
    odds = np.exp(after - after.max(-1, keepdims=True))
    shares = odds / odds.sum(-1, keepdims=True)
    assert shares[:, len(KNOWN) :].sum(-1).max() <= 1 / (len(KNOWN) + 1) + 1e-6


def test_only_rows_of_new_characters_are_added(cell: str, embedding: int) -> None:
    """The rows are appended, and the original model does not change."""
    small, large = models(cell, embedding)
    copies = {name: weight.copy() for name, weight in small.weights.items()}
    shapes = weight_shapes(large.config, len(large.vocabulary))
    assert {name: weight.shape for name, weight in large.weights.items()} == shapes
    for name, weight in small.weights.items():
        assert np.array_equal(weight, copies[name])
        assert np.array_equal(large.weights[name][tuple(slice(size) for size in weight.shape)], weight)


def test_the_most_likely_text_stays_the_same(cell: str, embedding: int) -> None:
    """The mean of the logits is never the largest of them."""
    texts = [generated_text(model, seed=0, temperature=0) for model in models(cell, embedding)]
    assert texts[0] == texts[1]


def test_without_new_characters_nothing_is_added(cell: str, embedding: int) -> None:
    """The weights are equal bit by bit, and the original arrays do not change."""
    small, _ = models(cell, embedding)
    same = expand_vocabulary(small, len(KNOWN))
    assert all(np.array_equal(weight, small.weights[name]) for name, weight in same.items())
