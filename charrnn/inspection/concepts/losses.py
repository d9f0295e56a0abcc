"""Concepts of the network itself: how surprised it was, and how sure it is; made from what it said about a text.

What it said is left to whoever ran it.
"""

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.concept import Concept
from charrnn.inspection.concepts.edges import nowhere
from charrnn.inspection.concepts.marks import Marks
from charrnn.inspection.concepts.source import Source

STEPS = 100
"""marks are whole numbers: so many to a nat"""


def surprise_concept(nats: NDArray[np.floating]) -> Concept:
    """Make a concept of the loss on each character of a text (T,), in nats; 0 where there is none."""
    return _of_numbers("surprise", "how badly the model foresaw the character", nats)


def entropy_concept(nats: NDArray[np.floating]) -> Concept:
    """Make a concept of the entropy of the model's next-character distribution after each character (T,), in nats."""
    return _of_numbers("entropy", "how unsure the model is of the next character", nats)


def _of_numbers(name: str, description: str, nats: NDArray[np.floating]) -> Concept:
    marks: Marks = np.rint(np.maximum(nats, 0) * STEPS).astype(np.int64)

    def mark(source: Source) -> Marks:
        if len(source.text) != len(marks):
            raise ValueError(f"{name} of {len(marks)} characters says nothing of a text of {len(source.text)}")
        return marks

    return Concept(name=name, kind="counter", description=description, mark=mark, family="model", edge=nowhere)
