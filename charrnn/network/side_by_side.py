"""Streams side by side: picked out of a state and joined to one, and arrays put where a reader's are, and fetched.

What the streams say is left to `reader`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.network.cells import Array, CellState, array_module
from charrnn.network.reader import InferenceRNN, State


def select_rows(state: State, streams: Any) -> State:
    """Take streams out of a state, by a slice or by their numbers, in that order; one may come more than once."""
    return tuple(CellState(*(None if part is None else part[streams] for part in layer)) for layer in state)


def concat_rows(states: Sequence[State]) -> State:
    """Put the streams of several states side by side."""
    return tuple(CellState(*map(_concat, zip(*layers, strict=True))) for layers in zip(*states, strict=True))


def _concat(parts: Sequence[Array | None]) -> Array | None:
    return None if parts[0] is None else array_module(parts[0]).concatenate(tuple(parts))


def to_device(values: NDArray[Any], rnn: InferenceRNN) -> Array:
    """Put an array where a reader's stepping happens."""
    like = rnn.output_weight
    return values if isinstance(like, np.ndarray) else array_module(like).as_tensor(values, device=like.device)


def to_numpy(array: Array) -> NDArray[Any]:
    """Fetch an array from wherever it is."""
    return array if isinstance(array, np.ndarray) else np.asarray(array.cpu())
