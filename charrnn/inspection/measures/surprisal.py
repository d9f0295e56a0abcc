"""Surprisal of each character of a text, −log2 p, its rank, and the model's top guesses."""

import math
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import whole_number
from charrnn.errors import CharrnnError
from charrnn.inspection.measures.provenance import DIGITS, Provenance, SourceNames
from charrnn.network.inference import InferenceRNN, log_softmax
from charrnn.text.vocabulary import Ids, Vocabulary

Numbers = NDArray[np.float64]

CHUNK = 128
"""characters per step of the computation; bounds the memory of the log-probabilities (CHUNK, V)"""
MAX_SHOWN = 5
"""number of most surprising places in JSON"""
CONTEXT_CHARS = 40
"""characters of context shown on each side of a surprising place"""


@dataclass(frozen=True, kw_only=True)
class SurprisingPlace:
    """A character with high surprisal, in its context."""

    at: int
    """position in the content"""
    bits: float
    """surprisal of the character"""
    before: str
    """text before the character, at most CONTEXT_CHARS characters"""
    character: str
    """the character itself"""
    after: str
    """text after the character, at most CONTEXT_CHARS characters"""
    guess: str
    """character with the highest probability; empty if no guesses were recorded"""
    probability: float
    """probability of the guess"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Surprise(Provenance):
    """The surprisal of each of T characters and the model's guesses; the first character has no prediction."""

    content: str
    """the T characters that were read, of which T - 1 were predicted"""
    bits: Numbers
    """surprisal -log2 p of each character (T,); 0 for the first"""
    ranks: NDArray[np.int64]
    """rank of each character among the predictions, 1 for the most probable (T,); 0 for the first"""
    guesses: tuple[str, ...]
    """most probable characters at each position, in descending order (T strings); empty for the first"""
    probabilities: Numbers
    """probabilities of the guesses (T, guesses)"""

    @property
    def bits_per_char(self) -> float:
        """The mean surprisal of the predicted characters."""
        return float(self.bits.sum()) / self.characters

    def top_k_accuracy(self, rank: int) -> float:
        """Return the fraction of characters that are among the `rank` most probable guesses."""
        return float((self.ranks[1:] <= whole_number(rank, "rank")).mean())

    def most_surprising(self, count: int = MAX_SHOWN) -> tuple[SurprisingPlace, ...]:
        """Return the places of the highest surprisal, in descending order."""
        worst = np.argsort(-self.bits, kind="stable")[: min(whole_number(count, "count"), self.characters)]
        return tuple(self._surprising_place(int(place)) for place in worst)

    def _surprising_place(self, at: int) -> SurprisingPlace:
        return SurprisingPlace(
            at=at,
            bits=float(self.bits[at]),
            before=self.content[max(0, at - CONTEXT_CHARS) : at],
            character=self.content[at],
            after=self.content[at + 1 : at + 1 + CONTEXT_CHARS],
            guess=self.guesses[at][:1],
            probability=float(self.probabilities[at, 0]) if self.guesses[at] else 0.0,
        )

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON; the first character has null and no guesses."""
        probabilities = self.probabilities.round(DIGITS).tolist()
        return {
            "view": "surprise",
            **self.provenance(),
            "bits_per_char": round(self.bits_per_char, DIGITS),
            "best_guess_right": round(self.top_k_accuracy(1), DIGITS),
            "content": self.content,
            "bits": [None, *self.bits[1:].round(DIGITS).tolist()],
            "ranks": [None, *self.ranks[1:].tolist()],
            "guesses": [
                [list(pair) for pair in zip(characters, row, strict=False)]
                for characters, row in zip(self.guesses, probabilities, strict=True)
            ],
            "most_surprising": [
                {"at": self.start + place.at, "bits": round(place.bits, DIGITS), "character": place.character}
                for place in self.most_surprising()
            ],
        }


def measure_surprisal(
    rnn: InferenceRNN, vocabulary: Vocabulary, ids: Ids, *, guesses: int, **source: Unpack[SourceNames]
) -> Surprise:
    """Return the surprisal of a text's ids (T,), read from the zero state, with the given number of guesses.

    Raise CharrnnError if the text has fewer than two characters.
    """
    check_predictable(ids)
    guess_count = min(guesses, len(vocabulary))
    bits, ranks = np.zeros(len(ids)), np.zeros(len(ids), np.int64)
    top_ids, probabilities = np.zeros((len(ids), guess_count), np.int64), np.zeros((len(ids), guess_count))
    state = rnn.initial_state(1)
    for begin in range(0, len(ids) - 1, CHUNK):
        targets = ids[begin + 1 : begin + 1 + CHUNK]
        cache = rnn.run_with_cache(ids[begin : begin + len(targets), None], state)
        state = cache.state
        log_probs = log_softmax(rnn.logits(cache.layers[-1].hidden[:, 0])).astype(np.float64)
        positions = slice(begin + 1, begin + 1 + len(targets))
        target_log_probs = np.take_along_axis(log_probs, targets[:, None], 1)
        bits[positions] = np.abs(target_log_probs[:, 0]) / math.log(2)
        top_ids[positions] = _top_ids(log_probs, guess_count)
        probabilities[positions] = np.exp(np.take_along_axis(log_probs, top_ids[positions], 1))
        ranks[positions] = _ranks(log_probs, target_log_probs, targets)
    return Surprise(
        **source,
        characters=len(ids) - 1,
        content=vocabulary.decode(ids.tolist()),
        bits=bits,
        ranks=ranks,
        guesses=("", *(vocabulary.decode(row) for row in top_ids[1:].tolist())),
        probabilities=probabilities,
    )


def check_predictable(ids: Ids) -> None:
    """Raise CharrnnError for a text of fewer than two characters, in which nothing is predicted."""
    if len(ids) < 2:
        raise CharrnnError("fewer than two characters are too few: the first is predicted by nothing")


def _top_ids(log_probs: Numbers, count: int) -> NDArray[np.int64]:
    """Return the ids of the highest log-probabilities, descending, ties by id: (T, V) -> (T, count)."""
    return np.argsort(-log_probs, axis=1, kind="stable")[:, :count]


def _ranks(log_probs: Numbers, target_log_probs: Numbers, targets: Ids) -> NDArray[np.int64]:
    """Return the rank of each target from 1, with the order of ties of `_top_ids`: (T, V), (T, 1), (T,) -> (T,)."""
    is_higher = log_probs > target_log_probs
    before = is_higher | ((log_probs == target_log_probs) & (np.arange(log_probs.shape[1]) < targets[:, None]))
    ranks: NDArray[np.int64] = 1 + before.sum(axis=1)
    return ranks
