"""Axes hold what they were made for, and say it in round numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.views.axis import decade_axis, doubling_axis, round_axis

FINITE = st.lists(st.integers(-(10**6), 10**6).map(lambda number: number / 1000), min_size=1, max_size=5)


@given(FINITE)
def test_a_round_axis_holds_every_value_it_was_made_for(values: list[float]) -> None:
    """From end to end; with at most as many steps as were asked for, its ends labelled."""
    axis = round_axis(values, most=6)
    assert all(axis.contains(value) and 0 <= axis.position(value) <= 1 for value in values)
    assert 2 <= len(axis.ticks) <= 8
    assert [axis.position(axis.ticks[end][0]) for end in (0, -1)] == pytest.approx([0, 1], abs=1e-6)


@given(FINITE)
def test_an_axis_within_its_values_ends_with_them(values: list[float]) -> None:
    """And labels only what lies on it."""
    axis = round_axis(values, within=True)
    assert (axis.low, axis.high) == (min(values), max(values))
    assert all(-1e-6 <= axis.position(value) <= 1 + 1e-6 for value, _ in axis.ticks)


def test_what_is_no_number_is_on_no_axis() -> None:
    """Nor does it say where one ends; nothing at all has an axis too."""
    assert round_axis([math.nan, 2.0, 1.0]) == round_axis([1.0, 2.0])
    assert not round_axis([1.0, 2.0]).contains(math.nan)
    assert round_axis([]).contains(0.5)


def test_equal_ratios_are_equal_ways_on_a_logarithmic_axis() -> None:
    """1, 8 and 64 at the ends and in the middle; powers of ten alike."""
    assert [doubling_axis(64).position(value) for value in (1, 8, 64)] == pytest.approx([0, 0.5, 1])
    assert [decade_axis(-4).position(value) for value in (1e-4, 1e-2, 1)] == pytest.approx([0, 0.5, 1])
    assert not decade_axis(-4).contains(0.0)


def test_doublings_go_as_far_as_the_last() -> None:
    """Which itself needs no label."""
    axis = doubling_axis(300, "characters back")
    assert [label for _, label in axis.ticks] == ["1", "2", "4", "8", "16", "32", "64", "128", "256"]
    assert (axis.low, axis.high, axis.label) == (1, 300, "characters back")
