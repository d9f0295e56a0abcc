"""Local controls: concepts that are plain from the character just read, so that following one takes no memory."""

import unicodedata
from collections.abc import Callable

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.edges import no_edges
from charrnn.inspection.concepts.marks import as_marks

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


def _register_local(name: str, belongs: Callable[[str], bool], description: str) -> None:
    """Enter the concept of being such a character in the registry."""
    mark = concept("binary", description, name=name, family="local", edge=no_edges)
    mark(lambda parsed: as_marks(parsed.mask_where(belongs)))


_register_local("vowel", _is_vowel, "a vowel")
_register_local("letter", str.isalpha, "a letter")
_register_local("digit", str.isdecimal, "a digit")
_register_local("space", _is_blank, "a blank within a line")
_register_local("punct", _is_punctuation, "a punctuation mark")
