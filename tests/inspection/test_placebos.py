"""Placebos: as frequent as real concepts, reproducible by seed, and without meaning."""

import numpy as np

from charrnn.inspection.concepts import CONCEPTS, Marks, ParsedText, make_placebos

RNG = np.random.default_rng(0)
ALPHABET = np.array(list('abcdefghijklmnopqrstuvwxyzABCDE"" \n'))
RATES = RNG.dirichlet(np.linspace(0.2, 3, len(ALPHABET)))
SOURCE = ParsedText.of("".join(RNG.choice(ALPHABET, size=20_000, p=RATES)))


def episode_ends(marks: Marks) -> int:
    """Return the number of ends of episodes."""
    return int((marks[1:] < marks[:-1]).sum())


def test_the_same_seed_gives_the_same_placebos() -> None:
    """Equal seeds give equal names and marks; another seed gives other placebos."""
    first, repeated, other = (make_placebos(SOURCE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert [placebo.name for placebo in first] == [placebo.name for placebo in repeated]
    assert [placebo.name for placebo in first] != [placebo.name for placebo in other]
    assert all((a.mark(SOURCE) == b.mark(SOURCE)).all() for a, b in zip(first, repeated, strict=True))


def test_placebos_toggle_about_as_often_as_quotations() -> None:
    """A blank line ends them as it ends quotations."""
    quotes = episode_ends(CONCEPTS["in_quote"].mark(SOURCE))
    toggles = [placebo for placebo in make_placebos(SOURCE, np.random.default_rng(0)) if placebo.kind == "binary"]
    assert 6 <= len(toggles) <= 8
    rates = [episode_ends(placebo.mark(SOURCE)) / quotes for placebo in toggles]
    assert 0.2 < np.median(rates) < 5


def test_placebos_have_exact_marks() -> None:
    """Toggles count since the blank line, distances since the letter."""
    by_name = {
        placebo.name: placebo for placebo in make_placebos(ParsedText.of("aab\n\nba"), np.random.default_rng(0))
    }
    assert by_name["placebo:toggle:a"].mark(ParsedText.of("aab\n\nba")).tolist() == [1, 0, 0, 0, 0, 0, 1]
    assert by_name["placebo:since:b"].mark(ParsedText.of("aab\n\nba")).tolist() == [1, 2, 0, 1, 2, 0, 1]


def test_placebos_are_not_registered() -> None:
    """They have a family of their own and are not reported as findings."""
    placebos = make_placebos(SOURCE, np.random.default_rng(0))
    assert {placebo.family for placebo in placebos} == {"placebo"}
    assert not {placebo.name for placebo in placebos} & set(CONCEPTS)


def test_a_text_without_letters_has_no_placebos() -> None:
    """An empty result is not an error."""
    assert make_placebos(ParsedText.of("12 34\n"), np.random.default_rng(0)) == ()
    assert make_placebos(ParsedText.of(""), np.random.default_rng(0)) == ()
