"""Colors show sign and strength in every color system, also to color-blind readers."""

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

# Machado, Oliveira and Fernandes 2009, table 1, full severity; for linear red, green and blue.
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
    """Return the RGB values of a color."""
    assert color is not None
    return color.get_truecolor(DEFAULT_TERMINAL_THEME)


def background(table: tuple[Style, ...], level: int) -> ColorTriplet:
    """Return the RGB values of a level's background."""
    return shade(table[level + MAX_LEVEL].bgcolor)


def lightness_and_hue(color: ColorTriplet, eye: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a color in CIE Lab (1976) as seen with the given cone response."""
    parts = np.array(color.normalized)
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    tristimulus = TO_XYZ @ (eye @ linear).clip(0, 1) / WHITE
    root = np.where(tristimulus > 0.008856, np.cbrt(tristimulus), 7.787 * tristimulus + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@given(ACTIVATIONS)
def test_opposite_activations_have_opposite_levels(activation: float) -> None:
    """The scale is symmetric."""
    below, above = quantize(np.array([-activation, activation]))
    assert below == -above


@given(st.lists(ACTIVATIONS, min_size=2))
def test_levels_and_digits_rise_with_the_activation(activations: list[float]) -> None:
    """A stronger activation never has a lower level or digit."""
    rising = np.sort(np.array(activations))
    assert (np.diff(quantize(rising)) >= 0).all()
    assert (np.diff(digits(rising)) >= 0).all()


@given(ACTIVATIONS)
def test_a_digit_shows_sign_and_strength(activation: float) -> None:
    """Digits below five are negative; each digit is a fifth of the range from zero to one."""
    (digit,) = digits(np.array([activation]))
    assert (digit < 5) == (activation < 0)
    assert (digit - 5) / 5 <= activation <= (digit - 4) / 5


@given(st.floats(1, 1e300))
def test_activations_beyond_the_scale_are_clipped(activation: float) -> None:
    """Every activation has a level and a digit."""
    ends = np.array([-activation, activation])
    assert quantize(ends).tolist() == [-MAX_LEVEL, MAX_LEVEL]
    assert digits(ends).tolist() == [0, 9]


@SYSTEMS
@PAGES
def test_below_zero_is_warm_and_above_is_blue(system: str, light: bool) -> None:
    """Negative levels have more red than blue, positive ones more blue than red; zero has no background."""
    table = diverging_styles(system, light=light)
    assert table[MAX_LEVEL].bgcolor is None
    for level in range(1, MAX_LEVEL + 1):
        below, above = background(table, -level), background(table, level)
        assert below.red > below.blue
        assert above.blue > above.red


@SYSTEMS
@PAGES
@pytest.mark.parametrize("eye", EYES)
def test_every_reader_can_distinguish_the_signs(system: str, light: bool, eye: str) -> None:
    """In CIE Lab, where a distance of 2 is just visible, opposite levels differ by 15 per level."""
    table = diverging_styles(system, light=light)
    for level in range(1, MAX_LEVEL + 1):
        below, above = (lightness_and_hue(background(table, sign * level), EYES[eye]) for sign in (-1, 1))
        assert np.linalg.norm(above - below) > 15 * level


@DEEP_SYSTEMS
@PAGES
@pytest.mark.parametrize("sign", [-1, 1])
def test_stronger_levels_have_more_contrast_with_the_page(system: str, light: bool, sign: int) -> None:
    """Each level is brighter than the last on a dark page, darker on a light page."""
    table = diverging_styles(system, light=light)
    brightness = [luminance(background(table, sign * level)) for level in range(1, MAX_LEVEL + 1)]
    for weaker, stronger in pairwise(brightness):
        assert (stronger < weaker) if light else (stronger > weaker)


@SYSTEMS
@PAGES
def test_text_is_readable_on_every_level(system: str, light: bool) -> None:
    """The contrast is above the 4.5 of WCAG AA."""
    for style in diverging_styles(system, light=light):
        if style.bgcolor:
            assert contrast(luminance(shade(style.color)), luminance(shade(style.bgcolor))) > 4.5


def test_sixteen_colors_have_two_levels_per_sign() -> None:
    """None of the four colors is gray or white."""
    numbers = {style.bgcolor.number for style in diverging_styles("standard") if style.bgcolor}
    assert len(numbers) == 4
    assert not numbers & {None, 0, 7, 8, 15}


def test_black_text_is_readable_on_every_level_of_a_white_page() -> None:
    """SVG images use one text color for all levels."""
    for level in (*range(-MAX_LEVEL, 0), *range(1, MAX_LEVEL + 1)):
        assert contrast(luminance(shade(Color.parse(hex_color(level)))), 0.0) > 4.5
