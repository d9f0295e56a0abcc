"""Character n-gram models with interpolated modified Kneser-Ney smoothing: the baseline for a network.

Chen and Goodman 1999, "An empirical study of smoothing techniques for language modeling", Computer Speech and
Language 13, section 3.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.text.vocabulary import Ids

MAX_ORDER = 12
"""characters in an n-gram; longer n-grams are better only for texts that repeat themselves"""
MAX_TRAIN_CHARS = 2_000_000
"""characters; counting them takes two seconds of one core and 120 MB"""
MAX_SCORED_CHARS = 200_000
"""held-out characters, enough for a mean with a small error"""
CHARACTERS_PER_SECOND = 800_000
"""training characters that are counted per second on a core of 2.5 GHz, with the scoring included"""
MIN_PIECE_CHARS = 4096
"""minimum length of the evenly spaced pieces that represent a long text. A million characters of the standard library
in such pieces give 1.27 to 1.31 nats; the million before the held-out text gives 1.43"""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class NGram:
    """The best n-gram model and its loss on held-out text."""

    order: int
    """characters in the n-gram, including the predicted one"""
    nats: float
    """mean loss per held-out character"""
    learned_from: int
    """number of training characters that were counted"""
    characters: int
    """number of held-out characters that were scored"""
    nats_by_order: tuple[float, ...]
    """mean losses of orders 1, 2, …, up to the first order that was worse"""


@dataclass(frozen=True, kw_only=True, eq=False)
class CountingText:
    """Concatenated pieces of a text, each preceded by its context."""

    text: Ids
    """ids, (T,); the id `size` fills the context at the start of the text"""
    size: int
    """number of distinct characters"""
    counted: NDArray[np.bool_]
    """whether each character is a training character, (T,)"""
    scored: NDArray[np.intp]
    """positions of the characters that are scored, (S,)"""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Grams:
    """The G distinct n-grams of one order."""

    group: NDArray[np.int32]
    """index of the n-gram that ends at each position of the text, (T,)"""
    position: NDArray[np.int32]
    """a position at which each n-gram ends, (G,)"""
    history: NDArray[np.int32]
    """index of the history, the n-gram without its last character, (G,)"""
    count: NDArray[np.int32]
    """number of occurrences in the training characters, (G,)"""


def fit_best_ngram(
    ids: Ids, *, train_characters: int, size: int, max_chars: int = MAX_TRAIN_CHARS, end_id: int | None = None
) -> NGram:
    """Return the n-gram model, trained on the beginning of a text, with the lowest loss on the rest of the text.

    The ids (T,) are below `size`. At most `max_chars` training characters are counted, and a quarter as many are
    scored. Each `end_id`, which ends a document, separates the contexts before and after it.
    """
    learned = evenly_spaced_slices(0, train_characters, max_chars)
    held_out = evenly_spaced_slices(train_characters, len(ids), min(MAX_SCORED_CHARS, max(1, max_chars // 4)))
    text = concat_pieces(ids, learned, held_out, size=size, end_id=end_id)
    losses, _ = best_probabilities(text)
    best = min(losses)
    return NGram(
        order=losses.index(best) + 1,
        nats=best,
        learned_from=int(text.counted.sum()),
        characters=len(text.scored),
        nats_by_order=tuple(losses),
    )


def best_probabilities(text: CountingText) -> tuple[list[float], FloatArray]:
    """Return the mean loss of each order in nats, up to the first worse one, and the best probabilities, (S,)."""
    losses: list[float] = []
    best = np.empty(0)
    for predicted in probabilities(text):
        losses.append(float(-np.log(predicted).mean()))
        if losses[-1] > min(losses):
            break
        best = predicted
    return losses, best


def evenly_spaced_slices(start: int, stop: int, max_chars: int) -> list[slice]:
    """Return slices of about `max_chars` characters in all, evenly spaced between two positions.

    >>> evenly_spaced_slices(10, 20, 50), evenly_spaced_slices(0, 40960, 8192)
    ([slice(10, 20, None)], [slice(0, 4096, None), slice(20480, 24576, None)])
    """
    if stop - start <= max_chars:
        return [slice(start, stop)]
    count = max(1, max_chars // MIN_PIECE_CHARS)
    starts = [start + piece * (stop - start) // count for piece in range(count)]
    return [slice(begin, begin + max_chars // count) for begin in starts]


def concat_pieces(
    ids: Ids, learned: Sequence[slice], held_out: Sequence[slice], *, size: int, end_id: int | None = None
) -> CountingText:
    """Return training and held-out pieces in one text, each with its context.

    Each `end_id`, which ends a document, is repeated, so that the longest n-gram after it contains nothing before it.
    """
    border = np.full(MAX_ORDER, size, dtype=np.min_scalar_type(size))
    parts, counted, scored = [border], [np.zeros(MAX_ORDER, np.bool_)], [np.zeros(MAX_ORDER, np.bool_)]
    for index, piece in enumerate((*learned, *held_out)):
        context = ids[max(0, piece.start - MAX_ORDER) : piece.start]
        parts += [border[len(context) :], context, ids[piece]]
        in_piece = np.arange(MAX_ORDER + piece.stop - piece.start) >= MAX_ORDER
        counted.append(in_piece & (index < len(learned)))
        scored.append(in_piece & (index >= len(learned)))
    text, is_counted, is_scored = np.concatenate(parts), np.concatenate(counted), np.concatenate(scored)
    if end_id is not None:
        repeats = np.where(text == end_id, MAX_ORDER, 1)
        is_first = np.arange(repeats.sum()) == np.repeat(np.cumsum(repeats) - repeats, repeats)
        text = text.repeat(repeats)
        is_counted, is_scored = is_counted.repeat(repeats) & is_first, is_scored.repeat(repeats) & is_first
    text = text.astype(border.dtype, copy=False)
    return CountingText(text=text, size=size, counted=is_counted, scored=np.flatnonzero(is_scored))


def probabilities(text: CountingText) -> Iterator[FloatArray]:
    """Yield the probabilities of the scored characters, (S,), for orders 1, 2, …, MAX_ORDER."""
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
    """Yield the distinct n-grams of orders 0, 1, 2, …: runs of positions in sorted order with equal histories."""
    positions = _sort_by_history(text.text, text.size + 1)
    counted = np.concatenate([[0], np.cumsum(text.counted[positions], dtype=np.int32)])
    group, differs = np.zeros(len(text.text), np.int32), np.arange(len(positions)) == 0
    yield _Grams(group=group, position=positions[:1], history=group[:1], count=counted[-1:])
    for distance in range(MAX_ORDER):
        character = text.text[positions - distance]
        differs[1:] |= character[1:] != character[:-1]
        starts = np.flatnonzero(differs)
        position, history = positions[starts], group[positions[starts] - 1]
        group = np.zeros_like(group)
        group[positions] = np.cumsum(differs, dtype=np.int32) - 1
        count = np.diff(counted[starts], append=counted[-1])
        yield _Grams(group=group, position=position, history=history, count=count)


def _sort_by_history(text: Ids, base: int) -> NDArray[np.int32]:
    """Return the positions of a text, sorted by the MAX_ORDER characters that end there, the last one first.

    As many characters as fit into 64 bits are compared as one number, then pairs of ranks, which cover twice as many.
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
    # The first positions, in the border, do not have enough characters before them.
    return order[order >= MAX_ORDER - 1].astype(np.int32)


def _interpolated(
    text: CountingText, context: _Grams, grams: _Grams, counts: NDArray[np.int32], lower: FloatArray
) -> FloatArray:
    """Return P(w|h) = (c(hw) - D(c(hw)) + ΣD·P'(w|h')) / c(h), (S,), or P'(w|h') if c(h) is 0.

    `context` are the n-grams h, `grams` the n-grams hw with their `counts` c (G,), and `lower` is P', (S,).
    """
    discounts = _discounts(counts)[np.minimum(counts, 3)]
    history_counts = np.bincount(grams.history, counts, len(context.position))
    history_discounts = np.bincount(grams.history, discounts, len(context.position))
    gram, history = grams.group[text.scored], context.group[text.scored - 1]
    numerator = (counts - discounts)[gram] + history_discounts[history] * lower
    denominator = history_counts[history]
    return np.where(denominator > 0, numerator / np.maximum(denominator, 1), lower)


def _continuations(grams: _Grams, longer: _Grams) -> NDArray[np.int32]:
    """Return the Kneser-Ney continuation count of each n-gram: the number of distinct characters before it, (G,)."""
    suffixes = grams.group[longer.position[longer.count > 0]]
    return np.bincount(suffixes, minlength=len(grams.position)).astype(np.int32)


def _discounts(counts: NDArray[np.int32]) -> FloatArray:
    """Return the discounts of the counts 0, 1, 2, and 3 or more, (4,), estimated from the counts of counts.

    One is added to each count of counts, and discounts do not decrease, so that even a tiny text leaves probability
    for unseen n-grams.
    """
    counts_of_counts = np.bincount(np.minimum(counts, 5), minlength=6)[1:5] + 1.0
    ratio = counts_of_counts[0] / (counts_of_counts[0] + 2 * counts_of_counts[1])
    count = np.arange(1, 4)
    discounts = np.clip(count - (count + 1) * ratio * counts_of_counts[1:] / counts_of_counts[:3], 0, count)
    return np.concatenate([[0], np.maximum.accumulate(discounts)])


# Predictions for another text


@dataclass(frozen=True, kw_only=True, eq=False)
class NGramPredictions:
    """The predictions of the best n-gram model for a text of T characters."""

    order: int
    """characters in the n-gram, including the predicted one"""
    learned_from: int
    """number of training characters that were counted"""
    probabilities: NDArray[np.float64]
    """probability of each character except the first, (T - 1,)"""


def ngram_predictions(
    training: Ids, ids: Ids, *, size: int, max_chars: int = MAX_TRAIN_CHARS, end_id: int | None = None
) -> NGramPredictions:
    """Return the predictions for a text, ids (T,), of the n-gram model of a training text with the lowest loss.

    All ids are below `size`. At most `max_chars` training characters are counted. Each `end_id` separates the
    contexts before and after it.
    """
    parts, learned, end = [], [], 0
    for piece in evenly_spaced_slices(0, len(training), max_chars):
        context_start = max(0, piece.start - MAX_ORDER)
        parts.append(training[context_start : piece.stop])
        learned.append(slice(end + piece.start - context_start, end + piece.stop - context_start))
        end = learned[-1].stop
    joined = np.concatenate([*parts, ids])
    # The context of the first characters of the text is the end of the training characters.
    text = concat_pieces(joined, learned, [slice(end + 1, end + len(ids))], size=size, end_id=end_id)
    losses, probabilities = best_probabilities(text)
    return NGramPredictions(
        order=losses.index(min(losses)) + 1,
        learned_from=sum(piece.stop - piece.start for piece in learned),
        probabilities=probabilities,
    )
