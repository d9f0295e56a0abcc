"""The concept that someone asks for: a built-in one by its name, or one of their own by its pattern."""

import difflib

from charrnn.errors import WrongUsageError
from charrnn.inspection.concepts.concept import CONCEPTS, Concept
from charrnn.inspection.concepts.custom import parse_custom_concept


def parse_concept(written: str) -> Concept:
    """Find or make a concept (WrongUsageError, with the nearest name).

    >>> parse_concept("in_quote").name, parse_concept("todo=/TODO/").name
    ('in_quote', 'todo')
    """
    if "=" in written:
        return parse_custom_concept(written)
    if written not in CONCEPTS:
        near = difflib.get_close_matches(written, CONCEPTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"NAME=/REGEX/ makes one; there are {', '.join(CONCEPTS)}"
        raise WrongUsageError(f"there is no concept {written!r}", hint=hint)
    return CONCEPTS[written]
