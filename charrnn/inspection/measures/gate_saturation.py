"""Gate saturation: the share of time for which each gate is almost closed or open, and the memory of cells.

After Karpathy, Johnson and Li 2015, section 4.2 (arXiv:1506.02078): a gate is left-saturated below 0.1 and
right-saturated above 0.9.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.measures.activations import run_over_text
from charrnn.inspection.search.statistics import DEAD_VARIANCE, Numbers, Signals, rank_correlation
from charrnn.network.inference import InferenceRNN, LayerCache
from charrnn.text.vocabulary import Ids

# Autocorrelation: the lag at which it falls below 1/e, in one pass over chunks of continuing rows, of which as much
# is kept as the longest lag needs

LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""characters; between two of them the lag is read off a straight line"""


class Autocorrelation:
    """Sums of H cells' values, and of their products with those some lags before."""

    longest = LAGS[-1]

    def __init__(self, cells: int) -> None:
        self.characters = 0
        self.sums, self.squares = np.zeros(cells), np.zeros(cells)
        self.products, self.pairs = np.zeros((len(LAGS), cells)), np.zeros(len(LAGS))
        self._center: Signals | None = None
        """near the means, subtracted from all values, so that squares keep their digits (H,)"""
        self._before = np.empty((0,))
        self._counted_before = np.empty((0,), np.bool_)

    def add(self, values: Signals, counted: NDArray[np.bool_]) -> None:
        """Take the next T characters of B rows: values (T, B, H), and whether they count (T, B)."""
        if self._center is None:
            self._center = values[counted].mean(axis=0)
            self._before = np.zeros((self.longest, *values.shape[1:]), values.dtype)
            self._counted_before = np.zeros((self.longest, values.shape[1]), np.bool_)
        deviations = np.where(counted[:, :, None], values - self._center, 0)
        joined = np.concatenate([self._before, deviations])
        both = np.concatenate([self._counted_before, counted])
        self.characters += int(counted.sum())
        self.sums += deviations.sum(axis=(0, 1), dtype=np.float64)
        self.squares += np.einsum("tbh,tbh->h", deviations, deviations)
        for number, lag in enumerate(LAGS):
            earlier = slice(self.longest - lag, len(joined) - lag)
            self.products[number] += np.einsum("tbh,tbh->h", deviations, joined[earlier])
            self.pairs[number] += (counted & both[earlier]).sum()
        self._before, self._counted_before = joined[-self.longest :], both[-self.longest :]

    def variance(self) -> Numbers:
        """Give the variance of each cell (H,)."""
        spread: Numbers = self.squares / self.characters - (self.sums / self.characters) ** 2
        return np.maximum(spread, 0.0)

    def correlation_times(self) -> Numbers:
        """Give the lag at which each cell's autocorrelation falls below 1/e (H,); inf if it does at none."""
        mean = self.sums / self.characters
        measured = self.pairs > 0
        covariance = self.products[measured] / self.pairs[measured, None] - mean**2
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
"""a gate beyond these is saturated"""
MOSTLY_FRACTION = 0.9
"""of the time: a cell whose keeping gate is saturated for so long never forgets, or always does"""
MIN_KEEP_GATE = 1e-12
"""of a keeping gate, before its logarithm is taken"""
DIGITS = 4
"""of shares and times, in JSON"""

GATES = {"lstm": ("i", "f", "o"), "gru": ("r", "z"), "rnn": ()}
"""what of each kind of cell is a gate: between 0 and 1"""
KEEP_GATE = {"lstm": "f", "gru": "z", "rnn": None}
"""the gate whose opening is what a cell keeps of itself; in torch's GRU that is z"""
GATE_NAMES = {
    "i": "input gate i",
    "f": "forget gate f",
    "o": "output gate o",
    "r": "reset gate r",
    "z": "update gate z",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class GateShares:
    """How long one gate of a layer's H cells was saturated."""

    gate: str
    """what it is called"""
    low: Numbers
    """the share of the time that it was below 0.1; for the tanh network's h, below -0.9 (H,)"""
    high: Numbers
    """the share of the time that it was above 0.9 (H,)"""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerGates:
    """The gates of one layer, and how long its H cells remember."""

    layer: int
    """from 1"""
    saturations: tuple[GateShares, ...]
    """of each gate; of a tanh network, which has none, of h itself"""
    keeping: str
    """the gate that keeps, by its letter; "" for none"""
    time_constants: Numbers | None
    """characters until the keeping gate alone has let a cell fall to 1/e, −1 / mean ln f (H,); None without one"""
    correlation_times: Numbers
    """characters until the cell's autocorrelation falls below 1/e (H,); inf: not within what was measured"""
    dead: NDArray[np.bool_]
    """cells that do not move (H,)"""

    @property
    def never_forgets(self) -> NDArray[np.bool_]:
        """The cells whose keeping gate is open nearly always (H,)."""
        return self._mostly("high")

    @property
    def always_forgets(self) -> NDArray[np.bool_]:
        """The cells whose keeping gate is shut nearly always (H,): feed-forward, they hardly remember."""
        return self._mostly("low")

    @property
    def agreement(self) -> float | None:
        """The rank correlation of both times over the cells that move; None where there is nothing to compare."""
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
        """Give plain values, rounded; a time that has no end is null."""
        return {
            "layer": self.layer,
            "gates": {
                saturation.gate: {"low": _shares(saturation.low), "high": _shares(saturation.high)}
                for saturation in self.saturations
            },
            "never_forgets": int(self.never_forgets.sum()) if self.keeping else None,
            "always_forgets": int(self.always_forgets.sum()) if self.keeping else None,
            "dead": int(self.dead.sum()),
            "time_constants": None if self.time_constants is None else _times(self.time_constants),
            "correlation_times": _times(self.correlation_times),
            "agreement": None if self.agreement is None else round(self.agreement, DIGITS),
        }


@dataclass(frozen=True, kw_only=True)
class GateSaturation:
    """The gates of all of a model's layers over a text."""

    model: str
    """the path of the model's file"""
    text: str
    """the text's name"""
    start: int = 0
    """where in it was begun to read"""
    characters: int
    """how many were read"""
    cell: str
    """lstm, gru or rnn"""
    signal: str
    """what of a cell the autocorrelation is of: tanh(c) or h"""
    longest: int
    """characters beyond which no autocorrelation was measured"""
    layers: tuple[LayerGates, ...]
    """the lowest first"""

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        return {
            "view": "gates",
            "model": self.model,
            "text": self.text,
            "start": self.start,
            "characters": self.characters,
            "cell": self.cell,
            "signal": self.signal,
            "longest": self.longest,
            "layers": [layer.to_json() for layer in self.layers],
        }


def measure_gates(rnn: InferenceRNN, ids: Ids, *, model: str = "", text: str = "", start: int = 0) -> GateSaturation:
    """Read a text's ids (T,) once, and count."""
    counts = [_Counts(rnn.config.cell, rnn.config.hidden) for _ in range(rnn.config.layers)]
    for cache, _, counted in run_over_text(rnn, ids):
        for count, layer in zip(counts, cache.layers, strict=True):
            count.add(layer, counted)
    return GateSaturation(
        model=model,
        text=text,
        start=start,
        characters=len(ids),
        cell=rnn.config.cell,
        signal=rnn.signal_name,
        longest=counts[0].correlation.longest,
        layers=tuple(count.layer(number) for number, count in enumerate(counts, 1)),
    )


class _Counts:
    """What has been counted of one layer so far."""

    def __init__(self, cell: str, hidden: int) -> None:
        self.gates, self.keeping = GATES[cell], KEEP_GATE[cell]
        self.low, self.high = ({name: np.zeros(hidden) for name in self.gates or ("h",)} for _ in range(2))
        self.kept = np.zeros(hidden)
        """the sum of ln f"""
        self.correlation = Autocorrelation(hidden)

    def add(self, layer: LayerCache, counted: NDArray[np.bool_]) -> None:
        """Count what the layer did where it counts, (T, B)."""
        for name in self.gates:
            values = layer.gate(name)[counted]
            self._count(name, values, LEFT_SATURATED, RIGHT_SATURATED)
            if name == self.keeping:
                self.kept += np.log(np.maximum(values, MIN_KEEP_GATE)).sum(axis=0, dtype=np.float64)
        if not self.gates:
            self._count("h", layer.hidden[counted], -RIGHT_SATURATED, RIGHT_SATURATED)
        self.correlation.add(layer.signal, counted)

    def _count(self, name: str, values: NDArray[np.floating], low: float, high: float) -> None:
        self.low[name] += (values < low).sum(axis=0)
        self.high[name] += (values > high).sum(axis=0)

    def layer(self, number: int) -> LayerGates:
        """Give the layer's record."""
        characters = self.correlation.characters
        return LayerGates(
            layer=number,
            saturations=tuple(
                GateShares(gate=GATE_NAMES.get(name, name), low=self.low[name] / characters, high=high / characters)
                for name, high in self.high.items()
            ),
            keeping=self.keeping or "",
            time_constants=_time_constants(self.kept / characters) if self.keeping else None,
            correlation_times=self.correlation.correlation_times(),
            dead=self.correlation.variance() < DEAD_VARIANCE,
        )


def _time_constants(mean_log: Numbers) -> Numbers:
    """Give −1 / mean ln f; a gate that is 1 to rounding never lets go: inf."""
    with np.errstate(divide="ignore"):
        times: Numbers = np.where(mean_log < 0, -1 / mean_log, np.inf)
    return times


def _shares(values: Numbers) -> list[float]:
    return [round(value, DIGITS) for value in values.tolist()]


def _times(values: Numbers) -> list[float | None]:
    return [round(value, DIGITS) if np.isfinite(value) else None for value in values.tolist()]
