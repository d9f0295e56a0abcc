"""Sequential colours, for what begins at nothing: the more, the further they are from the terminal's background.

Blue to yellow by way of grey, after cividis (Nuñez et al. 2018), which colour-blind eyes see alike; nothing has no
colour. What is above and below zero is the palette's.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style

from charrnn.views.palette import Levels, Numbers, Shades, text_color

MAX_SHADE = 8
"""the highest level; the lowest, 0, has no colour"""

# Each ramp: level 1 ... level 8.
SEQUENTIAL_ON_DARK: Shades = ("#16284f", "#2c3f6b", "#46506b", "#62666f", "#827f77", "#a79a70", "#d0b958", "#fee838")
SEQUENTIAL_ON_LIGHT: Shades = ("#f8eeb4", "#eadb86", "#d0b958", "#a79a70", "#827f77", "#62666f", "#3b496c", "#16284f")
_SEQUENTIAL_ON_DARK_256: Numbers = (17, 24, 60, 242, 102, 144, 179, 227)
_SEQUENTIAL_ON_LIGHT_256: Numbers = (229, 222, 179, 144, 102, 242, 60, 17)
_SEQUENTIAL_16_DARK: Numbers = (4, 4, 4, 3, 3, 3, 11, 11)
_SEQUENTIAL_16_LIGHT: Numbers = (11, 11, 3, 3, 3, 4, 4, 4)


def quantize_sequential(values: NDArray[np.floating], most: float) -> Levels:
    """Quantise values from 0 to `most` to levels 0 ... MOST; what lies beyond is cut off.

    >>> quantize_sequential(np.array([0.0, 0.4, 0.6, 3.0, 20.0]), 8).tolist()
    [0, 0, 1, 3, 8]
    """
    shown: Levels = np.floor((values / most).clip(0, 1) * MAX_SHADE + 0.5).astype(np.int64)
    return shown


@cache
def sequential_styles(color_system: str, *, light: bool = False) -> tuple[Style, ...]:
    """Return the style of each level for one of Rich's colour systems."""
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
