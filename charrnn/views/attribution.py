"""Attribution of a prediction, drawn over the text before it: gradient × input and occlusion of each character."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from charrnn.inspection.measures.attribution import REPLACEMENT_COUNT, Attribution
from charrnn.views.formatting import format_number
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks
from charrnn.views.layout import Screen, model_display_name, visible_character

GRADIENT, OCCLUSION = "gradient", "occlusion"
"""labels of the rows"""
WEAK = 0.1
"""share of the strongest value below which a value is drawn as zero: half a level of the colors"""
_LEGEND = (
    "Positive: the character makes the underlined one more probable; negative: less probable."
    " gradient: gradient × input, the effect to first order; occlusion: the effect of the character compared with"
    f" {REPLACEMENT_COUNT} random ones in its place, on average."
    " Where the two differ, believe the occlusion: no small change moves a saturated cell."
)


@dataclass(frozen=True, kw_only=True)
class AttributionView:
    """The attribution of one prediction."""

    attribution: Attribution
    """plain numbers and text"""
    light: bool = False
    """whether the terminal's background is light"""
    explained: bool = True
    """whether a legend follows"""
    has_heatmap: bool = True
    """whether the title and the heat map are drawn, and not the words about them alone"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        attribution, screen = self.attribution, Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        if self.has_heatmap:
            yield from console.render(screen.header(_names(attribution)), folded)
        yield from console.render(Text(screen.ascii_signs(_prediction(attribution, screen))), folded)
        if self.has_heatmap:
            yield from console.render(attribution_heatmap(attribution, light=self.light), options)
        yield from console.render(Text(screen.ascii_signs(_strongest(attribution, screen))), folded)
        if self.explained:
            yield from console.render(Text(screen.ascii_signs(_LEGEND), style="dim"), folded)


def attribution_heatmap(attribution: Attribution, *, titled: bool = False, light: bool = False) -> Heatmap:
    """Return a heat map of the attribution over the text up to the predicted character, which is underlined."""
    length = attribution.characters + 1
    return Heatmap(
        text=attribution.content + attribution.character,
        rows=(
            HeatmapRow(label=GRADIENT, values=_relative(attribution.gradient)),
            HeatmapRow(label=OCCLUSION, values=_relative(attribution.occlusion)),
        ),
        signal="relative strength",
        marks=Marks(label="predicted character", holds=np.arange(length) == length - 1),
        title=" · ".join(filter(None, _names(attribution))) if titled else "",
        light=light,
    )


def _names(attribution: Attribution) -> tuple[str, ...]:
    """Return the parts of the title."""
    return model_display_name(attribution.model), attribution.text, f"position {attribution.at:,}"


def _relative(bits: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return values as shares of the strongest one, zero for weak ones and for the predicted character."""
    shares = bits / (np.abs(bits).max(initial=0.0) or 1.0)
    return np.append(np.where(np.abs(shares) < WEAK, 0.0, shares), 0.0)


def _prediction(attribution: Attribution, screen: Screen) -> str:
    """Return a line about the prediction: the actual character and the likeliest ones."""
    guesses = ", ".join(
        f"{visible_character(character, unicode=screen.unicode)} {probability:.0%}"
        for character, probability in attribution.guesses
    )
    character = visible_character(attribution.character, unicode=screen.unicode)
    return (
        f"predicted {character} with {2**-attribution.bits:.2%}, {attribution.bits:.1f} bits, rank"
        f" {attribution.rank:,}; likeliest: {guesses}"
    )


def _strongest(attribution: Attribution, screen: Screen) -> str:
    """Return a line with the scale of both measures, and the characters of the strongest occlusion effect."""
    gradient = np.abs(attribution.gradient).max(initial=0.0)
    listed = ", ".join(_entry(attribution, index, screen) for index in attribution.strongest())
    return f"strongest gradient {gradient:.2f} bits; strongest by occlusion, in bits: {listed}"


def _entry(attribution: Attribution, index: int, screen: Screen) -> str:
    """Return a character, its distance from the predicted one, and its occlusion effect."""
    character = visible_character(attribution.content[index], unicode=screen.unicode)
    bits = format_number(float(attribution.occlusion[index]), "+z.2f")
    return f"{character} {attribution.characters - index} back {bits}"
