"""Placebos: as often as the real ones, as steady, from a seed, and about nothing."""

import numpy as np

from charrnn.inspection.concepts import CONCEPTS, Marks, ParsedText, make_placebos

CHANCE = np.random.default_rng(0)
ALPHABET = np.array(list('abcdefghijklmnopqrstuvwxyzABCDE"" \n'))
RATES = CHANCE.dirichlet(np.linspace(0.2, 3, len(ALPHABET)))
SOURCE = ParsedText.of("".join(CHANCE.choice(ALPHABET, size=20_000, p=RATES)))


def falls(marks: Marks) -> int:
    """Count the ends of episodes."""
    return int((marks[1:] < marks[:-1]).sum())


def test_the_same_seed_gives_the_same_placebos() -> None:
    """By name and by mark; another gives others."""
    first, again, other = (make_placebos(SOURCE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert [placebo.name for placebo in first] == [placebo.name for placebo in again]
    assert [placebo.name for placebo in first] != [placebo.name for placebo in other]
    assert all((a.mark(SOURCE) == b.mark(SOURCE)).all() for a, b in zip(first, again, strict=True))


def test_they_toggle_about_as_often_as_quotation_marks() -> None:
    """And are ended by blank lines as quotations are."""
    quotes = falls(CONCEPTS["in_quote"].mark(SOURCE))
    toggles = [placebo for placebo in make_placebos(SOURCE, np.random.default_rng(0)) if placebo.kind == "binary"]
    assert 6 <= len(toggles) <= 8
    rates = [falls(placebo.mark(SOURCE)) / quotes for placebo in toggles]
    assert 0.2 < np.median(rates) < 5


def test_a_toggle_is_what_it_says() -> None:
    """Odd since the blank line; distances are since the letter."""
    by_name = {
        placebo.name: placebo for placebo in make_placebos(ParsedText.of("aab\n\nba"), np.random.default_rng(0))
    }
    assert by_name["placebo:toggle:a"].mark(ParsedText.of("aab\n\nba")).tolist() == [1, 0, 0, 0, 0, 0, 1]
    assert by_name["placebo:since:b"].mark(ParsedText.of("aab\n\nba")).tolist() == [1, 2, 0, 1, 2, 0, 1]


def test_they_are_a_family_of_their_own_and_in_no_registry() -> None:
    """Nobody asks for them, and nothing reports them as a find."""
    made = make_placebos(SOURCE, np.random.default_rng(0))
    assert {placebo.family for placebo in made} == {"placebo"}
    assert not {placebo.name for placebo in made} & set(CONCEPTS)


def test_a_text_without_letters_has_none() -> None:
    """And that is no failure."""
    assert make_placebos(ParsedText.of("12 34\n"), np.random.default_rng(0)) == ()
    assert make_placebos(ParsedText.of(""), np.random.default_rng(0)) == ()
