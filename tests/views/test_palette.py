"""Colours tell sign and strength, to every eye and on every depth of colour."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from charrnn.views.colors import MAX_LEVEL, contrast, digits, diverging_styles, hex_color, luminance, quantize

SYSTEMS = pytest.mark.parametrize("system", ["truecolor", "256", "standard"])
DEEP_SYSTEMS = pytest.mark.parametrize("system", ["truecolor", "256"])
PAGES = pytest.mark.parametrize("light", [False, True])
ACTIVATIONS = st.floats(-1, 1)

# Machado, Oliveira and Fernandes 2009, table 1, full severity; on linear red, green, blue.
EYES = {
    "all cones": np.eye(3),
    "no red cones": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green cones": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue cones": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)


def shade(color: Color | None) -> ColorTriplet:
    """Return what a colour looks like."""
    assert color is not None
    return color.get_truecolor(DEFAULT_TERMINAL_THEME)


def background(table: tuple[Style, ...], level: int) -> ColorTriplet:
    """Return what a level looks like."""
    return shade(table[level + MAX_LEVEL].bgcolor)


def lightness_and_hue(color: ColorTriplet, eye: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a colour in CIE Lab (1976) as an eye sees it."""
    parts = np.array(color.normalized)
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    tristimulus = TO_XYZ @ (eye @ linear).clip(0, 1) / WHITE
    root = np.where(tristimulus > 0.008856, np.cbrt(tristimulus), 7.787 * tristimulus + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@given(ACTIVATIONS)
def test_opposite_activations_have_opposite_levels(activation: float) -> None:
    """The scale is as fine below zero as above."""
    below, above = quantize(np.array([-activation, activation]))
    assert below == -above


@given(st.lists(ACTIVATIONS, min_size=2))
def test_more_is_never_shown_as_less(activations: list[float]) -> None:
    """Levels and digits rise with the activation."""
    rising = np.sort(np.array(activations))
    assert (np.diff(quantize(rising)) >= 0).all()
    assert (np.diff(digits(rising)) >= 0).all()


@given(ACTIVATIONS)
def test_a_digit_tells_the_sign_and_how_strong(activation: float) -> None:
    """Below five is below zero, and a digit is a fifth of the way from zero to one."""
    (digit,) = digits(np.array([activation]))
    assert (digit < 5) == (activation < 0)
    assert (digit - 5) / 5 <= activation <= (digit - 4) / 5


@given(st.floats(1, 1e300))
def test_what_lies_beyond_the_scale_is_shown_at_its_end(activation: float) -> None:
    """No activation is without a level or a digit."""
    ends = np.array([-activation, activation])
    assert quantize(ends).tolist() == [-MAX_LEVEL, MAX_LEVEL]
    assert digits(ends).tolist() == [0, 9]


@SYSTEMS
@PAGES
def test_below_zero_is_warm_and_above_is_blue(system: str, light: bool) -> None:
    """Red over blue is below zero, blue over red is above, and zero is the terminal's own background."""
    table = diverging_styles(system, light=light)
    assert table[MAX_LEVEL].bgcolor is None
    for level in range(1, MAX_LEVEL + 1):
        below, above = background(table, -level), background(table, level)
        assert below.red > below.blue
        assert above.blue > above.red


@SYSTEMS
@PAGES
@pytest.mark.parametrize("eye", EYES)
def test_every_eye_tells_the_sign_and_better_where_it_is_strong(system: str, light: bool, eye: str) -> None:
    """In CIE Lab, where 2 is just visible, a level's two colours lie 15 apart for each step from zero."""
    table = diverging_styles(system, light=light)
    for level in range(1, MAX_LEVEL + 1):
        below, above = (lightness_and_hue(background(table, sign * level), EYES[eye]) for sign in (-1, 1))
        assert np.linalg.norm(above - below) > 15 * level


@DEEP_SYSTEMS
@PAGES
@pytest.mark.parametrize("sign", [-1, 1])
def test_stronger_stands_out_more_from_the_page(system: str, light: bool, sign: int) -> None:
    """On dark each level is brighter than the last, on light darker."""
    table = diverging_styles(system, light=light)
    brightness = [luminance(background(table, sign * level)) for level in range(1, MAX_LEVEL + 1)]
    for weaker, stronger in pairwise(brightness):
        assert (stronger < weaker) if light else (stronger > weaker)


@SYSTEMS
@PAGES
def test_text_is_readable_on_every_level(system: str, light: bool) -> None:
    """The ink has the contrast of 4.5 that the accessibility guidelines ask for."""
    for style in diverging_styles(system, light=light):
        if style.bgcolor:
            assert contrast(luminance(shade(style.color)), luminance(shade(style.bgcolor))) > 4.5


def test_sixteen_colors_are_chosen_by_us() -> None:
    """Two strengths a sign out of the sixteen, none of them a grey or white."""
    numbers = {style.bgcolor.number for style in diverging_styles("standard") if style.bgcolor}
    assert len(numbers) == 4
    assert not numbers & {None, 0, 7, 8, 15}


def test_black_ink_is_readable_on_the_page() -> None:
    """A page needs one ink for all its colours."""
    for level in (*range(-MAX_LEVEL, 0), *range(1, MAX_LEVEL + 1)):
        assert contrast(luminance(shade(Color.parse(hex_color(level)))), 0.0) > 4.5
