"""Control concepts: local ones, anticipation of the next character, and placebos."""

import unicodedata
from collections.abc import Callable, Iterable

import numpy as np

from charrnn.inspection.concepts.concept import Concept, ParsedText, concept, everywhere_marked, no_edges
from charrnn.inspection.concepts.marks import Marks, as_marks, count_since, distance_since, shifted_left

# Local concepts: functions of the last character alone; a cell needs no memory to detect them

_VOWELS = frozenset("aeiouαεηιουωаеёиоуыэюя")


def _is_vowel(character: str) -> bool:
    """Return whether a letter without its accents is a vowel.

    >>> _is_vowel("É"), _is_vowel("y")
    (True, False)
    """
    return unicodedata.normalize("NFD", character)[0].lower() in _VOWELS


def _is_blank(character: str) -> bool:
    return character.isspace() and character != "\n"


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P")


def _register_local(name: str, predicate: Callable[[str], bool], description: str) -> None:
    """Register the concept that the last character satisfies a predicate."""
    mark = concept("binary", description, name=name, family="local", edge=no_edges)
    mark(lambda parsed: as_marks(parsed.mask_where(predicate)))


_register_local("vowel", _is_vowel, "a vowel")
_register_local("letter", str.isalpha, "a letter")
_register_local("digit", str.isdecimal, "a digit")
_register_local("space", _is_blank, "a blank within a line")
_register_local("punct", _is_punctuation, "a punctuation mark")


# Anticipation: functions of the next character, which a cell can only predict. The last mark of a text is 0, because
# the next character is unknown.


def _register_anticipation(name: str, characters: str, description: str) -> None:
    """Register the concept that the next character is one of the given characters."""
    mark = concept("binary", description, name=name, family="anticipation", uses_future=True, edge=everywhere_marked)
    mark(lambda parsed: as_marks(shifted_left(parsed.mask_of(characters))))


_register_anticipation("next:newline", "\n", "the line ends with the next character")
_register_anticipation("next:space", " \t\u3000", "a blank is next")
_register_anticipation("next:quote", '"“”«»「」', "a double quotation mark is next")
_register_anticipation("next:closer", ")]}", "a closing bracket is next")


# Placebos: concepts that change as often as real ones, but on which no text depends. The variance of them that a cell
# explains is the noise level.

TOGGLES, COUNTERS = 8, 4
"""number of placebos of each kind"""
POOL_FACTOR = 2
"""ratio of candidate letters to drawn letters"""
MIN_RATE = 1 / 400
"""lowest target rate per character, for texts without quotation marks"""


def make_placebos(parsed: ParsedText, rng: np.random.Generator) -> tuple[Concept, ...]:
    """Return random placebos for a text: letters that toggle, as in_quote, and distances to a letter, as line_pos.

    The letters are drawn from those that are about as frequent as quotation marks or newlines.
    """
    toggling = _letters(parsed, '"“”«»「」', TOGGLES, rng)
    counted = _letters(parsed, "\n", COUNTERS, rng)
    return (*map(_toggle, toggling), *map(_distance, counted))


def _letters(parsed: ParsedText, marks: str, count: int, rng: np.random.Generator) -> Iterable[str]:
    """Return random letters about as frequent as the given characters, in the order of their code points."""
    codes, frequencies = np.unique(parsed.code_points[parsed.mask_where(_is_plain_letter)], return_counts=True)
    target = max(parsed.mask_of(marks).sum(), MIN_RATE * len(parsed.text))
    nearest = np.argsort(np.abs(np.log(frequencies / max(target, 1))), kind="stable")[: POOL_FACTOR * count]
    drawn = rng.choice(nearest, size=min(count, len(nearest)), replace=False)
    return [chr(code) for code in np.sort(codes[drawn])]


def _is_plain_letter(character: str) -> bool:
    """Return whether a character is a letter and no capital; capitals depend on names and sentence beginnings."""
    return character.isalpha() and not character.isupper()


def _toggle(letter: str) -> Concept:
    def mark(parsed: ParsedText) -> Marks:
        """Return the parity of the number of occurrences since the last blank line (T,)."""
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
