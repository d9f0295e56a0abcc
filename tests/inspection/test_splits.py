"""Splits and codes: held-out streams do not influence the selection, and evidence is counted in episodes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.errors import CharrnnError
from charrnn.inspection.concepts import CONCEPTS
from charrnn.inspection.search.splits import MAX_STREAMS, MIN_TEXT_CHARS, count_episodes, quantize_marks, split_text


@settings(max_examples=30, deadline=None)
@given(length=st.integers(MIN_TEXT_CHARS, 60_000), line=st.integers(1, 3_000))
def test_streams_have_equal_length_and_never_overlap(length: int, line: int) -> None:
    """They are in the order of the text, and omit less than a sixth of it."""
    streams = split_text((("a" * line) + "\n") * (length // (line + 1)) + "a" * (length % (line + 1)))
    assert 8 <= streams.count <= MAX_STREAMS
    assert (np.diff(streams.starts, append=length) >= streams.length).all()
    assert streams.count * streams.length > length * 5 / 6
    assert streams.warm_up <= streams.length // 4


def test_a_stream_begins_at_the_beginning_of_a_line() -> None:
    """The zero state of the network then matches the position in the text."""
    text = "a few words, a line of them\n" * 2_000
    assert all(start == 0 or text[start - 1] == "\n" for start in split_text(text).starts)


def test_the_halves_alternate() -> None:
    """A change of the text's style half-way affects both halves, and both folds of discovery."""
    streams = split_text("a line\n" * 8_000)
    first, second = streams.discovery_halves
    assert streams.discovery.tolist() == [True, False] * 12
    assert (first | second).tolist() == streams.discovery.tolist()
    assert not (first & second).any()
    assert not (streams.discovery & streams.confirmation).any()


def test_a_short_text_is_refused_with_the_minimum_length() -> None:
    """The message names the number of characters needed."""
    with pytest.raises(CharrnnError, match=r"at least 4,000 characters are needed"):
        split_text("too short")


def test_an_episode_is_a_fall_of_the_mark() -> None:
    """A quote closes, a counter restarts; an open episode is not counted."""
    assert count_episodes(np.array([[0, 1, 1, 0, 1, 1], [1, 2, 0, 1, 0, 1]]).T).tolist() == [1, 2]


@pytest.mark.parametrize("name", CONCEPTS)
def test_there_are_few_codes_in_the_order_of_the_marks(name: str) -> None:
    """At most 16 codes, and a higher mark never has a lower code."""
    marks = np.random.default_rng(0).geometric(0.05, size=20_000) - 1
    marks = marks % 2 if CONCEPTS[name].kind == "binary" else marks
    streams = split_text("a" * 20_000)
    coding = quantize_marks(CONCEPTS[name], marks, streams)
    scored = marks[streams.scored()].ravel()
    ordered = coding.codes.ravel()[np.argsort(scored, kind="stable")]
    assert (np.diff(ordered) >= 0).all()
    assert coding.codes.max() < len(coding.levels) <= 16
    assert list(coding.levels) == sorted(coding.levels)


def test_the_bins_of_a_counter_do_not_depend_on_the_confirmation_streams() -> None:
    """With other marks there, the discovery streams keep their codes."""
    streams = split_text("a" * 20_000)
    marks = np.arange(20_000) % 61
    other = marks.copy()
    other[streams.positions()[:, streams.confirmation]] //= 3
    codes = [
        quantize_marks(CONCEPTS["line_pos"], values, streams).codes[:, streams.discovery] for values in (marks, other)
    ]
    assert (codes[0] == codes[1]).all()


@pytest.mark.parametrize(("episodes", "streams_with", "enough"), [(4, 24, True), (2, 24, False), (30, 4, False)])
def test_evidence_counts_episodes_and_streams(episodes: int, streams_with: int, enough: bool) -> None:
    """At least thirty complete episodes in either half, and at least six streams."""
    streams = split_text("a" * 24_000)
    marks = np.zeros(24_000, dtype=np.int64)
    for stream in range(streams_with):
        first = streams.starts[stream] + streams.warm_up
        marks[first : first + 2 * episodes : 2] = 1
    assert quantize_marks(CONCEPTS["in_quote"], marks, streams).has_enough_evidence(streams) == enough
