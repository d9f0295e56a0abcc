"""A text's suffixes in order, and what is found by them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.text.suffix_array import SuffixArray, build_suffix_array

TEXTS = st.one_of(
    st.lists(st.integers(0, 2), min_size=1, max_size=200),
    st.builds(
        lambda period, times: period * times, st.lists(st.integers(0, 2), min_size=1, max_size=9), st.integers(1, 30)
    ),
)


@given(TEXTS, st.sampled_from([3, 200, 60_000]))
def test_suffixes_stand_in_their_order(text: list[int], size: int) -> None:
    """Whatever the alphabet, and however the text repeats itself; one that ends stands before those that go on."""
    assert build_suffix_array(np.array(text), size).tolist() == sorted(
        range(len(text)), key=lambda start: text[start:]
    )


@given(TEXTS, st.lists(st.integers(0, 3), max_size=40))
def test_the_longest_match_is_found_where_it_stands(text: list[int], query: list[int]) -> None:
    """None of the text's stretches that begin as the query does is longer."""
    ids, wanted = np.array(text), np.array(query, dtype=np.int64)
    match = SuffixArray(ids, build_suffix_array(ids, 4)).longest_match(wanted)
    assert text[match.position : match.position + match.length] == query[: match.length]
    longer = query[: match.length + 1]
    there = (text[start : start + len(longer)] for start in range(len(text)))
    assert len(longer) == match.length or longer not in there


@given(TEXTS, st.lists(st.integers(0, 3), max_size=40), st.integers(1, 5))
def test_all_places_of_a_stretch_are_in_its_range(text: list[int], query: list[int], length: int) -> None:
    """And nothing else is."""
    ids = np.array(text)
    suffix_array = SuffixArray(ids, build_suffix_array(ids, 4))
    first, stop = suffix_array.prefix_ranges(np.array(query, dtype=np.int64), length)
    for start, (low, high) in enumerate(zip(first, stop, strict=True)):
        places = {
            place for place in range(len(text)) if text[place : place + length] == query[start : start + length]
        }
        assert set(suffix_array.order[low:high].tolist()) == places
