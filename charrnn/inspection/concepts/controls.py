"""Control concepts: local ones, anticipation of the next character, and placebos."""

import unicodedata
from collections.abc import Callable, Iterable

import numpy as np

from charrnn.inspection.concepts.concept import Concept, concept, everywhere_marked, no_edges
from charrnn.inspection.concepts.marks import Marks, as_marks, count_since, distance_since, shifted_left
from charrnn.inspection.concepts.parsed_text import ParsedText

# Local concepts: known from the character just read, so that a cell needs no memory to follow them

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


# Anticipation: the next character, which a cell can only predict. The marks of the last character of a text are 0,
# because its successor is unknown.


def _register_anticipation(name: str, characters: str, description: str) -> None:
    """Enter the concept of being before one of these characters in the registry."""
    mark = concept("binary", description, name=name, family="anticipation", uses_future=True, edge=everywhere_marked)
    mark(lambda parsed: as_marks(shifted_left(parsed.mask_of(characters))))


_register_anticipation("next:newline", "\n", "the line ends with the next character")
_register_anticipation("next:space", " \t\u3000", "a blank is next")
_register_anticipation("next:quote", '"“”«»「」', "a double quotation mark is next")
_register_anticipation("next:closer", ")]}", "a closing bracket is next")


# Placebos: concepts that change as real ones do and on which nothing in a text depends. What a cell explains of them
# is the noise level. The caller passes the random numbers.

TOGGLES, COUNTERS = 8, 4
NEAR = 2
"""so many times as many letters are looked at as are drawn"""
RAREST = 1 / 400
"""a rate of its own for texts without quotation: a letter that hardly comes is no test"""


def make_placebos(parsed: ParsedText, rng: np.random.Generator) -> tuple[Concept, ...]:
    """Make placebos for a text: like in_quote, letters that toggle; like line_pos, distances since a letter.

    The letters are drawn from those that come nearly as often as quotation marks, or as the ends of lines.
    """
    toggling = _letters(parsed, '"“”«»「」', TOGGLES, rng)
    counted = _letters(parsed, "\n", COUNTERS, rng)
    return (*map(_toggle, toggling), *map(_distance, counted))


def _letters(parsed: ParsedText, marks: str, count: int, rng: np.random.Generator) -> Iterable[str]:
    """Draw letters whose rates are near that of these characters, in the order of their code points."""
    codes, times = np.unique(parsed.code_points[parsed.mask_where(_is_plain_letter)], return_counts=True)
    wanted = max(parsed.mask_of(marks).sum(), RAREST * len(parsed.text))
    nearest = np.argsort(np.abs(np.log(times / max(wanted, 1))), kind="stable")[: NEAR * count]
    drawn = rng.choice(nearest, size=min(count, len(nearest)), replace=False)
    return [chr(code) for code in np.sort(codes[drawn])]


def _is_plain_letter(character: str) -> bool:
    """Leave capitals out: they belong to names and beginnings, which a network has reason to follow."""
    return character.isalpha() and not character.isupper()


def _toggle(letter: str) -> Concept:
    def mark(parsed: ParsedText) -> Marks:
        """Turn over at the letter, end at a blank line: as in_quote does at a quotation mark."""
        return count_since(parsed.mask_of(letter), parsed.blank_line) % 2

    description = f"an odd number of {letter!r} since the blank line"
    return Concept(
        name=f"placebo:toggle:{letter}", kind="binary", description=description, mark=mark, family="placebo"
    )


def _distance(letter: str) -> Concept:
    return Concept(
        name=f"placebo:since:{letter}",
        kind="counter",
        description=f"characters since the last {letter!r}",
        mark=lambda parsed: distance_since(parsed.mask_of(letter)),
        family="placebo",
    )
