"""Autoregressive generation: prefill of a prompt, one character after the other, and stop criteria."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.generation.sampling import DEFAULT_SAMPLING, CharIds, Logits, SamplingParams, nll_of, sample_ids
from charrnn.network.cells import Array, CellState, Clamps, State, concat_rows, select_rows, tanh
from charrnn.network.inference import NO_CLAMPS, InferenceRNN, to_device, to_numpy
from charrnn.text.vocabulary import Ids, Vocabulary

# Stop criteria: the length of a text, or the last characters of it

DEFAULT_CHARS, MAX_DOCUMENT_CHARS = 500, 100_000
"""characters; a document ends by itself, but one by a model that has hardly learned may not"""

StopCheck = Callable[[str], bool]
"""is shown each character of one text as it is written, and says whether that was the last one"""


@dataclass(frozen=True, kw_only=True)
class StopCriteria:
    """What ends a text, whichever comes first; with nothing of it the text goes on for ever.

    >>> last = StopCriteria(max_chars=9, stop=("na",)).checker()
    >>> [last(character) for character in "bana"]
    [False, False, False, True]
    """

    max_chars: int | None = None
    """characters, the prompt not counted"""
    stop: tuple[str, ...] = ()
    """texts that end it as soon as one of them has been written, the prompt not counted; they stay in it"""

    def __post_init__(self) -> None:
        if self.max_chars is not None and self.max_chars < 1:
            raise WrongUsageError(f"length is {self.max_chars}: it must be a whole number ≥ 1")
        if "" in self.stop:
            raise WrongUsageError("the text to stop at is empty")
        if self.max_chars is not None and max(map(len, self.stop), default=0) > self.max_chars:
            longest = _truncated(max(self.stop, key=len))
            raise WrongUsageError(f"the text to stop at {longest} is longer than the length, {self.max_chars:,}")

    def checker(self) -> StopCheck:
        """Begin to watch a text."""
        longest, left, tail = max(map(len, self.stop), default=0), self.max_chars, ""

        def is_last(character: str) -> bool:
            nonlocal left, tail
            if longest:
                tail = (tail + character)[-longest:]
            if left is not None:
                left -= 1
            return left == 0 or (longest > 0 and tail.endswith(self.stop))

        return is_last

    def matched_stop(self, text: str) -> str | None:
        """Say which stop text ended a text, the longest if several did; None: none of them."""
        return max((stop for stop in self.stop if text.endswith(stop)), key=len, default=None)


NO_STOP = StopCriteria()


def default_max_chars(*, documents: bool) -> int:
    """Say how many characters are written where nobody says it: a document is to end by itself."""
    return MAX_DOCUMENT_CHARS if documents else DEFAULT_CHARS


def _truncated(text: str, most: int = 40) -> str:
    return repr(text if len(text) <= most else f"{text[:most]}…")


# Prefill. One stream of text is read one character after the other, and each step costs as much as a dozen streams
# side by side. A long prompt is therefore cut into rows that are read together from the zero state, before the states
# that precede them are known. Each row is then begun again from the state that the row before it left. A network
# forgets: soon it reaches the state that it had at that place the first time, and from there on nothing changes.
# Where it does not, one stream reads on.

PARALLEL_ROWS = 64
PARALLEL_FROM_CHARS = 20_000
"""characters; shorter texts are read in one row"""
CHECK_EVERY_CHARS = 256
"""characters of a row between two looks at its state, at least"""
MAX_SAVED_STATES = 64
"""at a row's states at most, for they are kept: what bounds the memory, whatever the length"""
STATE_TOLERANCE = 2e-6
"""how near two states must be to be the same: a few roundings of a float32"""

Chunks = Sequence[Ids]
ProgressWrapper = Callable[[Chunks], Iterable[Ids]]
"""goes through the pieces of a text as they are read, and may tell how far it has come"""


def prefill(
    rnn: InferenceRNN,
    ids: Ids,
    *,
    clamps: Clamps = NO_CLAMPS,
    progress: ProgressWrapper = iter,
    rows: int | None = None,
) -> State:
    """Read a text, ids (T,), from the zero state; give the state of one stream that it leaves.

    In that many rows; left out, in one or many, as its length is worth. What many leave is what one leaves, but for
    rounding, and but for how far beyond full an LSTM's memory is.
    """
    wanted = (PARALLEL_ROWS if len(ids) >= PARALLEL_FROM_CHARS else 1) if rows is None else rows
    state = rnn.initial_state(1)
    if wanted == 1:
        return _last_state(_states_by_chunk(rnn, ids[:, None], state, clamps, progress), state)
    # One stream reads what does not divide.
    rest = len(ids) % wanted
    state = _last_state(_states_by_chunk(rnn, ids[:rest, None], state, clamps), state)
    return _prefill_rows(rnn, ids[rest:].reshape(wanted, -1).T, state, clamps, progress)


def _prefill_rows(rnn: InferenceRNN, ids: Ids, state: State, clamps: Clamps, progress: ProgressWrapper) -> State:
    """Read rows, ids (T, B), that follow each other; the first goes on from the state of one stream."""
    initial = concat_rows([state, rnn.initial_state(ids.shape[1] - 1)])
    checkpoints = list(_states_by_chunk(rnn, ids, initial, clamps, progress))
    final_states = checkpoints[-1]
    second_pass = _states_by_chunk(rnn, ids[:, 1:], select_rows(final_states, slice(None, -1)), clamps)
    for first_state, second_state in zip(checkpoints, second_pass, strict=False):
        differing = ~_converged(second_state, select_rows(first_state, slice(1, None)))
        if not differing.any():
            return select_rows(final_states, slice(-1, None))
    # All rows before the first that stayed apart are right, and so is what it came to this time.
    first = int(differing.argmax())
    state = select_rows(second_state, slice(first, first + 1))
    unread = ids[:, first + 2 :].T.reshape(-1, 1)
    return _last_state(_states_by_chunk(rnn, unread, state, clamps, progress), state)


def _states_by_chunk(
    rnn: InferenceRNN, ids: Ids, state: State, clamps: Clamps, progress: ProgressWrapper = iter
) -> Iterator[State]:
    """Read streams, ids (T, B), and give their state after every piece."""
    length = max(CHECK_EVERY_CHARS, -(-len(ids) // MAX_SAVED_STATES))
    for piece in progress([ids[start : start + length] for start in range(0, len(ids), length)]):
        for column in to_device(piece, rnn):
            state = rnn.step_state(column, state, clamps)
        yield state


def _last_state(states: Iterable[State], first: State) -> State:
    for state in states:
        first = state
    return first


def _converged(first: State, second: State) -> NDArray[np.bool_]:
    """Say of each stream whether two states of it are the same to all that listen, to rounding, (B,).

    What an LSTM's memory is felt by is its tanh: one that has added up to 20 or to 20,000 is as full.
    """
    observable = (
        [part for layer in first for part in _observable_state(layer)],
        [part for layer in second for part in _observable_state(layer)],
    )
    near = [to_numpy((abs(a - b) <= STATE_TOLERANCE).all(-1)) for a, b in zip(*observable, strict=True)]
    same: NDArray[np.bool_] = np.logical_and.reduce(near)
    return same


def _observable_state(layer: CellState) -> tuple[Array, ...]:
    return (layer.hidden,) if layer.cell_state is None else (layer.hidden, tanh(layer.cell_state))


# Generation

DRAWS_PER_CALL = 256


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


def step_logits(rnn: InferenceRNN, ids: CharIds, state: State, clamps: Clamps) -> tuple[Logits, State]:
    """Read a character a stream, ids (B,), wherever the reader's arrays are -> logits (B, V), here, and state."""
    logits, state = rnn.step(to_device(ids, rnn), state, clamps)
    return to_numpy(logits), state


def uniform_draws(rng: np.random.Generator) -> Iterator[float]:
    """Draw numbers from [0, 1), one for each character; many at once, which is what makes them cheap."""
    while True:
        yield from rng.random(DRAWS_PER_CALL).tolist()
