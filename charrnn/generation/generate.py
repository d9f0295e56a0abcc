"""Autoregressive generation: stop criteria, prefill of a prompt, and sampling of one character after the other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.generation.sampling import DEFAULT_SAMPLING, CharIds, Logits, SamplingParams, nll_of, sample_ids
from charrnn.network.cells import CELLS, Array, CellState, State, array_module, concat_rows, select_rows, tanh
from charrnn.network.clamps import Clamps
from charrnn.network.inference import NO_CLAMPS, InferenceRNN, to_device, to_numpy
from charrnn.text.vocabulary import Ids, Vocabulary

# Stop criteria: the length of a text, or its last characters

DEFAULT_CHARS, MAX_DOCUMENT_CHARS = 500, 100_000
"""characters; the limit for documents is for models that have not learned to end a document"""

StopCheck = Callable[[str], bool]
"""called with each generated character of one text; returns whether the text ends with it"""


@dataclass(frozen=True, kw_only=True)
class StopCriteria:
    """Criteria that end a text, whichever is met first. Without any criterion, generation is endless.

    >>> last = StopCriteria(max_chars=9, stop=("na",)).checker()
    >>> [last(character) for character in "bana"]
    [False, False, False, True]
    """

    max_chars: int | None = None
    """maximum number of characters, not counting the prompt"""
    stop: tuple[str, ...] = ()
    """strings that end the text as soon as one of them is generated; they are part of the text"""

    def __post_init__(self) -> None:
        if self.max_chars is not None and self.max_chars < 1:
            raise WrongUsageError(f"length is {self.max_chars}: it must be a whole number ≥ 1")
        if "" in self.stop:
            raise WrongUsageError("the text to stop at is empty")
        if self.max_chars is not None and max(map(len, self.stop), default=0) > self.max_chars:
            longest = _truncated(max(self.stop, key=len))
            raise WrongUsageError(f"the text to stop at {longest} is longer than the length, {self.max_chars:,}")

    def checker(self) -> StopCheck:
        """Return the stop check of a new text."""
        longest, remaining, tail = max(map(len, self.stop), default=0), self.max_chars, ""

        def is_last(character: str) -> bool:
            nonlocal remaining, tail
            if longest:
                tail = (tail + character)[-longest:]
            if remaining is not None:
                remaining -= 1
            return remaining == 0 or (longest > 0 and tail.endswith(self.stop))

        return is_last

    def matched_stop(self, text: str) -> str | None:
        """Return the longest stop string at the end of a text; None if there is none."""
        return max((stop for stop in self.stop if text.endswith(stop)), key=len, default=None)


NO_STOP = StopCriteria()


def default_max_chars(*, documents: bool) -> int:
    """Return the default maximum length; documents end by themselves, so their limit is higher."""
    return MAX_DOCUMENT_CHARS if documents else DEFAULT_CHARS


def _truncated(text: str, max_chars: int = 40) -> str:
    return repr(text if len(text) <= max_chars else f"{text[:max_chars]}…")


# Prefill of a long text in parallel rows. A step with dozens of rows costs as much as a step with one row, so a long
# text is split into rows of equal length. Example with three rows of four characters:
#
#       row 0: a b c d      first pass: all rows are read from the initial state (row 0 from the given state)
#       row 1: e f g h      second pass: each row is read again from the state at the end of the row above
#       row 2: i j k l
#
# A network forgets its initial state. Once all rows reach the states of the first pass again, the remaining states
# are those of the first pass, so the final state of the first pass is correct. Otherwise the first row that does not
# reach them is the first wrong row of the first pass. Its state at the end of the second pass is correct, and the
# rows after it are read one character after the other.

PARALLEL_ROWS = 64
PARALLEL_FROM_CHARS = 20_000
"""characters; shorter texts are read in one row"""
CHECK_EVERY_CHARS = 256
"""minimum number of characters of a row between two saved states"""
MAX_SAVED_STATES = 64
"""saved states of a row, which bounds the memory for texts of any length"""
STATE_TOLERANCE = 2e-6
"""largest difference between equal states: a few roundings of a float32"""

Chunks = Sequence[Ids]
ProgressWrapper = Callable[[Chunks], Iterable[Ids]]
"""yields the chunks of a text unchanged, and may display the progress"""


def prefill(
    rnn: InferenceRNN,
    ids: Ids,
    *,
    clamps: Clamps = NO_CLAMPS,
    progress: ProgressWrapper = iter,
    rows: int | None = None,
) -> State:
    """Return the state of one row after a text, ids (T,), read from the initial state.

    The default number of rows depends on the length. The result does not depend on it, except for rounding and for
    the cell states of saturated LSTM cells.
    """
    if rows is None:
        rows = PARALLEL_ROWS if len(ids) >= PARALLEL_FROM_CHARS else 1
    state = rnn.initial_state(1)
    if rows == 1:
        return _last_state(_states_by_chunk(rnn, ids[:, None], state, clamps, progress), state)
    # The first row is longer if the length is not a multiple of the number of rows.
    remainder = len(ids) % rows
    state = _last_state(_states_by_chunk(rnn, ids[:remainder, None], state, clamps), state)
    return _prefill_rows(rnn, ids[remainder:].reshape(rows, -1).T, state, clamps, progress)


def _prefill_rows(rnn: InferenceRNN, ids: Ids, state: State, clamps: Clamps, progress: ProgressWrapper) -> State:
    """Return the final state of consecutive rows, ids (T, B); the first row starts from `state`."""
    initial = concat_rows([state, rnn.initial_state(ids.shape[1] - 1)])
    first_pass = list(_states_by_chunk(rnn, ids, initial, clamps, progress))
    final_states = first_pass[-1]
    second_pass = _states_by_chunk(rnn, ids[:, 1:], select_rows(final_states, slice(None, -1)), clamps)
    for first_state, second_state in zip(first_pass, second_pass, strict=False):
        diverged = ~_converged(rnn, second_state, select_rows(first_state, slice(1, None)))
        if not diverged.any():
            return select_rows(final_states, slice(-1, None))
    # Row `diverged_row + 1` of the text: the second pass skips row 0.
    diverged_row = int(diverged.argmax())
    correct_state = select_rows(second_state, slice(diverged_row, diverged_row + 1))
    unread = ids[:, diverged_row + 2 :].T.reshape(-1, 1)
    return _last_state(_states_by_chunk(rnn, unread, correct_state, clamps, progress), correct_state)


def _states_by_chunk(
    rnn: InferenceRNN, ids: Ids, state: State, clamps: Clamps, progress: ProgressWrapper = iter
) -> Iterator[State]:
    """Yield the state after each chunk of the rows ids (T, B)."""
    length = max(CHECK_EVERY_CHARS, -(-len(ids) // MAX_SAVED_STATES))
    for chunk in progress([ids[start : start + length] for start in range(0, len(ids), length)]):
        for column in to_device(chunk, rnn):
            state = rnn.step_state(column, state, clamps)
        yield state


def _last_state(states: Iterable[State], initial: State) -> State:
    """Return the last of some states; the initial one if there are none."""
    last = initial
    for state in states:
        last = state
    return last


def _converged(rnn: InferenceRNN, first: State, second: State) -> NDArray[np.bool_]:
    """Return for each row whether two states have the same effect, up to rounding, (B,).

    Only tanh(c) of an LSTM's cell state c has an effect, so values such as 20 and 20,000 count as equal. With
    peepholes c itself has an effect, and arcsinh(c) makes the tolerance of large values relative.
    """
    squash = array_module(first[0].hidden).arcsinh if CELLS[rnn.config.cell].peepholes else tanh
    observable_parts = (
        [part for layer in first for part in _observable_state(layer, squash)],
        [part for layer in second for part in _observable_state(layer, squash)],
    )
    is_near = [to_numpy((abs(a - b) <= STATE_TOLERANCE).all(-1)) for a, b in zip(*observable_parts, strict=True)]
    converged: NDArray[np.bool_] = np.logical_and.reduce(is_near)
    return converged


def _observable_state(layer: CellState, squash: Callable[[Array], Array]) -> tuple[Array, ...]:
    """Return the arrays of a layer's state, (B, H), that have an effect on its outputs."""
    return (layer.hidden,) if layer.cell_state is None else (layer.hidden, squash(layer.cell_state))


# Generation

DRAWS_PER_CALL = 256
"""random numbers, because a call of the generator costs as much as many numbers"""


class GeneratedChar(NamedTuple):
    """A generated character, and the logits that it was sampled from."""

    char: str
    """empty at the end of a document"""
    id: int
    logits: Logits
    """(V,)"""
    state: State
    """state before the character, after all characters that precede it"""

    @property
    def nll(self) -> float:
        """−ln p at temperature 1 without truncation."""
        return float(nll_of(self.logits[None], np.array([self.id]))[0])


class Prefilled(NamedTuple):
    """Logits (B, V) of the next character and the state after a prompt; B is 1 except within a batch."""

    logits: Logits
    state: State
    clamps: Clamps = NO_CLAMPS
    """clamps of the cells while the prompt was read, which stay in place"""


def prefill_prompt(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    prompt: str = "",
    *,
    unknown: str = "error",
    clamps: Clamps = NO_CLAMPS,
    progress: ProgressWrapper = iter,
) -> Prefilled:
    """Return the logits and the state after a prompt.

    An empty prompt is replaced by a line feed or else a space; if the vocabulary has neither, generation starts from
    the zero state, whose logits are the output bias. Documents start from their own initial state.
    `unknown` is that of `Vocabulary.encode` (WrongUsageError). Raise CharrnnError if the logits are not finite.
    """
    ids = vocabulary.encode(prompt, unknown=unknown)
    if not ids.size and rnn.end_id is None:
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
    """Yield the characters of one text as soon as they are sampled, with one random number for each.

    The text continues `prefilled`, the result of `prefill_prompt`, until a stop criterion is met; the prompt is not
    yielded. A document ends with an empty character. The same state of the generator gives the same text, and a
    longer text begins with the shorter one. `batched.generate_batch` yields many such texts.
    """
    logits, state, clamps = prefilled or prefill_prompt(rnn, vocabulary)
    is_last = stop.checker()
    for draw in uniform_draws(rng):
        ids = sample_ids(logits, np.array([draw]), params)
        char_id = int(ids[0])
        char = "" if char_id == rnn.end_id else vocabulary.characters[char_id]
        yield GeneratedChar(char, char_id, logits[0], state)
        if not char or is_last(char):
            return
        logits, state = step_logits(rnn, ids, state, clamps)


def step_logits(rnn: InferenceRNN, ids: CharIds, state: State, clamps: Clamps) -> tuple[Logits, State]:
    """Return logits (B, V), as NumPy array, and the state after one more character of each row, ids (B,)."""
    logits, state = rnn.step(to_device(ids, rnn), state, clamps)
    return to_numpy(logits), state


def uniform_draws(rng: np.random.Generator) -> Iterator[float]:
    """Yield uniform random numbers in [0, 1), drawn many at a time."""
    while True:
        yield from rng.random(DRAWS_PER_CALL).tolist()
