"""Gate saturation plots (Karpathy, Johnson and Li 2015): histograms of cells by the time a gate is open or shut."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.table import Table
from rich.text import Text

from charrnn.inspection.measures.gate_saturation import GateSaturation, GateShares, LayerGates
from charrnn.views import colors
from charrnn.views.formatting import sparkline
from charrnn.views.layout import Screen, model_display_name
from charrnn.views.plot import hstack

Counts = NDArray[np.int64]

BINS = 10
"""bins of the histogram in each direction"""
_MARGIN = 5
_WIDTH = _MARGIN + 2 * BINS
_GAP = 2
DENSITIES = (1, 2, 5, 10)
"""cells in a bin from which each of the four densities is drawn"""
_GLYPHS = {True: "░▒▓█", False: "-+*#"}
_LEVELS = (2, 4, 6, 8)
"""levels of the sequential color scale for the four densities"""
TIMES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""bin edges of the histogram of times, in characters"""


@dataclass(frozen=True, kw_only=True)
class GateSaturationView:
    """A plot for each gate of each layer, and the time constants of its cells."""

    gates: GateSaturation
    """measured saturation"""
    light: bool = False
    """whether the terminal's background is light"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        gates, screen = self.gates, Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        title_parts = (model_display_name(gates.model), gates.text, f"{gates.characters:,} characters")
        yield from console.render(screen.header(title_parts), folded)
        styles = colors.sequential_styles(screen.color_system, light=self.light) if screen.color_system else None
        for layer in gates.layers:
            yield Text()
            yield Text(f"layer {layer.layer}, {len(layer.dead):,} cells", style="bold")
            yield from _plots(layer, screen, styles)
            yield from console.render(_table(layer, gates, screen), folded)
        yield Text()
        yield from console.render(_density_legend(screen, styles), folded)
        yield from console.render(Text(screen.ascii_signs(_legend(gates)), style="dim"), folded)


def _plots(layer: LayerGates, screen: Screen, styles: tuple[Style, ...] | None) -> Iterator[Text]:
    """Yield the plots of the gates, as many side by side as fit."""
    count = max(1, (screen.columns + _GAP) // (_WIDTH + _GAP))
    for start in range(0, len(layer.saturations), count):
        yield from hstack(
            [_plot(saturation, screen, styles) for saturation in layer.saturations[start : start + count]]
        )


def _plot(saturation: GateShares, screen: Screen, styles: tuple[Style, ...] | None) -> list[Text]:
    """Return the plot of one gate: x is the share of the time that it is open, y the share that it is shut."""
    vertical, corner, horizontal = ("│", "└", "──") if screen.unicode else ("|", "`", "--")
    counts = joint_histogram(saturation)
    x_label, y_label = ("high", "low") if saturation.gate == "h" else ("open", "shut")
    rows = [_padded(Text(f"{'':{_MARGIN}}{saturation.gate}"))]
    for row in range(BINS - 1, -1, -1):
        label = {BINS - 1: "1", 0: "0", BINS // 2: y_label}.get(row, "")
        line = Text(f"{label:>{_MARGIN - 1}}{vertical}")
        for column in range(BINS - row):
            line.append(*_bin_glyphs(int(counts[row, column]), screen, styles))
        rows.append(_padded(line))
    rows.append(_padded(Text(f"{'':{_MARGIN - 1}}{corner}{horizontal * BINS}")))
    rows.append(_padded(Text(f"{'':{_MARGIN}}0{x_label:^{2 * BINS - 2}}1")))
    return rows


def joint_histogram(saturation: GateShares) -> Counts:
    """Return the number of cells in each bin (10, 10): rows by the share `low`, columns by the share `high`."""
    high, low = (np.minimum((share * BINS).astype(np.int64), BINS - 1) for share in (saturation.high, saturation.low))
    # The sum of both shares is at most 1; a cell on the diagonal is counted in the bin below it.
    on_diagonal = high + low >= BINS
    high = np.where(on_diagonal & (high >= low), BINS - 1 - low, high)
    low = np.where(high + low >= BINS, BINS - 1 - high, low)
    counts = np.zeros((BINS, BINS), np.int64)
    np.add.at(counts, (low, high), 1)
    return counts


def _bin_glyphs(count: int, screen: Screen, styles: tuple[Style, ...] | None) -> tuple[str, str | Style]:
    """Return the glyphs and the style of a bin with `count` cells."""
    if not count:
        return (" ·" if screen.unicode else " ."), "dim"
    density = sum(count >= minimum for minimum in DENSITIES) - 1
    if styles is None:
        return 2 * _GLYPHS[screen.unicode][density], ""
    return "  ", styles[_LEVELS[density]]


def _density_legend(screen: Screen, styles: tuple[Style, ...] | None) -> Text:
    """Return the legend of the densities."""
    line = Text("cells: ")
    for minimum, next_minimum in zip(DENSITIES, (*DENSITIES[1:], None), strict=True):
        line.append(*_bin_glyphs(minimum, screen, styles))
        line.append(_range(minimum, next_minimum))
        line.append("" if next_minimum is None else ", ")
    return line


def _range(minimum: int, next_minimum: int | None) -> str:
    if next_minimum is None:
        return f" {minimum} and more"
    return f" {minimum}" + f"-{next_minimum - 1}" * (next_minimum > minimum + 1)


def _table(layer: LayerGates, gates: GateSaturation, screen: Screen) -> Table:
    """Return the table of saturated cells and time constants."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(overflow="fold")
    cells = len(layer.dead)
    if layer.keeping:
        condition = f"{layer.keeping} above 0.9 for 90 % of the time"
        table.add_row("never forget", _share(layer.never_forgets, cells), Text(condition, style="dim"))
        condition = f"{layer.keeping} below 0.1 for 90 % of the time"
        table.add_row("always forget", _share(layer.always_forgets, cells), Text(condition, style="dim"))
    table.add_row("dead", _share(layer.dead, cells), Text("do not move", style="dim"))
    if layer.time_constants is not None:
        table.add_row("time constant", *_times(layer.time_constants, f"−1 / mean ln {layer.keeping}", gates, screen))
    definition = f"autocorrelation of {gates.signal} below 1/e"
    table.add_row("1/e time", *_times(layer.correlation_times, definition, gates, screen))
    if layer.agreement is not None:
        table.add_row(
            "agreement", Text(f"{layer.agreement:.2f}"), Text("rank correlation of the two times", style="dim")
        )
    return table


def _times(times: NDArray[np.float64], definition: str, gates: GateSaturation, screen: Screen) -> tuple[Text, Text]:
    """Return the median time and a histogram of the times."""
    median = float(np.median(times))
    shown = f"{median:.1f}" if median <= gates.longest else f"> {gates.longest}"
    counts = np.bincount(np.searchsorted(TIMES, times, side="right"), minlength=len(TIMES) + 1)
    histogram = Text(sparkline(counts.tolist(), unicode=screen.unicode))
    explanation = screen.ascii_signs(f" under 1, 2, 4 … {TIMES[-1]}, above: {definition}")
    histogram.append(explanation, style="dim")
    return Text(shown), histogram


def _share(cells: NDArray[np.bool_], count: int) -> Text:
    return Text(f"{int(cells.sum()):,} ({cells.mean():.0%})" if count else "0")


def _padded(row: Text) -> Text:
    row.pad_right(_WIDTH - row.cell_len)
    return row


def _legend(gates: GateSaturation) -> str:
    """Return the explanation of the plots."""
    if gates.cell == "rnn":
        axes = "x: share of the time that a cell's h is above 0.9; y: that it is below −0.9"
    else:
        axes = "x: share of the time that a cell's gate is above 0.9; y: that it is below 0.1"
    return f"{axes}. Times in characters: the median and a histogram of the cells."
