"""Anticipation: what the next character will be, which a cell can only guess at.

The marks of a text's last character are 0: nobody knows what comes next.
"""

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.edges import everywhere_marked
from charrnn.inspection.concepts.marks import as_marks, shifted_left


def _register_anticipation(name: str, characters: str, description: str) -> None:
    """Enter the concept of being before one of these characters in the registry."""
    mark = concept("binary", description, name=name, family="anticipation", uses_future=True, edge=everywhere_marked)
    mark(lambda parsed: as_marks(shifted_left(parsed.mask_of(characters))))


_register_anticipation("next:newline", "\n", "the line ends with the next character")
_register_anticipation("next:space", " \t\u3000", "a blank is next")
_register_anticipation("next:quote", '"“”«»「」', "a double quotation mark is next")
_register_anticipation("next:closer", ")]}", "a closing bracket is next")
