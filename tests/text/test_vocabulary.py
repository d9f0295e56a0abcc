"""The vocabulary: unknown characters, and invalid vocabularies."""

import pytest

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.text.vocabulary import UNKNOWN, Vocabulary

WITH, WITHOUT = Vocabulary(("a", "b", UNKNOWN)), Vocabulary(("a", "b"))


@pytest.mark.parametrize("vocabulary", [WITH, WITHOUT])
def test_unknown_characters_are_an_error_by_default(vocabulary: Vocabulary) -> None:
    """With or without U+FFFD in the vocabulary; "skip" leaves them out."""
    with pytest.raises(WrongUsageError, match="'é' \\(2×\\)"):
        vocabulary.encode("aébé")
    assert vocabulary.encode("aébé", unknown="skip").tolist() == [0, 1]


def test_unknown_characters_are_replaced_if_the_vocabulary_contains_the_replacement() -> None:
    """Otherwise they are left out."""
    assert WITH.encode("aébé", unknown="replace").tolist() == [0, 2, 1, 2]
    assert WITHOUT.encode("aébé", unknown="replace").tolist() == [0, 1]


def test_the_replacement_character_can_be_encoded() -> None:
    """If the vocabulary contains U+FFFD."""
    assert WITH.encode(UNKNOWN).tolist() == [2]


@pytest.mark.parametrize("point", [0xD800, 0xDCFF, 0xDFFF])
def test_a_vocabulary_contains_no_surrogates(point: int) -> None:
    """A surrogate occurs in no text, and cannot be written to a file or a terminal."""
    with pytest.raises(CharrnnError, match=f"has U\\+{point:04X}, which is half a character"):
        Vocabulary(("a", chr(point)))
