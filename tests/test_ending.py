"""What ends a text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.ending import Ending
from charrnn.errors import WrongUsageError
from charrnn.network.model_file import Model
from charrnn.network.reader import Reader
from charrnn.sampling import Choice, generate


def taken(text: str, ending: Ending) -> str:
    """Give what there is of a text once it has been ended."""
    last = ending.watch()
    for number, character in enumerate(text):
        if last(character):
            return text[: number + 1]
    return text


@given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), st.integers(4, 40))
def test_a_text_ends_where_the_first_of_its_ends_does(text: str, stops: list[str], length: int) -> None:
    """At the earliest place at which a stop text is complete, across however many characters; else at its length."""
    places = [text.find(stop) + len(stop) for stop in stops if stop in text]
    assert taken(text, Ending(length=length, stops=tuple(stops))) == text[: min([*places, length])]


def test_a_stop_text_is_told_by_the_text_it_ended() -> None:
    """The longest, where several came to an end together; none where the length was first."""
    ending = Ending(length=5, stops=("a", "ba", "c"))
    assert [ending.stop_in(text) for text in ("xba", "xc", "xbaxx")] == ["ba", "c", None]


def test_a_stop_text_stands_in_the_text_once(reader: Reader, model: Model) -> None:
    """At its end; and what was written before it is what is written without it."""

    def written(ending: Ending) -> str:
        characters = generate(reader, model.vocabulary, rng=np.random.default_rng(1), ending=ending)
        return "".join(character.character for character in characters)

    whole = written(Ending(length=300))
    stop = whole[140:143]
    assert written(Ending(length=300, stops=(stop,))) == whole[: whole.index(stop) + 3]


def test_a_stop_text_that_never_comes_leaves_the_length(reader: Reader, model: Model) -> None:
    """One character always being the likeliest, no other is written."""
    ending, never = Ending(length=60, stops=("ab" * 9,)), np.random.default_rng(0)
    assert len(list(generate(reader, model.vocabulary, rng=never, choice=Choice(top_k=1), ending=ending))) == 60


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"length": 0}, "length is 0"),
        ({"stops": ("a", "")}, "is empty"),
        ({"length": 3, "stops": ("x" * 90,)}, "is longer than the length, 3"),
    ],
)
def test_an_ending_that_makes_no_sense_is_refused(given: dict[str, object], told: str) -> None:
    """In a line that says why, however long the stop text."""
    with pytest.raises(WrongUsageError, match=told) as caught:
        Ending(**given)  # type: ignore[arg-type]
    assert len(caught.value.message) < 120
