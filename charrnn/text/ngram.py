"""N-gram models: the baseline that a network has to beat.

They are interpolated with modified Kneser-Ney discounts: Chen and Goodman 1999, "An empirical study of smoothing
techniques for language modeling", Computer Speech and Language 13, section 3.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.text.vocabulary import Ids

MAX_ORDER = 12
"""characters in an n-gram; where more of them would do better, the text mostly repeats itself"""
MAX_TRAIN_CHARS = 2_000_000
"""characters: two seconds of one core, and 120 MB for so long"""
MAX_SCORED_CHARS = 200_000
CHARACTERS_PER_SECOND = 800_000
"""learned, and some of them scored, on one core of 2.5 GHz"""
MIN_PIECE_CHARS = 4096
"""characters; where only a part of a text is taken, it is pieces of at least this length, evenly spread: on the
standard library a million characters give 1.27 to 1.31 nats so, 1.43 if they are the last before the held-out end"""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class NGram:
    """What the best n-gram reaches on held-out text."""

    order: int
    """characters in it, the predicted one included"""
    nats: float
    """a held-out character"""
    learned_from: int
    """training characters that were counted"""
    characters: int
    """held-out characters that `nats` is the mean over"""
    nats_by_order: tuple[float, ...]
    """the same for all that were tried: of one character alone, of two, …"""


@dataclass(frozen=True, kw_only=True, eq=False)
class CountingText:
    """Pieces of a text, each after the characters before it."""

    text: Ids
    """(T,); where nothing stands before a piece there is a border, the number `size`"""
    size: int
    """distinct characters"""
    counted: NDArray[np.bool_]
    """where the characters stand that are learned from, (T,)"""
    scored: NDArray[np.intp]
    """where those stand that are to be predicted, (S,)"""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Grams:
    """All the different n-grams of one order, G of them."""

    group: NDArray[np.int32]
    """which of them ends at each place of the text, (T,)"""
    place: NDArray[np.int32]
    """a place where each of them ends, (G,)"""
    history: NDArray[np.int32]
    """which n-gram of one character less each of them begins with, (G,)"""
    count: NDArray[np.int32]
    """how often each was counted, (G,)"""


def fit_best_ngram(
    ids: Ids, *, train_characters: int, size: int, at_most: int = MAX_TRAIN_CHARS, end: int | None = None
) -> NGram:
    """Learn from a text's beginning, score its held-out end, and take longer n-grams while that makes it better.

    ids (T,), below `size`. Of a longer text no more than `at_most` characters are counted,
    and a quarter as many scored. Nothing before an `end` tells of what comes after it.
    """
    learned = evenly_spaced_slices(0, train_characters, at_most)
    held_out = evenly_spaced_slices(train_characters, len(ids), min(MAX_SCORED_CHARS, max(1, at_most // 4)))
    reading = concat_pieces(ids, learned, held_out, size=size, end=end)
    losses, _ = best_probabilities(reading)
    best = min(losses)
    return NGram(
        order=losses.index(best) + 1,
        nats=best,
        learned_from=int(reading.counted.sum()),
        characters=len(reading.scored),
        nats_by_order=tuple(losses),
    )


def best_probabilities(text: CountingText) -> tuple[list[float], FloatArray]:
    """Take longer n-grams while that makes them better: the loss of each, in nats, and the best's odds, (S,)."""
    losses: list[float] = []
    best = np.empty(0)
    for likely in probabilities(text):
        losses.append(float(-np.log(likely).mean()))
        if losses[-1] > min(losses):
            break
        best = likely
    return losses, best


def evenly_spaced_slices(start: int, stop: int, at_most: int) -> list[slice]:
    """Cut about so many characters out of a stretch of text, from all its parts alike; all of it if it is no longer.

    >>> evenly_spaced_slices(10, 20, 50), evenly_spaced_slices(0, 40960, 8192)
    ([slice(10, 20, None)], [slice(0, 4096, None), slice(20480, 24576, None)])
    """
    if stop - start <= at_most:
        return [slice(start, stop)]
    count = max(1, at_most // MIN_PIECE_CHARS)
    starts = [start + number * (stop - start) // count for number in range(count)]
    return [slice(begin, begin + at_most // count) for begin in starts]


def concat_pieces(
    ids: Ids, learned: Sequence[slice], held_out: Sequence[slice], *, size: int, end: int | None = None
) -> CountingText:
    """Put what is learned from and what is to be predicted one after another.

    An `end` stands there so often that the longest n-gram after it sees nothing else.
    """
    border = np.full(MAX_ORDER, size, dtype=np.min_scalar_type(size))
    parts, counted, scored = [border], [np.zeros(MAX_ORDER, np.bool_)], [np.zeros(MAX_ORDER, np.bool_)]
    for number, piece in enumerate((*learned, *held_out)):
        before = ids[max(0, piece.start - MAX_ORDER) : piece.start]
        parts += [border[len(before) :], before, ids[piece]]
        inside = np.arange(MAX_ORDER + piece.stop - piece.start) >= MAX_ORDER
        counted.append(inside & (number < len(learned)))
        scored.append(inside & (number >= len(learned)))
    text, counts, scores = np.concatenate(parts), np.concatenate(counted), np.concatenate(scored)
    if end is not None:
        often = np.where(text == end, MAX_ORDER, 1)
        first = np.arange(often.sum()) == np.repeat(np.cumsum(often) - often, often)
        text, counts, scores = text.repeat(often), counts.repeat(often) & first, scores.repeat(often) & first
    text = text.astype(border.dtype, copy=False)
    return CountingText(text=text, size=size, counted=counts, scored=np.flatnonzero(scores))


def probabilities(text: CountingText) -> Iterator[FloatArray]:
    """Give the probability of every scored character, (S,), by n-grams of one character, of two, …, LONGEST."""
    orders = _orders(text)
    context, grams = next(orders), next(orders)
    lower = np.full(len(text.scored), 1 / text.size)
    while True:
        yield _interpolated(text, context, grams, grams.count, lower)
        longer = next(orders, None)
        if longer is None:
            return
        lower = _interpolated(text, context, grams, _continuations(grams, longer), lower)
        context, grams = grams, longer


def _orders(text: CountingText) -> Iterator[_Grams]:
    """Find the different n-grams of no character, of one, of two, …: runs of places that are the same so far back."""
    places = _sort_by_history(text.text, text.size + 1)
    counted = np.concatenate([[0], np.cumsum(text.counted[places], dtype=np.int32)])
    group, differs = np.zeros(len(text.text), np.int32), np.arange(len(places)) == 0
    yield _Grams(group=group, place=places[:1], history=group[:1], count=counted[-1:])
    for back in range(MAX_ORDER):
        character = text.text[places - back]
        differs[1:] |= character[1:] != character[:-1]
        starts = np.flatnonzero(differs)
        place, history = places[starts], group[places[starts] - 1]
        group = np.zeros_like(group)
        group[places] = np.cumsum(differs, dtype=np.int32) - 1
        yield _Grams(group=group, place=place, history=history, count=np.diff(counted[starts], append=counted[-1]))


def _sort_by_history(text: Ids, base: int) -> NDArray[np.int32]:
    """Sort the places of a text by the character there, then by the one before it, and so on, LONGEST of them.

    As many characters as fit make up one number, which is exact; then pairs of ranks stand for twice as many.
    """
    key = text.astype(np.int64)
    sorted_length = 1
    while sorted_length < MAX_ORDER and base ** (sorted_length + 1) < 2**63:
        key *= base
        key[sorted_length:] += text[:-sorted_length]
        sorted_length += 1
    order = np.argsort(key)
    while sorted_length < MAX_ORDER:
        ranks, key = np.zeros(len(key), np.int32), key[order]
        ranks[order[1:]] = np.cumsum(key[1:] != key[:-1], dtype=np.int32)
        key = ranks * np.int64(len(text))
        key[sorted_length:] += ranks[:-sorted_length]
        order, sorted_length = np.argsort(key), 2 * sorted_length
    # The first ones, in the border, have not so many before them.
    return order[order >= MAX_ORDER - 1].astype(np.int32)


def _interpolated(
    text: CountingText, context: _Grams, grams: _Grams, counts: NDArray[np.int32], lower: FloatArray
) -> FloatArray:
    """Give P(w|h) = (c(hw) - D(c(hw)) + ΣD·P'(w|h')) / c(h), (S,): P' is `lower`, and P too where c(h) is 0.

    context: the n-grams of one character less, such as h; counts c (G,) of `grams`, such as hw.
    """
    discounts = _discounts(counts)[np.minimum(counts, 3)]
    total = np.bincount(grams.history, counts, len(context.place))
    spared = np.bincount(grams.history, discounts, len(context.place))
    here, before = grams.group[text.scored], context.group[text.scored - 1]
    shared = (counts - discounts)[here] + spared[before] * lower
    occurrences = total[before]
    return np.where(occurrences > 0, shared / np.maximum(occurrences, 1), lower)


def _continuations(grams: _Grams, longer: _Grams) -> NDArray[np.int32]:
    """Count the different characters before each n-gram, (G,): what Kneser and Ney count in place of occurrences."""
    successors = grams.group[longer.place[longer.count > 0]]
    return np.bincount(successors, minlength=len(grams.place)).astype(np.int32)


def _discounts(counts: NDArray[np.int32]) -> FloatArray:
    """Estimate what is taken from a count of 0, 1, 2, and 3 or more, (4,), by how many there are of each.

    One is added to how many there are, and no discount is below a lower count's, so that in the smallest of texts
    something is left for what was never seen.
    """
    once = np.bincount(np.minimum(counts, 5), minlength=6)[1:5] + 1.0
    ratio = once[0] / (once[0] + 2 * once[1])
    number = np.arange(1, 4)
    discounts = np.clip(number - (number + 1) * ratio * once[1:] / once[:3], 0, number)
    return np.concatenate([[0], np.maximum.accumulate(discounts)])


# Predictions of an n-gram model for another text


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
