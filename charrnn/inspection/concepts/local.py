"""Local controls: concepts that are plain from the character just read, so that following one takes no memory."""

import unicodedata
from collections.abc import Callable

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.edges import nowhere
from charrnn.inspection.concepts.marks import marked

_VOWELS = frozenset("aeiouαεηιουωаеёиоуыэюя")


def _is_vowel(character: str) -> bool:
    """Look at the letter without its accents.

    >>> _is_vowel("É"), _is_vowel("y")
    (True, False)
    """
    return unicodedata.normalize("NFD", character)[0].lower() in _VOWELS


def _is_blank(character: str) -> bool:
    return character.isspace() and character != "\n"


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P")


def _enter(name: str, belongs: Callable[[str], bool], description: str) -> None:
    """Enter the concept of being such a character in the registry."""
    mark = concept("binary", description, name=name, family="local", edge=nowhere)
    mark(lambda source: marked(source.where(belongs)))


_enter("vowel", _is_vowel, "a vowel")
_enter("letter", str.isalpha, "a letter")
_enter("digit", str.isdecimal, "a digit")
_enter("space", _is_blank, "a blank within a line")
_enter("punct", _is_punctuation, "a punctuation mark")
