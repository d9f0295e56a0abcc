"""Provenance of a measure: the model, the text and the characters of it that were measured; rounding for JSON."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypedDict

from charrnn.inspection.notebook import NotebookRecord

DIGITS = 4
"""decimal places of bits, shares, probabilities and times in JSON"""


class SourceNames(TypedDict, total=False):
    """The keyword arguments of a measure that name its model and its text."""

    model: str
    text: str
    start: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Provenance(NotebookRecord):
    """The model and the text of a measure; every record of a measure begins with these fields.

    >>> Provenance(model="a.safetensors", text="a.txt", characters=5).provenance()
    {'model': 'a.safetensors', 'text': 'a.txt', 'start': 0, 'characters': 5}
    """

    model: str = ""
    """path of the model file"""
    text: str = ""
    """name of the text"""
    start: int = 0
    """position in the text of the first character read"""
    characters: int
    """number of characters measured"""

    def provenance(self) -> dict[str, Any]:
        """Return the four fields as plain values for JSON."""
        return {"model": self.model, "text": self.text, "start": self.start, "characters": self.characters}


def rounded_fields(record: object, *names: str, digits: int = DIGITS) -> dict[str, float | None]:
    """Return numeric fields of a record, rounded, by their names; None stays None.

    >>> from types import SimpleNamespace
    >>> rounded_fields(SimpleNamespace(bits=1 / 3, order=None), "bits", "order")
    {'bits': 0.3333, 'order': None}
    """
    values = {name: getattr(record, name) for name in names}
    return {name: None if value is None else round(value, digits) for name, value in values.items()}


def rounded_list(values: Iterable[float]) -> list[float | None]:
    """Return rounded values; infinity and nan, which JSON does not have, become None.

    >>> rounded_list([1 / 3, math.inf])
    [0.3333, None]
    """
    return [round(value, DIGITS) if math.isfinite(value) else None for value in values]
