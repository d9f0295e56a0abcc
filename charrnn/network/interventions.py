"""Interventions: cells, or directions of a layer's memory, held at values while a model reads and generates text."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import number
from charrnn.errors import WrongUsageError
from charrnn.network.cell_id import CellId, check_cell, check_clamped_once
from charrnn.network.cells import CELLS
from charrnn.network.clamps import Clamp, Clamps, CombinedClamp, DirectionClamp, LayerClamp
from charrnn.network.inference import InferenceRNN, to_device

MAX_TANH = 0.9999
"""largest |tanh(c)| at which an unbounded cell can be clamped; 1 would need an infinite c"""
MIN_INDEPENDENCE = 0.05
"""smallest singular value at which several directions of a layer can be held together"""

CellValues = Mapping[tuple[int, int], float] | Mapping[CellId, float]
"""values by cell, as (layer from 1, unit from 0): tanh(c) where a cell has c, h of other cells"""
Floats = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldCells:
    """Cells of one layer held at values of their memory: c of LSTM cells, h of other cells."""

    layer: int
    """layer, from 1"""
    units: Sequence[int]
    """n units, from 0"""
    values: Floats
    """value of each unit (n,)"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Direction:
    """A direction of one layer's memory, c of LSTM cells or h of other cells, held at a value of its readout."""

    layer: int
    """layer, from 1"""
    read: Floats
    """weights of the readout (H,)"""
    write: Floats
    """change of the memory that changes the readout by 1 (H,)"""
    value: float
    """value of the readout"""


def checked_clamps(clamps: Mapping[Any, float]) -> dict[Any, float]:
    """Return a dictionary of clamps by name, with values in [-1, 1] (WrongUsageError).

    >>> checked_clamps({"1.7": 1, "string": -0.5})
    {'1.7': 1, 'string': -0.5}
    """
    if not isinstance(clamps, Mapping):
        raise WrongUsageError("clamps must be a dictionary", hint='`{"1.7": 1.0}` clamps a cell at 1')
    return {name: number(value, f"clamps[{name!r}]", low=-1, high=1) for name, value in clamps.items()}


def make_clamps(rnn: InferenceRNN, cell_values: CellValues, held: Iterable[HeldCells | Direction] = ()) -> Clamps:
    """Return the clamps of a whole batch: of single cells, and of other cells and directions that are held.

    All of them hold at the same time. Raise WrongUsageError for a missing cell or layer, an impossible value, a cell
    with two values, or directions of a layer that are too similar to be held independently.
    """
    values = [(CellId(*cell), _memory_value(rnn, cell, value)) for cell, value in cell_values.items()]
    directions: dict[int, list[Direction]] = defaultdict(list)
    for each in held:
        _check_fits(rnn, each)
        if isinstance(each, Direction):
            directions[each.layer].append(each)
        else:
            cells = (CellId(each.layer, unit) for unit in each.units)
            values += zip(cells, each.values.tolist(), strict=True)
    check_clamped_once(cell for cell, _ in values)
    memory: dict[int, dict[int, float]] = defaultdict(dict)
    for cell, value in values:
        memory[cell.layer][cell.unit] = value
    layers = sorted(memory.keys() | directions.keys())
    return {layer: _layer_clamp(rnn, layer, memory[layer], directions[layer]) for layer in layers}


class ClampedPredictor:
    """A predictor whose network has clamped cells, for scoring."""

    def __init__(self, rnn: InferenceRNN, clamps: Clamps) -> None:
        self.config, self.vocabulary_size, self.end_id = rnn.config, rnn.vocabulary_size, rnn.end_id
        self.initial_state = rnn.initial_state
        self.nll = partial(rnn.nll, clamps=clamps)


def _check_fits(rnn: InferenceRNN, held: HeldCells | Direction) -> None:
    """Raise WrongUsageError if a network does not have these cells, or no layer of this size."""
    layers, units = rnn.config.layers, rnn.config.hidden
    if isinstance(held, HeldCells):
        for unit in held.units:
            check_cell((held.layer, unit), layers=layers, units=units)
    elif not 1 <= held.layer <= layers or len(held.read) != units:
        raise WrongUsageError(
            f"a direction of layer {held.layer} with {len(held.read):,} cells does not fit a network of"
            f" {layers} × {units:,} cells",
            hint="a carrier fits the model in which it was found",
        )


def _memory_value(rnn: InferenceRNN, cell: tuple[int, int], value: float) -> float:
    """Return the value of a cell's memory for a value in [-1, 1]: c = artanh(value) of LSTM cells (WrongUsageError).

    A bounded c is clamped in [-1, 1], the values that it can reach, so that tanh(c) is at most 0.76.
    """
    check_cell(cell, layers=rnn.config.layers, units=rnn.config.hidden)
    if not -1 <= value <= 1:
        raise WrongUsageError(f"{cell[0]}.{cell[1]} cannot be clamped at {value:g}: it must be a number from -1 to 1")
    kind = CELLS[rnn.config.cell]
    largest = math.tanh(1) if kind.is_bounded else MAX_TANH
    return math.atanh(max(-largest, min(largest, value))) if kind.has_cell_state else value


def _layer_clamp(
    rnn: InferenceRNN, layer: int, unit_values: Mapping[int, float], directions: Sequence[Direction]
) -> LayerClamp:
    """Return the clamp of one layer from the values of its units, and its directions."""
    mask = np.zeros((1, rnn.config.hidden), dtype=np.bool_)
    values = np.zeros((1, rnn.config.hidden), dtype=np.float32)
    for unit, value in unit_values.items():
        mask[0, unit] = True
        values[0, unit] = value
    parts: list[Clamp | DirectionClamp] = []
    if unit_values:
        parts.append(Clamp(mask=to_device(mask, rnn), values=to_device(values, rnn)))
    for direction, write in zip(directions, _independent_writes(layer, mask[0], directions), strict=True):
        arrays = (direction.read, write, np.array([direction.value]))
        read, write, value = (to_device(array[None].astype(np.float32), rnn) for array in arrays)
        parts.append(DirectionClamp(read=read, write=write, value=value))
    return parts[0] if len(parts) == 1 else CombinedClamp(parts=tuple(parts))


def _independent_writes(layer: int, clamped: NDArray[np.bool_], directions: Sequence[Direction]) -> list[Floats]:
    """Return the change of the memory for each direction that changes neither other readouts nor clamped cells."""
    if not directions:
        return []
    read = np.array([direction.read for direction in directions], dtype=np.float64)
    write = np.where(clamped, 0.0, np.array([direction.write for direction in directions], dtype=np.float64))
    effects = read @ write.T
    if np.linalg.svd(effects, compute_uv=False).min() < MIN_INDEPENDENCE:
        raise WrongUsageError(
            f"these clamps of layer {layer} cannot be combined: they act on nearly the same direction or cells",
            hint="clamp one of them",
        )
    return list(np.linalg.inv(effects).T @ write)
