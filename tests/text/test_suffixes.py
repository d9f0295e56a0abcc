"""The suffix array of a text."""

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
def test_the_suffixes_are_sorted(text: list[int], size: int) -> None:
    """For vocabularies of any size and repetitive texts; a suffix comes before its continuations."""
    assert build_suffix_array(np.array(text), size).tolist() == sorted(
        range(len(text)), key=lambda start: text[start:]
    )


@given(TEXTS, st.lists(st.integers(0, 3), max_size=40))
def test_the_longest_match_is_an_occurrence_of_the_longest_prefix(text: list[int], query: list[int]) -> None:
    """No longer prefix of the query occurs in the text."""
    ids, wanted = np.array(text), np.array(query, dtype=np.int64)
    match = SuffixArray(ids, build_suffix_array(ids, 4)).longest_match(wanted)
    assert text[match.position : match.position + match.length] == query[: match.length]
    longer = query[: match.length + 1]
    substrings = (text[start : start + len(longer)] for start in range(len(text)))
    assert len(longer) == match.length or longer not in substrings


@given(TEXTS, st.lists(st.integers(0, 3), max_size=40), st.integers(1, 5))
def test_a_prefix_range_contains_all_occurrences(text: list[int], query: list[int], length: int) -> None:
    """It contains nothing else."""
    ids = np.array(text)
    suffix_array = SuffixArray(ids, build_suffix_array(ids, 4))
    first, stop = suffix_array.prefix_ranges(np.array(query, dtype=np.int64), length)
    for start, (low, high) in enumerate(zip(first, stop, strict=True)):
        positions = {
            position
            for position in range(len(text))
            if text[position : position + length] == query[start : start + length]
        }
        assert set(suffix_array.order[low:high].tolist()) == positions
