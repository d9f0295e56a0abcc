"""The diverging colours of an activation: orange below zero, blue above, none at zero.

Colour-blind eyes keep the two apart. Where the colours go is left to the heat map.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

Levels: TypeAlias = NDArray[np.int64]
Shades: TypeAlias = tuple[str, ...]
Numbers: TypeAlias = tuple[int, ...]

MAX_LEVEL = 5
"""Levels run from -STRONGEST to STRONGEST: eleven, so that neighbours of one level merge into one run."""

# Each ramp: strongest orange ... weakest orange, weakest blue ... strongest blue. Zero has no colour.
ON_DARK: Shades = (
    *("#ff9e3d", "#d07f26", "#a2631d", "#74491a", "#4a3218"),
    *("#1f3a55", "#28578a", "#3473b5", "#4591d8", "#5ab0ff"),
)
ON_LIGHT: Shades = (
    *("#dd7a1c", "#ee994a", "#f7b77c", "#fbd3ae", "#fdebd9"),
    *("#e0edf8", "#bcd9f1", "#93c1e8", "#66a6dc", "#3f8acb"),
)
_ON_DARK_256: Numbers = (214, 208, 172, 130, 94, 24, 26, 32, 39, 81)
_ON_LIGHT_256: Numbers = (166, 208, 215, 222, 223, 189, 153, 111, 69, 26)
# Rich's own reduction to sixteen turns pale blue into grey and white: five levels of our own instead.
_SIXTEEN: Numbers = (9, 9, 9, 1, 1, 4, 4, 12, 12, 12)


def quantize(values: NDArray[np.floating]) -> Levels:
    """Quantise activations in [-1, 1] to levels -STRONGEST ... STRONGEST; what lies beyond is cut off.

    >>> quantize(np.array([-1.0, -0.35, 0.05, 0.4])).tolist()
    [-5, -2, 0, 2]
    """
    # Away from zero, so that a value and its negative always lie at opposite levels.
    strengths = np.floor(np.abs(values).clip(0, 1) * MAX_LEVEL + 0.5)
    signed: Levels = np.copysign(strengths, values).astype(np.int64)
    return signed


def digits(values: NDArray[np.floating]) -> Levels:
    """Quantise activations in [-1, 1] to digits 0 ... 9: 0 to 4 are below zero, 5 to 9 are not.

    >>> digits(np.array([-1.0, -0.1, 0.0, 0.1, 1.0])).tolist()
    [0, 4, 5, 5, 9]
    """
    shown: Levels = (np.floor(values.clip(-1, 1) * 5) + 5).clip(0, 9).astype(np.int64)
    return shown


def hex_color(level: int, *, dark: bool = False) -> str:
    """Return the colour of a level other than zero on a white page, where black ink is readable, or on a dark one."""
    return (ON_DARK if dark else ON_LIGHT)[level + MAX_LEVEL if level < 0 else level + MAX_LEVEL - 1]


@cache
def styles(color_system: str, *, light: bool = False) -> tuple[Style, ...]:
    """Return the style of each level, at index level + STRONGEST, for one of Rich's colour systems."""
    backgrounds = list(_backgrounds(color_system, light))
    colored = [Style(bgcolor=background, color=text_color(background)) for background in backgrounds]
    return tuple(chain(colored[:MAX_LEVEL], [Style.null()], colored[MAX_LEVEL:]))


def _backgrounds(color_system: str, light: bool) -> tuple[Color, ...]:
    if color_system == "truecolor":
        return tuple(map(Color.parse, ON_LIGHT if light else ON_DARK))
    if color_system == "256":
        return tuple(map(Color.from_ansi, _ON_LIGHT_256 if light else _ON_DARK_256))
    return tuple(map(Color.from_ansi, _SIXTEEN))


def text_color(background: Color) -> Color:
    """Choose black or white, whichever stands out more; numbers of the sixteen, so that all depths have them."""
    light = luminance(background.get_truecolor(DEFAULT_TERMINAL_THEME))
    return Color.from_ansi(0 if contrast(light, 0.0) > contrast(light, 1.0) else 15)


def luminance(color: ColorTriplet) -> float:
    """Return the relative luminance of a colour, 0 for black to 1 for white (WCAG 2.2)."""
    linear = [_linear(part) for part in color.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def contrast(luminance: float, other_luminance: float) -> float:
    """Return the contrast of two luminances, 1 for none to 21 for black on white (WCAG 2.2)."""
    bright, dark = sorted((luminance, other_luminance), reverse=True)
    return (bright + 0.05) / (dark + 0.05)
