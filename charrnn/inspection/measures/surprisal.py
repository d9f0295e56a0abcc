"""Surprisal of each character of a text under a model, and the model's best guesses."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import whole_number
from charrnn.errors import CharrnnError
from charrnn.network.inference import InferenceRNN, log_softmax
from charrnn.text.vocabulary import Ids, Vocabulary

Numbers = NDArray[np.float64]

CHUNK = 128
"""characters read at a time: the odds of all characters are in memory for so long"""
MAX_SHOWN = 5
"""places named as the most surprising"""
CONTEXT_CHARS = 40
"""characters of context on each side of such a place"""
DIGITS = 4
"""of bits and probabilities, in JSON"""


@dataclass(frozen=True, kw_only=True)
class SurprisingPlace:
    """One surprising place."""

    at: int
    """where in the content"""
    bits: float
    """how surprising"""
    before: str
    """the text before it, at most AROUND characters"""
    character: str
    """what stands there"""
    after: str
    """the text after it"""
    guess: str
    """what the model would have said"""
    probability: float
    """how sure it was of that"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Surprise:
    """What a model expected at each of a text's T characters; the first is predicted by nothing."""

    model: str
    """the path of the model's file"""
    text: str
    """the text's name"""
    start: int
    """where in the text the content begins"""
    content: str
    """the characters that were read"""
    bits: Numbers
    """-log2 p of each character (T,); of the first, 0"""
    ranks: NDArray[np.int64]
    """which guess came true, 1 the best (T,); of the first, 0"""
    guesses: tuple[str, ...]
    """the best guesses for each character, the likeliest first (T strings); none for the first"""
    probabilities: Numbers
    """of the guesses (T, guesses)"""

    @property
    def characters(self) -> int:
        """How many were predicted."""
        return len(self.content) - 1

    @property
    def bits_per_char(self) -> float:
        """What a predicted character cost on average."""
        return float(self.bits.sum()) / self.characters

    def top_k_accuracy(self, rank: int) -> float:
        """Say how often the character was among so many best guesses."""
        return float((self.ranks[1:] <= whole_number(rank, "rank")).mean())

    def most_surprising(self, count: int = MAX_SHOWN) -> tuple[SurprisingPlace, ...]:
        """Give the most surprising places, the worst first."""
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
        """Give plain values, rounded; for the first character null and no guesses."""
        odds = self.probabilities.round(DIGITS).tolist()
        return {
            "view": "surprise",
            "model": self.model,
            "text": self.text,
            "start": self.start,
            "characters": self.characters,
            "bits_per_char": round(self.bits_per_char, DIGITS),
            "best_guess_right": round(self.top_k_accuracy(1), DIGITS),
            "content": self.content,
            "bits": [None, *self.bits[1:].round(DIGITS).tolist()],
            "ranks": [None, *self.ranks[1:].tolist()],
            "guesses": [
                [list(pair) for pair in zip(characters, row, strict=False)]
                for characters, row in zip(self.guesses, odds, strict=True)
            ],
            "most_surprising": [
                {"at": self.start + place.at, "bits": round(place.bits, DIGITS), "character": place.character}
                for place in self.most_surprising()
            ],
        }


def measure_surprisal(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    ids: Ids,
    *,
    guesses: int,
    model: str = "",
    text: str = "",
    start: int = 0,
) -> Surprise:
    """Read a text's ids (T,) in one stream from the zero state, and keep so many best guesses.

    Raise CharrnnError where there are fewer than two.
    """
    check_predictable(ids)
    guess_count = min(guesses, len(vocabulary))
    bits, ranks = np.zeros(len(ids)), np.zeros(len(ids), np.int64)
    likeliest, odds = np.zeros((len(ids), guess_count), np.int64), np.zeros((len(ids), guess_count))
    state = rnn.initial_state(1)
    for begin in range(0, len(ids) - 1, CHUNK):
        targets = ids[begin + 1 : begin + 1 + CHUNK]
        cache = rnn.run_with_cache(ids[begin : begin + len(targets), None], state)
        state = cache.state
        log_probs = log_softmax(rnn.logits(cache.layers[-1].hidden[:, 0])).astype(np.float64)
        here = slice(begin + 1, begin + 1 + len(targets))
        true = np.take_along_axis(log_probs, targets[:, None], 1)
        bits[here] = np.abs(true[:, 0]) / math.log(2)
        likeliest[here] = _top_ids(log_probs, guess_count)
        odds[here] = np.exp(np.take_along_axis(log_probs, likeliest[here], 1))
        ranks[here] = _ranks(log_probs, true, targets)
    return Surprise(
        model=model,
        text=text,
        start=start,
        content=vocabulary.decode(ids.tolist()),
        bits=bits,
        ranks=ranks,
        guesses=("", *(vocabulary.decode(row) for row in likeliest[1:].tolist())),
        probabilities=odds,
    )


def check_predictable(ids: Ids) -> None:
    """Raise CharrnnError for a text that is too short for a character to be predicted in it."""
    if len(ids) < 2:
        raise CharrnnError(f"{len(ids)} character is too little: the first is predicted by nothing")


def _top_ids(log_probs: Numbers, count: int) -> NDArray[np.int64]:
    """Give the ids of the highest, the highest first, equals in their own order: (T, V) -> (T, count)."""
    return np.argsort(-log_probs, axis=1, kind="stable")[:, :count]


def _ranks(log_probs: Numbers, true: Numbers, targets: Ids) -> NDArray[np.int64]:
    """Say which place what came takes among all, from 1; of equals, the lower id is before: as in `_top_ids`."""
    before = (log_probs > true) | ((log_probs == true) & (np.arange(log_probs.shape[1]) < targets[:, None]))
    ranks: NDArray[np.int64] = 1 + before.sum(axis=1)
    return ranks
