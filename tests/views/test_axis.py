"""Axes of plots contain their values and have ticks at round numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.views.plot import decade_axis, doubling_axis, linear_axis

FINITE = st.lists(st.integers(-(10**6), 10**6).map(lambda number: number / 1000), min_size=1, max_size=5)


@given(FINITE)
def test_a_round_axis_contains_all_of_its_values(values: list[float]) -> None:
    """Its ends have labels, and it has at most the requested number of steps."""
    axis = linear_axis(values, max_intervals=6)
    assert all(axis.contains(value) and 0 <= axis.position(value) <= 1 for value in values)
    assert 2 <= len(axis.ticks) <= 8
    assert [axis.position(axis.ticks[end][0]) for end in (0, -1)] == pytest.approx([0, 1], abs=1e-6)


@given(FINITE)
def test_an_axis_within_its_values_ends_at_the_lowest_and_highest(values: list[float]) -> None:
    """All of its ticks lie between its ends."""
    axis = linear_axis(values, tight=True)
    assert (axis.low, axis.high) == (min(values), max(values))
    assert all(-1e-6 <= axis.position(value) <= 1 + 1e-6 for value, _ in axis.ticks)


def test_nan_is_on_no_axis() -> None:
    """It does not affect the ends of an axis either; an axis of no values exists."""
    assert linear_axis([math.nan, 2.0, 1.0]) == linear_axis([1.0, 2.0])
    assert not linear_axis([1.0, 2.0]).contains(math.nan)
    assert linear_axis([]).contains(0.5)


def test_equal_ratios_are_equal_distances_on_a_logarithmic_axis() -> None:
    """On an axis from 1 to 64, 8 lies in the middle; axes of powers of ten are alike."""
    assert [doubling_axis(64).position(value) for value in (1, 8, 64)] == pytest.approx([0, 0.5, 1])
    assert [decade_axis(-4).position(value) for value in (1e-4, 1e-2, 1)] == pytest.approx([0, 0.5, 1])
    assert not decade_axis(-4).contains(0.0)


def test_an_axis_of_doublings_ends_at_the_last_value() -> None:
    """Ticks are at the powers of two; the end itself has no label."""
    axis = doubling_axis(300, "characters back")
    assert [label for _, label in axis.ticks] == ["1", "2", "4", "8", "16", "32", "64", "128", "256"]
    assert (axis.low, axis.high, axis.label) == (1, 300, "characters back")
