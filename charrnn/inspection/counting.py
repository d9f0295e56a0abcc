"""What an n-gram that has counted a model's training text expects of another text, to compare the model with.

N-grams themselves are the text's business.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.text.ngram import MAX_ORDER, MAX_TRAIN_CHARS, best_probabilities, concat_pieces, evenly_spaced_slices
from charrnn.text.vocabulary import Ids


@dataclass(frozen=True, kw_only=True, eq=False)
class NGramPredictions:
    """What the best n-gram expects of a text of T characters."""

    order: int
    """characters in it"""
    learned_from: int
    """characters that were counted"""
    probabilities: NDArray[np.float64]
    """of each character of the text but the first, (T - 1,)"""


def ngram_predictions(
    training: Ids, ids: Ids, *, size: int, at_most: int = MAX_TRAIN_CHARS, end_of_document: int | None = None
) -> NGramPredictions:
    """Count a training text, at most so many characters from all its parts, and judge another, ids (T,), by it.

    Both have numbers below `size`. Nothing before a document's end tells of what comes after it.
    """
    parts, learned, end = [], [], 0
    for piece in evenly_spaced_slices(0, len(training), at_most):
        before = max(0, piece.start - MAX_ORDER)
        parts.append(training[before : piece.stop])
        learned.append(slice(end + piece.start - before, end + piece.stop - before))
        end = learned[-1].stop
    joined = np.concatenate([*parts, ids])
    # The text's own first characters are judged by what comes before them: here the end of what was learned.
    reading = concat_pieces(joined, learned, [slice(end + 1, end + len(ids))], size=size, end=end_of_document)
    losses, probabilities = best_probabilities(reading)
    return NGramPredictions(
        order=losses.index(min(losses)) + 1,
        learned_from=sum(piece.stop - piece.start for piece in learned),
        probabilities=probabilities,
    )
