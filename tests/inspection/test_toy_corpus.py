"""The text in corpora/toy.js is what its generator writes, and concepts label it with the generator's true states."""

import runpy
from typing import Any

import numpy as np
import pytest
from common import PACKAGE_HOME

from charrnn.inspection.concepts import CONCEPTS, ParsedText

CORPUS = PACKAGE_HOME / "corpora" / "toy.js"
BRACKETS = ("paren_depth", "square_depth", "brace_depth", "bracket_depth")
LABELED = (*BRACKETS, "string", "comment", "if_cond", "indent", "line_pos")
MIN_EPISODES = 60
"""episodes of a concept in the held-out tenth, half of them for the selection of cells and half for their test"""


@pytest.fixture(scope="module")
def toy() -> dict[str, Any]:
    """Return the names that the generator defines."""
    return runpy.run_path(str(PACKAGE_HOME / "tests" / "benchmarks" / "toy_language.py"))


@pytest.fixture(scope="module")
def parsed() -> ParsedText:
    """Return the text in the repository, parsed."""
    return ParsedText.of(CORPUS.read_text(encoding="utf-8"), CORPUS.name)


def test_the_generator_reproduces_the_file(toy: dict[str, Any]) -> None:
    """Seed 0 gives the bytes in the repository."""
    text, _ = toy["generate"]()
    assert text.encode() == CORPUS.read_bytes()


def test_another_seed_gives_another_text_of_the_same_words(toy: dict[str, Any], parsed: ParsedText) -> None:
    """The seed determines the text."""
    text, states = toy["generate"](1, 20_000)
    assert text == toy["generate"](1, 20_000)[0] != parsed.text[: len(text)]
    assert set(text) <= set(parsed.text)
    assert len(states) == len(text) >= 20_000


@pytest.mark.parametrize("seed", [0, 1])
def test_concepts_agree_with_the_true_state_of_each_character(toy: dict[str, Any], seed: int) -> None:
    """A concept labels every character of the text as the generator does."""
    text, states = toy["generate"](seed, 30_000)
    labels = [state.labels() for state in states]
    assert labels[0].keys() == set(LABELED)
    generated = ParsedText.of(text, CORPUS.name)
    for name in LABELED:
        true_labels = [each[name] for each in labels]
        np.testing.assert_array_equal(CONCEPTS[name].mark(generated), true_labels, err_msg=name)


@pytest.mark.parametrize("name", LABELED)
def test_each_concept_is_frequent_enough_in_the_held_out_tenth_to_be_judged(parsed: ParsedText, name: str) -> None:
    """A search of the held-out text needs many episodes of a concept."""
    present = CONCEPTS[name].mark(parsed)[-len(parsed.text) // 10 :] > 0
    assert np.count_nonzero(present[1:] & ~present[:-1]) >= MIN_EPISODES - 20 * (name == "brace_depth")


def test_the_labels_are_printed_as_a_table(
    toy: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--labels` prints a line per character, with its state after the character."""
    monkeypatch.setattr("sys.argv", ["toy_language.py", "--labels", "--length", "300"])
    toy["main"]()
    header, *lines = capsys.readouterr().out.splitlines()
    text, states = toy["generate"](0, 300)
    assert header.split("\t") == ["character", *states[0].labels()]
    assert [line.split("\t")[0] for line in lines] == [ascii(character) for character in text]
