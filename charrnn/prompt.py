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
from charrnn.network.reader import NOTHING_HELD, Reader, State
from charrnn.network.side_by_side import fetched, joined, picked, put
from charrnn.text.vocabulary import Ids

ROWS = 64
LONG = 20_000
"""characters; shorter texts are read in one row"""
PIECE = 256
"""characters of a row between two looks at its state, at least"""
LOOKS = 64
"""at a row's states at most, for they are kept: what bounds the memory, whatever the length"""
CLOSE = 2e-6
"""how near two states must be to be the same: a few roundings of a float32"""

Pieces = Sequence[Ids]
Watched = Callable[[Pieces], Iterable[Ids]]
"""goes through the pieces of a text as they are read, and may tell how far it has come"""


def read_through(
    reader: Reader,
    ids: Ids,
    *,
    clamps: Clamps = NOTHING_HELD,
    watched: Watched = iter,
    rows: int | None = None,
) -> State:
    """Read a text, ids (T,), from the zero state; give the state of one stream that it leaves.

    In that many rows; left out, in one or many, as its length is worth. What many leave is what one leaves, but for
    rounding, and but for how far beyond full an LSTM's memory is.
    """
    wanted = (ROWS if len(ids) >= LONG else 1) if rows is None else rows
    state = reader.start(1)
    if wanted == 1:
        return _last(_states(reader, ids[:, None], state, clamps, watched), state)
    # One stream reads what does not divide.
    rest = len(ids) % wanted
    state = _last(_states(reader, ids[:rest, None], state, clamps), state)
    return _read_rows(reader, ids[rest:].reshape(wanted, -1).T, state, clamps, watched)


def _read_rows(reader: Reader, ids: Ids, state: State, clamps: Clamps, watched: Watched) -> State:
    """Read rows, ids (T, B), that follow each other; the first goes on from the state of one stream."""
    begun = joined([state, reader.start(ids.shape[1] - 1)])
    seen = list(_states(reader, ids, begun, clamps, watched))
    ends = seen[-1]
    again = _states(reader, ids[:, 1:], picked(ends, slice(None, -1)), clamps)
    for then, now in zip(seen, again, strict=False):
        apart = ~_close(now, picked(then, slice(1, None)))
        if not apart.any():
            return picked(ends, slice(-1, None))
    # All rows before the first that stayed apart are right, and so is what it came to this time.
    first = int(apart.argmax())
    state = picked(now, slice(first, first + 1))
    unread = ids[:, first + 2 :].T.reshape(-1, 1)
    return _last(_states(reader, unread, state, clamps, watched), state)


def _states(reader: Reader, ids: Ids, state: State, clamps: Clamps, watched: Watched = iter) -> Iterator[State]:
    """Read streams, ids (T, B), and give their state after every piece."""
    length = max(PIECE, -(-len(ids) // LOOKS))
    for piece in watched([ids[start : start + length] for start in range(0, len(ids), length)]):
        for column in put(piece, reader):
            state = reader.advance(column, state, clamps)
        yield state


def _last(states: Iterable[State], first: State) -> State:
    for state in states:
        first = state
    return first


def _close(one: State, other: State) -> NDArray[np.bool_]:
    """Say of each stream whether two states of it are the same to all that listen, to rounding, (B,).

    What an LSTM's memory is felt by is its tanh: one that has added up to 20 or to 20,000 is as full.
    """
    felt = [part for layer in one for part in _felt(layer)], [part for layer in other for part in _felt(layer)]
    near = [fetched((abs(a - b) <= CLOSE).all(-1)) for a, b in zip(*felt, strict=True)]
    same: NDArray[np.bool_] = np.logical_and.reduce(near)
    return same


def _felt(layer: CellState) -> tuple[Array, ...]:
    return (layer.hidden,) if layer.memory is None else (layer.hidden, tanh(layer.memory))
