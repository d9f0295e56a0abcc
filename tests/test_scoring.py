"""Scores of texts and lines, in one pass and in rows."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from common import random_model

from charrnn import scoring
from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.network.cells import CELLS
from charrnn.network.char_rnn import CharRNN
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, weight_shapes
from charrnn.scoring import Score, char_nll, next_char_probabilities, score, score_lines
from charrnn.text.vocabulary import UNKNOWN, Vocabulary, end_char


def random_ids(length: int, vocabulary: int = 11) -> np.ndarray:
    """Return a random text."""
    return np.random.default_rng(3).integers(vocabulary, size=length)


def test_nats_are_those_of_stepping_one_character_at_a_time(rnn: InferenceRNN) -> None:
    """The nats of each character are −ln of its softmax probability."""
    ids, state, expected = random_ids(60), rnn.initial_state(1), []
    for now, after in pairwise(ids):
        logits, state = rnn.step(np.array([now]), state)
        expected.append(-np.log(np.exp(logits[0, after]) / np.exp(logits[0]).sum()))
    assert np.allclose(char_nll(rnn, ids), expected, atol=1e-5)


def test_rows_nearly_equal_one_long_pass(rnn: InferenceRNN) -> None:
    """After the warm-up, the state of a row is that of the whole text; the first row is exact."""
    ids = random_ids(6000)
    complete, rows = char_nll(rnn, ids, rows=1), char_nll(rnn, ids, rows=7)
    assert np.abs(rows - complete).max() < 1e-4
    assert not np.allclose(char_nll(rnn, ids, rows=7, warm_up=0), complete, atol=1e-2)


@pytest.mark.parametrize("documents", [None, "line"])
@pytest.mark.parametrize("cell", CELLS)
def test_torch_and_numpy_give_the_same_scores(cell: str, documents: str | None) -> None:
    """The fused layers of torch and the NumPy steps give the same nats for texts, documents and lines."""
    config = NetworkConfig(cell=cell, layers=2, hidden=12, embedding=4, documents=documents)
    inputs = random_model(config=config, vocabulary="\n abcd")
    rnn, network = InferenceRNN.from_model(inputs), CharRNN.from_model(inputs)
    text = "abc ab\ncab b\n\nbca" * 100
    actual, expected = (score(first, inputs.vocabulary, text) for first in (rnn, network))
    assert actual.characters == expected.characters
    assert math.isclose(actual.nats_per_char, expected.nats_per_char, abs_tol=1e-6)
    lines = [score_lines(first, inputs.vocabulary, text.split("\n")) for first in (rnn, network)]
    for first, second in zip(*lines, strict=True):
        assert (first is None) == (second is None)
        assert first is None or second is None or math.isclose(first.nats, second.nats, abs_tol=1e-4)


def test_the_number_of_threads_makes_no_difference(
    rnn: InferenceRNN, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and lines are split into the same groups, so the results are equal to the last bit."""
    monkeypatch.setattr(scoring, "ROWS_PER_THREAD", 2)
    monkeypatch.setattr(scoring, "LINES_PER_BATCH", 3)
    ids, lines = random_ids(3000), ["ab" * number for number in range(10)]
    alone, shared = (char_nll(rnn, ids, rows=7, threads=threads) for threads in (1, 3))
    assert np.array_equal(alone, shared)
    assert np.allclose(shared, char_nll(rnn, ids, rows=1), atol=1e-4)
    vocabulary = model.vocabulary
    assert score_lines(rnn, vocabulary, lines, threads=3) == score_lines(rnn, vocabulary, lines)


def test_the_memory_limit_does_not_change_the_score(rnn: InferenceRNN, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter chunks give the same nats."""
    ids = random_ids(3000)
    before = char_nll(rnn, ids, rows=4)
    monkeypatch.setattr(scoring, "MAX_CHUNK_NUMBERS", 5000)
    assert np.allclose(char_nll(rnn, ids, rows=4), before, atol=1e-5)


def test_a_model_of_zeros_needs_log_v_nats() -> None:
    """With zero weights all characters are equally likely."""
    config, vocabulary = NetworkConfig(hidden=3, embedding=0), Vocabulary(tuple("abcdefgh"))
    weights = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(config, 8).items()}
    result = score(InferenceRNN(config, weights), vocabulary, "abcabcahhg")
    assert result.characters == 9
    assert math.isclose(result.bits_per_char, 3, rel_tol=1e-6)
    assert math.isclose(result.perplexity, 8, rel_tol=1e-6)
    assert math.isclose(result.nats_per_char, math.log(8), rel_tol=1e-6)


def test_a_score_is_the_sum_over_all_characters_but_the_first(rnn: InferenceRNN, model: Model) -> None:
    """The first character is not predicted."""
    nats = char_nll(rnn, model.vocabulary.encode("abcdef"))
    result = score(rnn, model.vocabulary, "abcdef")
    assert nats.shape == (5,)
    assert result == Score(characters=5, nats=float(nats.sum(dtype=np.float64)), utf8_bytes=5, words=1)


def test_unknown_characters_are_left_out_and_counted(rnn: InferenceRNN, model: Model) -> None:
    """The rest is scored as if they were missing."""
    known, mixed = score(rnn, model.vocabulary, "abcd"), score(rnn, model.vocabulary, "aéb€cdé")
    assert (mixed.characters, mixed.nats, mixed.unknown) == (known.characters, known.nats, 3)


def test_unknown_characters_are_scored_as_replacement_characters(rnn: InferenceRNN) -> None:
    """If the vocabulary contains U+FFFD."""
    vocabulary = Vocabulary(tuple("\n abcdefgh" + UNKNOWN))
    result, same = (score(rnn, vocabulary, text) for text in ("aébc", f"a{UNKNOWN}bc"))
    assert (result.characters, result.nats, result.unknown) == (3, same.nats, 1)


@pytest.mark.parametrize("text", ["", "a", "a€", "€€€"])
def test_a_text_without_a_predicted_character_is_refused(rnn: InferenceRNN, model: Model, text: str) -> None:
    """At least two known characters are needed."""
    with pytest.raises(CharrnnError, match="at least 2"):
        score(rnn, model.vocabulary, text)


def test_each_line_of_a_batch_has_the_score_of_the_line_alone(rnn: InferenceRNN, model: Model) -> None:
    """Between two line feeds, in the order of the lines."""
    lines = ["abc", "", "hgfedcba" * 40, "a", "bad face"]
    for line, result in zip(lines, score_lines(rnn, model.vocabulary, lines), strict=True):
        alone = char_nll(rnn, model.vocabulary.encode(f"\n{line}\n"))
        assert result is not None
        assert result.characters == len(line) + 1
        assert math.isclose(result.nats, alone.sum(dtype=np.float64), rel_tol=1e-5)


def test_several_batches_of_lines_keep_their_order(
    rnn: InferenceRNN, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For small batches and small chunks."""
    lines = [chr(ord("a") + number % 8) * (number % 13) for number in range(50)]
    before = score_lines(rnn, model.vocabulary, lines)
    monkeypatch.setattr(scoring, "LINES_PER_BATCH", 3)
    monkeypatch.setattr(scoring, "MAX_CHUNK_NUMBERS", 1)
    for first, second in zip(before, score_lines(rnn, model.vocabulary, lines), strict=True):
        assert first is not None
        assert second is not None
        assert math.isclose(first.nats, second.nats, rel_tol=1e-5)


def test_a_line_without_a_predicted_character_has_no_score(rnn: InferenceRNN) -> None:
    """If the vocabulary has no line feed; unknown characters of other lines are counted."""
    vocabulary = Vocabulary(tuple("abcdefghijk"))
    nothing, first, result = score_lines(rnn, vocabulary, ["éé", "aé", "abé"])
    assert nothing is None
    assert first is None
    assert result is not None
    assert (result.characters, result.unknown) == (1, 1)
    assert math.isclose(result.unknown_share, 0.5)


def test_replaced_characters_are_counted_once() -> None:
    """The fraction of unknown characters is 1 if all characters are replaced."""
    counts: dict[str, Any] = {"characters": 10, "nats": 1.0, "utf8_bytes": 10, "words": 1, "unknown": 10}
    assert Score(**counts, unknown_read_as_ufffd=True).unknown_share == 1.0
    assert Score(**counts).unknown_share == 0.5
    model = random_model("\ufffd\nab")
    result = score(InferenceRNN.from_model(model), model.vocabulary, "abxyabxyab")
    assert (result.characters, result.unknown, result.unknown_read_as_ufffd) == (9, 4, True)


def test_a_perplexity_that_overflows_is_infinite() -> None:
    """The loss of a wrong and certain model is unlimited."""
    score = Score(characters=1, nats=5000.0, utf8_bytes=1, words=1)
    assert score.perplexity == score.perplexity_per_word == math.inf


def check_units(result: Score, predicted: str) -> None:
    """Assert that a score has the units of exactly these predicted characters."""
    bits = result.nats / math.log(2)
    words = len(predicted.split())
    assert (result.characters, result.utf8_bytes) == (len(predicted), len(predicted.encode()))
    assert math.isclose(result.bits_per_byte, bits / len(predicted.encode()))
    assert result.words == words
    if words:
        assert result.perplexity_per_word is not None
        assert math.isclose(
            result.perplexity_per_word, 2 ** (result.bits_per_char * len(predicted) / words), rel_tol=1e-9
        )
    else:
        assert result.perplexity_per_word is None


@pytest.mark.parametrize(
    "text",
    ["two words", "a b", "  a  b\n\n", "é日本 €😀", " \n\t ", "a\u3000b\u00a0c\u200bd", "aa", "x日 x"],
    ids=repr,
)
def test_a_model_of_characters_is_compared_by_bytes_and_words(text: str) -> None:
    """Bytes of UTF-8 and words between any whitespace, of all characters but the first, which is not predicted."""
    given = random_model("".join(sorted(set("\n ab" + text))))
    check_units(score(InferenceRNN.from_model(given), given.vocabulary, text), text[1:])


@pytest.mark.parametrize("replaced", ["", UNKNOWN], ids=["left out", "replaced"])
def test_unknown_characters_count_in_bytes_and_words_as_they_are_read(replaced: str) -> None:
    """Not at all, or as U+FFFD with its three bytes."""
    given = random_model("\n ab" + replaced)
    result = score(InferenceRNN.from_model(given), given.vocabulary, "aé €€ b")
    check_units(result, f"{replaced} {replaced}{replaced} b")


@pytest.mark.parametrize("kind", ["line", "blank", "file", "<b>", "/^b/"])
def test_the_end_of_a_document_is_a_byte_and_separates_words(kind: str) -> None:
    """All characters are predicted, the first one too, and each end counts as one byte."""
    end = end_char(kind)
    given = random_model("\n abcé" + end.strip("\n"), config=NetworkConfig(hidden=5, embedding=0, documents=kind))
    between = {"line": "\n", "blank": "\n\n\n", "file": " \n", "<b>": "<b>", "/^b/": "\n"}[kind]
    result = score(InferenceRNN.from_model(given), given.vocabulary, f"ab é{between}bé")
    separated = " \n" if kind == "file" else "\n"
    check_units(result, f"ab é{separated}bé\n")


def test_lines_have_the_units_of_their_characters_and_their_line_feed() -> None:
    """Words do not include the line feed; an empty line has no words."""
    given = random_model("\n abé")
    lines = ["ab é", "", "é", "  "]
    results = score_lines(InferenceRNN.from_model(given), given.vocabulary, lines)
    for line, result in zip(lines, results, strict=True):
        assert result is not None
        check_units(result, f"{line}\n")


def test_the_repr_of_a_score_shows_bits() -> None:
    """And what they are the mean over."""
    score = Score(characters=4, nats=8 * math.log(2), utf8_bytes=5, words=2, unknown=1)
    assert repr(score) == "Score(bits_per_char=2.0000, characters=4, utf8_bytes=5, words=2, unknown=1)"


def test_next_characters_are_those_of_stepping(rnn: InferenceRNN, model: Model) -> None:
    """The probabilities sum to one, in descending order."""
    text, state = "abcabc" * 100, rnn.initial_state(1)
    for number in model.vocabulary.encode(text):
        logits, state = rnn.step(np.array([number]), state)
    result = next_char_probabilities(rnn, model.vocabulary, text, most=20)
    expected = np.exp(logits[0].astype(np.float64)) / np.exp(logits[0].astype(np.float64)).sum()
    assert math.isclose(sum(share for _, share in result), 1)
    assert [model.vocabulary.id_of(character) for character, _ in result] == np.argsort(-expected).tolist()
    assert np.allclose([share for _, share in result], np.sort(expected)[::-1], atol=1e-6)
    assert next_char_probabilities(rnn, model.vocabulary, text, most=2) == result[:2]
