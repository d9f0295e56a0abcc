"""How well a text is predicted, in one long pass and in rows."""

import math
from itertools import pairwise

import numpy as np
import pytest
from small import random_model

from charrnn import scoring
from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.network.char_rnn import CharRNN
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, weight_shapes
from charrnn.scoring import Score, char_nll, next_char_probabilities, score, score_lines
from charrnn.text.vocabulary import UNKNOWN, Vocabulary


def some_ids(length: int, vocabulary: int = 11) -> np.ndarray:
    """Draw a text."""
    return np.random.default_rng(3).integers(vocabulary, size=length)


def test_nats_are_those_of_stepping_one_character_at_a_time(rnn: InferenceRNN) -> None:
    """Each character costs −ln of the probability that the softmax over the characters before gave it."""
    ids, state, expected = some_ids(60), rnn.initial_state(1), []
    for now, after in pairwise(ids):
        logits, state = rnn.step(np.array([now]), state)
        expected.append(-np.log(np.exp(logits[0, after]) / np.exp(logits[0]).sum()))
    assert np.allclose(char_nll(rnn, ids), expected, atol=1e-5)


def test_rows_nearly_equal_one_long_pass(rnn: InferenceRNN) -> None:
    """After the warm-up a row's state is what the whole text would have made it; the first row's is exactly."""
    ids = some_ids(6000)
    whole, rows = char_nll(rnn, ids, rows=1), char_nll(rnn, ids, rows=7)
    assert np.abs(rows - whole).max() < 1e-4
    assert not np.allclose(char_nll(rnn, ids, rows=7, warm_up=0), whole, atol=1e-2)


@pytest.mark.parametrize("documents", [None, "line"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_torch_says_the_same(cell: str, documents: str | None) -> None:
    """Its fused layers and the steps of NumPy give the same nats, of texts, documents and lines."""
    config = NetworkConfig(cell=cell, layers=2, hidden=12, embedding=4, documents=documents)
    given = random_model(config=config, vocabulary="\n abcd")
    rnn, network = InferenceRNN.from_model(given), CharRNN.from_model(given)
    text = "abc ab\ncab b\n\nbca" * 100
    ours, theirs = (score(one, given.vocabulary, text) for one in (rnn, network))
    assert ours.characters == theirs.characters
    assert math.isclose(ours.nats_per_char, theirs.nats_per_char, abs_tol=1e-6)
    lines = [score_lines(one, given.vocabulary, text.split("\n")) for one in (rnn, network)]
    for one, other in zip(*lines, strict=True):
        assert (one is None) == (other is None)
        assert one is None or other is None or math.isclose(one.nats, other.nats, abs_tol=1e-4)


def test_the_number_of_threads_makes_no_difference(
    rnn: InferenceRNN, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and lines are shared out alike, to the last bit, whoever reads them."""
    monkeypatch.setattr(scoring, "ROWS_PER_THREAD", 2)
    monkeypatch.setattr(scoring, "LINES_PER_BATCH", 3)
    ids, lines = some_ids(3000), ["ab" * number for number in range(10)]
    alone, shared = (char_nll(rnn, ids, rows=7, threads=threads) for threads in (1, 3))
    assert np.array_equal(alone, shared)
    assert np.allclose(shared, char_nll(rnn, ids, rows=1), atol=1e-4)
    vocabulary = model.vocabulary
    assert score_lines(rnn, vocabulary, lines, threads=3) == score_lines(rnn, vocabulary, lines)


def test_memory_is_bounded_without_a_difference(rnn: InferenceRNN, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few numbers there may be at once, the nats are the same."""
    ids = some_ids(3000)
    before = char_nll(rnn, ids, rows=4)
    monkeypatch.setattr(scoring, "MAX_CHUNK_NUMBERS", 5000)
    assert np.allclose(char_nll(rnn, ids, rows=4), before, atol=1e-5)


def test_a_model_that_knows_nothing_needs_log_v() -> None:
    """All weights zero: every character is as likely as any other."""
    config, vocabulary = NetworkConfig(hidden=3, embedding=0), Vocabulary(tuple("abcdefgh"))
    weights = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(config, 8).items()}
    found = score(InferenceRNN(config, weights), vocabulary, "abcabcahhg")
    assert found.characters == 9
    assert math.isclose(found.bits_per_char, 3, rel_tol=1e-6)
    assert math.isclose(found.perplexity, 8, rel_tol=1e-6)
    assert math.isclose(found.nats_per_char, math.log(8), rel_tol=1e-6)


def test_a_score_is_the_sum_over_all_characters_but_the_first(rnn: InferenceRNN, model: Model) -> None:
    """The first character is predicted by nothing, so it is not counted."""
    nats = char_nll(rnn, model.vocabulary.encode("abcdef"))
    found = score(rnn, model.vocabulary, "abcdef")
    assert nats.shape == (5,)
    assert found == Score(characters=5, nats=float(nats.sum(dtype=np.float64)))


def test_unknown_characters_are_left_out_and_counted(rnn: InferenceRNN, model: Model) -> None:
    """The rest is scored as if they were not there."""
    known, mixed = score(rnn, model.vocabulary, "abcd"), score(rnn, model.vocabulary, "aéb€cdé")
    assert (mixed.characters, mixed.nats, mixed.unknown) == (known.characters, known.nats, 3)


def test_unknown_characters_are_scored_where_the_model_has_a_stand_in(rnn: InferenceRNN) -> None:
    """A vocabulary with U+FFFD reads every unknown character as that."""
    vocabulary = Vocabulary(tuple("\n abcdefgh" + UNKNOWN))
    found, same = (score(rnn, vocabulary, text) for text in ("aébc", f"a{UNKNOWN}bc"))
    assert (found.characters, found.nats, found.unknown) == (3, same.nats, 1)


@pytest.mark.parametrize("text", ["", "a", "a€", "€€€"])
def test_a_text_too_short_to_predict_anything_is_refused(rnn: InferenceRNN, model: Model, text: str) -> None:
    """At least two characters that the model knows are needed."""
    with pytest.raises(CharrnnError, match="at least 2"):
        score(rnn, model.vocabulary, text)


def test_lines_side_by_side_are_scored_as_each_would_be_alone(rnn: InferenceRNN, model: Model) -> None:
    """Each as it stands between two line ends, whatever the lines beside it are, in the order they came in."""
    lines = ["abc", "", "hgfedcba" * 40, "a", "bad face"]
    for line, found in zip(lines, score_lines(rnn, model.vocabulary, lines), strict=True):
        alone = char_nll(rnn, model.vocabulary.encode(f"\n{line}\n"))
        assert found is not None
        assert found.characters == len(line) + 1
        assert math.isclose(found.nats, alone.sum(dtype=np.float64), rel_tol=1e-5)


def test_more_lines_than_are_read_together_keep_their_places(
    rnn: InferenceRNN, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However they are put together, and in however small pieces they are read."""
    lines = [chr(ord("a") + number % 8) * (number % 13) for number in range(50)]
    before = score_lines(rnn, model.vocabulary, lines)
    monkeypatch.setattr(scoring, "LINES_PER_BATCH", 3)
    monkeypatch.setattr(scoring, "MAX_CHUNK_NUMBERS", 1)
    for one, other in zip(before, score_lines(rnn, model.vocabulary, lines), strict=True):
        assert one is not None
        assert other is not None
        assert math.isclose(one.nats, other.nats, rel_tol=1e-5)


def test_a_line_of_nothing_known_has_no_score(rnn: InferenceRNN) -> None:
    """Where there is no line end to predict either; the unknown are counted in the others."""
    vocabulary = Vocabulary(tuple("abcdefghijk"))
    nothing, one, found = score_lines(rnn, vocabulary, ["éé", "aé", "abé"])
    assert nothing is None
    assert one is None
    assert found is not None
    assert (found.characters, found.unknown) == (1, 1)
    assert math.isclose(found.unknown_share, 0.5)


def test_what_stands_in_for_the_unknown_is_counted_once() -> None:
    """A text of nothing known is unknown altogether, whether that was left out or read as U+FFFD."""
    assert Score(characters=10, nats=1.0, unknown=10, unknown_read_as_ufffd=True).unknown_share == 1.0
    assert Score(characters=10, nats=1.0, unknown=10).unknown_share == 0.5
    model = random_model("\ufffd\nab")
    found = score(InferenceRNN.from_model(model), model.vocabulary, "abxyabxyab")
    assert (found.characters, found.unknown, found.unknown_read_as_ufffd) == (9, 4, True)


def test_a_perplexity_beyond_all_numbers_is_infinite() -> None:
    """A model that is certain of something else may cost any number of nats."""
    assert Score(characters=1, nats=5000.0).perplexity == math.inf


def test_the_next_characters_are_those_that_stepping_gives(rnn: InferenceRNN, model: Model) -> None:
    """All probabilities add up to one, the likeliest comes first."""
    text, state = "abcabc" * 100, rnn.initial_state(1)
    for number in model.vocabulary.encode(text):
        logits, state = rnn.step(np.array([number]), state)
    found = next_char_probabilities(rnn, model.vocabulary, text, most=20)
    expected = np.exp(logits[0].astype(np.float64)) / np.exp(logits[0].astype(np.float64)).sum()
    assert math.isclose(sum(share for _, share in found), 1)
    assert [model.vocabulary.id_of(character) for character, _ in found] == np.argsort(-expected).tolist()
    assert np.allclose([share for _, share in found], np.sort(expected)[::-1], atol=1e-6)
    assert next_char_probabilities(rnn, model.vocabulary, text, most=2) == found[:2]
