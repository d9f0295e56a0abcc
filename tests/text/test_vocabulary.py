"""The vocabulary: what becomes of characters that it lacks."""

import pytest

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.text.vocabulary import UNKNOWN, Vocabulary

WITH, WITHOUT = Vocabulary(("a", "b", UNKNOWN)), Vocabulary(("a", "b"))


@pytest.mark.parametrize("vocabulary", [WITH, WITHOUT])
def test_an_unknown_character_is_named_unless_the_caller_wishes_otherwise(vocabulary: Vocabulary) -> None:
    """Whether the vocabulary happens to have a stand-in or not."""
    with pytest.raises(WrongUsageError, match="'é' \\(2×\\)"):
        vocabulary.encode("aébé")
    assert vocabulary.encode("aébé", unknown="skip").tolist() == [0, 1]


def test_the_stand_in_is_used_where_it_is_asked_for_and_there() -> None:
    """Elsewhere the characters are left out."""
    assert WITH.encode("aébé", unknown="replace").tolist() == [0, 2, 1, 2]
    assert WITHOUT.encode("aébé", unknown="replace").tolist() == [0, 1]


def test_the_stand_in_itself_is_a_character_like_others() -> None:
    """Where the text has it."""
    assert WITH.encode(UNKNOWN).tolist() == [2]


@pytest.mark.parametrize("character", ["\ud800", "\udcff", "\udfff"])
def test_a_vocabulary_has_no_halves_of_characters(character: str) -> None:
    """No text has a surrogate, and none can be written to a file or a terminal."""
    with pytest.raises(CharrnnError, match=f"has U\\+{ord(character):04X}, which is half a character"):
        Vocabulary(("a", character))
