"""Sampling of characters: the parameters of the distribution, and the texts that follow from a seed."""

import sys
import warnings
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.generation.generate import Prefilled, StopCriteria, generate, prefill_prompt
from charrnn.generation.sampling import SamplingParams, sample_ids, sample_with_ambiguity
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model
from charrnn.scoring import char_nll
from charrnn.text.vocabulary import Vocabulary

LOGITS = np.array([[0.3, 2.0, -1.0, 1.2, 0.0, 1.9]], dtype=np.float32)
GRID = (np.arange(10_000) + 0.5) / 10_000


def shares(params: SamplingParams) -> np.ndarray:
    """Return how often each character is sampled, for random numbers that are evenly spaced in [0, 1)."""
    ids = sample_ids(np.repeat(LOGITS, GRID.size, axis=0), GRID, params)
    return np.bincount(ids, minlength=LOGITS.size) / GRID.size


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities of logits."""
    odds = np.exp(logits.astype(np.float64))
    return np.asarray(odds / odds.sum())


def written(
    rnn: InferenceRNN, model: Model, *, seed: int = 0, length: int = 50, params: SamplingParams | None = None
) -> str:
    """Return the text of a seed."""
    rng, stop_criteria = np.random.default_rng(seed), StopCriteria(max_chars=length)
    characters = generate(rnn, model.vocabulary, rng=rng, params=params or SamplingParams(), stop=stop_criteria)
    return "".join(character.char for character in characters)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_frequencies_follow_the_softmax(temperature: float) -> None:
    """Each character is sampled as often as the softmax of its logit over the temperature requires."""
    assert np.allclose(shares(SamplingParams(temperature=temperature)), softmax(LOGITS[0] / temperature), atol=2e-4)


def test_temperature_0_is_argmax() -> None:
    """No random number selects another character; of equal logits, the first one is selected."""
    assert shares(SamplingParams(temperature=0))[1] == 1
    assert sample_ids(np.array([[1.0, 2.0, 2.0]]), np.array([0.99]), SamplingParams(temperature=0)) == [1]


@given(st.floats(0, 1, exclude_max=True), st.floats(1e-300, 0.01))
def test_small_temperatures_select_the_likeliest_without_overflow(uniform: float, temperature: float) -> None:
    """Quotients do not overflow, whatever the temperature."""
    assert sample_ids(LOGITS * 100, np.array([uniform]), SamplingParams(temperature=temperature)) == [1]


def test_top_k_1_is_argmax_even_for_equal_logits() -> None:
    """The selected character is that of temperature 0."""
    assert shares(SamplingParams(top_k=1))[1] == 1
    equal = np.zeros((GRID.size, 4), dtype=np.float32)
    assert set(sample_ids(equal, GRID, SamplingParams(top_k=1))) == {0}


@pytest.mark.parametrize(
    ("params", "saved"),
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
def test_truncation_keeps_the_likeliest_characters_and_their_odds(params: SamplingParams, saved: list[int]) -> None:
    """Excluded characters are never sampled; the others keep their proportions."""
    expected = np.zeros(LOGITS.size)
    expected[saved] = softmax(LOGITS[0])[saved]
    assert np.allclose(shares(params), expected / expected.sum(), atol=2e-4)


def test_top_p_keeps_the_smallest_sufficient_set() -> None:
    """One character less would have a smaller probability."""
    probabilities = np.sort(softmax(LOGITS[0]))[::-1]
    for p in np.linspace(0.01, 0.999, 50):
        count = np.count_nonzero(shares(SamplingParams(temperature=1, top_p=p)))
        assert probabilities[:count].sum() >= p - 1e-9
        assert probabilities[: count - 1].sum() < p


def test_the_rows_of_a_batch_are_sampled_independently() -> None:
    """A batch gives the ids that each of its rows gives alone."""
    rng = np.random.default_rng(1)
    logits, uniforms, params = rng.normal(size=(30, 9)), rng.random(30), SamplingParams(top_k=4, top_p=0.9)
    alone = [sample_ids(logits[[row]], uniforms[[row]], params)[0] for row in range(30)]
    assert sample_ids(logits, uniforms, params).tolist() == alone


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1, 0)])
@pytest.mark.parametrize("logits", [[-1000, 0, -1000], [-1000, 0.1, 0], [0.3, 0.7, -1000]])
def test_impossible_characters_are_not_sampled_by_extreme_random_numbers(uniform: float, logits: list[float]) -> None:
    """The smallest and the largest random number select a possible character."""
    selected = sample_ids(np.array([logits]), np.array([uniform]), SamplingParams())
    assert logits[selected[0]] > -1000


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
def test_invalid_sampling_parameters_are_refused(name: str, value: float) -> None:
    """The message contains the bounds."""
    with pytest.raises(WrongUsageError, match="must be a"):
        SamplingParams(**{name: value})  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_text(rnn: InferenceRNN, model: Model) -> None:
    """Another seed gives another text."""
    assert written(rnn, model, seed=7) == written(rnn, model, seed=7) != written(rnn, model, seed=8)


def test_a_longer_text_begins_with_the_shorter_one(rnn: InferenceRNN, model: Model) -> None:
    """The length does not change the characters."""
    assert written(rnn, model, length=300)[:40] == written(rnn, model, length=40)


def test_generation_is_endless_without_a_length(rnn: InferenceRNN, model: Model) -> None:
    """More characters are generated than random numbers are drawn at a time."""
    endless = generate(rnn, model.vocabulary, rng=np.random.default_rng(0))
    assert len(list(islice(endless, 700))) == 700


def test_the_nll_of_generated_characters_is_their_score(rnn: InferenceRNN, model: Model) -> None:
    """For all sampling parameters, the nats are those of scoring the same text."""
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
def test_an_empty_prompt_is_a_line_feed(rnn: InferenceRNN, model: Model) -> None:
    """A prompt without known characters too."""
    assert_same(prefill_prompt(rnn, model.vocabulary), prefill_prompt(rnn, model.vocabulary, "\n"))
    assert_same(
        prefill_prompt(rnn, model.vocabulary, "€", unknown="skip"), prefill_prompt(rnn, model.vocabulary, "\n")
    )


def test_without_line_feed_and_space_generation_starts_from_the_output_bias(rnn: InferenceRNN, model: Model) -> None:
    """A space replaces the line feed; without either, the logits are those of the zero state."""
    characters = "".join(model.vocabulary.characters)
    no_newline, neither = (Vocabulary(tuple(characters.translate(t))) for t in ({10: "x"}, {10: "x", 32: "y"}))
    assert_same(prefill_prompt(rnn, no_newline), prefill_prompt(rnn, no_newline, " "))
    assert np.array_equal(prefill_prompt(rnn, neither).logits[0], model.weights["output.bias"])


def assert_same(first: Prefilled, second: Prefilled) -> None:
    """Assert that two prefilled states give the same logits."""
    assert np.array_equal(first.logits, second.logits)


@pytest.mark.fault("F69")
def test_a_prompt_with_unknown_characters_is_refused(rnn: InferenceRNN, model: Model) -> None:
    """The error names the characters, and the option that leaves them out."""
    with pytest.raises(WrongUsageError, match=r"never saw 'é' \(2×\), '€'") as caught:
        prefill_prompt(rnn, model.vocabulary, "éa€é")
    assert "--unknown skip" in str(caught.value.hint)


def test_weights_that_overflow_are_an_error(model: Model) -> None:
    """The error is raised before the first character."""
    weights = {**model.weights, "output.bias": np.full(11, np.nan, np.float32)}
    with pytest.raises(CharrnnError, match="too large"):
        prefill_prompt(InferenceRNN(model.config, weights), model.vocabulary)


@pytest.mark.parametrize("limits", [{}, {"top_k": 3}, {"top_p": 0.5}, {"min_p": 0.1}, {"top_p": 1e-300}], ids=str)
def test_extreme_temperatures_are_the_likeliest_character_or_any_character(limits: dict[str, Any]) -> None:
    """Below the resolution of the logits and above that of float32, without a warning by NumPy."""
    logits = np.repeat(LOGITS, 50, axis=0)
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise"):
        warnings.simplefilter("error")
        for temperature in (5e-324, 1e-300, 1e-10, 1e-9, 1e-6):
            params = SamplingParams(temperature=temperature, **limits)
            for ids in (
                sample_ids(logits, GRID[:50], params),
                sample_with_ambiguity(logits, GRID[:50], params, 1e-5)[0],
            ):
                assert set(ids.tolist()) == {1}
        for temperature in (1e30, 1e39, 1e300, sys.float_info.max):
            params = SamplingParams(temperature=temperature, **limits)
            assert 1 <= np.count_nonzero(shares(params)) <= LOGITS.size
            assert (
                sample_with_ambiguity(logits, GRID[:50], params, 1e-5)[0].tolist()
                == sample_ids(logits, GRID[:50], params).tolist()
            )
    assert np.allclose(shares(SamplingParams(temperature=1e300)), 1 / LOGITS.size, atol=1e-3)
