"""Novelty: the spans of a text that are copied from the training text."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import CharrnnError
from charrnn.generation import novelty
from charrnn.generation.novelty import (
    CopiedSpan,
    Novelty,
    baseline_copy_length,
    find_copies,
)
from charrnn.text import suffix_array
from charrnn.text.suffix_array import Match, SuffixArray, build_suffix_array, load_or_build_suffix_array

SMALL = st.lists(st.integers(0, 2), min_size=1, max_size=60)


@given(SMALL, SMALL, st.integers(1, 6))
def test_copied_spans_are_those_of_an_exhaustive_search(text: list[int], training: list[int], min_chars: int) -> None:
    """Each character within a span of the minimum length that occurs in the training text is copied."""
    expected_positions = {
        position
        for start in range(len(text) - min_chars + 1)
        for position in range(start, start + min_chars)
        if any(text[start : start + min_chars] == training[at : at + min_chars] for at in range(len(training)))
    }
    ids = np.array(training)
    copies = find_copies(np.array(text), SuffixArray(ids, build_suffix_array(ids, 3)), min_chars)
    assert set(np.flatnonzero(copies.mask()).tolist()) == expected_positions
    assert copies.copied_chars == len(expected_positions)
    for span in copies.spans:
        end = span.start + span.length
        assert text[span.start : end] == training[span.source_start : span.source_start + span.length]
        assert end == len(text) or text[span.start : end + 1] not in windows(training, span.length + 1)


@pytest.mark.parametrize("text_kind", ["the text itself", "twice a half", "a half, then what is new"])
def test_a_long_copy_takes_few_searches(text_kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand copied characters take fewer than a hundred binary searches."""
    ids = np.random.default_rng(0).integers(0, 4, 100_000)
    half = ids[:50_000]
    text = {
        "the text itself": ids,
        "twice a half": np.concatenate((half, half)),
        "a half, then what is new": np.concatenate((half, np.full(30, 3), half[:10])),
    }[text_kind]
    searches = 0
    longest = SuffixArray.longest_match

    def counted(*given: Any) -> Match:
        nonlocal searches
        searches += 1
        return longest(*given)

    monkeypatch.setattr(SuffixArray, "longest_match", counted)
    copies = find_copies(text, SuffixArray(ids, build_suffix_array(ids, 4)))
    assert copies.longest is not None
    assert copies.longest.length >= 50_000
    assert copies.copied_chars == (copies.longest.length if "new" in text_kind else 100_000)
    assert searches < 100


def windows(text: list[int], length: int) -> list[list[int]]:
    """Return all substrings of a given length."""
    return [text[start : start + length] for start in range(len(text) - length + 1)]


def test_the_minimum_copy_length_leaves_five_percent_of_held_out_text() -> None:
    """With a length that is smaller by one, more than 5 % would be copied."""
    spans = [CopiedSpan(start=40 * number, length=20 + number, source_start=0) for number in range(20)]
    held_out = Novelty.from_spans(800, spans)
    length = baseline_copy_length(held_out)
    assert (
        held_out.min_length(length).copied_fraction
        <= novelty.BASELINE_FRACTION
        < held_out.min_length(length - 1).copied_fraction
    )
    assert baseline_copy_length(Novelty.from_spans(800, [])) == novelty.MIN_COPY_CHARS


def test_the_suffix_array_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later calls read it from its file."""
    ids, path = np.random.default_rng(0).integers(0, 5, 500).astype(np.uint8), tmp_path / "corpus.suffixes"
    order = load_or_build_suffix_array(ids, 5, path).order
    monkeypatch.setattr(suffix_array, "build_suffix_array", lambda *_: pytest.fail("sorted again"))
    assert np.array_equal(load_or_build_suffix_array(ids, 5, path).order, order)


def test_a_suffix_array_that_cannot_be_saved_is_built_each_time(tmp_path: Path) -> None:
    """A directory that cannot be written to is not an error."""
    text = np.random.default_rng(0).integers(5, size=300)
    copies = load_or_build_suffix_array(text, 5, tmp_path / "missing" / "corpus.suffixes")
    assert np.array_equal(copies.order, build_suffix_array(text, 5))


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "flipped", "another"])
def test_a_suffix_array_that_does_not_fit_is_rebuilt(tmp_path: Path, damage: str) -> None:
    """After any damage of the file, or with another text."""
    ids, path = np.random.default_rng(0).integers(0, 5, 500).astype(np.uint8), tmp_path / "corpus.suffixes"
    load_or_build_suffix_array(ids, 5, path)
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        flipped = content[:-1] + bytes([content[-1] ^ 1])
        path.write_bytes({"empty": b"", "cut": content[:-7], "flipped": flipped, "another": content}[damage])
    if damage == "another":
        ids = ids[::-1].copy()
    expected = build_suffix_array(ids, 5)
    assert np.array_equal(load_or_build_suffix_array(ids, 5, path).order, expected)
    assert np.array_equal(load_or_build_suffix_array(ids, 5, path).order, expected)


def test_no_suffix_array_is_built_for_a_damaged_text(tmp_path: Path) -> None:
    """Ids outside the vocabulary are an error."""
    with pytest.raises(CharrnnError, match="damaged"):
        load_or_build_suffix_array(np.array([0, 1, 5, 1], np.uint8), 5, tmp_path / "corpus.suffixes")
    assert not list(tmp_path.iterdir())
