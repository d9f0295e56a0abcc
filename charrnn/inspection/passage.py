"""The passage of a text that shows a concept best: where it is on and off most evenly.

What cells do there is left to the reader, drawing it to the views.
"""

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts import Concept, Marks, Source

LENGTH = 300


def passage(concept: Concept, source: Source, *, length: int = LENGTH) -> slice:
    """Choose about so many characters, from the beginning of a line on.

    The most even passages are alike to the eye; among them the first with the most changes is taken.
    """
    on = holds(concept, concept.mark(source))
    starts = _line_starts(source.text, length)
    stops = np.minimum(starts + length, len(on))
    share = _between(on, starts, stops) / np.maximum(stops - starts, 1)
    evenness = np.round(np.minimum(share, 1 - share), 1)
    changes = _between(np.diff(on, prepend=on[:1]), starts, stops)
    best = np.lexsort((-changes, -evenness))[0]
    start, stop = int(starts[best]), int(stops[best])
    whole_lines = source.text.rfind("\n", start, stop) + 1
    return slice(start, stop if stop == len(source.text) else whole_lines or stop)


def holds(concept: Concept, marks: Marks) -> NDArray[np.bool_]:
    """Say where a concept is on (T,): a binary one at 1, a number where it is above its usual value, the median."""
    usual = 0 if concept.kind == "binary" or not len(marks) else np.median(marks)
    on: NDArray[np.bool_] = marks > usual
    return on


def holding(concept: Concept) -> str:
    """Name what `holds` says of a concept."""
    return concept.name if concept.kind == "binary" else f"{concept.name} above its median"


def _line_starts(text: str, length: int) -> NDArray[np.int64]:
    """List the beginnings of lines that have so many characters after them, at least the text's own."""
    ends = [position + 1 for position, character in enumerate(text) if character == "\n"]
    return np.array([0, *(start for start in ends if start + length <= len(text))], dtype=np.int64)


def _between(on: NDArray[np.bool_], starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the true ones from each start up to its stop."""
    so_far = np.concatenate([[0], np.cumsum(on)])
    count: NDArray[np.int64] = so_far[stops] - so_far[starts]
    return count
