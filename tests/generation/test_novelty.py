"""What of a text is copied from the training text."""

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
    load_or_build_suffix_array,
)
from charrnn.text.suffix_array import Match, SuffixArray, build_suffix_array

SMALL = st.lists(st.integers(0, 2), min_size=1, max_size=60)


@given(SMALL, SMALL, st.integers(1, 6))
def test_what_is_copied_is_what_a_look_at_every_stretch_finds(
    text: list[int], training: list[int], least: int
) -> None:
    """Each character that stands in a stretch of at least so many that the training text has."""
    wanted = {
        place
        for start in range(len(text) - least + 1)
        for place in range(start, start + least)
        if any(text[start : start + least] == training[at : at + least] for at in range(len(training)))
    }
    ids = np.array(training)
    found = find_copies(np.array(text), SuffixArray(ids, build_suffix_array(ids, 3)), least)
    assert set(np.flatnonzero(found.mask()).tolist()) == wanted
    assert found.copied_chars == len(wanted)
    for stretch in found.spans:
        end = stretch.start + stretch.length
        assert text[stretch.start : end] == training[stretch.source_start : stretch.source_start + stretch.length]
        assert end == len(text) or text[stretch.start : end + 1] not in windows(training, stretch.length + 1)


@pytest.mark.parametrize("written", ["the text itself", "twice a half", "a half, then what is new"])
def test_a_long_copy_is_not_looked_for_from_each_of_its_characters(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stretches are few, and found with few looks: a hundred thousand characters in an instant."""
    ids = np.random.default_rng(0).integers(0, 4, 100_000)
    half = ids[:50_000]
    text = {
        "the text itself": ids,
        "twice a half": np.concatenate((half, half)),
        "a half, then what is new": np.concatenate((half, np.full(30, 3), half[:10])),
    }[written]
    looks = 0
    longest = SuffixArray.longest_match

    def counted(*given: Any) -> Match:
        nonlocal looks
        looks += 1
        return longest(*given)

    monkeypatch.setattr(SuffixArray, "longest_match", counted)
    found = find_copies(text, SuffixArray(ids, build_suffix_array(ids, 4)))
    assert found.longest is not None
    assert found.longest.length >= 50_000
    assert found.copied_chars == (found.longest.length if "new" in written else 100_000)
    assert looks < 100


def windows(text: list[int], length: int) -> list[list[int]]:
    """List all stretches of that length."""
    return [text[start : start + length] for start in range(len(text) - length + 1)]


def test_what_is_ordinary_is_what_held_out_text_has_little_of() -> None:
    """At the length found a twentieth is in stretches at most, and at one less it would be more."""
    stretches = [CopiedSpan(start=40 * number, length=20 + number, source_start=0) for number in range(20)]
    held_out = Novelty.from_spans(800, stretches)
    length = baseline_copy_length(held_out)
    assert (
        held_out.min_length(length).copied_fraction
        <= novelty.BASELINE_FRACTION
        < held_out.min_length(length - 1).copied_fraction
    )
    assert baseline_copy_length(Novelty.from_spans(800, [])) == novelty.MIN_COPY_CHARS


def test_an_order_is_sorted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And read from then on."""
    ids, path = np.random.default_rng(0).integers(0, 5, 500).astype(np.uint8), tmp_path / "corpus.suffixes"
    order = load_or_build_suffix_array(ids, 5, path).order
    monkeypatch.setattr(novelty, "build_suffix_array", lambda *_: pytest.fail("sorted again"))
    assert np.array_equal(load_or_build_suffix_array(ids, 5, path).order, order)


def test_where_nothing_can_be_kept_it_is_sorted_each_time(tmp_path: Path) -> None:
    """A run on a disk that is full or not ours to write on can be asked all the same."""
    text = np.random.default_rng(0).integers(5, size=300)
    found = load_or_build_suffix_array(text, 5, tmp_path / "missing" / "corpus.suffixes")
    assert np.array_equal(found.order, build_suffix_array(text, 5))


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "flipped", "another"])
def test_an_order_that_does_not_fit_is_made_anew(tmp_path: Path, damage: str) -> None:
    """Whatever became of the file, or of the text."""
    ids, path = np.random.default_rng(0).integers(0, 5, 500).astype(np.uint8), tmp_path / "corpus.suffixes"
    load_or_build_suffix_array(ids, 5, path)
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        flipped = whole[:-1] + bytes([whole[-1] ^ 1])
        path.write_bytes({"empty": b"", "cut": whole[:-7], "flipped": flipped, "another": whole}[damage])
    if damage == "another":
        ids = ids[::-1].copy()
    expected = build_suffix_array(ids, 5)
    assert np.array_equal(load_or_build_suffix_array(ids, 5, path).order, expected)
    assert np.array_equal(load_or_build_suffix_array(ids, 5, path).order, expected)


def test_a_damaged_text_is_not_sorted(tmp_path: Path) -> None:
    """One with characters that its vocabulary lacks."""
    with pytest.raises(CharrnnError, match="damaged"):
        load_or_build_suffix_array(np.array([0, 1, 5, 1], np.uint8), 5, tmp_path / "corpus.suffixes")
    assert not list(tmp_path.iterdir())
