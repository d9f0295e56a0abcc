"""Measured generation: each generated character with its surprisal, or with an activation after it."""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from charrnn.generation.generate import GeneratedChar
from charrnn.generation.sampling import Logits
from charrnn.network.cell_id import CellId, check_cell
from charrnn.network.cells import CELLS, State
from charrnn.network.clamps import Clamps
from charrnn.network.inference import InferenceRNN, to_device

MeasuredChar = tuple[GeneratedChar, float]
"""a generated character and its value"""
Activation = Callable[[State], float]
"""returns an activation, from -1 to 1, of one stream in a state"""


def with_surprisal(generated: Iterable[GeneratedChar]) -> Iterator[MeasuredChar]:
    """Yield each character with its surprisal in bits, −log2 p, at temperature 1 without truncation."""
    for entry in generated:
        yield entry, _surprisal(entry.logits, entry.id)


def _surprisal(logits: Logits, char_id: int) -> float:
    """Return −log2 p of a character: logits (V,); for one row this needs half the time of `sampling.nll_of`."""
    shifted = logits - np.maximum.reduce(logits)
    return (math.log(np.add.reduce(np.exp(shifted))) - float(shifted[char_id])) / math.log(2)


def with_activation(
    generated: Iterable[GeneratedChar], activation: Activation, last_state: Callable[[GeneratedChar], State]
) -> Iterator[MeasuredChar]:
    """Yield each character with an activation after the network has read the character.

    Therefore a character is yielded when the next one is generated. `last_state` returns the state after the last
    character, which the generation has not read.
    """
    previous: GeneratedChar | None = None
    for entry in generated:
        if previous:
            yield previous, activation(entry.state)
        previous = entry
    if previous:
        yield previous, activation(last_state(previous))


def state_after(generated: GeneratedChar, rnn: InferenceRNN, clamps: Clamps) -> State:
    """Return the state after a generated character."""
    return rnn.step_state(to_device(np.array([generated.id]), rnn), generated.state, clamps)


def cell_activation(rnn: InferenceRNN, cell: CellId) -> Activation:
    """Return the function that reads a cell: tanh(c), or h of cells without c (WrongUsageError: no such cell)."""
    check_cell(cell, layers=rnn.config.layers, units=rnn.config.hidden)
    layer, unit = cell.layer - 1, cell.unit
    if CELLS[rnn.config.cell].has_cell_state:
        # math.tanh of one number needs a tenth of the time of NumPy's tanh.
        return lambda state: math.tanh(state[layer].cell_state[0, unit])  # type: ignore[index]
    return lambda state: float(state[layer].hidden[0, unit])
