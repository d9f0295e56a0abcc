"""Placebos: concepts that move as real ones do and that nothing in a text depends on.

What a cell explains of them is the noise that the real ones have to rise above. Chance comes from the caller.
"""

from collections.abc import Iterable

import numpy as np

from charrnn.inspection.concepts.concept import Concept
from charrnn.inspection.concepts.marks import Marks, count_since, distance_since
from charrnn.inspection.concepts.source import ParsedText

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
