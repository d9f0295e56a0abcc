"""The distinct fraction of a text: how much of it does not repeat."""

import random
from pathlib import Path

import pytest
from common import encode_corpus

from charrnn.text.batching import SUBSTRING_CHARS, distinct_fraction
from charrnn.text.corpus import Corpus

WORDS = [
    "".join(random.Random(number).choices("abcdefghijklmnopqrstuvwxyz", k=2 + number % 9)) for number in range(900)
]


def prose(characters: int, seed: int = 0) -> str:
    """Return a text of random words, in which nothing long occurs twice."""
    chosen = random.Random(seed).choices(WORDS, k=characters // 4)
    return " ".join(chosen)[:characters]


def edited(text: str, seed: int, *, every: int = 500) -> str:
    """Return a copy in which a character is replaced about `every` so many."""
    rng, characters = random.Random(seed), list(text)
    for _ in range(len(text) // every):
        characters[rng.randrange(len(text))] = "#"
    return "".join(characters)


def encoded(text: str, directory: Path) -> Corpus:
    """Return the corpus of a text."""
    path = directory / "text.txt"
    path.write_text(text)
    return encode_corpus([str(path)], directory / "corpus.bin")


def fraction(text: str, directory: Path) -> float:
    """Return the distinct fraction of a text."""
    corpus = encoded(text, directory)
    return distinct_fraction(corpus, corpus.characters)


@pytest.mark.parametrize("characters", [300, 30_000, 500_000])
def test_a_text_without_repetition_is_distinct(characters: int, tmp_path: Path) -> None:
    """The estimate is close to 1, whatever the length."""
    assert fraction(prose(characters), tmp_path) > 0.93


@pytest.mark.parametrize("characters", [1_000, 20_000, 250_000])
def test_a_text_twice_is_half_distinct(characters: int, tmp_path: Path) -> None:
    """A whole text that is concatenated with itself counts once, however far apart the copies are."""
    assert fraction(2 * prose(characters), tmp_path) == pytest.approx(0.5, abs=0.04)


def test_three_copies_with_small_edits_are_about_a_third_distinct(tmp_path: Path) -> None:
    """An edit changes only the substrings that contain it."""
    text = prose(150_000)
    assert fraction(text + edited(text, 1) + edited(text, 2), tmp_path) == pytest.approx(0.37, abs=0.04)


def test_boilerplate_counts_once(tmp_path: Path) -> None:
    """A quarter of the text is a header that each file repeats."""
    header = prose(1_000, seed=1)
    files = [prose(3_000, seed=number + 2) for number in range(100)]
    assert fraction("".join(header + file for file in files), tmp_path) == pytest.approx(0.75, abs=0.06)


def test_a_short_period_is_hardly_distinct(tmp_path: Path) -> None:
    """Samples that contain no substring of such a text are enlarged."""
    assert fraction(4_000 * "A hundred bottles of beer. ", tmp_path) < 0.001
    assert fraction(299_999 * "a" + "b", tmp_path) < 0.001


def test_the_order_of_passages_does_not_matter(tmp_path: Path) -> None:
    """Copies next to each other and copies far apart give the same estimate."""
    files = [prose(5_000, seed=number) for number in range(30)]
    grouped = fraction("".join(3 * file for file in files), tmp_path)
    assert fraction("".join(3 * files), tmp_path) == pytest.approx(grouped, abs=0.01)


def test_the_estimate_does_not_depend_on_the_chunks(tmp_path: Path) -> None:
    """No substring is lost or counted twice where a chunk ends."""
    corpus = encoded(prose(40_000) + prose(40_000), tmp_path)
    estimates = {distinct_fraction(corpus, corpus.characters, scanned=chars) for chars in (1_000, 4_099, 1 << 20)}
    assert len(estimates) == 1


def test_only_the_first_characters_count(tmp_path: Path) -> None:
    """Held-out text, which follows them, is not read."""
    corpus = encoded(prose(50_000) + 50_000 * "x", tmp_path)
    assert distinct_fraction(corpus, 50_000) > 0.93
    assert distinct_fraction(corpus, SUBSTRING_CHARS - 1) == 1


def test_wide_ids_are_compared_completely(tmp_path: Path) -> None:
    """In a text of more than 256 distinct characters, ids with the same low byte differ."""
    rng = random.Random(0)
    points = [0x4E00 + rng.randrange(700) for _ in range(60_000)]
    text = "".join(map(chr, points))
    shifted = "".join(chr(0x4E00 + (point - 0x4E00 + 256) % 700) for point in points)
    assert fraction(text + shifted, tmp_path) > 0.93
    assert fraction(text + text, tmp_path) == pytest.approx(0.5, abs=0.04)
