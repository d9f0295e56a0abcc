"""What ends a text."""

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
    """Give what there is of a text once it has been ended."""
    last = stop_criteria.checker()
    for number, character in enumerate(text):
        if last(character):
            return text[: number + 1]
    return text


@given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), st.integers(4, 40))
def test_a_text_ends_where_the_first_of_its_ends_does(text: str, stops: list[str], length: int) -> None:
    """At the earliest place at which a stop text is complete, across however many characters; else at its length."""
    places = [text.find(stop) + len(stop) for stop in stops if stop in text]
    assert taken(text, StopCriteria(max_chars=length, stop=tuple(stops))) == text[: min([*places, length])]


def test_a_stop_text_is_told_by_the_text_it_ended() -> None:
    """The longest, where several came to an end together; none where the length was first."""
    stop_criteria = StopCriteria(max_chars=5, stop=("a", "ba", "c"))
    assert [stop_criteria.matched_stop(text) for text in ("xba", "xc", "xbaxx")] == ["ba", "c", None]


def test_a_stop_text_stands_in_the_text_once(rnn: InferenceRNN, model: Model) -> None:
    """At its end; and what was written before it is what is written without it."""

    def written(stop_criteria: StopCriteria) -> str:
        characters = generate(rnn, model.vocabulary, rng=np.random.default_rng(1), stop=stop_criteria)
        return "".join(character.char for character in characters)

    whole = written(StopCriteria(max_chars=300))
    stop = whole[140:143]
    assert written(StopCriteria(max_chars=300, stop=(stop,))) == whole[: whole.index(stop) + 3]


def test_a_stop_text_that_never_comes_leaves_the_length(rnn: InferenceRNN, model: Model) -> None:
    """One character always being the likeliest, no other is written."""
    stop_criteria, never = StopCriteria(max_chars=60, stop=("ab" * 9,)), np.random.default_rng(0)
    assert (
        len(list(generate(rnn, model.vocabulary, rng=never, params=SamplingParams(top_k=1), stop=stop_criteria)))
        == 60
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"max_chars": 0}, "length is 0"),
        ({"stop": ("a", "")}, "is empty"),
        ({"max_chars": 3, "stop": ("x" * 90,)}, "is longer than the length, 3"),
    ],
)
def test_an_ending_that_makes_no_sense_is_refused(given: dict[str, object], told: str) -> None:
    """In a line that says why, however long the stop text."""
    with pytest.raises(WrongUsageError, match=told) as caught:
        StopCriteria(**given)  # type: ignore[arg-type]
    assert len(caught.value.message) < 120
