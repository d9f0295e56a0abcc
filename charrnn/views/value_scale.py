"""Scales of a value at each character: activations from −1 to +1 or surprisal in bits, in colors or in digits."""

import math
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from charrnn.views import colors
from charrnn.views.layout import one_line
from charrnn.views.sanitize import ascii_signs

MAX_BITS = 8.0
"""surprisal in bits at the end of the color scale: that of a byte"""


@dataclass(frozen=True, kw_only=True)
class ActivationScale:
    """The diverging scale of activations, from −1 to +1; the level and the digit of nan are valid."""

    label: str
    """what is shown, such as tanh(c) of 1.34"""

    def styles(self, color_system: str, *, light: bool) -> tuple[Style, ...]:
        """Return the style of each level."""
        return colors.diverging_styles(color_system, light=light)

    def level(self, value: float) -> int:
        """Return the index of a value's style.

        >>> scale = ActivationScale(label="h of 1.3")
        >>> [scale.level(value) for value in (-1.0, -0.35, 0.05, 0.4)]
        [0, 3, 5, 7]
        """
        strength = math.floor(min(1.0, abs(value)) * colors.MAX_LEVEL + 0.5)
        return colors.MAX_LEVEL + (strength if value > 0 else -strength)

    def digit(self, value: float) -> int:
        """Return the digit of a value: 0 to 4 below zero, 5 to 9 otherwise."""
        return min(math.floor(min(1.0, max(-1.0, value)) * 5) + 5, 9)

    def legend(self, styles: tuple[Style, ...] | None, *, unicode: bool) -> Text:
        """Return the legend of the colors, or of the digits if there are no styles."""
        label = one_line(ascii_signs(self.label, unicode=unicode), unicode=unicode)
        if styles is None:
            return Text(f"{label}; {colors.digits_legend(unicode=unicode)}")
        return Text(f"{label}  ").append_text(colors.diverging_legend(styles, unicode=unicode))


@dataclass(frozen=True, kw_only=True)
class SurprisalScale:
    """The sequential scale of surprisal, from 0 to 8 bits."""

    def styles(self, color_system: str, *, light: bool) -> tuple[Style, ...]:
        """Return the style of each level."""
        return colors.sequential_styles(color_system, light=light)

    def level(self, bits: float) -> int:
        """Return the index of a value's style.

        >>> [SurprisalScale().level(bits) for bits in (0.0, 0.4, 0.6, 3.0, 20.0)]
        [0, 0, 1, 3, 8]
        """
        return math.floor(min(1.0, max(0.0, bits / MAX_BITS)) * colors.MAX_SHADE + 0.5)

    def digit(self, bits: float) -> int:
        """Return the digit of a value: whole bits, 8 for more."""
        return self.level(bits)

    def legend(self, styles: tuple[Style, ...] | None, *, unicode: bool) -> Text:
        """Return the legend of the colors, or of the digits if there are no styles."""
        return Text(ascii_signs("surprisal, ", unicode=unicode)).append_text(bits_legend(styles))


ValueScale = ActivationScale | SurprisalScale


def bits_legend(styles: tuple[Style, ...] | None) -> Text:
    """Return the legend of surprisal: the colors of the levels, or the meaning of the digits."""
    if styles is None:
        return Text("bits: surprisal in whole bits, 8 for more")
    legend = Text("bits 0")
    for style in styles:
        legend.append(" ", style)
    return legend.append("8 and more")
