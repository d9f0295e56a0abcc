"""Streams and codings: what is held back from the choice stays held back, and evidence counts in episodes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.errors import CharrnnError
from charrnn.inspection.concepts import CONCEPTS
from charrnn.inspection.search.splits import MAX_STREAMS, MIN_TEXT_CHARS, count_episodes, quantize_marks, split_text


@settings(max_examples=30, deadline=None)
@given(length=st.integers(MIN_TEXT_CHARS, 60_000), line=st.integers(1, 3_000))
def test_streams_of_any_text_are_of_one_length_and_never_overlap(length: int, line: int) -> None:
    """They lie one after another in the text, and lose less than a sixth of it."""
    streams = split_text((("a" * line) + "\n") * (length // (line + 1)) + "a" * (length % (line + 1)))
    assert 8 <= streams.count <= MAX_STREAMS
    assert (np.diff(streams.starts, append=length) >= streams.length).all()
    assert streams.count * streams.length > length * 5 / 6
    assert streams.warm_up <= streams.length // 4


def test_a_stream_begins_where_a_line_begins() -> None:
    """Text and network then start alike."""
    text = "a few words, a line of them\n" * 2_000
    assert all(start == 0 or text[start - 1] == "\n" for start in split_text(text).starts)


def test_the_halves_take_turns() -> None:
    """A text that changes its kind half-way does so in both halves, and in both halves of discovery."""
    streams = split_text("a line\n" * 8_000)
    first, second = streams.discovery_halves
    assert streams.discovery.tolist() == [True, False] * 12
    assert (first | second).tolist() == streams.discovery.tolist()
    assert not (first & second).any()
    assert not (streams.discovery & streams.confirmation).any()


def test_a_short_text_is_refused_with_the_length_that_would_do() -> None:
    """The message names the number of characters needed."""
    with pytest.raises(CharrnnError, match=r"at least 4,000 characters are needed"):
        split_text("too short")


def test_an_episode_is_a_fall_of_the_mark() -> None:
    """A quote that closes, a counter that begins again; an open one is not complete."""
    assert count_episodes(np.array([[0, 1, 1, 0, 1, 1], [1, 2, 0, 1, 0, 1]]).T).tolist() == [1, 2]


@pytest.mark.parametrize("name", CONCEPTS)
def test_there_are_few_codes_and_they_keep_the_order_of_the_marks(name: str) -> None:
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


def test_the_bins_of_a_counter_are_fixed_without_the_confirmation_streams() -> None:
    """Whatever the marks there, the discovery streams keep their codes."""
    streams = split_text("a" * 20_000)
    marks = np.arange(20_000) % 61
    other = marks.copy()
    other[streams.positions()[:, streams.confirmation]] //= 3
    codes = [
        quantize_marks(CONCEPTS["line_pos"], some, streams).codes[:, streams.discovery] for some in (marks, other)
    ]
    assert (codes[0] == codes[1]).all()


@pytest.mark.parametrize(("episodes", "streams_with", "enough"), [(4, 24, True), (2, 24, False), (30, 4, False)])
def test_evidence_counts_episodes_and_streams(episodes: int, streams_with: int, enough: bool) -> None:
    """Thirty complete episodes in either half, in six streams at least."""
    streams = split_text("a" * 24_000)
    marks = np.zeros(24_000, dtype=np.int64)
    for stream in range(streams_with):
        first = streams.starts[stream] + streams.warm_up
        marks[first : first + 2 * episodes : 2] = 1
    assert quantize_marks(CONCEPTS["in_quote"], marks, streams).has_enough_evidence(streams) == enough
