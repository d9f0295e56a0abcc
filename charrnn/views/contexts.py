"""Where a cell is highest and lowest, and other places, as a concordance that is coloured by what the cell did.

The numbers are the inspection's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from charrnn.inspection.contexts import CellContexts, Context
from charrnn.views import palette
from charrnn.views.concordance import ConcordanceRow, concordance
from charrnn.views.screen import Screen, model_display_name

_WIDE = 100
"""columns from which on there is room for where a place is"""


@dataclass(frozen=True, kw_only=True)
class ContextsList:
    """One cell's contexts below each other."""

    contexts: CellContexts
    """plain numbers and text"""
    light: bool = False
    """whether the terminal's background is light"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        contexts, screen = self.contexts, Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        named = (model_display_name(contexts.model), contexts.text, f"{contexts.characters:,} characters")
        yield from console.render(screen.header(named), folded)
        least, low, _, middle, _, high, greatest = contexts.quantiles
        spread = (
            f"{least:+.2f} … {greatest:+.2f}, median {middle:+.2f}, nine tenths of the text {low:+.2f} … {high:+.2f}"
        )
        title = Text(f"cell {screen.sanitized(contexts.cell)}", style="bold")
        title.append(screen.ascii_signs(f"  {contexts.signal} {spread}"), style="not bold")
        yield from console.render(title, folded)
        for name, places in (
            ("highest", contexts.highest),
            ("lowest", contexts.lowest),
            ("at random", contexts.random),
            ("about the median", contexts.middling),
        ):
            yield Segment.line()
            yield Segment(name if places else f"{name}: no place that does not overlap those above")
            yield Segment.line()
            if places:
                yield from concordance(
                    [_place(context, screen.columns) for context in places], screen, light=self.light
                )
        yield Segment.line()
        yield from console.render(self._legend(screen), folded)

    def _legend(self, screen: Screen) -> Text:
        """Say what colours or digits mean."""
        meaning = f"{self.contexts.signal} after each character"
        if screen.color_system is None:
            return Text(screen.ascii_signs(f"{meaning}: digits 0 … 9 for −1 … +1, 0 to 4 below zero"))
        legend = Text(screen.ascii_signs("−1 "))
        for level, style in enumerate(palette.styles(screen.color_system, light=self.light), -palette.MAX_LEVEL):
            legend.append(" " if level else "0", style)
        return legend.append(f" +1  {meaning}")


def _place(context: Context, columns: int) -> ConcordanceRow:
    return ConcordanceRow(
        label=f"{context.value:+.2f}",
        before=context.before,
        character=context.character,
        after=context.after,
        note=f"at {context.at:,}" if columns >= _WIDE else "",
        values=np.array(context.values),
    )
