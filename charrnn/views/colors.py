"""Color scales: a diverging scale for activations, and a sequential scale for quantities from zero."""

from functools import cache
from itertools import chain
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

# The diverging scale: orange below zero, blue above, no color at zero; color-blind readers can tell the two apart

Levels: TypeAlias = NDArray[np.int64]
Shades: TypeAlias = tuple[str, ...]
Numbers: TypeAlias = tuple[int, ...]

MAX_LEVEL = 5
"""levels run from -MAX_LEVEL to MAX_LEVEL; so few that neighboring characters often share a level"""

# Each ramp: strongest orange ... weakest orange, weakest blue ... strongest blue. Zero has no color.
DIVERGING_ON_DARK: Shades = (
    *("#ff9e3d", "#d07f26", "#a2631d", "#74491a", "#4a3218"),
    *("#1f3a55", "#28578a", "#3473b5", "#4591d8", "#5ab0ff"),
)
DIVERGING_ON_LIGHT: Shades = (
    *("#dd7a1c", "#ee994a", "#f7b77c", "#fbd3ae", "#fdebd9"),
    *("#e0edf8", "#bcd9f1", "#93c1e8", "#66a6dc", "#3f8acb"),
)
_DIVERGING_ON_DARK_256: Numbers = (214, 208, 172, 130, 94, 24, 26, 32, 39, 81)
_DIVERGING_ON_LIGHT_256: Numbers = (166, 208, 215, 222, 223, 189, 153, 111, 69, 26)
# Rich would reduce pale blue to gray and white; this ramp of five levels keeps the hue.
_DIVERGING_16: Numbers = (9, 9, 9, 1, 1, 4, 4, 12, 12, 12)


def quantize(values: NDArray[np.floating]) -> Levels:
    """Return the levels -MAX_LEVEL ... MAX_LEVEL of activations, clipped to [-1, 1].

    >>> quantize(np.array([-1.0, -0.35, 0.05, 0.4])).tolist()
    [-5, -2, 0, 2]
    """
    # Rounded away from zero, so that a value and its negative have opposite levels.
    strengths = np.floor(np.abs(values).clip(0, 1) * MAX_LEVEL + 0.5)
    signed: Levels = np.copysign(strengths, values).astype(np.int64)
    return signed


def digits(values: NDArray[np.floating], low: int = -1) -> Levels:
    """Return the digits 0 ... 9 of activations, clipped to [low, 1]; from -1 on, 0 to 4 are below zero.

    >>> digits(np.array([-1.0, -0.1, 0.0, 0.1, 1.0])).tolist(), digits(np.array([0.0, 0.15, 1.0]), low=0).tolist()
    ([0, 4, 5, 5, 9], [0, 1, 9])
    """
    per_unit = 10 // (1 - low)
    shown: Levels = (np.floor(values.clip(low, 1) * per_unit) - low * per_unit).clip(0, 9).astype(np.int64)
    return shown


def hex_color(level: int, *, dark: bool = False) -> str:
    """Return the background color of a nonzero level, for black text on a white page or for a dark page."""
    return (DIVERGING_ON_DARK if dark else DIVERGING_ON_LIGHT)[
        level + MAX_LEVEL if level < 0 else level + MAX_LEVEL - 1
    ]


@cache
def diverging_styles(color_system: str, *, light: bool = False) -> tuple[Style, ...]:
    """Return the style of each level, at index level + MAX_LEVEL, for one of Rich's color systems."""
    backgrounds = list(_diverging_backgrounds(color_system, light))
    colored = [Style(bgcolor=background, color=text_color(background)) for background in backgrounds]
    return tuple(chain(colored[:MAX_LEVEL], [Style.null()], colored[MAX_LEVEL:]))


def diverging_legend(styles: tuple[Style, ...], *, unicode: bool) -> Text:
    """Return the levels of the diverging scale between −1 and +1."""
    legend = Text("−1 " if unicode else "-1 ")
    for level, style in enumerate(styles, -MAX_LEVEL):
        legend.append(" " if level else "0", style)
    return legend.append(" +1")


def digits_legend(*, unicode: bool) -> str:
    """Return the meaning of the digits of activations."""
    minimum, to = ("−1", "…") if unicode else ("-1", "..")
    return f"digits 0 {to} 9 for {minimum} {to} +1, 0 to 4 below zero"


def _diverging_backgrounds(color_system: str, light: bool) -> tuple[Color, ...]:
    if color_system == "truecolor":
        return tuple(map(Color.parse, DIVERGING_ON_LIGHT if light else DIVERGING_ON_DARK))
    if color_system == "256":
        return tuple(map(Color.from_ansi, _DIVERGING_ON_LIGHT_256 if light else _DIVERGING_ON_DARK_256))
    return tuple(map(Color.from_ansi, _DIVERGING_16))


def text_color(background: Color) -> Color:
    """Return black or white, whichever has more contrast; both exist in every color system."""
    light = luminance(background.get_truecolor(DEFAULT_TERMINAL_THEME))
    return Color.from_ansi(0 if contrast(light, 0.0) > contrast(light, 1.0) else 15)


def luminance(color: ColorTriplet) -> float:
    """Return the relative luminance of a color, from 0 for black to 1 for white (WCAG 2.2)."""
    linear = [_linear(component) for component in color.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(component: float) -> float:
    return component / 12.92 if component <= 0.04045 else ((component + 0.055) / 1.055) ** 2.4


def contrast(luminance: float, other_luminance: float) -> float:
    """Return the contrast ratio of two luminances, from 1 for none to 21 for black on white (WCAG 2.2)."""
    bright, dark = sorted((luminance, other_luminance), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


# The sequential scale, after cividis (Nuñez et al. 2018), from blue by way of gray to yellow: the higher the value,
# the further from the terminal's background. Color-blind readers see the same scale.

MAX_SHADE = 8
"""highest level; level 0 has no color"""

# Each ramp: level 1 ... level 8.
SEQUENTIAL_ON_DARK: Shades = ("#16284f", "#2c3f6b", "#46506b", "#62666f", "#827f77", "#a79a70", "#d0b958", "#fee838")
SEQUENTIAL_ON_LIGHT: Shades = ("#f8eeb4", "#eadb86", "#d0b958", "#a79a70", "#827f77", "#62666f", "#3b496c", "#16284f")
_SEQUENTIAL_ON_DARK_256: Numbers = (17, 24, 60, 242, 102, 144, 179, 227)
_SEQUENTIAL_ON_LIGHT_256: Numbers = (229, 222, 179, 144, 102, 242, 60, 17)
_SEQUENTIAL_16_DARK: Numbers = (4, 4, 4, 3, 3, 3, 11, 11)
_SEQUENTIAL_16_LIGHT: Numbers = (11, 11, 3, 3, 3, 4, 4, 4)


def quantize_sequential(values: NDArray[np.floating], maximum: float) -> Levels:
    """Return the levels 0 ... MAX_SHADE of values, clipped to [0, maximum].

    >>> quantize_sequential(np.array([0.0, 0.4, 0.6, 3.0, 20.0]), 8).tolist()
    [0, 0, 1, 3, 8]
    """
    shown: Levels = np.floor((values / maximum).clip(0, 1) * MAX_SHADE + 0.5).astype(np.int64)
    return shown


@cache
def sequential_styles(color_system: str, *, light: bool = False) -> tuple[Style, ...]:
    """Return the style of each level for one of Rich's color systems."""
    colored = (
        Style(bgcolor=background, color=text_color(background))
        for background in _sequential_backgrounds(color_system, light)
    )
    return Style.null(), *colored


def _sequential_backgrounds(color_system: str, light: bool) -> list[Color]:
    if color_system == "truecolor":
        return list(map(Color.parse, SEQUENTIAL_ON_LIGHT if light else SEQUENTIAL_ON_DARK))
    if color_system == "256":
        return list(map(Color.from_ansi, _SEQUENTIAL_ON_LIGHT_256 if light else _SEQUENTIAL_ON_DARK_256))
    return list(map(Color.from_ansi, _SEQUENTIAL_16_LIGHT if light else _SEQUENTIAL_16_DARK))
