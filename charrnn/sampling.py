"""The next character: how one is chosen among all, and text written one character after the other.

How a network comes to its logits is left to `network.reader`. Chance comes in as a generator.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.ending import NO_STOP, StopCriteria
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.network.clamp import Clamps
from charrnn.network.reader import NO_CLAMPS, InferenceRNN, State
from charrnn.network.side_by_side import to_device, to_numpy
from charrnn.prompt import ProgressWrapper, prefill
from charrnn.text.vocabulary import Vocabulary

MIN_TEMPERATURE = 1e-9
"""temperatures between this and 0 are taken as this: beyond it nothing but rounding would be divided"""
DRAWS_PER_CALL = 256

Logits = NDArray[np.floating]
Ids = NDArray[np.intp]
Uniforms = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SamplingParams:
    """How the next character is chosen. The limits apply after the temperature; what they leave keeps its odds."""

    temperature: float = 0.8
    """probabilities to the power of 1/temperature: below 1 safer, above 1 wilder; 0: always the likeliest"""
    top_k: int = 0
    """only the k likeliest; 0: no limit"""
    top_p: float = 1.0
    """only the fewest likeliest that together reach this probability (Holtzman et al. 2020)"""
    min_p: float = 0.0
    """only those at least this likely, measured by the likeliest (Nguyen et al. 2024)"""

    @property
    def truncates(self) -> bool:
        """Say whether some characters are ruled out."""
        return bool(self.top_k or self.min_p) or self.top_p < 1

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise WrongUsageError(f"temperature is {self.temperature}: it must be a number ≥ 0")
        if self.top_k < 0:
            raise WrongUsageError(f"top-k is {self.top_k}: it must be a whole number ≥ 0")
        if not 0 < self.top_p <= 1:
            raise WrongUsageError(f"top-p is {self.top_p}: it must be a number above 0, up to 1")
        if not 0 <= self.min_p <= 1:
            raise WrongUsageError(f"min-p is {self.min_p}: it must be a number from 0 to 1")


DEFAULT_SAMPLING = SamplingParams()


class GeneratedChar(NamedTuple):
    """A character that was written, and the logits that it was chosen by."""

    char: str
    """"" where a document has ended by itself"""
    id: int
    logits: Logits
    """(V,)"""

    @property
    def nll(self) -> float:
        """Say how unexpected it was: −ln p at temperature 1, among all characters."""
        return float(nll_of(self.logits[None], np.array([self.id]))[0])


class Prefilled(NamedTuple):
    """Where writing begins: what a model says of the next character, (1, V), and its state."""

    logits: Logits
    state: State
    clamps: Clamps = NO_CLAMPS
    """what was held while the prompt was read, and is held on"""


def sample_ids(logits: Logits, uniforms: Uniforms, params: SamplingParams) -> Ids:
    """Choose a character for each stream: logits (B, V), one number from [0, 1) each (B,) -> ids (B,).

    By the inverse of the distribution's sum: the same numbers and logits give the same characters, and the
    same numbers and logits that differ a little give mostly the same ones.
    """
    if params.temperature == 0:
        likeliest: Ids = logits.argmax(-1)
        return likeliest
    return inverse_cdf(cumulative_weights(logits, params), uniforms)


def cumulative_weights(logits: Logits, params: SamplingParams) -> NDArray[np.float64]:
    """Add up what each character has for it, at a temperature above 0: (B, V) -> (B, V), rising along V."""
    shifted = logits - logits.max(-1, keepdims=True)
    odds = _truncate_distribution(np.exp(shifted / max(params.temperature, MIN_TEMPERATURE)), params)
    heights: NDArray[np.float64] = np.add.accumulate(odds, -1, dtype=np.float64)
    return heights


def inverse_cdf(heights: NDArray[np.float64], uniforms: Uniforms) -> Ids:
    """Find the first character of each stream whose height is above that share of the last: (B, V), (B,) -> (B,)."""
    # For one stream the number of calls is what counts: each costs as much as its arithmetic on 1,000 characters.
    chosen: Ids = (uniforms * heights[:, -1] < heights.T).argmax(0)
    return chosen


def nll_of(logits: Logits, ids: Ids) -> NDArray[np.float64]:
    """Say how unexpected characters were: −ln p at temperature 1, among all; logits (B, V), ids (B,) -> (B,)."""
    shifted = logits - logits.max(-1, keepdims=True)
    nats: NDArray[np.float64] = np.log(np.exp(shifted).sum(-1, dtype=np.float64)) - shifted[np.arange(len(ids)), ids]
    return nats


def _truncate_distribution(odds: Logits, params: SamplingParams) -> Logits:
    """Zero the odds (B, V) that the limits rule out; the likeliest character's are 1."""
    if params.min_p:
        odds = np.where(odds < params.min_p, 0, odds)
    if not params.top_k and params.top_p == 1:
        return odds
    # A stable order settles ties as argmax does: the lower id is the likelier.
    order = np.argsort(-odds, axis=-1, kind="stable")
    ranked = np.take_along_axis(odds, order, -1)
    if params.top_k:
        ranked[:, params.top_k :] = 0
    heights = np.add.accumulate(ranked, -1, dtype=np.float64)
    ranked[heights - ranked >= params.top_p * heights[:, -1:]] = 0
    truncated = np.empty_like(odds)
    np.put_along_axis(truncated, order, ranked, -1)
    return truncated


def prefill_prompt(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    prompt: str = "",
    *,
    unknown: str = "error",
    clamps: Clamps = NO_CLAMPS,
    progress: ProgressWrapper = iter,
) -> Prefilled:
    """Read what the text is to begin with; nothing: as if a line, or else a word, had just ended.

    A vocabulary with neither newline nor space leaves the zero state, whose logits are the output's bias: how
    frequent each character is. A document begins with a state of its own, and is given nothing. Unknown
    characters are `Vocabulary.encode`'s business (WrongUsageError). Raise CharrnnError if the model's weights are
    so large that what it says is no number.
    """
    ids = vocabulary.encode(prompt, unknown=unknown)
    if not ids.size and rnn.end is None:
        ids = vocabulary.encode(next((end for end in "\n " if end in vocabulary), ""))
    state = prefill(rnn, ids, clamps=clamps, progress=progress)
    logits = to_numpy(rnn.logits(state[-1].hidden))
    if not np.isfinite(logits).all():
        raise CharrnnError("the model's weights are too large to compute with")
    return Prefilled(logits, state, clamps)


def generate(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    *,
    rng: np.random.Generator,
    prefilled: Prefilled | None = None,
    params: SamplingParams = DEFAULT_SAMPLING,
    stop: StopCriteria = NO_STOP,
) -> Iterator[GeneratedChar]:
    """Write one text, each character as soon as it is chosen, by one random number each.

    It goes on from `prefilled`, what `prefill_prompt` made of a prompt, until `stop` says that it is over; a document
    ends by itself, with an empty character for its end. What is written is what comes after the prompt. The same
    generator's state gives the same text; a text that is to be longer begins as a shorter one.
    `together.generate_batch` writes many, each as it would be written here.
    """
    logits, state, clamps = prefilled or prefill_prompt(rnn, vocabulary)
    is_last = stop.checker()
    for draw in uniform_draws(rng):
        ids = sample_ids(logits, np.array([draw]), params)
        char_id = int(ids[0])
        char = "" if char_id == rnn.end else vocabulary.characters[char_id]
        yield GeneratedChar(char, char_id, logits[0])
        if not char or is_last(char):
            return
        logits, state = step_logits(rnn, ids, state, clamps)


def step_logits(rnn: InferenceRNN, ids: Ids, state: State, clamps: Clamps) -> tuple[Logits, State]:
    """Read a character a stream, ids (B,), wherever the reader's arrays are -> logits (B, V), here, and state."""
    logits, state = rnn.step(to_device(ids, rnn), state, clamps)
    return to_numpy(logits), state


def uniform_draws(rng: np.random.Generator) -> Iterator[float]:
    """Draw numbers from [0, 1), one for each character; many at once, which is what makes them cheap."""
    while True:
        yield from rng.random(DRAWS_PER_CALL).tolist()
