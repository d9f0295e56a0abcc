"""Directions of a layer's memory that carry a concept: erasure of all information that is linearly readable.

The closed form is that of LEACE (Belrose et al. 2023) for one concept. With the covariance Σ of the memory x and its
covariance σ with the concept, the readout w = Σ⁻¹σ predicts the concept, and x - σ (w·x - w·μ) / (σ·w) has no linear
information about it. Thus erasure holds the readout at its mean, as mean ablation holds a cell.

The memory of an LSTM is c, and h is computed from it at every step: a concept erased from h alone would be written
again from c at the next step. The memory of other cells is h. The erasure is repeated after every character, because
the cells write the concept again. It is compared with the erasure of placebo concepts and of random directions that
remove the same variance. These controls are made uncorrelated with the readout of the concept, so that their repeated
erasure does not erase a part of the concept, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.splits import ConceptCodes, SplitStreams
from charrnn.inspection.search.statistics import Numbers
from charrnn.network.inference import LayerCache
from charrnn.network.interventions import Direction

MAX_SAMPLED_NUMBERS = 6_000_000
"""maximum number of values in the sample of the memory"""
DEAD_SCALE = 1e-3
"""standard deviation below which a cell counts as dead"""
SHRINKAGE = 1e-3
"""ridge penalty of the readout, as a fraction of a cell's variance"""
CONTROL_DIRECTIONS = 8
"""number of directions with which the erasure of a concept is compared: of placebo concepts, and random ones"""
MAX_PLACEBO_DIRECTIONS = 4
"""maximum number of directions of placebo concepts among them"""


class MemorySample:
    """The memory of all cells at evenly spaced characters of the discovery streams."""

    def __init__(self, streams: SplitStreams, layers: int, hidden: int) -> None:
        self._streams = np.flatnonzero(streams.discovery)
        self._warm_up, self._hidden = streams.warm_up, hidden
        total = (streams.length - streams.warm_up) * len(self._streams) * layers * hidden
        self._every = max(1, -(-total // MAX_SAMPLED_NUMBERS))
        self._steps: list[int] = []
        self._values: list[NDArray[np.float16]] = []

    def observe(self, first: int, layers: Sequence[LayerCache]) -> None:
        """Store the sampled characters of a chunk that begins at a step of the streams."""
        for step in range(first, first + len(layers[0].steps)):
            if step >= self._warm_up and (step - self._warm_up) % self._every == 0:
                rows = [layer.steps[step - first].state.memory[self._streams] for layer in layers]
                # half precision suffices for covariances of thousands of characters
                self._values.append(np.concatenate(rows, axis=1).astype(np.float16))
                self._steps.append(step - self._warm_up)

    def of_cells(self, layer: int, units: Sequence[int], coding: ConceptCodes) -> tuple[Numbers, NDArray[np.uint8]]:
        """Return the memory of cells of a layer, and the codes of a concept: (N characters, n), (N,)."""
        cells = [(layer - 1) * self._hidden + unit for unit in units]
        values = np.stack([step[:, cells] for step in self._values]).astype(np.float64)
        return values.reshape(-1, len(cells)), coding.codes[self._steps][:, self._streams].ravel()

    def of_layer(self, layer: int) -> "LayerMemory":
        """Return the statistics of a layer, counted from 1."""
        units = slice((layer - 1) * self._hidden, layer * self._hidden)
        values = np.stack([step[:, units] for step in self._values]).astype(np.float32)
        return LayerMemory(layer=layer, values=values, steps=np.array(self._steps), streams=self._streams)


@dataclass(frozen=True, kw_only=True)
class Readout:
    """A linear readout of a layer's memory: weights, the change that moves it, and its mean inside a concept."""

    read: Numbers
    """weights (H,)"""
    write: Numbers
    """change of the memory that changes the readout by 1 (H,)"""
    mean: float
    """mean of the readout on the sample"""
    removed: float
    """variance that the erasure removes, in units of the cells' variances"""

    def held_at(self, value: float, layer: int) -> Direction:
        """Return the intervention that holds the readout at a value."""
        read, write = self.read.astype(np.float32), self.write.astype(np.float32)
        return Direction(layer=layer, read=read, write=write, value=value)


class LayerMemory:
    """Sampled memory of one layer (T, B, H), standardized in place, with its covariance."""

    def __init__(
        self, *, layer: int, values: NDArray[np.float32], steps: NDArray[np.int64], streams: NDArray[np.int64]
    ) -> None:
        self.layer = layer
        self._steps, self._streams = steps, streams
        self._mean = values.mean(axis=(0, 1), dtype=np.float64)
        # drift within a stream must not look like information about a concept
        values -= values.mean(axis=0)
        scale = np.sqrt(np.square(values).mean(axis=(0, 1), dtype=np.float64))
        self._alive = scale > DEAD_SCALE
        self._scale = np.where(self._alive, scale, 1.0)
        values *= (self._alive / self._scale).astype(np.float32)
        self._cells = values.reshape(-1, values.shape[2])
        covariance = (self._cells.T @ self._cells).astype(np.float64) / len(self._cells)
        self._covariance = covariance + SHRINKAGE * np.eye(len(covariance))

    @cached_property
    def _eigenbasis(self) -> tuple[Numbers, Numbers]:
        variances, basis = np.linalg.eigh(self._covariance)
        return variances, basis

    def readout(self, coding: ConceptCodes) -> Readout:
        """Return the readout that predicts the level of a concept."""
        return self._readout(self._covariance_with(coding))

    def _covariance_with(self, coding: ConceptCodes) -> Numbers:
        """Return the covariance of the standardized cells with the level of a concept (H,)."""
        labels = coding.labels[self._steps][:, self._streams]
        centered = (labels - labels.mean(axis=0, dtype=np.float64)).astype(np.float32).ravel()
        covariance: Numbers = (self._cells.T @ centered).astype(np.float64) / len(centered)
        return covariance

    def controls(
        self, coding: ConceptCodes, placebos: Sequence[ConceptCodes], rng: np.random.Generator
    ) -> list[Readout]:
        """Return readouts that are uncorrelated with that of a concept: of placebo concepts, and random ones.

        The erasure of a random readout removes about the same variance. Its weights are normal numbers in the
        eigenbasis, divided by a power of the eigenvalues: a larger power prefers directions of small variance.
        """
        own = self._covariance_with(coding)
        covariances = [self._covariance_with(placebo) for placebo in placebos[:MAX_PLACEBO_DIRECTIONS]]
        removed = self._readout(own).removed
        covariances += self._random_covariances(removed, CONTROL_DIRECTIONS - len(covariances), rng)
        weights = np.linalg.solve(self._covariance, own)
        return [self._readout(other - own * (weights @ other) / (weights @ own)) for other in covariances]

    def _random_covariances(self, removed: float, count: int, rng: np.random.Generator) -> list[Numbers]:
        """Return the covariances of random readouts with the cells."""
        variances, basis = self._eigenbasis
        covariances = []
        for _ in range(count):
            noise = rng.normal(size=len(variances))
            low, high = -1.0, 2.0
            for _ in range(30):
                power = (low + high) / 2.0
                squares = (noise * variances**-power) ** 2
                is_larger = (variances**2 * squares).sum() / (variances * squares).sum() > removed
                low, high = (power, high) if is_larger else (low, power)
            covariances.append(basis @ (noise * variances ** (1.0 - power)))
        return covariances

    def levels(self, readout: Readout, coding: ConceptCodes) -> tuple[Numbers, NDArray[np.uint8]]:
        """Return the readout at the sampled characters, and the concept's codes there (N,), (N,)."""
        values = self._cells @ (readout.read * self._scale).astype(np.float32)
        return values.astype(np.float64) + readout.mean, coding.codes[self._steps][:, self._streams].ravel()

    def _readout(self, covariance: Numbers) -> Readout:
        """Return the readout of a variable, given its covariance with the standardized cells (H,)."""
        weights = np.linalg.solve(self._covariance, covariance)
        explained = max(float(covariance @ weights), 1e-12)
        read = weights / self._scale * self._alive
        return Readout(
            read=read,
            write=covariance * self._scale / explained,
            mean=float(read @ self._mean),
            removed=float(covariance @ covariance) / explained,
        )
