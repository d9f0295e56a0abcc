"""Values that options accept."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.cli.options import CellIdType, Number
from charrnn.network.cell_id import CellId


@given(st.integers(1, 99), st.integers(0, 9999))
def test_a_cell_is_read_as_it_is_written(layer: int, unit: int) -> None:
    """Layer from 1, a dot, unit from 0; a parsed value is returned unchanged."""
    cell = CellIdType().convert(f"{layer}.{unit}", None, None)
    assert cell == CellId(layer, unit) == CellIdType().convert(cell, None, None)


@pytest.mark.parametrize("value", ["", "2", "0.1", "2.", ".3", "2.3.4", "-1.2", "a.b", "²·³", "1.1\n"])
def test_the_error_for_an_invalid_cell_shows_an_example(value: str) -> None:
    """The error contains an example."""
    with pytest.raises(click.BadParameter, match=r"such as 2\.317"):
        CellIdType().convert(value, None, None)


@given(st.integers(-(2**70), 2**70))
def test_whole_numbers_are_read_exactly(number: int) -> None:
    """A large seed is not rounded."""
    assert Number(integer=True).convert(str(number), None, None) == number


@pytest.mark.parametrize("value", [True, None, "", "x", "nan", "-inf", "1e999", "2.5", [1]])
def test_values_that_are_not_integers_are_refused(value: object) -> None:
    """Including typed values of a settings file."""
    with pytest.raises(click.BadParameter, match="must be a whole number"):
        Number(integer=True).convert(value, None, None)


@pytest.mark.parametrize(("text", "read"), [("1e3", 1000), ("3.0", 3), (4.0, 4)])
def test_a_whole_number_may_be_written_with_a_point(text: object, read: int) -> None:
    """1e3 steps are 1,000 steps."""
    number = Number(integer=True).convert(text, None, None)
    assert number == read
    assert isinstance(number, int)


def test_bounds_are_kept() -> None:
    """The lower bound itself is excluded if `low_excluded` is set."""
    assert Number(0, 1).convert("0", None, None) == 0
    for wrong in ("-0.1", "1.1", "0"):
        with pytest.raises(click.BadParameter, match="> 0 and ≤ 1"):
            Number(0, 1, low_excluded=True).convert(wrong, None, None)


@pytest.mark.parametrize("value", ["1" + "0" * 400, "9" * 5000, 10**400, "1e400"])
@pytest.mark.parametrize(
    "kind", [Number(0, integer=True, hard_limit=10**12), Number(0, 1), Number(0, 10**12, integer=True)]
)
def test_a_number_of_hundreds_of_digits_is_refused_in_one_short_line(kind: Number, value: object) -> None:
    """The number is finite, and larger than any float."""
    with pytest.raises(click.BadParameter, match="must be") as caught:
        kind.convert(value, None, None)
    assert len(caught.value.message) < 120


def test_a_hard_limit_is_mentioned_only_if_it_is_exceeded() -> None:
    """The error for -1 does not mention the upper bound."""
    kind = Number(0, integer=True, hard_limit=10**9)
    assert kind.convert("1e9", None, None) == 10**9
    for value, message in (
        ("-1", "must be a whole number ≥ 0, not -1"),
        ("1e10", "must be at most 1,000,000,000, not 1e10"),
    ):
        with pytest.raises(click.BadParameter) as caught:
            kind.convert(value, None, None)
        assert caught.value.message == message
