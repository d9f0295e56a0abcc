"""Choosing characters, and writing text of them."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.generation.generate import Prefilled, StopCriteria, generate, prefill_prompt
from charrnn.generation.sampling import SamplingParams, sample_ids
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model
from charrnn.scoring import char_nll
from charrnn.text.vocabulary import Vocabulary

LOGITS = np.array([[0.3, 2.0, -1.0, 1.2, 0.0, 1.9]], dtype=np.float32)
GRID = (np.arange(10_000) + 0.5) / 10_000


def shares(params: SamplingParams) -> np.ndarray:
    """Say how often each character is chosen, over numbers that fill [0, 1) evenly."""
    ids = sample_ids(np.repeat(LOGITS, GRID.size, axis=0), GRID, params)
    return np.bincount(ids, minlength=LOGITS.size) / GRID.size


def softmax(logits: np.ndarray) -> np.ndarray:
    """Turn logits into probabilities."""
    odds = np.exp(logits.astype(np.float64))
    return np.asarray(odds / odds.sum())


def written(
    rnn: InferenceRNN, model: Model, *, seed: int = 0, length: int = 50, params: SamplingParams | None = None
) -> str:
    """Write with a seed."""
    rng, stop_criteria = np.random.default_rng(seed), StopCriteria(max_chars=length)
    characters = generate(rnn, model.vocabulary, rng=rng, params=params or SamplingParams(), stop=stop_criteria)
    return "".join(character.char for character in characters)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_frequencies_follow_the_softmax(temperature: float) -> None:
    """Each character is chosen as often as its logit over the temperature says."""
    assert np.allclose(shares(SamplingParams(temperature=temperature)), softmax(LOGITS[0] / temperature), atol=2e-4)


def test_temperature_0_is_argmax() -> None:
    """No number can make it choose another than the likeliest; nor where two are."""
    assert shares(SamplingParams(temperature=0))[1] == 1
    assert sample_ids(np.array([[1.0, 2.0, 2.0]]), np.array([0.99]), SamplingParams(temperature=0)) == [1]


@given(st.floats(0, 1, exclude_max=True), st.floats(1e-300, 0.01))
def test_temperature_goes_to_argmax_without_overflow(uniform: float, temperature: float) -> None:
    """Whatever a small temperature divides by, the likeliest remains."""
    assert sample_ids(LOGITS * 100, np.array([uniform]), SamplingParams(temperature=temperature)) == [1]


def test_a_top_k_of_1_is_argmax_even_among_equals() -> None:
    """It keeps one character, the one that temperature 0 takes."""
    assert shares(SamplingParams(top_k=1))[1] == 1
    equal = np.zeros((GRID.size, 4), dtype=np.float32)
    assert set(sample_ids(equal, GRID, SamplingParams(top_k=1))) == {0}


@pytest.mark.parametrize(
    ("params", "kept"),
    [
        (SamplingParams(temperature=1, top_k=3), [1, 5, 3]),
        (SamplingParams(temperature=1, top_k=99), range(6)),
        (SamplingParams(temperature=1, top_p=0.5), [1, 5]),
        (SamplingParams(temperature=1, top_p=1e-9), [1]),
        (SamplingParams(temperature=1, min_p=0.4), [1, 5, 3]),
        (SamplingParams(temperature=1, min_p=1), [1]),
        (SamplingParams(temperature=1, top_k=3, top_p=0.5, min_p=0.95), [1]),
    ],
    ids=str,
)
def test_limits_keep_the_likeliest_and_their_odds(params: SamplingParams, kept: list[int]) -> None:
    """What a limit rules out is never chosen; the others are, in the proportions they had."""
    expected = np.zeros(LOGITS.size)
    expected[kept] = softmax(LOGITS[0])[kept]
    assert np.allclose(shares(params), expected / expected.sum(), atol=2e-4)


def test_top_p_takes_the_fewest_that_reach_it() -> None:
    """One character less would not be enough."""
    probabilities = np.sort(softmax(LOGITS[0]))[::-1]
    for p in np.linspace(0.01, 0.999, 50):
        count = np.count_nonzero(shares(SamplingParams(temperature=1, top_p=p)))
        assert probabilities[:count].sum() >= p - 1e-9
        assert probabilities[: count - 1].sum() < p


def test_streams_are_chosen_for_one_by_one() -> None:
    """A batch gives what each of its streams would give alone."""
    rng = np.random.default_rng(1)
    logits, uniforms, params = rng.normal(size=(30, 9)), rng.random(30), SamplingParams(top_k=4, top_p=0.9)
    alone = [sample_ids(logits[[row]], uniforms[[row]], params)[0] for row in range(30)]
    assert sample_ids(logits, uniforms, params).tolist() == alone


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1, 0)])
@pytest.mark.parametrize("logits", [[-1000, 0, -1000], [-1000, 0.1, 0], [0.3, 0.7, -1000]])
def test_what_cannot_be_is_not_chosen_at_either_end(uniform: float, logits: list[float]) -> None:
    """The smallest and the largest number there is choose a character that has some probability."""
    chosen = sample_ids(np.array([logits]), np.array([uniform]), SamplingParams())
    assert logits[chosen[0]] > -1000


@pytest.mark.fault("F22")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -1),
        ("temperature", np.nan),
        ("temperature", np.inf),
        ("top_k", -1),
        ("top_p", 0),
        ("min_p", 2),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(name: str, value: float) -> None:
    """The message says what it must be."""
    with pytest.raises(WrongUsageError, match="must be a"):
        SamplingParams(**{name: value})  # type: ignore[arg-type]


def test_same_seed_same_text(rnn: InferenceRNN, model: Model) -> None:
    """Chance is an argument, so the same chance gives the same text, and another gives another."""
    assert written(rnn, model, seed=7) == written(rnn, model, seed=7) != written(rnn, model, seed=8)


def test_a_longer_text_begins_as_a_shorter_one(rnn: InferenceRNN, model: Model) -> None:
    """How much is asked for does not change what is written."""
    assert written(rnn, model, length=300)[:40] == written(rnn, model, length=40)


def test_it_goes_on_for_ever_if_no_length_is_given(rnn: InferenceRNN, model: Model) -> None:
    """More characters than numbers are drawn at once."""
    endless = generate(rnn, model.vocabulary, rng=np.random.default_rng(0))
    assert len(list(islice(endless, 700))) == 700


def test_what_was_written_costs_what_scoring_says(rnn: InferenceRNN, model: Model) -> None:
    """The nats of written characters are those of the same text read back, whatever the choice was."""
    prefilled = prefill_prompt(rnn, model.vocabulary, "abc")
    rng, params, stop_criteria = (
        np.random.default_rng(0),
        SamplingParams(temperature=0.3, top_k=3),
        StopCriteria(max_chars=40),
    )
    characters = list(
        generate(rnn, model.vocabulary, rng=rng, prefilled=prefilled, params=params, stop=stop_criteria)
    )
    text = "abc" + "".join(character.char for character in characters)
    nats = char_nll(rnn, model.vocabulary.encode(text), rows=1)
    assert np.allclose([character.nll for character in characters], nats[2:], atol=1e-5)


@pytest.mark.fault("F70")
def test_without_a_prompt_a_line_has_just_ended(rnn: InferenceRNN, model: Model) -> None:
    """Nothing, or nothing known, is as a newline."""
    assert_same(prefill_prompt(rnn, model.vocabulary), prefill_prompt(rnn, model.vocabulary, "\n"))
    assert_same(
        prefill_prompt(rnn, model.vocabulary, "€", unknown="skip"), prefill_prompt(rnn, model.vocabulary, "\n")
    )


def test_a_vocabulary_without_line_or_word_ends_begins_with_the_outputs_bias(rnn: InferenceRNN, model: Model) -> None:
    """A space stands in for the newline; without either, the zero state speaks for itself."""
    characters = "".join(model.vocabulary.characters)
    no_newline, neither = (Vocabulary(tuple(characters.translate(t))) for t in ({10: "x"}, {10: "x", 32: "y"}))
    assert_same(prefill_prompt(rnn, no_newline), prefill_prompt(rnn, no_newline, " "))
    assert np.array_equal(prefill_prompt(rnn, neither).logits[0], model.weights["output.bias"])


def assert_same(one: Prefilled, other: Prefilled) -> None:
    """See that two openings would go on alike."""
    assert np.array_equal(one.logits, other.logits)


@pytest.mark.fault("F69")
def test_a_prompt_with_unseen_characters_names_them(rnn: InferenceRNN, model: Model) -> None:
    """The error says which they are and how to go on without them."""
    with pytest.raises(WrongUsageError, match=r"never saw 'é' \(2×\), '€'") as caught:
        prefill_prompt(rnn, model.vocabulary, "éa€é")
    assert "--unknown skip" in str(caught.value.hint)


def test_weights_that_lead_out_of_the_numbers_are_an_error(model: Model) -> None:
    """What would be nonsense for ever is told at once."""
    weights = {**model.weights, "output.bias": np.full(11, np.nan, np.float32)}
    with pytest.raises(CharrnnError, match="too large"):
        prefill_prompt(InferenceRNN(model.config, weights), model.vocabulary)
