"""A prompt of any length, read to the state that it leaves.

One stream of text is read one character after the other, each of which costs as much as a dozen side by side. So a
long one is cut into rows that are read together, from the zero state, before it is known what the rows before them
leave. Then each row is begun again from what the one before it left. A network forgets: soon it is in the state that
it was in at that place the first time, and from there on nothing changes. Where it does not, one stream reads on.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from charrnn.network.cells import Array, CellState, tanh
from charrnn.network.clamp import Clamps
from charrnn.network.reader import NO_CLAMPS, InferenceRNN, State
from charrnn.network.side_by_side import concat_rows, select_rows, to_device, to_numpy
from charrnn.text.vocabulary import Ids

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
