"""Axes of plots: their range, their ticks, and the position of a value."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

Tick = tuple[float, str]

_STEPS = 1, 2, 5, 10
"""round steps between ticks, times a power of ten"""
_EXPONENT_FROM = 4
"""a power of ten smaller than 1 is written with its exponent from this exponent on"""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The range of one direction of a plot."""

    low: float
    """lower or left end"""
    high: float
    """upper or right end"""
    ticks: tuple[Tick, ...]
    """values with their labels, in ascending order"""
    label: str = ""
    """quantity with its unit"""
    logarithmic: bool = False
    """whether equal distances are equal ratios; both ends must be positive"""

    def contains(self, value: float) -> bool:
        """Return whether a value lies on the axis; nan does not."""
        return self.low <= value <= self.high

    def position(self, value: float) -> float:
        """Return the position of a value on the axis, 0 to 1."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return (value - low) / (high - low) if high > low else 0.5


def round_axis(values: Iterable[float], label: str = "", *, most: int = 6, within: bool = False) -> Axis:
    """Return an axis for values, with ticks at round numbers and at most `most` steps.

    The ends are round numbers; with `within` they are the lowest and the highest value.

    >>> [word for _, word in round_axis([1.73, 6.02]).ticks]
    ['1', '2', '3', '4', '5', '6', '7']
    >>> round_axis([0, 3381], within=True).ticks[-1]
    (3000.0, '3,000')
    """
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    step, digits = _step((high - low) or abs(high) or 1.0, most)
    first, last = (math.ceil(low / step), math.floor(high / step)) if within else _around(low, high, step)
    ticks = tuple((number * step, f"{number * step:,.{digits}f}") for number in range(first, last + 1))
    if not within:
        low, high = min(low, first * step), max(high, last * step)
    return Axis(low=low, high=high, ticks=ticks, label=label)


def doubling_axis(last: float, label: str = "") -> Axis:
    """Return a logarithmic axis from 1 to `last`, with ticks at the powers of two."""
    last = max(last, 1)
    ticks = tuple((2.0**power, f"{2**power}") for power in range(int(math.log2(last)) + 1))
    return Axis(low=1, high=last, ticks=ticks, label=label, logarithmic=True)


def decade_axis(lowest: int, label: str = "") -> Axis:
    """Return a logarithmic axis from the power of ten `lowest` to 1, with a tick at each power.

    >>> decade_axis(-5).ticks
    ((1e-05, '1e-5'), (0.0001, '1e-4'), (0.001, '0.001'), (0.01, '0.01'), (0.1, '0.1'), (1.0, '1'))
    """
    powers = range(lowest, 1)
    labels = (f"1e{power}" if power <= -_EXPONENT_FROM else f"{10.0**power:g}" for power in powers)
    ticks = tuple(zip((10.0**power for power in powers), labels, strict=True))
    return Axis(low=10.0**lowest, high=1.0, ticks=ticks, label=label, logarithmic=True)


def _step(span: float, most: int) -> tuple[float, int]:
    """Return the smallest round step that fits into a span at most `most` times, and the decimals of its labels."""
    power = math.floor(math.log10(span / most))
    step = next(factor for factor in _STEPS if factor * 10.0**power * most >= span * (1 - 1e-9)) * 10.0**power
    return step, max(0, -math.floor(math.log10(step) + 1e-9))


def _around(low: float, high: float, step: float) -> tuple[int, int]:
    """Return the numbers of the steps just below `low` and just above `high`."""
    first = math.floor(low / step + 1e-9)
    return first, max(math.ceil(high / step - 1e-9), first + 1)
