"""Anticipation: what the next character will be, which a cell can only guess at.

The marks of a text's last character are 0: nobody knows what comes next.
"""

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.edges import where_marked
from charrnn.inspection.concepts.marks import later, marked


def _enter(name: str, characters: str, description: str) -> None:
    """Enter the concept of being before one of these characters in the registry."""
    mark = concept("binary", description, name=name, family="anticipation", uses_future=True, edge=where_marked)
    mark(lambda source: marked(later(source.one_of(characters))))


_enter("next:newline", "\n", "the line ends with the next character")
_enter("next:space", " \t\u3000", "a blank is next")
_enter("next:quote", '"“”«»「」', "a double quotation mark is next")
_enter("next:closer", ")]}", "a closing bracket is next")
