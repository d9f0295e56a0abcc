"""N-gram models: equal to the textbook definition, and bounded for texts of any length."""

import math
from collections import Counter, defaultdict
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.text.ngram import (
    MAX_ORDER,
    MIN_PIECE_CHARS,
    FloatArray,
    concat_pieces,
    evenly_spaced_slices,
    fit_best_ngram,
    probabilities,
)
from charrnn.text.vocabulary import Ids

Gram = tuple[int, ...]


class Textbook:
    """Modified Kneser-Ney smoothing with dictionaries, one character at a time."""

    def __init__(self, learned: list[int], size: int, longest: int = MAX_ORDER) -> None:
        self.size, self.learned = size, learned
        text = [size] * MAX_ORDER + learned
        positions = range(MAX_ORDER, len(text))
        self.times = [Counter(tuple(text[p + 1 - n : p + 1]) for p in positions) for n in range(longest + 2)]
        before: list[dict[Gram, set[int]]] = [defaultdict(set) for _ in range(longest + 1)]
        for n in range(1, longest + 1):
            for gram in self.times[n + 1]:
                before[n][gram[1:]].add(gram[0])
        self.kinds = [Counter({gram: len(kinds) for gram, kinds in grams.items()}) for grams in before]
        self.tables = {True: self._tables(self.times), False: self._tables(self.kinds)}

    def _tables(self, counts: list[Counter[Gram]]) -> list[tuple[Counter[Gram], list[float], dict[Gram, list[int]]]]:
        tables = []
        for grams in counts:
            after: dict[Gram, list[int]] = defaultdict(list)
            for gram, count in grams.items():
                after[gram[:-1]].append(count)
            tables.append((grams, self._discounts(list(grams.values())), after))
        return tables

    def _discounts(self, counts: list[int]) -> list[float]:
        n = [1 + sum(count == number for count in counts) for number in range(5)]
        y, discounts = n[1] / (n[1] + 2 * n[2]), [0.0]
        for number in (1, 2, 3):
            discount = number - (number + 1) * y * n[number + 1] / n[number]
            discounts.append(max(discounts[-1], min(number, max(0.0, discount))))
        return discounts

    def probability(self, character: int, context: Gram, *, highest: bool = True) -> float:
        """Return P(character | context)."""
        lower = self.probability(character, context[1:], highest=False) if context else 1 / self.size
        counts, discounts, after = self.tables[highest][len(context) + 1]
        if context not in after:
            return lower
        count = counts[(*context, character)]
        spared = sum(discounts[min(c, 3)] for c in after[context])
        return (count - discounts[min(count, 3)] + spared * lower) / sum(after[context])

    def predict(self, held_out: list[int], order: int) -> list[float]:
        """Return the probability of each held-out character, after the training text."""
        text = [self.size] * MAX_ORDER + self.learned + held_out
        return [self.probability(text[p], tuple(text[p + 1 - order : p])) for p in range(len(text))[-len(held_out) :]]


def predicted(learned: list[int], held_out: list[int], size: int) -> list[FloatArray]:
    """Return the probabilities of the fast implementation for every order."""
    ids, end = np.array(learned + held_out, np.min_scalar_type(size - 1)), len(learned)
    reading = concat_pieces(ids, [slice(0, end)], [slice(end, len(ids))], size=size)
    return list(probabilities(reading))


def random_text(length: int, size: int, seed: int = 0) -> Ids:
    """Return a text in which some characters and their successors are more frequent than others."""
    rng = np.random.default_rng(seed)
    words = [rng.integers(0, size, rng.integers(1, 7)) ** 2 // size for _ in range(12)]
    return np.concatenate([words[k] for k in rng.integers(0, 12, length)])[:length]


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=60),
    st.lists(st.integers(0, 4), min_size=1, max_size=30),
)
@settings(deadline=None, max_examples=60)
def test_every_probability_equals_the_textbook_definition(learned: list[int], held_out: list[int]) -> None:
    """For every position and order: in tiny texts, shorter than the order, with an unseen character."""
    textbook = Textbook(learned, 5)
    for order, fast in enumerate(predicted(learned, held_out, 5), 1):
        np.testing.assert_allclose(fast, textbook.predict(held_out, order), rtol=1e-9)


@pytest.mark.parametrize("size", [2, 37, 65, 300, 70_000, 1_114_112])
def test_vocabularies_can_have_any_size(size: int) -> None:
    """No two n-grams are packed into the same number."""
    text = random_text(900, size).tolist()
    textbook = Textbook(text[:800], size)
    for order, fast in enumerate(predicted(text[:800], text[800:], size), 1):
        np.testing.assert_allclose(fast, textbook.predict(text[800:], order), rtol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3, 5, MAX_ORDER])
def test_probabilities_sum_to_one(order: int) -> None:
    """Over the vocabulary, after seen and unseen contexts."""
    size, learned = 7, random_text(500, 6)
    contexts = [learned[k : k + MAX_ORDER] for k in range(0, 400, 40)] + list(
        random_text(20 * MAX_ORDER, 7).reshape(20, -1)
    )
    tried = [np.append(context, character) for context in contexts for character in range(size)]
    ids = np.concatenate([learned, *tried])
    positions = [500 + (k + 1) * (MAX_ORDER + 1) - 1 for k in range(len(tried))]
    reading = concat_pieces(
        ids, [slice(0, 500)], [slice(position, position + 1) for position in positions], size=size
    )
    probability = next(islice(probabilities(reading), order - 1, None))
    assert probability.min() > 0
    np.testing.assert_allclose(probability.reshape(-1, size).sum(axis=1), 1, rtol=1e-9)


def test_the_best_order_is_the_one_with_the_lowest_loss() -> None:
    """The loss is the mean over the held-out text; the next order was worse."""
    text = random_text(3000, 20)
    best = fit_best_ngram(text, train_characters=2700, size=20)
    losses = [
        -np.log(probability).mean() for probability in predicted(text[:2700].tolist(), text[2700:].tolist(), 20)
    ]
    np.testing.assert_allclose(best.nats_by_order, losses[: len(best.nats_by_order)], rtol=1e-9)
    assert best.nats == min(best.nats_by_order) == best.nats_by_order[best.order - 1]
    assert len(best.nats_by_order) == best.order + 1
    assert (best.learned_from, best.characters) == (2700, 300)


def test_a_repetitive_text_has_the_maximum_order() -> None:
    """Every longer n-gram is better."""
    best = fit_best_ngram(np.tile(random_text(400, 2), 10), train_characters=3600, size=2)
    assert best.order == len(best.nats_by_order) == MAX_ORDER
    assert best.nats < 0.3 * math.log(2)


def test_a_constant_text_has_no_loss() -> None:
    """The only character has probability one."""
    assert fit_best_ngram(np.zeros(300, np.uint8), train_characters=270, size=1).nats == pytest.approx(0, abs=1e-12)


def test_a_long_text_is_represented_by_pieces() -> None:
    """The pieces are within the limit, and spread over the text."""
    ids = np.arange(50 * MIN_PIECE_CHARS) % 251
    best = fit_best_ngram(ids, train_characters=45 * MIN_PIECE_CHARS, size=251, max_chars=8 * MIN_PIECE_CHARS)
    assert (best.learned_from, best.characters) == (8 * MIN_PIECE_CHARS, 2 * MIN_PIECE_CHARS)
    pieces = evenly_spaced_slices(0, 45 * MIN_PIECE_CHARS, 8 * MIN_PIECE_CHARS)
    assert pieces[0].start == 0
    assert pieces[-1].stop > 40 * MIN_PIECE_CHARS
    assert all(first.stop < second.start for first, second in pairwise(pieces))


@pytest.mark.parametrize("max_chars", [1, 2, 50, MIN_PIECE_CHARS - 1, MIN_PIECE_CHARS + 1])
def test_any_limit_leaves_training_characters(max_chars: int) -> None:
    """A single character too."""
    best = fit_best_ngram(
        random_text(3 * MIN_PIECE_CHARS, 9), train_characters=2 * MIN_PIECE_CHARS, size=9, max_chars=max_chars
    )
    assert 0 < best.learned_from <= max_chars
    assert 0 < best.characters <= max(1, max_chars)
    assert math.isfinite(best.nats)


def test_adjacent_pieces_give_the_probabilities_of_the_whole_text() -> None:
    """Each piece has the characters before it as context."""
    ids = random_text(1000, 30)
    cut = [slice(0, 5), slice(5, 300), slice(300, 301), slice(301, 900)]
    held_out = [slice(900, 910), slice(910, 1000)]
    complete = probabilities(concat_pieces(ids, [slice(0, 900)], [slice(900, 1000)], size=30))
    for first, second in zip(complete, probabilities(concat_pieces(ids, cut, held_out, size=30)), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-12)


def test_held_out_text_is_not_counted() -> None:
    """Later held-out characters do not change earlier probabilities."""
    ids = random_text(1000, 30)
    changed_ids = np.concatenate([ids[:950], ids[:50]])
    for first, second in zip(
        *(probabilities(concat_pieces(i, [slice(0, 900)], [slice(900, 1000)], size=30)) for i in (ids, changed_ids)),
        strict=True,
    ):
        assert np.array_equal(first[:50], second[:50])
