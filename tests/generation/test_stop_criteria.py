"""Stop criteria of generation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import WrongUsageError
from charrnn.generation.generate import StopCriteria, generate
from charrnn.generation.sampling import SamplingParams
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model


def taken(text: str, stop_criteria: StopCriteria) -> str:
    """Return the part of a text up to its end by the stop criteria."""
    last = stop_criteria.checker()
    for number, character in enumerate(text):
        if last(character):
            return text[: number + 1]
    return text


@given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), st.integers(4, 40))
def test_a_text_ends_at_the_first_stop_criterion(text: str, stops: list[str], length: int) -> None:
    """At the earliest end of a stop string, or at its maximum length."""
    positions = [text.find(stop) + len(stop) for stop in stops if stop in text]
    assert taken(text, StopCriteria(max_chars=length, stop=tuple(stops))) == text[: min([*positions, length])]


def test_the_matched_stop_is_the_longest_stop_string_at_the_end() -> None:
    """None if the text ended by its length."""
    stop_criteria = StopCriteria(max_chars=5, stop=("a", "ba", "c"))
    assert [stop_criteria.matched_stop(text) for text in ("xba", "xc", "xbaxx")] == ["ba", "c", None]


def test_a_text_ends_with_its_stop_string(rnn: InferenceRNN, model: Model) -> None:
    """The characters before it are those of a text without stop strings."""

    def generated(stop_criteria: StopCriteria) -> str:
        characters = generate(rnn, model.vocabulary, rng=np.random.default_rng(1), stop=stop_criteria)
        return "".join(character.char for character in characters)

    full_text = generated(StopCriteria(max_chars=300))
    stop = full_text[140:143]
    assert generated(StopCriteria(max_chars=300, stop=(stop,))) == full_text[: full_text.index(stop) + 3]


def test_without_a_match_the_text_has_its_maximum_length(rnn: InferenceRNN, model: Model) -> None:
    """With greedy sampling the stop string never occurs."""
    stop_criteria, never = StopCriteria(max_chars=60, stop=("ab" * 9,)), np.random.default_rng(0)
    assert (
        len(list(generate(rnn, model.vocabulary, rng=never, params=SamplingParams(top_k=1), stop=stop_criteria)))
        == 60
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_chars": 0}, "length is 0"),
        ({"stop": ("a", "")}, "is empty"),
        ({"max_chars": 3, "stop": ("x" * 90,)}, "is longer than the length, 3"),
    ],
)
def test_invalid_stop_criteria_are_refused(settings: dict[str, object], message: str) -> None:
    """The message is short, even for a long stop string."""
    with pytest.raises(WrongUsageError, match=message) as caught:
        StopCriteria(**settings)  # type: ignore[arg-type]
    assert len(caught.value.message) < 120
