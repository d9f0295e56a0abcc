"""Gate saturation: the fraction of time for which each gate is nearly closed or open, and the memory span of cells.

After Karpathy, Johnson and Li 2015, section 4.2 (arXiv:1506.02078): a gate is left-saturated below 0.1 and
right-saturated above 0.9.
"""

import math
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.measures.activations import run_over_text
from charrnn.inspection.measures.provenance import Provenance, SourceNames, rounded_fields, rounded_list
from charrnn.inspection.search.statistics import DEAD_VARIANCE, Numbers, Signals, rank_correlation
from charrnn.network.cells import CELLS
from charrnn.network.inference import InferenceRNN, LayerCache
from charrnn.text.vocabulary import Ids

# Autocorrelation time: the lag at which the autocorrelation falls below 1/e. It is computed in one pass over chunks
# of continuing rows; only the values within the longest lag are kept.

LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""lags in characters; the crossing of 1/e between two of them is interpolated linearly"""


class Autocorrelation:
    """Running sums for the autocorrelation of H cells: values, squares and products of lagged values."""

    longest = LAGS[-1]
    """longest lag in characters"""

    def __init__(self, cells: int) -> None:
        self.characters = 0
        self.sums, self.squares = np.zeros(cells), np.zeros(cells)
        self.products, self.pair_counts = np.zeros((len(LAGS), cells)), np.zeros(len(LAGS))
        self._center: Signals | None = None
        """means of the first chunk (H,), subtracted from all values to avoid cancellation"""
        self._history = np.empty((0,))
        self._history_counted = np.empty((0,), np.bool_)

    def add(self, values: Signals, counted: NDArray[np.bool_]) -> None:
        """Add the next T characters of B rows: values (T, B, H), counted (T, B)."""
        if self._center is None:
            self._center = values[counted].mean(axis=0)
            self._history = np.zeros((self.longest, *values.shape[1:]), values.dtype)
            self._history_counted = np.zeros((self.longest, values.shape[1]), np.bool_)
        deviations = np.where(counted[:, :, None], values - self._center, 0)
        extended = np.concatenate([self._history, deviations])
        extended_counted = np.concatenate([self._history_counted, counted])
        self.characters += int(counted.sum())
        self.sums += deviations.sum(axis=(0, 1), dtype=np.float64)
        self.squares += np.einsum("tbh,tbh->h", deviations, deviations)
        for number, lag in enumerate(LAGS):
            earlier = slice(self.longest - lag, len(extended) - lag)
            self.products[number] += np.einsum("tbh,tbh->h", deviations, extended[earlier])
            self.pair_counts[number] += (counted & extended_counted[earlier]).sum()
        self._history, self._history_counted = extended[-self.longest :], extended_counted[-self.longest :]

    def variance(self) -> Numbers:
        """Return the variance of each cell (H,)."""
        variance: Numbers = self.squares / self.characters - (self.sums / self.characters) ** 2
        return np.maximum(variance, 0.0)

    def correlation_times(self) -> Numbers:
        """Return the lag at which each cell's autocorrelation falls below 1/e (H,); inf if it never does."""
        mean = self.sums / self.characters
        measured = self.pair_counts > 0
        covariance = self.products[measured] / self.pair_counts[measured, None] - mean**2
        variance = self.variance()
        correlation = np.vstack([np.ones_like(mean), covariance / np.where(variance > 0, variance, 1.0)])
        lags = np.array([0, *np.array(LAGS)[measured]], np.float64)
        below = correlation < math.exp(-1)
        first = below.argmax(axis=0)
        cells = np.arange(len(mean))
        high, low = correlation[first - 1, cells], correlation[first, cells]
        share = (high - math.exp(-1)) / np.where(high > low, high - low, 1.0)
        crossing = lags[first - 1] + share * (lags[first] - lags[first - 1])
        return np.where(below.any(axis=0), crossing, np.inf)


# Gates

LEFT_SATURATED, RIGHT_SATURATED = 0.1, 0.9
"""a gate below the first or above the second value is saturated"""
MOSTLY_FRACTION = 0.9
"""fraction of the time for which the keep gate is saturated in a cell that never, or always, forgets"""
MIN_KEEP_GATE = 1e-12
"""lower bound of the keep gate before its logarithm is taken"""

GATE_NAMES = {
    "i": "input gate i",
    "f": "forget gate f",
    "o": "output gate o",
    "r": "reset gate r",
    "z": "update gate z",
}
GATES = {cell: tuple(gate for gate in kind.gates if gate in GATE_NAMES) for cell, kind in CELLS.items()}
"""letters of the gates, with values between 0 and 1, of each cell type"""
KEEP_GATE = {cell: next((gate for gate in gates if gate in "fz"), None) for cell, gates in GATES.items()}
"""gate that multiplies the previous state: the forget gate of an LSTM, z in torch's form of the GRU"""


@dataclass(frozen=True, kw_only=True, eq=False)
class GateShares:
    """Fractions of the time for which one gate of a layer's H cells was saturated."""

    gate: str
    """name of the gate, such as "forget gate f"; "h" for a tanh network"""
    low: Numbers
    """fraction of the time below 0.1, or below -0.9 for h of a tanh network (H,)"""
    high: Numbers
    """fraction of the time above 0.9 (H,)"""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerGates:
    """Gate saturation and memory spans of the H cells of one layer."""

    layer: int
    """number of the layer, from 1"""
    saturations: tuple[GateShares, ...]
    """saturation of each gate; of h itself for a tanh network, which has no gates"""
    keeping: str
    """letter of the keep gate; "" if the cell type has none"""
    time_constants: Numbers | None
    """characters until the keep gate alone lets a cell decay to 1/e, −1 / mean ln f (H,); None without a keep gate"""
    correlation_times: Numbers
    """characters until the autocorrelation of a cell falls below 1/e (H,); inf if longer than the longest lag"""
    dead: NDArray[np.bool_]
    """cells with almost no variance (H,)"""

    @property
    def never_forgets(self) -> NDArray[np.bool_]:
        """The cells whose keep gate is nearly always open (H,)."""
        return self._mostly("high")

    @property
    def always_forgets(self) -> NDArray[np.bool_]:
        """The cells whose keep gate is nearly always closed (H,); they work as feed-forward units."""
        return self._mostly("low")

    @property
    def agreement(self) -> float | None:
        """The rank correlation of time constants and correlation times over the live cells; None without either."""
        if self.time_constants is None:
            return None
        return rank_correlation(self.time_constants[~self.dead], self.correlation_times[~self.dead])

    def _mostly(self, side: str) -> NDArray[np.bool_]:
        for saturation in self.saturations:
            if saturation.gate == GATE_NAMES.get(self.keeping):
                share: Numbers = getattr(saturation, side)
                return share >= MOSTLY_FRACTION
        return np.zeros(len(self.dead), np.bool_)

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON; an infinite time is null."""
        return {
            "layer": self.layer,
            "gates": {
                saturation.gate: {"low": _json(saturation.low), "high": _json(saturation.high)}
                for saturation in self.saturations
            },
            "never_forgets": int(self.never_forgets.sum()) if self.keeping else None,
            "always_forgets": int(self.always_forgets.sum()) if self.keeping else None,
            "dead": int(self.dead.sum()),
            "time_constants": None if self.time_constants is None else _json(self.time_constants),
            "correlation_times": _json(self.correlation_times),
            **rounded_fields(self, "agreement"),
        }


@dataclass(frozen=True, kw_only=True)
class GateSaturation(Provenance):
    """Gate saturation of all layers of a model over a text."""

    cell: str
    """cell type, such as lstm"""
    signal: str
    """signal whose autocorrelation is measured: tanh(c) or h"""
    longest: int
    """longest lag of the autocorrelation, in characters"""
    layers: tuple[LayerGates, ...]
    """the layers, the lowest first"""

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON."""
        return {
            "view": "gates",
            **self.provenance(),
            "cell": self.cell,
            "signal": self.signal,
            "longest": self.longest,
            "layers": [layer.to_json() for layer in self.layers],
        }


def measure_gates(rnn: InferenceRNN, ids: Ids, **source: Unpack[SourceNames]) -> GateSaturation:
    """Return the gate saturation of a model over a text's ids (T,), in one pass."""
    accumulators = [_LayerSums(rnn.config.cell, rnn.config.hidden) for _ in range(rnn.config.layers)]
    for cache, _, counted in run_over_text(rnn, ids):
        for accumulator, layer in zip(accumulators, cache.layers, strict=True):
            accumulator.add(layer, counted)
    return GateSaturation(
        **source,
        characters=len(ids),
        cell=rnn.config.cell,
        signal=rnn.signal_name,
        longest=Autocorrelation.longest,
        layers=tuple(accumulator.record(number) for number, accumulator in enumerate(accumulators, 1)),
    )


class _LayerSums:
    """Running sums for the gates of one layer."""

    def __init__(self, cell: str, hidden: int) -> None:
        self.gates, self.keeping = GATES[cell], KEEP_GATE[cell]
        self.low, self.high = ({name: np.zeros(hidden) for name in self.gates or ("h",)} for _ in range(2))
        self.log_keep_gate = np.zeros(hidden)
        """sum of the logarithm of the keep gate (H,)"""
        self.correlation = Autocorrelation(hidden)

    def add(self, layer: LayerCache, counted: NDArray[np.bool_]) -> None:
        """Add the activations of a chunk at the counted characters (T, B)."""
        for name in self.gates:
            values = layer.gate(name)[counted]
            self._count(name, values, LEFT_SATURATED, RIGHT_SATURATED)
            if name == self.keeping:
                self.log_keep_gate += np.log(np.maximum(values, MIN_KEEP_GATE)).sum(axis=0, dtype=np.float64)
        if not self.gates:
            self._count("h", layer.hidden[counted], -RIGHT_SATURATED, RIGHT_SATURATED)
        self.correlation.add(layer.signal, counted)

    def _count(self, name: str, values: NDArray[np.floating], low: float, high: float) -> None:
        self.low[name] += (values < low).sum(axis=0)
        self.high[name] += (values > high).sum(axis=0)

    def record(self, number: int) -> LayerGates:
        """Return the record of the layer, which has the given number."""
        characters = self.correlation.characters
        return LayerGates(
            layer=number,
            saturations=tuple(
                GateShares(gate=GATE_NAMES.get(name, name), low=self.low[name] / characters, high=high / characters)
                for name, high in self.high.items()
            ),
            keeping=self.keeping or "",
            time_constants=_time_constants(self.log_keep_gate / characters) if self.keeping else None,
            correlation_times=self.correlation.correlation_times(),
            dead=self.correlation.variance() < DEAD_VARIANCE,
        )


def _time_constants(mean_log: Numbers) -> Numbers:
    """Return −1 / mean ln f (H,); inf if the gate is 1 to machine precision."""
    with np.errstate(divide="ignore"):
        times: Numbers = np.where(mean_log < 0, -1 / mean_log, np.inf)
    return times


def _json(values: Numbers) -> list[float | None]:
    return rounded_list(values.tolist())
